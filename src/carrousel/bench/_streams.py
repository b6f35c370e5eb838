"""How good the stream learners are with their defaults, beside simple methods, on streams of installed packages."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from carrousel._format import number, whole
from carrousel.bench._kept import keep_figures, kept_figures
from carrousel.streams import OnlineLinear, StreamRegressor

__all__ = [
    "FIRST",
    "LEARNERS",
    "SEEDS",
    "STREAMS",
    "WINDOWS",
    "Judged",
    "OverTime",
    "RealStream",
    "judge",
    "keep_judged",
    "keep_over_time",
    "linear",
    "over_time",
    "read_judged",
    "read_over_time",
]

FIRST = 500
"""Targets before those that are judged."""
SEEDS = 5
LEARNERS = ("descent", "adam", "rmsprop", "kalman")
"""The ways in which a stream's networks can learn."""
WINDOWS = ((100, 500), (500, 2_000), (2_000, 10_000))
"""Lines between which errors are taken, to see how soon something is learned."""
LAGS = (4, 24)
RATES = (0.01, 0.003, 0.001)


@dataclass(frozen=True)
class RealStream:
    """Records of the real world, one step apart.

    Attributes:
        name: what it is called.
        source: the package that carries it, and the file.
        season: records in a season; None if it has none.
        read: returns the features ``[T, features]`` and the targets ``[T]``, NaN where a record is missing.
    """

    name: str
    source: str
    season: int | None
    read: Callable[[], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Judged:
    """Mean absolute errors over a stream, from target 501 on.

    Attributes:
        name: the stream.
        source: what carries it.
        season: records in a season.
        targets: how many were judged.
        seeds: the learner's error with each seed.
        rivals: the simple methods' errors. The linear ones are the best of several that were tried.
    """

    name: str
    source: str
    season: int | None
    targets: int
    seeds: list[float]
    rivals: dict[str, float]

    @property
    def mean(self) -> float:
        """The learner's error, the mean over seeds."""
        return float(np.mean(self.seeds))

    @property
    def best(self) -> str:
        """The simple method with the least error."""
        return min(self.rivals, key=lambda name: self.rivals[name])

    @property
    def ratio(self) -> float:
        """The learner's error by that of the best simple method."""
        return self.mean / self.rivals[self.best]


@dataclass(frozen=True)
class OverTime:
    """Mean absolute errors over a stream between lines, early and late.

    Attributes:
        name: the stream.
        source: what carries it.
        season: records in a season.
        errors: by learner, and of persistence, in each window; None where a stream has too few lines.
    """

    name: str
    source: str
    season: int | None
    errors: dict[str, list[float | None]]


def _inside(package: str, *path: str) -> Path:
    """Returns the path of a file that a package carries, which is not imported.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    return Path(spec.submodule_search_locations[0]).joinpath(*path)


def _water() -> tuple[np.ndarray, np.ndarray]:
    from river import datasets

    values = {x["Time"]: y for x, y in datasets.WaterFlow()}
    return _hourly(values)


def _hourly(values: dict[datetime, float]) -> tuple[np.ndarray, np.ndarray]:
    """Returns a record for every hour, also for those that are missing."""
    first = min(values)
    hours = {(time - first) // timedelta(hours=1): value for time, value in values.items()}
    targets = np.array([hours.get(hour, np.nan) for hour in range(max(hours) + 1)], np.float64)
    return np.zeros((len(targets), 0)), targets


def _table(path: Path, column: str) -> tuple[np.ndarray, np.ndarray]:
    with open(path, newline="", encoding="utf-8") as file:
        targets = np.array([float(row[column]) for row in csv.DictReader(file)])
    return np.zeros((len(targets), 0)), targets


def _trump() -> tuple[np.ndarray, np.ndarray]:
    from river import datasets

    records = list(datasets.TrumpApproval())
    features = [[value for name, value in x.items() if name != "ordinal_date"] for x, _ in records]
    return np.array(features, np.float64), np.array([y for _, y in records], np.float64)


def _laser() -> tuple[np.ndarray, np.ndarray]:
    targets = np.load(_inside("reservoirpy", "datasets", "santafe_laser.npy")).ravel().astype(np.float64)
    return np.zeros((len(targets), 0)), targets


_VICTORIA = ("tsa", "stl", "tests", "results", "mstl_elec_vic.csv")
STREAMS = (
    RealStream("water flow, hourly with gaps", "river: WaterFlow", 24, _water),
    RealStream(
        "Victoria's load, hourly", f"statsmodels: {_VICTORIA[-1]}", 24,
        lambda: _table(_inside("statsmodels", *_VICTORIA), "y"),
    ),
    RealStream(
        "temperatures of San Francisco, hourly", "vega_datasets: sf-temps.csv", 24,
        lambda: _table(_inside("vega_datasets", "_data", "sf-temps.csv"), "temp"),
    ),
    RealStream("approval of Trump, daily", "river: TrumpApproval, with five polls", 7, _trump),
    RealStream("Santa Fe laser", "reservoirpy: santafe_laser.npy", None, _laser),
)  # fmt: skip


def judge(stream: RealStream, seeds: int = SEEDS, most: int | None = None) -> Judged:
    """Runs the learner with its defaults and all simple methods over a stream.

    Args:
        stream: the stream.
        seeds: of the learner's first weights, from 0.
        most: records of the stream, at most.

    Raises:
        ModuleNotFoundError: the package that carries it is not installed, or river is not.
    """
    features, targets = (part[:most] for part in stream.read())
    known = ~np.isnan(targets)
    judged = known & (np.cumsum(known) > FIRST)

    def error(said: np.ndarray) -> float:
        return float(np.abs(said - targets)[judged].mean())

    rivals = {"persistence": error(_last(targets, 1))}
    if stream.season is not None:
        rivals["season"] = error(_last(targets, stream.season))
    for relative in (False, True):
        tried = [
            error(linear(features, targets, stream.season, lags, rate, relative)) for lags in LAGS for rate in RATES
        ]
        rivals[f"linear, of {'changes' if relative else 'levels'}"] = min(tried)
    own = [error(_said(stream, features, targets, seed)) for seed in range(seeds)]
    return Judged(stream.name, stream.source, stream.season, int(judged.sum()), own, rivals)


def over_time(stream: RealStream, seeds: int, most: int | None = None) -> OverTime:
    """Returns the mean absolute errors between the lines of ``WINDOWS``, of every learner and of persistence.

    Args:
        stream: the stream.
        seeds: of the learners' first weights, of which the mean is taken.
        most: records of the stream, at most.

    Raises:
        ModuleNotFoundError: the package that carries it is not installed.
    """
    features, targets = (part[: min(most or WINDOWS[-1][1], WINDOWS[-1][1])] for part in stream.read())

    def errors(said: list[np.ndarray]) -> list[float | None]:
        missed = np.abs(np.stack(said) - targets)
        parts = [missed[:, a:b] for a, b in WINDOWS]
        return [None if np.isnan(part).all() or part.shape[1] < 100 else float(np.nanmean(part)) for part in parts]

    found = {"persistence": errors([_last(targets, 1)])}
    for learner in LEARNERS:
        said = [_said(stream, features, targets, seed, optimiser=learner) for seed in range(seeds)]
        found[learner] = errors(said)
    return OverTime(stream.name, stream.source, stream.season, found)


def keep_judged(path: Path, judged: Sequence[Judged]) -> None:
    """Writes what was judged."""
    keep_figures(path, "streams", {"first": FIRST + 1, "streams": [asdict(each) for each in judged]})


def read_judged(path: Path) -> list[Judged]:
    """Reads what ``keep_judged`` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such file, or it was changed.
    """
    with kept_figures(path, "streams") as facts:
        whole(facts["first"], "the first target", FIRST + 1, FIRST + 1)
        return [_judged(each) for each in facts["streams"]]


def _judged(each: dict[str, Any]) -> Judged:
    """Returns what a file has of a stream, after checking it."""
    seeds = [float(number(error, "an error")) for error in each["seeds"]]
    rivals = {name: float(number(error, f"the error of {name}")) for name, error in each["rivals"].items()}
    if not seeds or not rivals or min(rivals.values()) <= 0:
        raise ValueError("a stream has no errors, or none above 0")
    return Judged(*_of_stream(each), whole(each["targets"], "the targets", 1), seeds, rivals)


def keep_over_time(path: Path, found: Sequence[OverTime], seeds: int) -> None:
    """Writes errors over time, of so many seeds."""
    facts = {"windows": WINDOWS, "seeds": seeds, "streams": [asdict(each) for each in found]}
    keep_figures(path, "streams --learners", facts)


def read_over_time(path: Path) -> list[OverTime]:
    """Reads what ``keep_over_time`` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such file, or it was changed, or of other windows.
    """
    with kept_figures(path, "streams --learners") as facts:
        whole(facts["seeds"], "the seeds", 1)
        if facts["windows"] != [list(window) for window in WINDOWS]:
            raise ValueError(f"its windows are {facts['windows']}, and those that are measured {WINDOWS}")
        found = []
        for each in facts["streams"]:
            errors = {
                name: [None if error is None else float(number(error, f"the error of {name}")) for error in own]
                for name, own in each["errors"].items()
            }
            if not errors or any(len(own) != len(WINDOWS) for own in errors.values()):
                raise ValueError(f"each method has {len(WINDOWS)} errors")
            found.append(OverTime(*_of_stream(each), errors))
        return found


def _of_stream(each: dict[str, Any]) -> tuple[str, str, int | None]:
    """Returns name, source and season of a stream in a file."""
    name, source, season = each["name"], each["source"], each["season"]
    if not isinstance(name, str) or not isinstance(source, str):
        raise ValueError("a stream has no name, or nothing that carries it")
    return name, source, None if season is None else whole(season, "a season", 1)


def _said(stream: RealStream, features: np.ndarray, targets: np.ndarray, seed: int, **options: Any) -> np.ndarray:
    model = StreamRegressor(season=stream.season, seed=seed, **options)
    said = np.empty(len(targets))
    for t, (x, y) in enumerate(_records(features, targets)):
        said[t] = model.predict_one(x)
        if y is None:
            model.observe_one(x)
        else:
            model.learn_one(x, y)
    return said


def _records(features: np.ndarray, targets: np.ndarray) -> Iterator[tuple[dict[int, float], float | None]]:
    for row, target in zip(features.tolist(), targets.tolist(), strict=True):
        yield dict(enumerate(row)), None if target != target else target


def _last(targets: np.ndarray, lag: int) -> np.ndarray:
    """Returns the targets of so many records before, where that one is missing the last that was known."""
    filled = _filled(targets)
    said = np.concatenate([np.full(min(lag, len(targets)), np.nan), targets[: max(0, len(targets) - lag)]])
    before = np.concatenate([[0.0], filled[:-1]])
    return np.where(np.isnan(said), before, said)


def _filled(targets: np.ndarray) -> np.ndarray:
    known = np.maximum.accumulate(np.where(np.isnan(targets), 0, np.arange(len(targets))))
    return np.nan_to_num(targets[known])


def linear(
    features: np.ndarray, targets: np.ndarray, season: int | None, lags: int, rate: float, relative: bool
) -> np.ndarray:
    """Returns what river's linear regression, on standardised inputs, says of a stream ``[T]``.

    Args:
        features: ``[T, features]``.
        targets: ``[T]``, NaN where one is missing.
        season: records in a season.
        lags: how many of the last targets it sees.
        rate: its step size.
        relative: whether it learns the change from the last target; see :class:`carrousel.streams.OnlineLinear`.
    """
    model, said = OnlineLinear(() if season is None else (season,), lags, rate, relative), np.zeros(len(targets))
    for t, (x, y) in enumerate(_records(features, targets)):
        named = {str(name): value for name, value in x.items()}
        said[t] = model.predict(named)
        model.learn(named, y)
    return said
