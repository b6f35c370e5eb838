"""Elman's network as a learner of streams, with the exact gradient of real-time recurrent learning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel._format import Arrays, fitted
from carrousel._jit import entry, jit
from carrousel.learning._protocol import UNOBSERVED, Sensitive, checked_vector, checked_weights, unchanged
from carrousel.learning._steps import FORWARD, LEARN, TRACE, check_counts, one_hot
from carrousel.learning.before_lstm.simple import roll_derivatives, step_units

__all__ = ["ElmanNetwork", "elman_outputs", "elman_slopes", "elman_step"]

_NO_CODES = np.zeros(0, np.int64)


class ElmanNetwork(Sensitive):
    """A layer of logistic units that see the input and themselves a step before, and linear outputs that see them.

    The gradient is exact: that of back-propagation through time to the beginning, by real-time recurrent learning in
    O(hidden^3 (hidden + inputs)) a step, in constant memory. Elman 1990; Williams & Zipser 1989.

    Args:
        inputs, hidden, outputs: the numbers of units.
        rate: the step size of descent on half the squared error, after every step with a target.
        init: initial weights are uniform in [-init, init].
        seed: of the initial weights.

    Raises:
        ValueError: a number is out of its range.

    >>> net = ElmanNetwork(1, 4, 1, rate=0.2, seed=1)
    >>> x = np.random.default_rng(0).choice([0.0, 1.0], (5000, 1))
    >>> net.learn_many(x, np.roll(x, 1, axis=0))  # what was the input a step ago?
    >>> bool(np.abs(net.predict_many(x[:50])[1:] - x[:49]).max() < 0.5)
    True
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int,
        rate: float = 0.1,
        *,
        init: float = 0.3,
        seed: int | np.random.Generator | None = 0,
    ) -> None:
        self._declare(inputs, hidden, outputs, rate)
        if not (isinstance(init, int | float) and 0 <= init < np.inf):
            raise ValueError(f"init must be a finite number of at least 0, got {init!r}")
        arrays = {name: np.zeros(shape) for name, (shape, _) in self._declared.items()}
        arrays["vector"][:] = np.random.default_rng(seed).uniform(-init, init, arrays["vector"].shape)
        self._take(arrays)

    def _declare(self, inputs: int, hidden: int, outputs: int, rate: float) -> None:
        check_counts(inputs=inputs, hidden=hidden, outputs=outputs)
        if not (isinstance(rate, int | float) and 0 <= rate < np.inf):
            raise ValueError(f"rate must be a finite number of at least 0, got {rate!r}")
        self.input_size, self.hidden, self.output_size, self.rate = int(inputs), int(hidden), int(outputs), float(rate)
        self._size = self.hidden * (self.input_size + 1 + self.hidden)
        self._declared = {
            "vector": ((self._size + self.output_size * (self.hidden + 1),), np.dtype(np.float64)),
            "h": ((self.hidden,), np.dtype(np.float64)),
            "p": ((self.hidden, self._size), np.dtype(np.float64)),
        }

    def _take(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Keeps arrays, which nobody else may hold, and makes the working space beside them."""
        self._vector, self._h, self._p = arrays["vector"], arrays["h"], arrays["p"]
        self._space = np.zeros_like(self._h), np.zeros_like(self._p)
        self._observed = False

    @classmethod
    def example(cls, seed: int = 0) -> ElmanNetwork:
        """Returns a small learner of this kind."""
        return cls(3, 4, 2, seed=seed)

    def views(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns views: weights ``[hidden, inputs + 1 + hidden]``, the bias's after the inputs', and the readout's."""
        w, v = flat[: self._size], flat[self._size :]
        return w.reshape(self.hidden, -1), v.reshape(self.output_size, self.hidden + 1)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights by name: ``recurrent`` and ``readout``, see :meth:`views`; assign to change them."""
        return self.named(self._vector)

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        checked = checked_weights(weights, {name: w.shape for name, w in self.weights.items()})
        self._vector[:] = np.concatenate([w.ravel() for w in checked.values()])
        self._observed = False

    @property
    def weight_count(self) -> int:
        """The number of weights."""
        return len(self._vector)

    @property
    def vector(self) -> np.ndarray:
        """All weights ``[weights]``, not to be written to; assign another to change them. It changes with them."""
        vector = self._vector.view()
        vector.flags.writeable = False
        return vector

    @vector.setter
    def vector(self, vector: np.ndarray) -> None:
        self._vector[:] = checked_vector(vector, self.weight_count, self.dtype)
        self._observed = False

    def named(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Returns what belongs to each weight, ``[weights]``, under the names and in the shapes of ``weights``."""
        recurrent, readout = self.views(np.array(vector))
        return {"recurrent": recurrent.copy(), "readout": readout.copy()}

    def sensitivities(self) -> np.ndarray:
        """Returns the derivatives ``[output_size, weights]`` of the last observed step's outputs.

        Raises:
            ValueError: no step was observed since the beginning, a reset, or a change of weights.
        """
        if not self._observed:
            raise ValueError(UNOBSERVED)
        found = np.zeros((self.output_size, self.weight_count))
        for k in range(self.output_size):
            elman_slopes(self.views(self._vector)[1], self._h, self._p, k, found[k])
        return found

    def predict_many(self, inputs: Any) -> np.ndarray:
        """Returns the outputs of the next steps, ``[steps, output_size]``; nothing changes."""
        with unchanged(self._h):
            return self._run(one_hot(self._inputs(inputs), self.input_size), None, FORWARD, True)

    def reset(self) -> None:
        """Begins a new sequence: activations and derivatives begin at zero."""
        self._h[:] = 0
        self._p[:] = 0
        self._observed = False

    def _stream(self, inputs: np.ndarray, targets: np.ndarray | None, learning: int, tell: bool) -> np.ndarray | None:
        goals = None if targets is None else one_hot(targets, self.output_size, np.nan)
        outputs = self._run(one_hot(inputs, self.input_size), goals, learning, tell)
        self._observed = learning == TRACE and (len(inputs) > 0 or self._observed)
        return outputs if tell else None

    def _run(self, x: np.ndarray, y: np.ndarray | None, learning: int, tell: bool) -> np.ndarray:
        outputs = np.empty((len(x) if tell else 0, self.output_size))
        goals = np.full((len(x), self.output_size), np.nan) if y is None else y
        w, v = self.views(self._vector)
        slope = np.zeros(self.weight_count)
        _run(self._vector, w, v, self._h, self._p, *self._space, slope, x, goals, learning, self.rate, outputs)
        return outputs

    def _arguments(self) -> dict[str, Any]:
        return {"inputs": self.input_size, "hidden": self.hidden, "outputs": self.output_size, "rate": self.rate}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, f"_{name}") for name in self._declared}

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: Arrays) -> ElmanNetwork:
        """Returns a learner with these arrays.

        Raises:
            ValueError: they are not what the arguments declare.
        """
        learner = cls.__new__(cls)
        learner._declare(**arguments)
        learner._take(fitted(arrays, learner._declared))
        return learner


