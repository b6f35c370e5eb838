"""Agents: learners that act in a world, and learn from what that earns."""

from __future__ import annotations

from carrousel.learning.acting._advantage import Advantage
from carrousel.learning.acting._controller_and_model import ControllerAndModel
from carrousel.learning.acting._episodes import Episode
from carrousel.learning.acting._explorer import Explorer
from carrousel.learning.acting._lived import Lived
from carrousel.learning.acting._load import AGENTS, load
from carrousel.learning.acting._policy_gradient import PolicyGradient
from carrousel.learning.acting._sub_goals import Chosen, SubGoals
from carrousel.learning.acting._watch import Watched, watch

__all__ = [
    "AGENTS",
    "Advantage",
    "Chosen",
    "ControllerAndModel",
    "Episode",
    "Explorer",
    "Lived",
    "PolicyGradient",
    "SubGoals",
    "Watched",
    "load",
    "watch",
]
