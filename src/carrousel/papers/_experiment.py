"""A published table as data, and what it takes to run those of its rows that are ours to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Experiment", "Row", "Trial"]

Trial = Mapping[str, Any]
"""What one trial found: ``"success"``, ``"sequences"`` that it took, ``"seconds"``."""


@dataclass(frozen=True)
class Row:
    """One row of a published table.

    Attributes:
        name: its name on the command line.
        label: the method as the paper's table calls it, with the columns that describe it.
        columns: those columns: hidden units, number of weights, learning rate, as printed.
        published: results with the keys of :func:`carrousel.papers.summary`, where the paper gives the figure.
        config: what a trial needs to know; None for a row that is quoted and not run.
    """

    name: str
    label: str
    columns: Mapping[str, str]
    published: Mapping[str, Any]
    config: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Experiment:
    """One experiment of a paper.

    Attributes:
        name: ``"paper/experiment"``.
        title: what it shows.
        citation: the paper.
        rows: its table, every row of it.
        trial: runs one trial: from a row's configuration, the options, the seed, the trial's number and the number of
            trials; called in other processes.
        options: further choices by name, the first of each is the default.
        draw: makes the experiment's picture as a PNG file, from a seed and the options.
    """

    name: str
    title: str
    citation: str
    rows: tuple[Row, ...]
    trial: Callable[[Mapping[str, Any], Mapping[str, str], int, int, int], Trial]
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    draw: Callable[[Path, int, Mapping[str, str]], None] | None = None

    def row(self, name: str) -> Row:
        """The row of that name.

        Raises:
            ValueError: there is none, or it is only quoted.
        """
        own = [row.name for row in self.rows if row.config is not None]
        for row in self.rows:
            if row.name == name:
                if row.config is None:
                    raise ValueError(f"row {name!r} of {self.name} is quoted, not run; rows to run: {', '.join(own)}")
                return row
        raise ValueError(f"{self.name} has no row {name!r}; its rows are {', '.join(own)}")

    def choose(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """All options with their values, those chosen and the defaults.

        Raises:
            ValueError: there is no such option, or no such value.
        """
        for option, value in chosen.items():
            if option not in self.options:
                raise ValueError(f"{self.name} has no option {option!r}; it has {', '.join(self.options) or 'none'}")
            if value not in self.options[option]:
                raise ValueError(f"{option} must be one of {', '.join(self.options[option])}; got {value!r}")
        return {option: chosen.get(option, values[0]) for option, values in self.options.items()}
