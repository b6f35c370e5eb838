"""Pictures of models, data and experiments. Every function gives a matplotlib Figure; ``save`` writes one as a file.

No global state of matplotlib is used and no window is opened.
"""

from __future__ import annotations

from carrousel.pictures.activations import draw_activations
from carrousel.pictures.attention import draw_attention
from carrousel.pictures.beside import draw_beside
from carrousel.pictures.curves import draw_curves, draw_growth
from carrousel.pictures.directions import draw_directions
from carrousel.pictures.episodes import draw_episodes
from carrousel.pictures.flow import draw_error_flow
from carrousel.pictures.labels import draw_spikes, draw_tags
from carrousel.pictures.learning import draw_learning_curve
from carrousel.pictures.outcomes import draw_confusion, draw_forecast, draw_values
from carrousel.pictures.roll import draw_roll
from carrousel.pictures.steps import draw_steps
from carrousel.pictures.style import save
from carrousel.pictures.texts import draw_text

__all__ = [
    "draw_activations",
    "draw_attention",
    "draw_beside",
    "draw_confusion",
    "draw_curves",
    "draw_directions",
    "draw_episodes",
    "draw_error_flow",
    "draw_forecast",
    "draw_growth",
    "draw_learning_curve",
    "draw_roll",
    "draw_spikes",
    "draw_steps",
    "draw_tags",
    "draw_text",
    "draw_values",
    "save",
]
