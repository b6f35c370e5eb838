"""Schmidhuber 1992: history compression, and fast weights."""

from __future__ import annotations

from carrousel.papers.schmidhuber1992._chunker import CHUNKER
from carrousel.papers.schmidhuber1992._fast_weights import FAST_WEIGHTS
from carrousel.papers.schmidhuber1992._paper import CITATION, CITATIONS

__all__ = ["CITATION", "CITATIONS", "EXPERIMENTS"]

EXPERIMENTS = (CHUNKER, FAST_WEIGHTS)
"""The experiments of both papers."""
