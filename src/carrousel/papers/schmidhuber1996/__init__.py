"""J. Schmidhuber, S. Hochreiter: Guessing can outperform many long time lag algorithms. IDSIA-19-96, 1996."""

from __future__ import annotations

from carrousel.papers.schmidhuber1996._guessing import GUESSING

__all__ = ["EXPERIMENTS"]

EXPERIMENTS = (GUESSING,)
"""The paper's experiments in its own order."""
