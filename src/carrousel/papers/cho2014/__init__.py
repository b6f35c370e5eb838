"""Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder": a pair of gated recurrent units."""

from __future__ import annotations

from carrousel.papers.cho2014._pair import PAIR
from carrousel.papers.cho2014._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (PAIR,)
"""The paper's experiments."""
