"""Gers, Schraudolph & Schmidhuber 2002: LSTM measures and generates time."""

from __future__ import annotations

from carrousel.papers.gers2002._functions import FUNCTIONS
from carrousel.papers.gers2002._generating import GENERATING
from carrousel.papers.gers2002._measuring import MEASURING
from carrousel.papers.gers2002._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (MEASURING, GENERATING, FUNCTIONS)
"""The paper's experiments in its own order."""
