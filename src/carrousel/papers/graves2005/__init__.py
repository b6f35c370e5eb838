"""Graves & Schmidhuber 2005: both directions in time."""

from __future__ import annotations

from carrousel.papers.graves2005._framewise import FRAMEWISE
from carrousel.papers.graves2005._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (FRAMEWISE,)
"""The paper's experiments in its own order."""
