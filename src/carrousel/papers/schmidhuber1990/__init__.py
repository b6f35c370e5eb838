"""Schmidhuber 1990, "Making the world differentiable": a controller that learns through a model of its world."""

from __future__ import annotations

from carrousel.papers.schmidhuber1990._controller_and_model import CONTROLLER_AND_MODEL
from carrousel.papers.schmidhuber1990._paper import CITATION

__all__ = ["CITATION", "EXPERIMENTS"]

EXPERIMENTS = (CONTROLLER_AND_MODEL,)
"""The paper's experiment."""
