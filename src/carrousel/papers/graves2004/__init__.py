"""Graves, Eck, Beringer & Schmidhuber 2004: spoken digits."""

from __future__ import annotations

from carrousel.papers.graves2004._digits import DIGITS
from carrousel.papers.graves2004._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (DIGITS,)
"""The paper's experiments in its own order."""