@jit
def elman_step(w, h, p, new, q, x, rolls):
    """Takes the layer a step on: ``x [1, inputs]``; with ``rolls`` the derivatives ``p [hidden, weights]`` too."""
    step_units(w, 0, x.shape[1], True, _NO_CODES, x, h, new)
    if rolls:
        roll_derivatives(w, 0, x.shape[1], True, _NO_CODES, x, h, new, p, q)
        p[:] = q
    h[:] = new


@jit
def elman_outputs(v, h, outputs):
    """Computes the outputs."""
    for k in range(len(v)):
        total = v[k, len(h)]
        for i in range(len(h)):
            total += v[k, i] * h[i]
        outputs[k] = total


@jit
def _add_slopes(v, h, p, k, factor, slope):
    """Adds the derivatives of output k by all weights, times a factor."""
    for i in range(len(h)):
        share = factor * v[k, i]
        for m in range(p.shape[1]):
            slope[m] += share * p[i, m]
        slope[p.shape[1] + k * (len(h) + 1) + i] += factor * h[i]
    slope[p.shape[1] + k * (len(h) + 1) + len(h)] += factor


@entry
def elman_slopes(v, h, p, k, slope):
    """Adds the derivatives of output k by all weights to ``slope``."""
    _add_slopes(v, h, p, k, 1.0, slope)


@entry
def _run(vector, w, v, h, p, new, q, slope, x, goals, learning, rate, outputs):
    """Runs steps of a stream, and learns from those that have a target."""
    out = np.zeros(len(v))
    for t in range(len(x)):
        elman_step(w, h, p, new, q, x[t : t + 1], learning != FORWARD)
        elman_outputs(v, h, out)
        if len(outputs):
            outputs[t] = out
        if learning == LEARN and goals[t, 0] == goals[t, 0]:
            slope[:] = 0
            for k in range(len(out)):
                _add_slopes(v, h, p, k, goals[t, k] - out[k], slope)
            for m in range(len(vector)):
                vector[m] += rate * slope[m]
