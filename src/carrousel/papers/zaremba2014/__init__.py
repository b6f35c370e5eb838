"""Zaremba, Sutskever & Vinyals 2014, "Recurrent neural network regularization": dropout on what does not recur."""

from __future__ import annotations

from carrousel.papers.zaremba2014._dropout import DROPOUT
from carrousel.papers.zaremba2014._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (DROPOUT,)
"""The paper's experiments."""
