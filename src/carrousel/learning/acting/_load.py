"""Agents from files, of whichever kind they are."""

from __future__ import annotations

from pathlib import Path

from carrousel._format import parse, unpack
from carrousel.learning.acting._advantage import Advantage
from carrousel.learning.acting._controller_and_model import ControllerAndModel
from carrousel.learning.acting._policy_gradient import PolicyGradient
from carrousel.learning.acting._sub_goals import SubGoals

__all__ = ["AGENTS", "Agent", "load"]

Agent = Advantage | PolicyGradient | ControllerAndModel | SubGoals

AGENTS: dict[str, type[Agent]] = {
    kind._format.name: kind for kind in (Advantage, PolicyGradient, ControllerAndModel, SubGoals)
}
"""All agents, by the names of their files' formats."""


def load(path: str | Path) -> Agent:
    """Reads an agent of any kind that was saved.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: the file holds no agent, or is damaged.
    """
    with Advantage._format.blaming(path):
        facts = parse(unpack(Path(path))[0].get("carrousel", "null"))
        name = facts.get("format") if isinstance(facts, dict) else None
        if name not in AGENTS:
            raise ValueError(f"it holds {name or 'something else'}; agents are {', '.join(sorted(AGENTS))}")
    return AGENTS[name].load(path)
