"""Trials of an estimator: it learns from one part of a data set, and is judged on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from carrousel.papers._networks import weight_count
from carrousel.papers._trial import Found, Prepared, Setting

__all__ = ["Estimated", "fold", "learned", "seed_of"]

FEW = 4  # sequences by which everything is compiled


@dataclass
class Estimated(Prepared):
    """What a trial of an estimator begins with.

    Attributes:
        learner: the estimator.
        task: what it learns from, as ``carrousel.data`` reads it.
        sets: what it is judged on.
    """

    learner: Any
    task: Any
    sets: Any = None

    def ready(self) -> None:
        """Compiles what a trial calls, by a copy that learns a few sequences of two classes."""
        from sklearn.base import clone

        y = self.task.y
        rows = list(range(min(FEW, len(self.task))))
        if isinstance(y, np.ndarray):
            rows += [int(np.flatnonzero(y != y[0])[0])]
        few = self.task.take(rows)
        clone(self.learner).set_params(max_epochs=1, validation=None).fit_on(few).predict(few.X)


def seed_of(setting: Setting) -> int:
    """Returns the seed of a trial's estimator."""
    return int(setting.apart(0).integers(2**31))


def learned(prepared: Prepared) -> tuple[Any, Found]:
    """Trains the estimator of a trial, and returns it with what every trial tells."""
    model = prepared.learner.fit_on(prepared.task)
    steps = int(sum(np.prod(x.shape[:-1]) for x in prepared.task.X)) * len(model.history_)
    found = {"success": True, "steps": steps, "weights": weight_count(model.network_), "epochs": model.best_epoch_}
    return model, found


def fold(y: Sequence[Any], folds: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows to learn from and those to judge by in the trial of a number.

    Each so many trials in turn leave out every fold once; all of them have one division, and the next have another.

    >>> [fold([0, 1] * 5, 5, number)[1].tolist() for number in (0, 5)]
    [[1, 2], [1, 6]]
    """
    from sklearn.model_selection import StratifiedKFold

    divided = StratifiedKFold(folds, shuffle=True, random_state=number // folds).split(np.zeros(len(y)), y)
    return list(divided)[number % folds]
