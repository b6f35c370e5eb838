"""Schmidhuber, Wierstra, Gagliolo & Gomez 2007: memory cells evolved, outputs computed."""

from __future__ import annotations

from carrousel.papers.schmidhuber2007._languages import ANBNCN
from carrousel.papers.schmidhuber2007._mackey_glass import MACKEY_GLASS
from carrousel.papers.schmidhuber2007._paper import CITATION
from carrousel.papers.schmidhuber2007._sines import SINES

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (SINES, ANBNCN, MACKEY_GLASS)
"""The paper's experiments in its own order."""
