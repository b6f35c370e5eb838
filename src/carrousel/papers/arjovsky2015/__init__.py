"""Arjovsky, Shah & Bengio 2015, "Unitary evolution recurrent neural networks": the copying problem of today."""

from __future__ import annotations

from carrousel.papers.arjovsky2015._copying import COPYING
from carrousel.papers.arjovsky2015._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (COPYING,)
"""The paper's experiments that are about LSTM."""
