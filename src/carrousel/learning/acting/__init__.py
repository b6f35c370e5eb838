"""Agents: learners that act in a world, and learn from what that earns."""

from __future__ import annotations

from carrousel.learning.acting._advantage import Advantage, Explorer
from carrousel.learning.acting._lived import Lived

__all__ = ["Advantage", "Explorer", "Lived"]
