"""Schmidhuber, Wierstra, Gagliolo & Gomez 2007: memory cells evolved, outputs computed."""

from __future__ import annotations

from carrousel.papers.schmidhuber2007._paper import CITATION
from carrousel.papers.schmidhuber2007._sines import SINES

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (SINES,)
"""The paper's experiments in its own order."""
