"""Published tables as data, and what runs those of their rows that are not quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from carrousel.papers._trial import Prepare, Train, Trial, run_trial

__all__ = [
    "RUNNING",
    "SUCCESS",
    "Column",
    "Config",
    "Experiment",
    "Picture",
    "Quick",
    "Row",
    "Trial",
    "mean",
    "success",
]


@dataclass(frozen=True)
class Column:
    """Describes a column of a table's results, published and measured.

    Attributes:
        key: its name in a row's published and measured figures.
        heading: what stands above it.
        form: how a number is written, as :func:`format` has it.
        compared: whether the measured figure is to be near the published one: within a factor of 2, and a share within
            25 points of 100.
    """

    key: str
    heading: str
    form: str = ",.0f"
    compared: bool = False

    @property
    def share(self) -> bool:
        """Whether its numbers are shares of 1."""
        return self.form.endswith("%")

    def show(self, figures: Mapping[str, Any]) -> str:
        """Returns the figure as it is printed, a dash where there is none."""
        value = figures.get(self.key)
        return "-" if value is None else value if isinstance(value, str) else format(value, self.form)


SUCCESS = (
    Column("success_rate", "success", ".0%", compared=True),
    Column("sequences_mean", "sequences", compared=True),
    Column("sequences_min", "from"),
    Column("sequences_max", "to"),
)
"""The columns of a table of successes, which :func:`success` sums up."""

RUNNING = (
    Column("weights", "weights"),
    Column("trials", "trials", "d"),
    Column("seconds", "seconds", ",.1f"),
    Column("steps_per_second", "steps/s"),
)
"""What every table ends with."""


def mean(values: Sequence[float]) -> float | None:
    """Returns the mean of numbers, None if there are none."""
    return sum(values) / len(values) if values else None


def success(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns the share of trials that succeeded, and how many sequences these took.

    >>> one = {"success": True, "sequences": 30}
    >>> success([one, {"success": False, "sequences": 99}])["sequences_mean"]
    30.0
    """
    won = [trial["sequences"] for trial in trials if trial["success"]]
    return {
        "success_rate": len(won) / len(trials) if trials else None,
        "sequences_mean": mean(won),
        "sequences_min": min(won, default=None),
        "sequences_max": max(won, default=None),
    }


def _nothing(found: Mapping[str, Sequence[Trial]]) -> Mapping[str, Mapping[str, Any]]:
    """Sets no row beside another."""
    return {}


@dataclass(frozen=True)
class Config(Mapping[str, Any]):
    """Holds what a trial is run with, as JSON can hold it, in three parts; a mapping with the names of all three.

    Attributes:
        task: what is learned: sizes, lengths, noise, tolerance.
        learner: what learns it: the network's size and connections, first weights, learning rates.
        until: when training ends: the criterion, how often it is looked at, the cap.

    >>> config = Config({"T": 100}, {"rate": 0.5}, {"limit": 30_000})
    >>> config.changed(limit=100).until, sorted(config)
    ({'limit': 100}, ['T', 'limit', 'rate'])
    >>> config.changed(length=5)
    Traceback (most recent call last):
        ...
    ValueError: the configuration has no 'length'; it has T, rate, limit
    """

    task: Mapping[str, Any] = field(default_factory=dict)
    learner: Mapping[str, Any] = field(default_factory=dict)
    until: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self)) < len(list(self)):
            raise ValueError(f"a name stands in two parts of a configuration: {', '.join(self)}")

    def __iter__(self) -> Iterator[str]:
        return iter([*self.task, *self.learner, *self.until])

    def __len__(self) -> int:
        return len(self.task) + len(self.learner) + len(self.until)

    def __getitem__(self, name: str) -> Any:
        for part in (self.task, self.learner, self.until):
            if name in part:
                return part[name]
        raise KeyError(name)

    def changed(self, **changes: Any) -> Config:
        """Returns a configuration with other values of some of its names.

        Raises:
            ValueError: it has no such name.
        """
        for name in changes:
            if name not in self:
                raise ValueError(f"the configuration has no {name!r}; it has {', '.join(self)}")
        return Config(
            *({k: changes.get(k, value) for k, value in part.items()} for part in (self.task, self.learner, self.until))
        )


@dataclass(frozen=True)
class Row:
    """Holds a row of a published table, and the configuration that runs it.

    Attributes:
        name: its name on the command line.
        label: the method as the paper's table calls it, with the columns that describe it.
        columns: those columns: hidden units, number of weights, learning rate, as printed.
        published: results by the keys of the experiment's figures, where the paper gives the figure; a text where it
            gives a bound.
        config: what a trial is run with; None for a row that is quoted and not run.
        trials: how many are run, where this row's number is not the experiment's.
        note: where this row departs from the paper, or what its figures mean; sentences.
        source: where its published figures are from, if not from where the experiment's are.
    """

    name: str
    label: str
    columns: Mapping[str, str]
    published: Mapping[str, Any]
    config: Config | None = None
    trials: int | None = None
    note: str = ""
    source: str = ""


