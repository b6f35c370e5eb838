"""Fernández, Graves & Schmidhuber 2007: keywords in what else is said."""

from __future__ import annotations

from carrousel.papers.fernandez2007._keywords import KEYWORDS
from carrousel.papers.fernandez2007._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (KEYWORDS,)
"""The paper's experiments in its own order."""
