"""Hochreiter & Schmidhuber 1997, "Long short-term memory": experiments 1 to 6."""

from __future__ import annotations

from carrousel.papers.hochreiter1997._adding import ADDING, MULTIPLICATION
from carrousel.papers.hochreiter1997._distractors import DISTRACTORS
from carrousel.papers.hochreiter1997._lag import NO_REGULARITIES, NOISE_FREE
from carrousel.papers.hochreiter1997._paper import CITATION
from carrousel.papers.hochreiter1997._reber import REBER
from carrousel.papers.hochreiter1997._temporal_order import TEMPORAL_ORDER
from carrousel.papers.hochreiter1997._two_sequence import TWO_SEQUENCE

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (
    REBER,
    NOISE_FREE,
    NO_REGULARITIES,
    DISTRACTORS,
    TWO_SEQUENCE,
    ADDING,
    MULTIPLICATION,
    TEMPORAL_ORDER,
)
"""The paper's experiments in its own order."""
