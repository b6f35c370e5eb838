"""Schmidhuber 1993: a weight matrix that reads and changes itself."""

from __future__ import annotations

from carrousel.papers.schmidhuber1993._matrix import MATRIX
from carrousel.papers.schmidhuber1993._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (MATRIX,)
"""The paper's experiments; it has none of its own."""
