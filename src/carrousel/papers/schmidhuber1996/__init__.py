"""Schmidhuber & Hochreiter 1996: guessing solves many problems with long time lags."""

from __future__ import annotations

from carrousel.papers.schmidhuber1996._guessing import GUESSING
from carrousel.papers.schmidhuber1996._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (GUESSING,)
"""The paper's experiments in its own order."""
