"""``KalmanLearner``: the extended Kalman filter over any learner that knows its outputs' derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel._format import Arrays
from carrousel.learning._protocol import Sensitive, Sequential, Streaming
from carrousel.learning._steps import EVERY_STEP, LAST_STEP, SILENT, check_counts
from carrousel.learning.kalman._grown import copy_variances, old_places, take
from carrousel.learning.kalman._nodes import nodes_of
from carrousel.learning.kalman._options import Kalman
from carrousel.learning.kalman._over import Spans, gathered, streams_of
from carrousel.learning.kalman._update import made, variances
from carrousel.learning.online.cell import OnlineLSTM
from carrousel.learning.online.network import Learner, Network

__all__ = ["KalmanLearner"]


class KalmanLearner(Sequential, Streaming):
    """A learner whose weights are changed by an extended Kalman filter.

    The weights are taken for a state that is to be estimated: every target is a noisy measurement of it, through what
    the outputs owe to the weights at that step. The filter keeps, beside the weights, how unsure it is of them, and of
    their errors' relations; so it makes much of every target, and needs few. A step costs the square of the number of
    weights in a group, times the number of outputs.

    Perez-Ortiz, Gers, Eck & Schmidhuber 2003, "Kalman filters improve LSTM network performance in problems unsolvable
    by traditional recurrent nets"; the node-decoupled filter is that of Puskorius & Feldkamp 1994, with several streams
    at once as in Feldkamp & Puskorius 1994.

    Args:
        learner: whose weights are changed: any that is :class:`carrousel.learning.Sensitive`. What it remembers of a
            stream goes on here. Steps of :class:`carrousel.learning.online.Learner` and of
            :class:`carrousel.OnlineLSTM` are compiled with the filter; others are run one by one.
        filter: the settings.
        trained: weights that change, truth values ``[weights]`` in the order of ``learner.vector``; None for all.
        streams: how many sequences are learned from at once: each update takes the errors of a step of them all into
            account.

    Raises:
        ValueError: an argument is not among these; the message says what would be.

    >>> from carrousel.learning import Kalman, KalmanLearner, OnlineLSTM
    >>> import numpy as np
    >>> wave = np.sin(0.3 * np.arange(402))[:, None]
    >>> lstm = OnlineLSTM(1, 4, 1, dtype=np.float64)
    >>> learner = KalmanLearner(lstm, Kalman(p=10.0, r=0.1, q=1e-6))
    >>> learner.learn_many(wave[:400], wave[1:401])
    >>> bool(abs(learner.predict_one(wave[400]) - wave[401])[0] < 0.02)  # after 400 steps
    True
    """

    def __init__(
        self, learner: Sensitive, filter: Kalman | None = None, *, trained: Any = None, streams: int = 1
    ) -> None:
        if not isinstance(learner, Sensitive):
            raise ValueError(
                f"a filter wants a learner that knows its outputs' derivatives by its weights, and "
                f"{type(learner).__name__} is not Sensitive"
            )
        check_counts(streams=streams)
        self.learner, self.filter, self.streams = learner, Kalman() if filter is None else filter, int(streams)
        self.input_size, self.output_size = learner.input_size, learner.output_size
        self.dtype = learner.dtype
        nodes = np.where(_mask(trained, learner.weight_count), nodes_of(learner), -1)
        self._arrays_of_filter = made(nodes, self.filter, self.streams * self.output_size, gathered(learner))
        self._memory = streams_of(learner, self.streams)

    @classmethod
    def example(cls, seed: int = 0) -> KalmanLearner:
        """Returns a small learner of this kind."""
        network = Network(3, 2, 2, forget_gates=True, peepholes=True, init=0.5)
        return cls(Learner(network.biased("cell output"), dtype=np.float64, seed=seed), Kalman(p=1.0))

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the learner's weights by name; assign to change them."""
        weights: dict[str, np.ndarray] = self.learner.weights
        return weights

    @weights.setter
    def weights(self, weights: Mapping[str, Any]) -> None:
        self.learner.weights = dict(weights)  # type: ignore[misc]

    @property
    def weight_count(self) -> int:
        """The number of weights, those included that do not change."""
        return self.learner.weight_count

    @property
    def updates(self) -> int:
        """How many updates there were."""
        return int(self._arrays_of_filter.count[0])

    @property
    def variances(self) -> list[np.ndarray]:
        """The filter's P: of every group the variances of its weights' errors ``[weights, weights]``.

        The groups are in the order of the units, and in each the weights in that of ``learner.vector``; of
        ``"weight"`` groups it is one vector of all variances.
        """
        return variances(self._arrays_of_filter)

    def predict_many(self, inputs: Any) -> np.ndarray:
        """Returns the outputs of the next steps, ``[steps, output_size]``; nothing changes."""
        return self.learner.predict_many(inputs)

    def reset(self) -> None:
        """Begins a new sequence in every stream: what was is forgotten, and what was learned is not."""
        self._memory.reset()

    def learn_streams(self, inputs: Any, targets: Any, *, tell: bool = False) -> np.ndarray | None:
        """Goes on with several streams at once, each update being made of a step of them all.

        Args:
            inputs: ``[streams, steps, input_size]``, or codes ``[streams, steps]``.
            targets: ``[streams, steps, output_size]``, a row of NaN being none; or codes ``[streams, steps]``.
            tell: whether to return the outputs ``[streams, steps, output_size]``, each from before its update.

        Raises:
            ValueError: a shape is wrong or a number is not finite; nothing has changed then.
        """
        inputs, targets = np.asarray(inputs), np.asarray(targets)
        steps = inputs.shape[1] if inputs.ndim > 1 else 0
        if inputs.ndim < 2 or len(inputs) != self.streams or targets.shape[:2] != inputs.shape[:2]:
            raise ValueError(
                f"inputs and targets must be [{self.streams} streams, steps, ...], got {list(inputs.shape)} and "
                f"{list(targets.shape)}"
            )
        x = self._inputs(inputs.reshape(-1, *inputs.shape[2:]))
        y = self._targets(targets.reshape(-1, *targets.shape[2:]), len(x))
        begin = np.arange(self.streams)[None] * steps
        told = self._learn(x, y, (begin, begin + steps, begin), False, EVERY_STEP if tell else SILENT, len(x))
        return told.reshape(self.streams, steps, -1) if tell else None

    def _stream(self, inputs: np.ndarray, targets: np.ndarray | None, learning: int, tell: bool) -> np.ndarray | None:
        if targets is None:
            return self.learner._stream(inputs, None, learning, tell)
        if self.streams > 1:
            raise ValueError(f"this filter learns from {self.streams} streams at once: learn_streams takes their steps")
        begin = np.zeros((1, 1), np.int64)
        spans = begin, begin + len(inputs), begin
        told = self._learn(inputs, targets, spans, False, EVERY_STEP if tell else SILENT, len(inputs))
        return told if tell else None

    def _sequences(
        self, inputs: np.ndarray, targets: np.ndarray | None, begin: np.ndarray, end: np.ndarray, telling: int
    ) -> np.ndarray:
        if targets is None:
            return self._memory.outputs(inputs, begin, end, telling)
        # Where sequences do not fill the last round, its other streams have no steps.
        rounds = -(-len(begin) // self.streams)
        lengths = end - begin
        written = np.arange(len(begin)) if telling == LAST_STEP else np.cumsum(lengths) - lengths

        def shaped(values: np.ndarray) -> np.ndarray:
            return np.append(values, np.zeros(rounds * self.streams - len(values), np.int64)).reshape(rounds, -1)

        spans = shaped(begin), shaped(end), shaped(written)
        rows = {SILENT: 0, EVERY_STEP: int(lengths.sum()), LAST_STEP: len(begin)}[telling]
        return self._learn(inputs, targets, spans, True, telling, rows)

    def _learn(
        self, inputs: np.ndarray, targets: np.ndarray, spans: Spans, resets: bool, telling: int, rows: int
    ) -> np.ndarray:
        """Runs rounds of spans and learns; returns the outputs that ``telling`` names, ``[rows, output_size]``."""
        outputs = np.empty((rows, self.output_size), self.dtype)
        wrong = self._memory.learn(self._arrays_of_filter, inputs, targets, spans, resets, telling, outputs)
        if wrong >= 0:
            raise FloatingPointError(
                f"the filter diverged after {self.updates} updates: what outputs owe to weights is no longer a finite "
                "number, or too large; a smaller p or q, or a larger r, would do"
            )
        return outputs

    def ready(self) -> None:
        """Compiles what teaching needs; nothing changes."""
        none = np.zeros((0, self.streams), np.int64)
        for steps in ((np.zeros((0, self.input_size)), np.zeros((0, self.output_size))), (none[:, 0], none[:, 0])):
            inputs, targets = self._inputs(steps[0]), self._targets(steps[1], 0)
            self._learn(inputs, targets, (none, none, none), False, SILENT, 0)
        self.learner.ready()

    def _inputs(self, inputs: Any) -> np.ndarray:
        return self.learner._inputs(inputs)

    def _targets(self, targets: Any, steps: int) -> np.ndarray:
        return self.learner._targets(targets, steps)

    def widened(self, input_size: int, output_size: int, seed: int = 0) -> KalmanLearner:
        """Returns the same filter over the same layer with more inputs and outputs; it remembers and goes on.

        Raises:
            TypeError: the learner is no ``OnlineLSTM``, or there are several streams.
        """
        if not isinstance(self.learner, OnlineLSTM) or self.streams > 1:
            raise TypeError("a single stream of an OnlineLSTM alone can be widened")
        layer = self.learner.widened(input_size, output_size, seed)
        wide = KalmanLearner(layer, self.filter)
        copy_variances(self._arrays_of_filter, wide._arrays_of_filter, old_places(self.learner, layer))
        return wide

    @classmethod
    def restored(cls, learner: Sensitive, filter: Kalman, arrays: Arrays) -> KalmanLearner:
        """Returns a filter that goes on over a restored learner.

        Raises:
            ValueError: the arrays are not such a filter's.
        """
        made = cls(learner, filter)
        take(made._arrays_of_filter, arrays)
        return made

    def _arrays(self) -> dict[str, np.ndarray]:
        """The learner's arrays, and the filter's under names that begin with ``filter``."""
        filter = self._arrays_of_filter
        return {**self._memory.arrays(), "filter p": filter.p, "filter count": filter.count}


def _mask(trained: Any, weights: int) -> np.ndarray:
    """Returns which weights change, ``[weights]``.

    Raises:
        ValueError: these are not so many truth values, or none is true.
    """
    mask = np.ones(weights, bool) if trained is None else np.asarray(trained)
    if mask.dtype != bool or mask.shape != (weights,) or not mask.any():
        raise ValueError(
            f"trained must be {weights} truth values, of which one at least is True; got "
            f"{mask.dtype} {list(mask.shape)}"
        )
    return mask
