"""A logistic regression on a window of steps: the linear method beside which labels of steps are set."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from carrousel._format import fitted, whole
from carrousel.estimators._sequences import Ragged

__all__ = ["AROUND", "WindowBaseline", "fit_windowed"]

AROUND = {"numbers": 5, "symbols": 2}  # steps on each side
MOST_NUMBERS, MOST_STEPS = 2**23, 20_000  # of the features, and the steps from which it learns
MOST_SYMBOLS = 1000  # that are told apart: the most frequent
UPDATES = 200


@dataclass(frozen=True)
class WindowBaseline:
    """Logits of every step: a linear function of the steps around it.

    Attributes:
        left, right: steps that it sees before and after.
        kept: the number by which it knows each of V symbols, 0 for the rare ones, [V]; None for numbers.
        weight: [left + 1 + right, F, K]. What stands beyond an end counts nothing.
        bias: [K].
    """

    left: int
    right: int
    kept: np.ndarray | None
    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, sequences: Ragged) -> np.ndarray:  # standardised values [S, C], or numbers [S, 1] -> [S, K]
        logits = np.tile(self.bias, (len(sequences.values), 1))
        for offset, weight in zip(range(-self.left, self.right + 1), self.weight, strict=True):
            rows, inside = _beside(sequences, offset)
            if self.kept is None:
                logits[inside] += sequences.values[rows[inside]] @ weight
            else:
                logits[inside] += weight[self.kept[sequences.values[rows[inside], 0].astype(np.int64)]]
        return logits

    def facts(self) -> dict[str, Any]:
        """Returns what a saved model says of it."""
        return {"left": self.left, "right": self.right, "features": self.weight.shape[1]}

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the arrays of a saved model."""
        arrays = {"rival.weight": self.weight, "rival.bias": self.bias}
        return arrays if self.kept is None else {**arrays, "rival.kept": self.kept}

    @classmethod
    def restore(
        cls, facts: Any, arrays: dict[str, np.ndarray], symbols: int | None, channels: int, classes: int
    ) -> WindowBaseline:
        """Returns what ``facts`` and ``arrays`` describe, after checking it."""
        left, right = (whole(facts[name], f"its window's {name}", 0, 1000) for name in ("left", "right"))
        features = whole(facts["features"], "its window's features", 1, MOST_SYMBOLS + 1)
        if symbols is None and features != channels:
            raise ValueError("its window has other channels than the model")
        wanted: dict[str, Any] = {
            "rival.weight": ((left + 1 + right, features, classes), np.float64), "rival.bias": ((classes,), np.float64)
        }  # fmt: skip
        if symbols is not None:
            wanted["rival.kept"] = ((symbols,), np.int64)
        found = fitted({name: value for name, value in arrays.items() if name in wanted}, wanted)
        kept = found.get("rival.kept")
        if kept is not None and not ((kept >= 0) & (kept < features)).all():
            raise ValueError("its window knows other symbols than the model")
        return cls(left, right, kept, found["rival.weight"], found["rival.bias"])


def _beside(sequences: Ragged, offset: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the row ``offset`` steps from each, [S], and whether it is of the same sequence."""
    first = np.repeat(sequences.starts, sequences.lengths)
    last = first + np.repeat(sequences.lengths, sequences.lengths)
    rows = np.arange(len(first)) + offset
    return rows, (rows >= first) & (rows < last)


def fit_windowed(
    sequences: Ragged,
    classes: np.ndarray,
    count: int,
    *,
    symbols: int | None,
    right: int | None,
    seed: int,
    class_weight: Any = None,
) -> WindowBaseline:
    """Fits a logistic regression on a window of steps.

    Args:
        sequences: standardised values [S, C], or numbers of symbols [S, 1].
        classes: the number of every step's class, -1 for none, [S].
        count: of the classes.
        symbols: how many symbols there are; None for values.
        right: the most steps that it may see after a step; None for as many as before.
        seed: of the steps that are drawn from many.
        class_weight: by the number of the class, ``"balanced"`` or None.
    """
    left = AROUND["numbers" if symbols is None else "symbols"]
    right = left if right is None else min(left, right)
    kept = None if symbols is None else _frequent(sequences.values[:, 0].astype(np.int64), symbols)
    width = sequences.channels if kept is None else int(kept.max()) + 1
    known = np.flatnonzero(classes >= 0)
    most = MOST_STEPS if kept is not None else max(count, min(MOST_STEPS, MOST_NUMBERS // ((left + 1 + right) * width)))
    if len(known) > most:
        known = np.sort(np.random.default_rng(seed).choice(known, most, replace=False))
    seen = _features(sequences, known, left, right, kept, width)
    present = np.unique(classes[known])
    weight, bias = np.zeros((count, seen.shape[1])), np.full(count, -np.inf)
    bias[present] = 0.0
    if len(present) > 1:
        if isinstance(class_weight, dict):
            class_weight = {k: w for k, w in class_weight.items() if k in present}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what it has reached by then does as well
            model = LogisticRegression(max_iter=UPDATES, class_weight=class_weight, tol=1e-3)
            model.fit(seen, classes[known])
        if len(present) == 2:
            weight[present[1]], bias[present[1]] = model.coef_[0], model.intercept_[0]
        else:
            weight[present], bias[present] = model.coef_, model.intercept_
    bias[bias == -np.inf] = -1e9  # of a class that the drawn steps do not have; a file holds numbers alone
    shaped = np.ascontiguousarray(weight.reshape(count, left + 1 + right, width).transpose(1, 2, 0))
    return WindowBaseline(left, right, kept, shaped, bias)


def _frequent(numbers: np.ndarray, symbols: int) -> np.ndarray:
    """Returns the number by which each of ``symbols`` is known, [V]: those of the most frequent ones, else 0."""
    counts = np.bincount(numbers, minlength=symbols)
    counts[0] = 0  # the unknown one
    chosen = np.sort(np.argsort(-counts, kind="stable")[: min(MOST_SYMBOLS, int((counts > 0).sum()))])
    kept = np.zeros(symbols, dtype=np.int64)
    kept[chosen] = np.arange(1, len(chosen) + 1)
    return kept


def _features(
    sequences: Ragged, chosen: np.ndarray, left: int, right: int, kept: np.ndarray | None, width: int
) -> Any:  # [len(chosen), (left + 1 + right) * width]
    offsets = range(-left, right + 1)
    if kept is None:
        parts = np.zeros((len(chosen), len(offsets), width), dtype=np.float64)
    else:
        columns: list[np.ndarray] = []
        places: list[np.ndarray] = []
    for k, offset in enumerate(offsets):
        rows, inside = (each[chosen] for each in _beside(sequences, offset))
        if kept is None:
            parts[inside, k] = sequences.values[rows[inside]]
        else:
            columns.append(k * width + kept[sequences.values[rows[inside], 0].astype(np.int64)])
            places.append(np.flatnonzero(inside))
    if kept is None:
        return parts.reshape(len(chosen), -1)
    column, place = np.concatenate(columns), np.concatenate(places)
    shape = (len(chosen), len(offsets) * width)
    return scipy.sparse.csr_matrix((np.ones(len(column)), (place, column)), shape=shape)
