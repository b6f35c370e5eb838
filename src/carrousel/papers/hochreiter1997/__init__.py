"""S. Hochreiter, J. Schmidhuber: Long short-term memory. Neural Computation 9(8), 1997."""

from __future__ import annotations

from carrousel.papers.hochreiter1997._distractors import DISTRACTORS
from carrousel.papers.hochreiter1997._reber import REBER

__all__ = ["EXPERIMENTS"]

EXPERIMENTS = (REBER, DISTRACTORS)
"""The paper's experiments in its own order."""
