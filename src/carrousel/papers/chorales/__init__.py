"""Bach's chorales, a frame a quarter note: tables, a tanh network, LSTM, GRU, and others of the family."""

from __future__ import annotations

from carrousel.papers.chorales._models import MODELS
from carrousel.papers.chorales._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (MODELS,)
"""The experiments with the chorales."""
