"""S. Hochreiter, J. Schmidhuber: Long short-term memory. Neural Computation 9(8), 1997."""

from __future__ import annotations

from carrousel.papers.hochreiter1997._distractors import DISTRACTORS
from carrousel.papers.hochreiter1997._lag import NO_REGULARITIES, NOISE_FREE
from carrousel.papers.hochreiter1997._reber import REBER

__all__ = ["EXPERIMENTS"]

EXPERIMENTS = (REBER, NOISE_FREE, NO_REGULARITIES, DISTRACTORS)
"""The paper's experiments in its own order."""