@dataclass(frozen=True)
class Quick:
    """Describes a run of the experiment in less than five seconds, and what it shows.

    Attributes:
        claim: what is shown, a sentence.
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
    """Describes a picture of an experiment, and draws it.

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
    """Describes an experiment of a paper: its table, how its trials are run, what came out.

    Attributes:
        name: ``"paper/experiment"``.
        title: the problem in a line.
        citation: the paper.
        rows: its table, every row of it.
        prepare: makes what learns and draws what is drawn once, before the clock starts. A function of a module, as
            ``train`` is, for both are called in other processes.
        train: trains what was prepared, and gives what was found. It depends on the row's configuration, the options,
            the seed and the trial's number alone (see :class:`Setting`).
        trials: how many of each row are run; as many as the paper made, where it says and they can be paid for.
        figures: the columns of results.
        summary: a row's figures from its trials.
        beside: further figures of rows by their names, from the trials of all rows that were run: what sets one row
            beside another.
        options: further choices by name, the first of each is the default.
        quick: the experiment in a few seconds.
        pictures: what can be drawn.
        source: where the published figures are from, if not read in the paper: ``"from memory"``, ``"from notes"``.
        outcome: whether the paper's result came out: ``"yes"``, ``"partly"``, ``"no"``.
        finding: what came out, and why if it did not; a sentence.
        notes: paragraphs of Markdown: what came out, then what the paper leaves open and how it was chosen.
    """

    name: str
    title: str
    citation: str
    rows: tuple[Row, ...]
    prepare: Prepare
    train: Train
    trials: int = 10
    figures: tuple[Column, ...] = SUCCESS
    summary: Callable[[Sequence[Trial]], dict[str, Any]] = success
    beside: Callable[[Mapping[str, Sequence[Trial]]], Mapping[str, Mapping[str, Any]]] = _nothing
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    quick: Quick | None = None
    pictures: tuple[Picture, ...] = ()
    source: str = ""
    outcome: str = ""
    finding: str = ""
    notes: str = ""

    @property
    def stem(self) -> str:
        """The beginning of its files' names."""
        return self.name.replace("/", "-")

    def trial(self, config: Config, options: Mapping[str, str], seed: int, number: int) -> Trial:
        """Runs the trial of that number in this process and returns its figures, with ``"seconds"``."""
        return run_trial(self.prepare, self.train, config, options, seed, number)

    def own_rows(self) -> tuple[Row, ...]:
        """Returns the rows that are run and not quoted."""
        return tuple(row for row in self.rows if row.config is not None)

    def chosen_rows(self, names: Sequence[str] = ()) -> list[Row]:
        """Returns the rows of these names, each once; all that are not quoted if there are no names.

        Raises:
            ValueError: there is no such row, or it is only quoted.
        """
        return [self.row(name) for name in dict.fromkeys(names)] or list(self.own_rows())

    def count(self, row: Row, trials: int | None = None) -> int:
        """Returns the number of trials of a row: ``trials``, or else what the row or the experiment says."""
        return trials or row.trials or self.trials

    def measure(self, trials: Sequence[Trial]) -> dict[str, Any]:
        """Returns a row's figures from its trials, and those that every row has."""
        seconds = sum(trial["seconds"] for trial in trials)
        steps = sum(trial.get("steps", 0) for trial in trials)
        about = {"trials": len(trials), **self.summary(trials), "seconds": seconds, "steps": steps}
        weights = {trial["weights"] for trial in trials if "weights" in trial}
        if len(weights) == 1:
            about["weights"] = weights.pop()
        return {**about, "steps_per_second": steps / seconds if steps and seconds else None}

    def row(self, name: str) -> Row:
        """Returns the row of that name.

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

    def config(self, name: str) -> Config:
        """Returns the configuration of the row of that name.

        Raises:
            ValueError: there is no such row, or it is only quoted.
        """
        config = self.row(name).config
        assert config is not None
        return config

    def choose(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """Returns all options with their values, the defaults where ``chosen`` has none.

        Raises:
            ValueError: there is no such option, or no such value.
        """
        for option, value in chosen.items():
            if option not in self.options:
                raise ValueError(f"{self.name} has no option {option!r}; it has {', '.join(self.options) or 'none'}")
            if value not in self.options[option]:
                raise ValueError(f"{option} must be one of {', '.join(self.options[option])}; got {value!r}")
        return {option: chosen.get(option, values[0]) for option, values in self.options.items()}
