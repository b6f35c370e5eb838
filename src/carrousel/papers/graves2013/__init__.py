"""Graves, Mohamed & Hinton 2013: layers above each other."""

from __future__ import annotations

from carrousel.papers.graves2013._depth import DEPTH
from carrousel.papers.graves2013._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (DEPTH,)
"""The paper's experiments in its own order."""
