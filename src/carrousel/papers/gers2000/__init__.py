"""F. A. Gers, J. Schmidhuber, F. Cummins: Learning to forget. Neural Computation 12(10), 2000."""

from __future__ import annotations

from carrousel.papers.gers2000._reber import CONTINUAL_REBER
from carrousel.papers.gers2000._temporal_order import CONTINUAL_TEMPORAL_ORDER

__all__ = ["EXPERIMENTS"]

EXPERIMENTS = (CONTINUAL_REBER, CONTINUAL_TEMPORAL_ORDER)
"""The paper's experiments in its own order."""
