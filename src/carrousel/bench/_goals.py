"""What estimators reach on data for which a figure was asked, with several seeds, beside simple methods."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from carrousel._format import number, whole
from carrousel.bench._kept import METHOD, keep_figures, kept_figures, measured_or_kept
from carrousel.data import load_images, load_music, load_pairs, load_tagged, load_texts, load_transcribed
from carrousel.estimators._params import stored_params

__all__ = ["GOALS", "Goal", "Reached", "measure_goals", "read_goals"]

Judge = Callable[[Any, Any, Any], dict[str, dict[str, float]]]
"""What takes a model, what it learned from and what it is judged on, and returns figures by method, the model first."""


def _reported(model: Any, train: Any, test: Any) -> dict[str, dict[str, float]]:
    """Returns the figures of the model's own report, without those that are not known of a method."""
    del train
    return {
        score.method if score.simple else METHOD: {name: v for name, v in score.metrics.items() if math.isfinite(v)}
        for score in model.report_on(test).scores
    }


WINDOW = 41  # residues that the linear method sees of a protein


def _areas(model: Any, train: Any, test: Any) -> dict[str, dict[str, float]]:
    """Returns the area under the curve of the model, and of a linear method on how often residues occur in a window."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    positive = "disordered"
    actual = np.concatenate([np.asarray(tags) for tags in test.y]) == positive
    said = np.concatenate(model.predict_proba(test.X))[:, model.classes_.tolist().index(positive)]
    letters = sorted({residue for x in train.X for residue in x})
    learned = np.concatenate([np.asarray(tags) for tags in train.y]) == positive
    linear = LogisticRegression(max_iter=1000).fit(_windows(train.X, letters), learned)
    counted = linear.decision_function(_windows(test.X, letters))
    return {
        METHOD: {"AUC": float(roc_auc_score(actual, said))},
        f"logistic regression on counts in windows of {WINDOW}": {"AUC": float(roc_auc_score(actual, counted))},
    }


def _windows(X: Iterable[Sequence[str]], letters: Sequence[str]) -> np.ndarray:
    """Returns the share of each letter in the window around every place, ``[places, letters]``.

    >>> _windows([["a", "b"]], ["a", "b"]).round(3).tolist()
    [[0.024, 0.024], [0.024, 0.024]]
    """
    found = []
    for x in X:
        there = np.asarray(x)[:, None] == np.asarray(letters)
        sums = np.concatenate([np.zeros((1, len(letters))), np.cumsum(there, axis=0)])
        places = np.arange(len(there))
        first, last = np.maximum(0, places - WINDOW // 2), np.minimum(len(there), places + WINDOW // 2 + 1)
        found.append((sums[last] - sums[first]) / WINDOW)
    return np.concatenate(found)


@dataclass(frozen=True)
class Goal:
    """A figure that was asked of an estimator on a data set.

    Attributes:
        data: the name of the data set.
        page: the page of the documentation that shows it.
        estimator: the name of its class.
        settings: its parameters, other than the defaults.
        load: reads the data set: its name, and ``split``.
        metric: what is judged.
        wanted: what it should be at least, or at most if ``at_most``; None asks for what beats all simple methods.
        at_most: whether less is better.
        judge: returns all figures.
        above_simple: whether the figure should also be better than those of all simple methods.
        shows: other figures that are shown beside it.
    """

    data: str
    page: str
    estimator: str
    load: Callable[..., Any]
    metric: str
    wanted: float | None
    at_most: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    judge: Judge = _reported
    above_simple: bool = False
    shows: tuple[str, ...] = ()

    def model(self, seed: int, **parameters: Any) -> Any:
        """Returns the estimator with a seed, its settings and other parameters."""
        from carrousel import estimators

        return getattr(estimators, self.estimator)(**{**self.settings, **parameters}, random_state=seed)


GOALS = {
    goal.data: goal
    for goal in (
        Goal("digit-strings", "labels", "LSTMTranscriber", load_transcribed, "label error rate", 0.03),
        Goal("protein-disorder", "labels", "LSTMTagger", load_tagged, "AUC", 0.8, at_most=False, judge=_areas),
        Goal(
            "mnist-5k", "labels", "LSTMClassifier", load_images, "accuracy", 0.97, at_most=False,
            settings={"hidden_size": 64, "num_layers": 2},
        ),
        Goal(
            "cmudict", "text", "LSTMTranslator", load_pairs, "exact match", 0.73, at_most=False,
            shows=("symbol error",),
            settings={
                "hidden_size": 256, "attention": "dot", "dropout": 0.3, "batch_size": 128, "max_epochs": 16,
                "validation": None,
            },
        ),
        Goal(
            "german-plurals", "text", "LSTMTranslator", load_pairs, "exact match", 0.8, at_most=False,
            shows=("character error",), above_simple=True,
            settings={
                "hidden_size": 128, "attention": "dot", "dropout": 0.3, "batch_size": 128, "max_epochs": 8,
                "validation": None,
            },
        ),
        Goal(
            "verses", "text", "LSTMTranslator", load_pairs, "chrF", None, at_most=False,
            shows=("BLEU",), above_simple=True,
            settings={
                "hidden_size": 256, "attention": "dot", "dropout": 0.4, "max_epochs": 24, "validation": None,
            },
        ),
        Goal(
            "python-source", "text", "LSTMGenerator", load_texts, "bits per character", None, above_simple=True,
            settings={"max_epochs": 6, "validation": None},
        ),
        Goal("chorales", "music", "LSTMComposer", load_music, "nats per frame", 9.3),
    )
}  # fmt: skip
"""What ``carrousel bench goals`` measures, by the name of the data set."""


@dataclass(frozen=True)
class Reached:
    """What came out for one data set with one seed.

    Attributes:
        data: the name of the data set.
        seed: of the estimator.
        parameters: what the estimator was made with.
        figures: by method, the network first.
        epochs: trained for.
        weights: of the network.
        seconds: of one processor core for the training.
    """

    data: str
    seed: int
    parameters: dict[str, Any]
    figures: dict[str, dict[str, float]]
    epochs: int
    weights: int
    seconds: float


def measure_goals(
    goals: Iterable[Goal], seeds: int, path: Path | None, tell: Callable[[Reached, bool], None], **parameters: Any
) -> list[Reached]:
    """Trains on every data set with every seed, and returns what came out.

    Args:
        goals: what is measured.
        seeds: how many, from 0.
        path: a file that is written after each training, and from which it is gone on: what it holds of these data
            sets, seeds and parameters is not measured again.
        tell: called with each outcome, and whether it was in the file.
        **parameters: of the estimators, in place of a goal's.

    Raises:
        DataError: a data set cannot be read.
        ValueError: the file is no such file.
    """
    kept = read_goals(path) if path is not None and path.exists() else []
    parts = lru_cache(1)(_parts)  # of one data set at a time

    def measure(case: tuple[Goal, Any]) -> Reached:
        goal, model = case
        return _measured(goal, model, *parts(goal.load, goal.data))

    def is_of(one: Reached, case: tuple[Goal, Any]) -> bool:
        goal, model = case
        return (one.data, one.parameters) == (goal.data, stored_params(model))

    return measured_or_kept(
        ((goal, goal.model(seed, **parameters)) for goal in goals for seed in range(seeds)), kept, is_of, measure,
        lambda one: (one.data, one.seed), None if path is None else partial(_write, path), tell,
    )  # fmt: skip


def _parts(load: Callable[..., Any], data: str) -> tuple[Any, Any]:
    """Returns the training part and the test part of a data set."""
    return load(data, split="train"), load(data, split="test")


def _measured(goal: Goal, model: Any, train: Any, test: Any) -> Reached:
    parameters, begun = stored_params(model), time.process_time()
    model.fit_on(train)
    seconds = round(time.process_time() - begun, 1)
    figures = goal.judge(model, train, test)
    weights = sum(weight.numel() for weight in model.network_.parameters())
    return Reached(goal.data, model.random_state, parameters, figures, len(model.history_), weights, seconds)


def _write(path: Path, found: Sequence[Reached]) -> None:
    places = list(GOALS)
    ordered = sorted(found, key=lambda one: (places.index(one.data), one.seed))
    keep_figures(path, "goals", {"reached": [asdict(one) for one in ordered]})


def read_goals(path: Path) -> list[Reached]:
    """Reads what was measured.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such file, or it was changed.
    """
    with kept_figures(path, "goals") as facts:
        return [_checked(each) for each in facts["reached"]]


def _checked(each: dict[str, Any]) -> Reached:
    """Returns an outcome as a file has it, after checking it."""
    if each["data"] not in GOALS or not isinstance(each["parameters"], dict):
        raise ValueError(f"there is no goal for {each['data']!r}, or its parameters are none")
    figures = {
        method: {name: float(number(value, f"the {name} of {method}")) for name, value in own.items()}
        for method, own in each["figures"].items()
    }
    goal = GOALS[each["data"]]
    if next(iter(figures), None) != METHOD or any(goal.metric not in own for own in figures.values()):
        raise ValueError(f"its first figures are not those of {METHOD}, or some have no {goal.metric}")
    seed, epochs, weights = (whole(each[name], f"its {name}", 0) for name in ("seed", "epochs", "weights"))
    return Reached(
        each["data"], seed, each["parameters"], figures, epochs, weights, float(number(each["seconds"], "its seconds"))
    )
