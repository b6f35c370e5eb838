"""Gers, Schmidhuber & Cummins 2000, "Learning to forget": streams in which nothing says where a string ends."""

from __future__ import annotations

from carrousel.papers.gers2000._paper import CITATION
from carrousel.papers.gers2000._reber import CONTINUAL_REBER
from carrousel.papers.gers2000._temporal_order import CONTINUAL_TEMPORAL_ORDER

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (CONTINUAL_REBER, CONTINUAL_TEMPORAL_ORDER)
"""The paper's experiments in its own order."""
