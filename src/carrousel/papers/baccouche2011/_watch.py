"""Exercises seen by a smart watch: LSTM over what pieces of a recording are like, beside votes of them, by person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from carrousel.data import Sequences, load_sequences, make_sequences
from carrousel.papers._estimated import Estimated, learned, seed_of
from carrousel.papers._networks import sized
from carrousel.papers._trial import Found, Prepared, Setting

__all__ = ["PEOPLE", "learn_watch", "prepare_watch", "summaries"]

PEOPLE = 10


class _Linear(Prepared):
    """A logistic regression, which needs no compiling."""

    def ready(self) -> None:
        """Does nothing."""


def summaries(x: np.ndarray, length: int | None, every: int | None) -> np.ndarray:
    """Returns what pieces of a recording ``[T, C]`` are like, ``[pieces, 5 C]``.

    Of each channel: mean, deviation, least, greatest, and the mean size of a change from step to step.

    Args:
        x: the recording.
        length: the steps of a piece; None for the whole.
        every: a piece begins at every so many steps.

    >>> summaries(np.arange(8.0)[:, None], 4, 2)[:, 0].tolist()
    [1.5, 3.5, 5.5]
    """
    length, every = length or len(x), every or len(x)
    starts = range(0, max(1, len(x) - length + 1), every)
    found = []
    for piece in (x[start : start + length] for start in starts):
        change = np.abs(np.diff(piece, axis=0)).mean(0)
        found.append(np.concatenate([piece.mean(0), piece.std(0), piece.min(0), piece.max(0), change]))
    return np.array(found, dtype=np.float32)


def turned(x: np.ndarray, rng: np.random.Generator, degrees: float) -> np.ndarray:
    """Returns a recording as a watch would have made it that sits at another angle on the arm, ``[T, 6]``.

    Acceleration and angular velocity are turned alike, about a random axis.

    Args:
        x: three axes of acceleration, and of angular velocity, ``[T, 6]``.
        rng: draws the axis and the angle.
        degrees: the angle's deviation.

    >>> x = np.random.default_rng(0).normal(size=(5, 6))
    >>> y = turned(x, np.random.default_rng(1), 20.0)
    >>> bool(np.allclose(sizes(x)[:, 6:], sizes(y)[:, 6:])), bool(np.allclose(x, y))
    (True, False)
    """
    from scipy.spatial.transform import Rotation

    axis = rng.normal(size=3)
    by = Rotation.from_rotvec(axis / np.linalg.norm(axis) * rng.normal() * degrees, degrees=True)
    return np.concatenate([by.apply(part) for part in np.split(x, 2, axis=1)], axis=1)


def sizes(x: np.ndarray) -> np.ndarray:
    """Returns a recording ``[T, 6]`` with the sizes of both of its vectors beside it, ``[T, 8]``."""
    return np.concatenate(
        [x, *(np.linalg.norm(part, axis=1, keepdims=True) for part in np.split(x, 2, axis=1))], axis=1
    )


def _recordings(task: Any, rng: np.random.Generator) -> Sequences:
    """Returns the recordings of the watch, or made ones of swings, each person's of their own."""
    if task["data"] == "watch":
        return load_sequences("watch")
    X, y, groups = [], [], []
    for person in range(PEOPLE):
        for kind in range(4):
            steps = np.arange(int(rng.integers(60, 80)))
            tempo = 0.35 + 0.25 * (kind % 2) + 0.03 * rng.normal()
            reach = 1.0 - 0.5 * (kind // 2)
            x = reach * np.stack([np.sin(tempo * steps), np.cos(tempo * steps)], axis=1)
            X.append(x + 0.1 * rng.normal(size=x.shape))
            y.append(f"exercise {kind}")
            groups.append(f"person {person}")
    return make_sequences(X, np.array(y), name="swings", groups=groups)


def prepare_watch(setting: Setting) -> Prepared:
    """Returns the method of a row; the person of the trial's number is judged, and learned from are all others."""
    config = sized(setting)
    about, data = config.learner, _recordings(config.task, np.random.default_rng(setting.seed))
    groups = np.asarray(data.groups)
    people = np.unique(groups)
    of = groups == people[setting.number % len(people)]
    rng = setting.apart(1)
    kept, left = np.flatnonzero(~of), np.flatnonzero(of)
    rows = np.concatenate([kept] * (1 + about["copies"]))

    def described(rows: np.ndarray, as_is: int) -> Sequences:
        """Returns what the pieces of recordings are like, all but the first ``as_is`` of which are turned."""
        X = [data.X[k] if n < as_is else turned(data.X[k], rng, about["turned"]) for n, k in enumerate(rows)]
        X = [summaries(sizes(x) if about["sizes"] else x, about["length"], about["every"]) for x in X]
        return replace(data.take(rows), X=X, channels=tuple(map(str, range(X[0].shape[1]))))

    train, test = described(rows, len(kept)), described(left, len(left))
    if about["method"] != "lstm":
        return _Linear(None, train, test)
    from carrousel.estimators import LSTMClassifier

    known = ("method", "length", "every", "sizes", "copies", "turned")
    options = {name: value for name, value in {**about, **config.until}.items() if name not in known}
    model = LSTMClassifier(**options, validation=None, rivals="linear", random_state=seed_of(setting))
    return Estimated(model, train, test)


def learn_watch(prepared: Prepared, setting: Setting) -> Found:
    """Learns, and returns how many of the person's recordings are right; the pieces of a linear method vote."""
    train, test = prepared.task, prepared.sets
    if isinstance(prepared, Estimated):
        model, found = learned(prepared)
        right = float(model.score(test.X, test.y))
    else:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        linear.fit(np.concatenate(train.X), np.repeat(train.y, [len(x) for x in train.X]))
        votes = [np.unique(linear.predict(x), return_counts=True) for x in test.X]
        said = [classes[counts.argmax()] for classes, counts in votes]
        right = float((np.array(said) == test.y).mean())
        found = {"success": True, "steps": int(sum(map(len, train.X)))}
    return {**found, "person": setting.number % PEOPLE, "accuracy": right}
