"""Schmidhuber 1992: history compression."""

from __future__ import annotations

from carrousel.papers.schmidhuber1992._chunker import CHUNKER
from carrousel.papers.schmidhuber1992._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (CHUNKER,)
"""The paper's experiments in its own order."""
