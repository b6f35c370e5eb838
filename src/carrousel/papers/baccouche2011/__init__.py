"""Baccouche, Mamalet, Wolf, Garcia & Baskurt 2011: actions, by LSTM over features that a convolution learned."""

from __future__ import annotations

from carrousel.papers.baccouche2011._paper import CITATION
from carrousel.papers.baccouche2011._tables import ACTION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (ACTION,)
"""The paper's experiment."""
