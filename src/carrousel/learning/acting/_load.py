"""Agents from files, of whichever kind they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from carrousel._format import parse, unpack
from carrousel.learning.acting import _advantage, _policy_gradient
from carrousel.learning.acting._advantage import Advantage
from carrousel.learning.acting._policy_gradient import PolicyGradient

__all__ = ["load"]

_KINDS: dict[str, Callable[[str | Path], Advantage | PolicyGradient]] = {
    _advantage.FORMAT.name: Advantage.load,
    _policy_gradient.FORMAT.name: PolicyGradient.load,
}


def load(path: str | Path) -> Advantage | PolicyGradient:
    """Reads an agent of any kind that was saved.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: the file holds no agent, or is damaged.
    """
    with _advantage.FORMAT.blaming(path):
        facts = parse(unpack(Path(path))[0].get("carrousel", "null"))
        name = facts.get("format") if isinstance(facts, dict) else None
        if name not in _KINDS:
            raise ValueError(f"it holds {name or 'something else'}; agents are {', '.join(sorted(_KINDS))}")
    return _KINDS[name](path)
