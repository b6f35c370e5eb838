"""Bakker 2002, "Reinforcement learning with long short-term memory": a sign that must be remembered in a corridor."""

from __future__ import annotations

from carrousel.papers.bakker2002._paper import CITATION
from carrousel.papers.bakker2002._pole import POLE
from carrousel.papers.bakker2002._t_maze import NOISY_T_MAZE, T_MAZE

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (T_MAZE, NOISY_T_MAZE, POLE)
"""The paper's experiments in its own order."""
