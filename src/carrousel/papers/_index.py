"""All experiments by name. The list is read from a file, and a paper is imported when an experiment is asked for."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, MutableMapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Experiment

__all__ = ["EXPERIMENTS", "INDEX", "Experiments", "get", "index_of", "listing", "packages"]

INDEX = Path(__file__).parent / "index.json"
"""What :func:`listing` reads, written by ``python docs/generate.py``."""

_PAPERS = "carrousel.papers"


@cache
def listing() -> list[dict[str, Any]]:
    """Returns all experiments without importing them, ``[{"name", "title", "citation", "rows", "options"}]``.

    Rows are the names of those that are ours to run; options are lists of values by name, the default first.
    """
    return json.loads(INDEX.read_text(encoding="utf-8"))


def packages(folder: Path = Path(__file__).parent) -> list[str]:
    """Returns the names of the papers, which are the packages of this room, by year; those without one come last."""
    names = [path.parent.name for path in folder.glob("[!_]*/__init__.py")]
    return sorted(names, key=lambda name: (re.sub(r"\D", "", name) or "9999", name))


def index_of(papers: list[str]) -> list[dict[str, Any]]:
    """Imports papers and returns their experiments as :func:`listing` does."""
    experiments = [each for paper in papers for each in import_module(f"{_PAPERS}.{paper}").EXPERIMENTS]
    return [
        {
            "name": experiment.name,
            "title": experiment.title,
            "citation": experiment.citation,
            "rows": [row.name for row in experiment.own_rows()],
            "options": {option: list(values) for option, values in experiment.options.items()},
        }
        for experiment in experiments
    ]


class Experiments(MutableMapping[str, Experiment]):
    """Maps names to experiments, in the order of the list; others can be added."""

    def __init__(self) -> None:
        self._added: dict[str, Experiment] = {}

    def __getitem__(self, name: str) -> Experiment:
        if name not in self._added:
            if name not in [each["name"] for each in listing()]:
                raise KeyError(name)
            paper = import_module(f"{_PAPERS}.{name.partition('/')[0]}")
            self._added |= {each.name: each for each in paper.EXPERIMENTS if each.name not in self._added}
        return self._added[name]

    def __setitem__(self, name: str, experiment: Experiment) -> None:
        self._added[name] = experiment

    def __delitem__(self, name: str) -> None:
        del self._added[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*(each["name"] for each in listing()), *self._added]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in list(iter(self))


EXPERIMENTS = Experiments()
"""All experiments by name."""


def get(name: str) -> Experiment:
    """Returns the experiment of that name.

    Raises:
        ValueError: there is none; the message gives the nearest.
    """
    if name not in EXPERIMENTS:
        near = difflib.get_close_matches(name, EXPERIMENTS, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown experiment {name!r}{hint} (known: {', '.join(EXPERIMENTS)})")
    return EXPERIMENTS[name]
