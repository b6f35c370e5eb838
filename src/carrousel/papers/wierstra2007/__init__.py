"""Wierstra, Foerster, Peters & Schmidhuber 2007, "Solving deep memory POMDPs with recurrent policy gradients"."""

from __future__ import annotations

from carrousel.papers.wierstra2007._mazes import MAZE, T_MAZE
from carrousel.papers.wierstra2007._paper import CITATION
from carrousel.papers.wierstra2007._poles import POLES

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (POLES, T_MAZE, MAZE)
"""The paper's experiments in its own order."""
