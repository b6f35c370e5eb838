"""Pictures of models and data. Every function returns a matplotlib Figure; ``save`` writes one as a file.

No global state of matplotlib is used and no window is opened.
"""

from ._style import save
from .activations import draw_activations
from .learning import draw_learning_curve
from .outcomes import draw_confusion, draw_forecast, draw_values

__all__ = [
    "draw_activations",
    "draw_confusion",
    "draw_forecast",
    "draw_learning_curve",
    "draw_values",
    "save",
]
