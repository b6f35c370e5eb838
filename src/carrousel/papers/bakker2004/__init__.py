"""Bakker & Schmidhuber 2004, "Hierarchical reinforcement learning based on subgoal discovery": rooms of our own."""

from __future__ import annotations

from carrousel.papers.bakker2004._paper import CITATION
from carrousel.papers.bakker2004._sub_goals import SUB_GOALS

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (SUB_GOALS,)
"""The experiment after the paper."""
