"""A linear method that learns on-line: river's regression on standardised inputs, beside which learners are shown."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from carrousel._format import MOST, Arrays, fitted, whole
from carrousel.streams._standardise import LARGEST

__all__ = ["LAGS", "RATE", "OnlineLinear", "has_river"]

LAGS, RATE = 4, 0.003
"""How many of the last targets are seen, and the step size, where nobody chooses others."""


def has_river() -> bool:
    """Tells whether river is installed, which the method is of."""
    return find_spec("river") is not None


class OnlineLinear:
    """Predicts a number for every record by river's linear regression, after its ``StandardScaler``.

    It sees the last targets, with a season also the target a season before, and the features. Where a target is
    missing the last one that was known stands for it. Before there were enough targets it says the last one. What it
    says lies between the targets so far, or as far beyond them again as they lie apart.

    Args:
        seasons: records in each season, the shortest first.
        lags: how many of the last targets it sees.
        rate: its step size.
        relative: whether it learns the change from the last target, and sees changes: the last ones, and with a season
            the change a season before too.

    Raises:
        ModuleNotFoundError: river is not installed.
    """

    def __init__(
        self, seasons: tuple[int, ...] = (), lags: int = LAGS, rate: float = RATE, relative: bool = True
    ) -> None:
        self.seasons, self.lags, self.rate, self.relative = seasons, lags, rate, relative
        self._least = max([lags, *seasons[:1]]) + 1  # targets before it learns
        self._filled: deque[float] = deque(maxlen=max([lags, *seasons]) + 1)
        self._low = self._high = 0.0  # of the targets
        self._begin()

    def _begin(self) -> None:
        from river import linear_model, optim, preprocessing

        self._scaler: Any = preprocessing.StandardScaler()
        self._regression: Any = linear_model.LinearRegression(optimizer=optim.SGD(self.rate))
        self._model: Any = self._scaler | self._regression

    def predict(self, x: Mapping[str, float]) -> float:
        """Returns the target of the next record; nothing changes."""
        last = self._filled[-1] if self._filled else 0.0
        if len(self._filled) < self._least:
            return last
        said = (last if self.relative else 0.0) + self._model.predict_one(self._inputs(x))
        # An input that did not vary, but for rounding, is standardised to anything.
        apart = self._high - self._low
        return min(max(float(said), self._low - apart), self._high + apart) if said == said else last

    def learn(self, x: Mapping[str, float], y: float | None) -> None:
        """Learns from a record and its target; goes on without one if that is missing."""
        if y is not None and len(self._filled) >= self._least:
            self._model.learn_one(self._inputs(x), y - (self._filled[-1] if self.relative else 0.0))
            if not all(map(math.isfinite, (*self._regression.weights.values(), self._regression.intercept))):
                self._begin()  # it diverged
        if y is not None:
            first = not self._filled
            self._low, self._high = (y, y) if first else (min(self._low, y), max(self._high, y))
        if y is not None or self._filled:
            self._filled.append(self._filled[-1] if y is None else y)

    def _inputs(self, x: Mapping[str, float]) -> dict[str, float]:
        filled, lags = self._filled, self.lags
        n, base = len(filled), filled[-1] if self.relative else 0.0
        before = [filled[n - lags - 1 + k] for k in range(lags + 1)]
        seen = np.diff(before).tolist() if self.relative else before[1:]
        inputs = {f"lag {lags - k}": value for k, value in enumerate(seen)}
        for season in self.seasons:
            if n > season:
                inputs[f"season {season}"] = filled[n - season] - base
                if self.relative:
                    inputs[f"change of season {season}"] = filled[n - season] - filled[n - season - 1]
        inputs.update({f"feature {name}": value for name, value in x.items()})
        return inputs

    @property
    def facts(self) -> dict[str, Any]:
        """What is saved beside the arrays, as JSON can hold it."""
        return {"inputs": list(self._scaler.counts), "weights": list(self._regression.weights)}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that are saved."""
        scaler, names = self._scaler, list(self._scaler.counts)
        return {
            "filled": np.array(self._filled, np.float64),
            "counts": np.array([scaler.counts[name] for name in names], np.int64),
            "means": np.array([scaler.means[name] for name in names], np.float64),
            "variances": np.array([scaler.vars[name] for name in names], np.float64),
            "weights": np.array(list(self._regression.weights.values()), np.float64),
            "intercept": np.array([self._regression.intercept], np.float64),
            "range": np.array([self._low, self._high], np.float64),
            "steps": np.array([self._regression.optimizer.n_iterations], np.int64),
        }

    def restore(self, facts: Mapping[str, Any], arrays: Arrays) -> None:
        """Takes what was saved.

        Raises:
            ValueError: it is of no such method.
        """
        from river.utils import VectorDict

        inputs, weighted = (_names(facts[name]) for name in ("inputs", "weights"))
        there = whole(len(arrays.get("filled", ())), "its number of targets", 0, self._filled.maxlen or 0)
        found = fitted(
            arrays,
            {
                "filled": ((there,), np.float64),
                "counts": ((len(inputs),), np.int64),
                **dict.fromkeys(("means", "variances"), ((len(inputs),), np.float64)),
                "weights": ((len(weighted),), np.float64),
                "intercept": ((1,), np.float64),
                "range": ((2,), np.float64),
                "steps": ((1,), np.int64),
            },
        )
        low, high = found["range"].tolist()
        within = (found["filled"] >= low).all() and (found["filled"] <= high).all()
        if not within or not max(-low, high) <= LARGEST or not (found["variances"] >= 0).all():
            raise ValueError("no targets led to what its linear method holds")
        for name in ("counts", "steps"):
            for count in found[name].tolist():
                whole(count, "a count of its linear method", 0, MOST)
        self._begin()
        self._filled.extend(found["filled"].tolist())
        self._low, self._high = low, high
        for into, name in (
            (self._scaler.counts, "counts"),
            (self._scaler.means, "means"),
            (self._scaler.vars, "variances"),
        ):
            into.update(dict(zip(inputs, found[name].tolist(), strict=True)))
        self._regression._weights = VectorDict(dict(zip(weighted, found["weights"].tolist(), strict=True)))
        self._regression.intercept = float(found["intercept"][0])
        self._regression.optimizer.n_iterations = int(found["steps"][0])


def _names(names: Any) -> list[str]:
    if not isinstance(names, list) or not all(type(name) is str for name in names) or len(set(names)) < len(names):
        raise ValueError(f"the inputs of its linear method must be different names, got {names}")
    return names
