"""What the filter runs on: streams of a learner, of those whose rule is compiled together with it, or of any."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from carrousel.learning._protocol import Responding, Sensitive, Sequential
from carrousel.learning._steps import EVERY_STEP, LAST_STEP, one_hot
from carrousel.learning.kalman._cell import run_layer
from carrousel.learning.kalman._network import run_network
from carrousel.learning.kalman._update import Filter, update_once
from carrousel.learning.online.cell import OnlineLSTM
from carrousel.learning.online.network import Learner

__all__ = ["Spans", "Streams", "gathered", "streams_of"]

Spans = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Begin and end of spans of steps, and the first of their rows among the outputs that are told, each ``[rounds,
streams]``."""


def gathered(learner: Sensitive) -> np.ndarray | None:
    """Returns where each weight stands in what compiled steps give, and at the end how many numbers that is."""
    if isinstance(learner, Learner):
        return np.append(learner._layout.weight_places, learner._layout.size)
    return None


def streams_of(learner: Sensitive, count: int) -> Streams:
    """Returns so many running states of a learner; a single one is the learner's own."""
    if isinstance(learner, Learner):
        return _OfNetwork(learner, count)
    if isinstance(learner, OnlineLSTM):
        return _OfLayer(learner, count)
    return _OfAny(learner, count)


class Streams(ABC):
    """Running states of a learner, one for each stream."""

    def __init__(self, learner: Any, count: int) -> None:
        self.learner, self.count = learner, count

    @abstractmethod
    def reset(self) -> None:
        """Begins all streams anew."""

    @abstractmethod
    def learn(
        self, filter: Filter, inputs: np.ndarray, targets: np.ndarray, spans: Spans, resets: bool, telling: int,
        outputs: np.ndarray,
    ) -> int:  # fmt: skip
        """Runs rounds of spans at once and has the filter learn, as compiled code does.

        Returns the number of steps until the filter could make nothing of one, or -1.
        """

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the arrays that change from step to step."""
        return dict(self.learner._arrays())

    def outputs(self, inputs: np.ndarray, begin: np.ndarray, end: np.ndarray, telling: int) -> np.ndarray:
        """Returns the outputs of checked sequences that ``telling`` names; nothing changes."""
        learner = self.learner
        if isinstance(learner, Sequential):
            return learner._sequences(inputs, None, begin, end, telling)
        if isinstance(learner, Responding):
            told = learner._respond(self.learner.vector[None], inputs, begin, end, False)[0]
        else:
            twin, parts = copy.deepcopy(learner), [np.zeros((0, learner.output_size), learner.dtype)]
            for first, last in zip(begin, end, strict=True):
                twin.reset()
                parts.append(twin.predict_many(inputs[first:last]))
            told = np.concatenate(parts)
        return told[np.cumsum(end - begin) - 1] if telling == LAST_STEP else told[: len(told) * telling]


def _stacked(array: np.ndarray, count: int) -> np.ndarray:
    """Returns so many arrays of zeros like one; of a single one a view of itself."""
    return array[None] if count == 1 else np.zeros((count, *array.shape), array.dtype)


class _OfNetwork(Streams):
    def __init__(self, learner: Learner, count: int) -> None:
        super().__init__(learner, count)
        names = ("state", "traces", "touched", "flags", "counters")
        self._net = learner._net._replace(**{name: _stacked(getattr(learner._net, name), count) for name in names})
        self._derived = np.zeros((1, learner._layout.size + 1), learner.dtype)

    def reset(self) -> None:
        if self.count == 1:
            self.learner.reset()
        for array in (self._net.state, self._net.traces, self._net.flags, self._net.counters[:, 2:3]):
            array[:] = 0

    def learn(
        self, filter: Filter, inputs: np.ndarray, targets: np.ndarray, spans: Spans, resets: bool, telling: int,
        outputs: np.ndarray,
    ) -> int:  # fmt: skip
        self.learner._observed = None
        steps = self.learner._arguments(inputs, targets)[len(self._net) :]
        wrong: int = run_network(*self._net, *steps, *filter, *spans, resets, telling, outputs, self._derived)
        return wrong


class _OfLayer(Streams):
    def __init__(self, learner: OnlineLSTM, count: int) -> None:
        super().__init__(learner, count)
        layer, n = learner._layer, learner.output_size
        names = ("states", "h", "traces")
        self._layer = layer._replace(**{name: _stacked(getattr(layer, name), count) for name in names})
        self._derived = np.zeros((n, learner.weight_count + 1), learner.dtype)
        self._slopes = np.zeros((n, n), learner.dtype)

    def reset(self) -> None:
        if self.count == 1:
            self.learner.reset()
        for array in (self._layer.states, self._layer.h, self._layer.traces):
            array[:] = 0

    def learn(
        self, filter: Filter, inputs: np.ndarray, targets: np.ndarray, spans: Spans, resets: bool, telling: int,
        outputs: np.ndarray,
    ) -> int:  # fmt: skip
        self.learner._observed = False
        has_target = (~np.isnan(targets[:, 0])).astype(np.uint8)
        wrong: int = run_layer(
            *self.learner._rule, *self._layer, *filter, inputs, targets, has_target, *spans, resets, telling, outputs,
            self._derived, self._slopes,
        )  # fmt: skip
        return wrong


class _OfAny(Streams):
    def __init__(self, learner: Sensitive, count: int) -> None:
        super().__init__(learner, count)
        self._twins: list[Any] = [learner, *(copy.deepcopy(learner) for _ in range(count - 1))]

    def reset(self) -> None:
        for twin in self._twins:
            twin.reset()

    def arrays(self) -> dict[str, np.ndarray]:
        if hasattr(self.learner, "_arrays"):
            return super().arrays()
        return {"vector": self.learner.vector}

    def learn(
        self, filter: Filter, inputs: np.ndarray, targets: np.ndarray, spans: Spans, resets: bool, telling: int,
        outputs: np.ndarray,
    ) -> int:  # fmt: skip
        begin, end, written = spans
        n, steps = self.learner.output_size, 0
        trained = filter.gather < self.learner.weight_count
        targets = one_hot(targets, n, np.nan)
        for first, last, rows in zip(begin, end, written, strict=True):
            if resets:
                self.reset()
            for time in range(int((last - first).max(initial=0))):
                filter.h[:], filter.errors[:], taught = 0, 0, False
                for s, t in self._running(first, last, time):
                    out = self._twins[s].observe_many(inputs[t : t + 1], tell=True)[0]
                    if telling == EVERY_STEP or (telling == LAST_STEP and t == last[s] - 1):
                        outputs[rows[s] + (time if telling == EVERY_STEP else 0)] = out
                    if not np.isnan(targets[t, 0]):
                        taught = True
                        filter.errors[s * n : s * n + n] = targets[t] - out
                        filter.h[s * n : s * n + n, trained] = self._twins[s].sensitivities()[:, filter.gather[trained]]
                if taught:
                    if not update_once(*filter):
                        return steps
                    vector = np.array(self.learner.vector)
                    vector[filter.gather[trained]] += filter.change[trained]
                    for twin in self._twins:
                        twin.vector = vector
                steps += 1
        return -1

    def _running(self, first: np.ndarray, last: np.ndarray, time: int) -> Iterator[tuple[int, int]]:
        """Yields the streams that have a step at a time, and which of the steps it is."""
        for s in range(self.count):
            if first[s] + time < last[s]:
                yield s, int(first[s]) + time
