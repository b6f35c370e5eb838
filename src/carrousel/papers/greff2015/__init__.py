"""Greff, Srivastava, Koutník, Steunebrink & Schmidhuber 2015, "LSTM: a search space odyssey": nine variants."""

from __future__ import annotations

from carrousel.papers.greff2015._odyssey import ODYSSEY
from carrousel.papers.greff2015._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (ODYSSEY,)
"""The paper's experiments."""
