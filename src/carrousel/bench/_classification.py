"""How good the classifier and the regressor are with their defaults, beside simple methods on real data sets."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from carrousel._format import number, whole
from carrousel.bench._kept import METHOD, keep_figures, kept_figures, measured_or_kept
from carrousel.bench._recordings import Recording
from carrousel.estimators import LSTMClassifier, LSTMRegressor
from carrousel.estimators._params import stored_params

__all__ = ["Outcome", "by_data", "mean_scores", "measure_outcomes", "ranks", "read_outcomes", "relative"]

KINDS = {"classification": LSTMClassifier, "regression": LSTMRegressor}


@dataclass(frozen=True)
class Outcome:
    """What came out for one data set with one seed.

    Attributes:
        data: the name of the data set.
        task: ``"classification"`` or ``"regression"``.
        shape: training and test sequences, the steps of the longest, channels, and classes (0 for values).
        seed: of the network.
        scores: accuracy or mean absolute error on the test part, by method, the network first. Methods that do not
            depend on the seed stand with the first one only.
        epochs: trained for.
        seconds: of one processor core for the training.
        defaults: what the estimator was made with.
    """

    data: str
    task: str
    shape: tuple[int, int, int, int, int]
    seed: int
    scores: dict[str, float]
    epochs: int
    seconds: float
    defaults: dict[str, Any]


def measure_outcomes(
    recordings: Iterable[Recording],
    seeds: int,
    path: Path | None,
    tell: Callable[[Outcome], None],
    **parameters: Any,
) -> list[Outcome]:
    """Trains on every data set with every seed, and returns what came out.

    Args:
        recordings: the data sets.
        seeds: how many, from 0.
        path: a file that is written after each training, and from which it is gone on: what it holds of these data
            sets, seeds and defaults is not measured again.
        tell: called with each new outcome.
        **parameters: of the estimators, in place of their defaults.

    Raises:
        DataError: a data set cannot be read.
        ValueError: the file is no such file.
    """
    known = read_outcomes(path) if path is not None and path.exists() else []
    defaults = {task: stored_params(kind(**parameters)) for task, kind in KINDS.items()}

    def measure(case: tuple[Recording, int]) -> Outcome:
        recording, seed = case
        return _outcome(recording, KINDS[recording.task](**parameters), seed, defaults[recording.task])

    def is_of(one: Outcome, case: tuple[Recording, int]) -> bool:
        recording, seed = case
        return (one.data, one.seed, one.defaults) == (recording.name, seed, defaults[recording.task])

    return measured_or_kept(
        ((recording, seed) for recording in recordings for seed in range(seeds)), known, is_of, measure,
        lambda one: (one.data, one.seed), None if path is None else partial(_write, path),
        lambda one, before: None if before else tell(one),
    )  # fmt: skip


def _outcome(recording: Recording, model: Any, seed: int, defaults: dict[str, Any]) -> Outcome:
    train, test = recording.read("train"), recording.read("test")
    model.set_params(random_state=seed, rivals="linear" if seed else "all")
    begun = time.process_time()
    model.fit_on(train)
    seconds = time.process_time() - begun
    report = model.report_on(test)
    scores = {s.method: s.metrics[report.metric] for s in report.scores if not (seed and s.simple)}
    longest = int(max(train.lengths.max(), test.lengths.max()))
    classes = len(model.classes_) if recording.task == "classification" else 0
    shape = len(train), len(test), longest, len(train.channels), classes
    epochs = len(model.history_)
    return Outcome(recording.name, recording.task, shape, seed, scores, epochs, round(seconds, 2), defaults)


def _write(path: Path, outcomes: Sequence[Outcome]) -> None:
    keep_figures(path, "classification", {"outcomes": [asdict(outcome) for outcome in outcomes]})


def read_outcomes(path: Path) -> list[Outcome]:
    """Reads what was measured.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such file, or it was changed.
    """
    with kept_figures(path, "classification") as facts:
        return [_checked(each) for each in facts["outcomes"]]


def _checked(each: dict[str, Any]) -> Outcome:
    """Returns an outcome as a file has it, after checking it."""
    a, b, c, d, e = (whole(size, "a size", 0) for size in each["shape"])
    scores = {name: float(number(value, f"the score of {name}")) for name, value in each["scores"].items()}
    if each["task"] not in KINDS or not isinstance(each["data"], str) or not isinstance(each["defaults"], dict):
        raise ValueError("it is of no known task, or its data set has no name, or its defaults are none")
    if not scores or next(iter(scores)) != METHOD:
        raise ValueError(f"its first score is not that of {METHOD}")
    epochs, seed = whole(each["epochs"], "the epochs", 1), whole(each["seed"], "a seed", 0)
    seconds = float(number(each["seconds"], "the seconds"))
    return Outcome(each["data"], each["task"], (a, b, c, d, e), seed, scores, epochs, seconds, each["defaults"])


def by_data(outcomes: Iterable[Outcome], task: str) -> dict[str, list[Outcome]]:
    """Returns the outcomes of a task by data set, seeds in their order."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.task == task:
            found.setdefault(outcome.data, []).append(outcome)
    return {data: sorted(each, key=lambda o: o.seed) for data, each in found.items()}


def mean_scores(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Returns the score of every method on one data set: that of the network is its mean over the seeds."""
    return outcomes[0].scores | {METHOD: float(np.mean([outcome.scores[METHOD] for outcome in outcomes]))}


def ranks(outcomes: Iterable[Outcome], task: str, without: Sequence[str] = ()) -> dict[str, float]:
    """Returns each method's mean rank over the data sets of a task, 1 for the best; equal ones share theirs.

    Args:
        outcomes: of any tasks.
        task: the task.
        without: methods that are left out.
    """
    tables = [mean_scores(each) for each in by_data(outcomes, task).values()]
    methods = [name for name in (tables[0] if tables else {}) if name not in without]
    methods = [name for name in methods if all(name in table for table in tables)]
    sign = -1 if task == "classification" else 1
    each = [rankdata([sign * table[name] for name in methods]) for table in tables]
    return dict(zip(methods, np.mean(each, axis=0).tolist(), strict=True)) if each else {}


def relative(outcomes: Sequence[Outcome], method: str) -> float:
    """Returns a method's mean absolute error in units of that of the targets' mean; NaN if it was not compared."""
    scores = mean_scores(outcomes)
    return scores.get(method, math.nan) / scores["mean"]
