"""Hochreiter, Heusel & Obermayer 2007: proteins told apart by what LSTM reads in them, without alignment."""

from __future__ import annotations

from carrousel.papers.hochreiter2007._paper import CITATION
from carrousel.papers.hochreiter2007._tables import PROTEIN

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (PROTEIN,)
"""The paper's experiment."""
