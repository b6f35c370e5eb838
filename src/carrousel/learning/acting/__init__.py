"""Agents: learners that act in a world, and learn from what that earns."""

from __future__ import annotations

from carrousel.learning.acting._advantage import Advantage, Explorer
from carrousel.learning.acting._episodes import Episode
from carrousel.learning.acting._lived import Lived
from carrousel.learning.acting._load import load
from carrousel.learning.acting._policy_gradient import PolicyGradient

__all__ = ["Advantage", "Episode", "Explorer", "Lived", "PolicyGradient", "load"]
