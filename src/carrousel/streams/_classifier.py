"""Classes, predicted for one record after the other."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from carrousel.streams._mixture import Weighing
from carrousel.streams._networks import OPTIMISERS
from carrousel.streams._stream import Stream, plain

__all__ = ["StreamClassifier"]


class StreamClassifier(Stream):
    """Predicts a class for every record of a stream and learns from each, in constant time and memory.

    A network learns at each of four rates, beside the others. Their probabilities are mixed, each weighted by what it
    gave to the classes that came of late. A class that was not seen before gets an output of its own when it is first
    learned.

    Args:
        hidden_size: the number of units of each network.
        cell: a member of the family, or your own.
        rate: the networks' step size, or several; by default 0.001, 0.003, 0.01 and 0.03.
        optimiser: ``"adam"``, ``"rmsprop"`` (with a decay of 0.999) or ``"descent"``.
        diagonal: see :class:`carrousel.OnlineLSTM`.
        truncate: see there.
        update: see there.
        seed: of the initial weights.
        past: whether the class of the record before is an input.
        missing: what stands for a feature that is missing; see :class:`StreamRegressor`, as for all of features.

    >>> model = StreamClassifier(hidden_size=8)
    >>> bits = np.random.default_rng(0).integers(0, 2, 3000)
    >>> for now, before in zip(bits[1:], bits):
    ...     model.learn_one({"bit": int(now)}, "same" if now == before else "other")
    >>> model.predict_one({"bit": int(bits[-1])})
    'same'
    """

    _loss = "softmax"
    _optimisers = OPTIMISERS[:3]  # the filter takes errors for those of numbers, with the same noise in each

    def __init__(
        self,
        hidden_size: int = 16,
        cell: Any = "lstm",
        rate: float | Sequence[float] | None = None,
        optimiser: str = "adam",
        diagonal: bool = False,
        truncate: str | None = "paper",
        update: Any = "step",
        seed: int = 0,
        past: bool = True,
        missing: str = "mean",
    ) -> None:
        super().__init__(hidden_size, cell, rate, optimiser, diagonal, truncate, update, seed, past, missing)
        self._last: Any = None
        self._lazy: Weighing | None = None

    @property
    def _mix(self) -> Weighing:
        if self._lazy is None:
            self._lazy = Weighing(len(self._rates))
        return self._lazy

    @property
    def classes(self) -> list[Any]:
        """The classes seen so far, in the order of their first records."""
        return list(self._classes)

    @property
    def _outputs(self) -> int:
        return len(self._classes)

    def _code(self, y: Any) -> int:
        if y is None or y != y:
            raise ValueError(f"the class is {y!r}: a label is wanted")
        return self._classes.setdefault(plain(y), len(self._classes))

    def _before(self, names: Sequence[Any], rows: np.ndarray, lasts: Sequence[Any]) -> tuple[np.ndarray, list[Any]]:
        """Returns records and names with the classes of the records before them: an input for each class."""
        if not self.past or not self._classes:
            return rows, list(names)
        before = [[float(label == last) for label in self._classes] for last in lasts]
        return np.concatenate([rows, np.array(before)], 1), [*names, *(f"before: {label!r}" for label in self._classes)]

    def learn_one(self, x: Mapping[Any, Any], y: Any) -> None:
        """Learns from one record and its class."""
        rows, names = self._one(x)
        rows, names = self._before(names, rows, [self._last])
        code = self._code(y)
        self._widen(names)
        self._learn(rows, names, [code])
        self._last = plain(y)

    def observe_one(self, x: Mapping[Any, Any]) -> None:
        """Goes on with the stream without a class; later errors still know what happened here."""
        rows, names = self._one(x)
        rows, names = self._before(names, rows, [self._last])
        self._widen(names)
        inputs = self._features_learned(self._placed(rows, names))
        for network in self._networks:
            network.observe_many(inputs)

    def _learn(self, rows: np.ndarray, names: Sequence[Any], codes: Sequence[int]) -> None:
        inputs = self._features_learned(self._placed(rows, names))
        targets = np.eye(self._outputs)[list(codes)]
        said = np.stack([self._teach(network, inputs, targets) for network in self._networks], 1)
        errors = [1 - self._mix.learn(each, code)[code] for each, code in zip(said, codes, strict=True)]
        self._ranks.learn(np.clip(errors, 0.0, 1.0))

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Returns the probability of every class seen so far; nothing changes."""
        rows, names = self._one(x)
        if not self._networks or not self._classes:
            return {}
        return dict(zip(self._classes, self._shares(rows, names)[0].tolist(), strict=True))

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Returns the most probable class, None before anything was learned; nothing changes."""
        shares = self.predict_proba_one(x)
        return max(shares, key=lambda label: shares[label]) if shares else None

    def score_one(self, x: Mapping[Any, Any], y: Any) -> float:
        """Returns how unusual a record and its class are, between 0 and 1; nothing changes.

        It is the rank of the error among the last thousand: the share of them that were smaller. The error is the
        probability that the class did not get. 0.5 before there was any.
        """
        return self.rank(1.0 - self.predict_proba_one(x).get(plain(y), 0.0))

    def rank(self, error: float) -> float:
        """Returns the share of the last thousand errors that were smaller than this one."""
        return self._ranks.rank(error)

    def learn_many(self, inputs: Any, targets: Any) -> None:
        """Learns from records one after the other: ``[n, features]`` or a data frame, and classes ``[n]``."""
        (rows, names), labels = self._array(inputs), [plain(label) for label in targets]
        if len(labels) != len(rows):
            raise ValueError(f"there are {len(rows)} records but {len(labels)} classes")
        if any(label is None or label != label for label in labels):
            raise ValueError("a class is missing: a label is wanted for every record")
        # A class becomes an output at the record where it is first seen, and an input at the next one.
        new = dict.fromkeys(label for label in labels if label not in self._classes)
        first = [labels.index(label) for label in new]
        for begin, end in itertools.pairwise(sorted({0, len(rows), *first, *(t + 1 for t in first)})):
            lasts = [self._last, *labels[begin : end - 1]]
            placed, known = self._before(names, rows[begin:end], lasts)
            codes = [self._code(label) for label in labels[begin:end]]
            self._widen(known)
            self._learn(placed, known, codes)
            self._last = labels[end - 1]

    def predict_many(self, inputs: Any) -> list[Any]:
        """Returns the most probable classes of the next records, one after the other; nothing changes."""
        rows, names = self._array(inputs)
        if not self._networks or not self._classes:
            return [None] * len(rows)
        labels = list(self._classes)
        return [labels[k] for k in self._shares(rows, names).argmax(1)]

    def _shares(self, rows: np.ndarray, names: Sequence[Any]) -> np.ndarray:
        """Returns the probabilities ``[n, classes]``."""
        rows, names = self._before(names, rows, [self._last] * len(rows))
        said = np.stack(self._ask(self._inputs.look(self._placed(rows, names))), 1)
        shares = np.stack([self._mix.look(each) for each in said])
        return shares / shares.sum(1, keepdims=True)

    def _facts(self) -> dict[str, Any]:
        return {"last": self._last}

    def _restore(self, facts: Mapping[str, Any], groups: dict[str, Any]) -> None:
        last = facts["last"]
        if last is not None and (type(last) not in (str, int, float, bool) or last not in self._classes):
            raise ValueError(f"its last class is {last!r}, which it does not know")
        self._last = last
        super()._restore(facts, groups)
