"""A published table as data, and what it takes to run those of its rows that are ours to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["RUNNING", "SUCCESS", "Experiment", "Figure", "Picture", "Quick", "Row", "Trial", "success"]

Trial = Mapping[str, Any]
"""What one trial found, as JSON can hold it: ``"seconds"``, ``"steps"``, and what the experiment's summary asks for;
``"weights"``, how many its network has, where that could be another number than the paper's."""


@dataclass(frozen=True)
class Figure:
    """One column of results.

    Attributes:
        key: its name in a row's published and measured figures.
        heading: what stands above it.
        form: how a number is written, as :func:`format` has it.
        compared: whether the measured figure is to be within a factor of 2 of the published one.
    """

    key: str
    heading: str
    form: str = ",.0f"
    compared: bool = False

    def show(self, figures: Mapping[str, Any]) -> str:
        """The figure as it is printed, a dash where there is none."""
        value = figures.get(self.key)
        return "-" if value is None else value if isinstance(value, str) else format(value, self.form)


SUCCESS = (
    Figure("success_rate", "success", ".0%"),
    Figure("sequences_mean", "sequences", compared=True),
    Figure("sequences_min", "from"),
    Figure("sequences_max", "to"),
)
"""The columns of a table of successes, which :func:`success` sums up."""

RUNNING = (
    Figure("weights", "weights"),
    Figure("trials", "trials", "d"),
    Figure("seconds", "seconds", ",.1f"),
    Figure("steps_per_second", "steps/s"),
)
"""What every table ends with."""


def success(trials: Sequence[Trial]) -> dict[str, Any]:
    """The share of trials that succeeded, and over these the sequences that it took.

    >>> one = {"success": True, "sequences": 30}
    >>> success([one, {"success": False, "sequences": 99}])["sequences_mean"]
    30.0
    """
    won = [trial["sequences"] for trial in trials if trial["success"]]
    return {
        "success_rate": len(won) / len(trials) if trials else None,
        "sequences_mean": sum(won) / len(won) if won else None,
        "sequences_min": min(won, default=None),
        "sequences_max": max(won, default=None),
    }


@dataclass(frozen=True)
class Row:
    """One row of a published table.

    Attributes:
        name: its name on the command line.
        label: the method as the paper's table calls it, with the columns that describe it.
        columns: those columns: hidden units, number of weights, learning rate, as printed.
        published: results by the keys of the experiment's figures, where the paper gives the figure; a text where it
            gives a bound.
        config: what a trial needs to know, as JSON can hold it; None for a row that is quoted and not run.
        trials: how many are run, where this row's number is not the experiment's.
        note: what there is to say about this row: where it departs from the paper, or what was found.
    """

    name: str
    label: str
    columns: Mapping[str, str]
    published: Mapping[str, Any]
    config: Mapping[str, Any] | None = None
    trials: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Quick:
    """The experiment in less than five seconds, and something about it that is then still true.

    Attributes:
        claim: what is shown, in a sentence.
        holds: whether it is, from the rows' measured figures by the rows' names.
        rows: names of the rows that are run.
        trials: how many of each.
        config: what is changed in the rows' configurations.
        options: the experiment's options.
    """

    claim: str
    holds: Callable[[Mapping[str, Mapping[str, Any]]], bool]
    rows: tuple[str, ...]
    trials: int = 1
    config: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """A picture of an experiment.

    Attributes:
        name: the end of its file's name.
        caption: what can be seen.
        draw: writes it as a PNG file, from the experiment's result (see :func:`carrousel.papers.reproduce`), which
            holds the seed and the options too.
    """

    name: str
    caption: str
    draw: Callable[[Path, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Experiment:
    """One experiment of a paper.

    Attributes:
        name: ``"paper/experiment"``.
        title: what it shows.
        citation: the paper.
        rows: its table, every row of it.
        trial: runs one trial: from a row's configuration, the options, the seed and the trial's number; a function of
            a module, for it is called in other processes. What it finds depends on these four alone.
        trials: how many of each row are run; as many as the paper made, where it says and they can be paid for.
        figures: the columns of results.
        summary: a row's figures from its trials.
        options: further choices by name, the first of each is the default.
        quick: the experiment in a few seconds.
        pictures: what can be drawn.
        notes: paragraphs: what the paper leaves open and how it was chosen, and what was found.
    """

    name: str
    title: str
    citation: str
    rows: tuple[Row, ...]
    trial: Callable[[Mapping[str, Any], Mapping[str, str], int, int], Trial]
    trials: int = 10
    figures: tuple[Figure, ...] = SUCCESS
    summary: Callable[[Sequence[Trial]], dict[str, Any]] = success
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    quick: Quick | None = None
    pictures: tuple[Picture, ...] = ()
    notes: str = ""

    @property
    def stem(self) -> str:
        """How its files' names begin."""
        return self.name.replace("/", "-")

    def own_rows(self) -> tuple[Row, ...]:
        """The rows that are ours to run."""
        return tuple(row for row in self.rows if row.config is not None)

    def chosen_rows(self, names: Sequence[str] = ()) -> list[Row]:
        """The rows of these names, each once; all that are ours to run if there are none.

        Raises:
            ValueError: there is no such row, or it is only quoted.
        """
        return [self.row(name) for name in dict.fromkeys(names)] or list(self.own_rows())

    def count(self, row: Row, trials: int | None = None) -> int:
        """How many trials of a row are made: those asked for, or as many as the row or the experiment says."""
        return trials or row.trials or self.trials

    def measure(self, trials: Sequence[Trial]) -> dict[str, Any]:
        """A row's figures, and those that every row has."""
        seconds = sum(trial["seconds"] for trial in trials)
        steps = sum(trial.get("steps", 0) for trial in trials)
        about = {"trials": len(trials), **self.summary(trials), "seconds": seconds, "steps": steps}
        weights = {trial["weights"] for trial in trials if "weights" in trial}
        if len(weights) == 1:
            about["weights"] = weights.pop()
        return {**about, "steps_per_second": steps / seconds if steps and seconds else None}

    def row(self, name: str) -> Row:
        """The row of that name.

        Raises:
            ValueError: there is none, or it is only quoted.
        """
        own = [row.name for row in self.own_rows()]
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
