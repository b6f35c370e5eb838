"""A weight matrix that reads and changes itself: every connection has an address that the network can name."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, exp, log2, tanh
from typing import Any

import numpy as np

from carrousel._jit import entry, jit, logistic
from carrousel.learning._protocol import Sequential, checked_weights
from carrousel.learning._steps import EVERY_STEP, LAST_STEP, SILENT, check_counts, one_hot

__all__ = ["SelfReferentialMatrix"]


class SelfReferentialMatrix(Sequential):
    """A fully recurrent network that can look at any of its weights, and change any, while a sequence runs.

    Beside inputs and outputs it has inputs that say how far its outputs were off in the step before (``eval``), and one
    that says what a weight is (``val``); and units that name, by the bits of its address, the weight to look at
    (``ana``) and the one to change (``mod``), and say by how much (``delta``)::

        y(t) = logistic(W(t-1) [x(t), eval(t), val(t), 1, y(t-1)])        delta by tanh
        val(t+1) = sum over all weights of g(ana(t), address) w(t-1)
        W(t) = W(t-1) + delta(t) g(mod(t), address)
        g(a, address) = exp(-sharpness |a - address|²)

    What is learned is the matrix with which sequences begin. Its gradient is exact, through everything that the
    network does to itself: errors go back through all steps of a sequence, whose matrices are kept.

    J. Schmidhuber: A self-referential weight matrix. ICANN 1993. The form of g and the sharpness are choices.

    Args:
        input_size, output_size: the numbers of inputs, and of outputs from 0 to 1.
        hidden_size: further units.
        rate: of steepest descent on half the sum of squared errors, at a sequence's end.
        sharpness: of g. Addresses of neighbours differ by one bit.
        init: first weights are uniform in [-init, init].
        changes: whether the network changes its weights; if not, it is a recurrent one that reads them and sees its
            errors.
        seed: of these.

    Raises:
        ValueError: an argument is not among these.

    >>> net = SelfReferentialMatrix(2, 1, 2)
    >>> net.bits, net.weight_count  # ten bits name each weight of 24 units that see 29
    (10, 696)
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        hidden_size: int = 2,
        *,
        rate: float = 0.5,
        sharpness: float = 2.0,
        init: float = 0.5,
        changes: bool = True,
        seed: int | np.random.Generator | None = 0,
    ) -> None:
        check_counts(input_size=input_size, output_size=output_size)
        check_counts(0, hidden_size=hidden_size)
        for name, value in (("rate", rate), ("sharpness", sharpness), ("init", init)):
            if not isinstance(value, int | float) or not 0 <= value < np.inf:
                raise ValueError(f"{name} must be a number not negative, got {value!r}")
        self.input_size, self.output_size, self.hidden_size = int(input_size), int(output_size), int(hidden_size)
        self.rate, self.sharpness, self.dtype = float(rate), float(sharpness), np.dtype(np.float64)
        self.changes = bool(changes)
        self.bits = 1
        while 2**self.bits < self._units * self._sources:
            self.bits += 1
        count = self._units * self._sources
        assert self.bits == ceil(log2(count))
        self._addresses = ((np.arange(count)[:, None] >> np.arange(self.bits)) & 1).astype(np.float64)
        self._matrix = np.random.default_rng(seed).uniform(-init, init, (self._units, self._sources))

    @property
    def _units(self) -> int:
        """Units that see others: outputs, hidden units, ana, mod, delta."""
        return self.output_size + self.hidden_size + 2 * self.bits + 1

    @property
    def _sources(self) -> int:
        """What they see: inputs, eval, val, 1, and they themselves."""
        return self.input_size + self.output_size + 2 + self._units

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """A copy of the first matrix: ``"matrix"``, ``[units, sources]``; assign to change it.

        Units are outputs, hidden units, ana, mod and delta; sources are inputs, eval, val, 1 and the units.
        """
        return {"matrix": self._matrix.copy()}

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        self._matrix[:] = checked_weights(weights, {"matrix": self._matrix.shape})["matrix"]

    @classmethod
    def example(cls, seed: int = 0) -> SelfReferentialMatrix:
        """Returns a small learner of this kind."""
        return cls(3, 2, 1, seed=seed)

    def gradient(self, inputs: Any, targets: Any) -> tuple[float, np.ndarray]:
        """Returns half the sum of squared errors over one sequence, and its gradient by the first matrix.

        Args:
            inputs: ``[steps, inputs]``, or ``[steps]`` codes.
            targets: ``[steps, outputs]``, a row of NaN being none, or ``[steps]`` codes.
        """
        x = self._inputs(inputs)
        y = self._targets(targets, len(x))
        outputs, gradient = np.zeros((len(x), self.output_size)), np.zeros_like(self._matrix)
        loss = self._pass(x, y, outputs, gradient)
        return loss, gradient

    def _inputs(self, inputs: Any) -> np.ndarray:
        return one_hot(super()._inputs(inputs), self.input_size)

    def _targets(self, targets: Any, steps: int) -> np.ndarray:
        return one_hot(super()._targets(targets, steps), self.output_size, np.nan)

    def _sequences(
        self, inputs: np.ndarray, targets: np.ndarray | None, begin: np.ndarray, end: np.ndarray, telling: int
    ) -> np.ndarray:
        told = []
        none, gradient = np.full((0, self.output_size), np.nan), np.zeros_like(self._matrix)
        for first, last in zip(begin, end, strict=True):
            outputs = np.zeros((last - first, self.output_size))
            goals = none if targets is None else targets[first:last]
            gradient[:] = 0.0
            self._pass(inputs[first:last], goals, outputs, gradient)
            self._matrix -= self.rate * gradient
            told.append({SILENT: outputs[:0], EVERY_STEP: outputs, LAST_STEP: outputs[-1:]}[telling])
        return np.concatenate([np.zeros((0, self.output_size)), *told])

    def _pass(self, x: np.ndarray, y: np.ndarray, outputs: np.ndarray, gradient: np.ndarray) -> float:
        sizes = self.input_size, self.output_size, self.bits
        return _through(self._matrix, self._addresses, self.sharpness, self.changes, *sizes, x, y, outputs, gradient)


@jit
def _near(bits, addresses, sharpness, found):
    """Computes g for all addresses, ``found [weights]``."""
    for c in range(len(addresses)):
        distance = 0.0
        for b in range(len(bits)):
            distance += (bits[b] - addresses[c, b]) ** 2
        found[c] = exp(-sharpness * distance)


@jit
def _back_to_bits(errors, near, bits, addresses, sharpness, into):
    """Adds to the errors of the bits those that they made in g, ``errors [weights]``."""
    for c in range(len(addresses)):
        passed = -2.0 * sharpness * errors[c] * near[c]
        for b in range(len(bits)):
            into[b] += passed * (bits[b] - addresses[c, b])


@entry
def _through(matrix, addresses, sharpness, changes, n_inputs, n_outputs, n_bits, x, targets, outputs, gradient):
    """Runs a sequence, writes ``outputs``, and if there are targets adds its gradient; returns the loss."""
    n, sources = matrix.shape
    steps, val, own = len(x), n_inputs + n_outputs, n_inputs + n_outputs + 2
    ana, mod = n - 1 - 2 * n_bits, n - 1 - n_bits
    w, z, y = np.zeros((steps + 1, n, sources)), np.zeros((steps + 1, sources)), np.zeros((steps, n))
    looked, changed = np.zeros((steps, n * sources)), np.zeros((steps, n * sources))
    w[0] = matrix
    loss = 0.0
    for t in range(steps):
        flat, after = w[t].reshape(n * sources), w[t + 1].reshape(n * sources)
        z[t, :n_inputs] = x[t]
        z[t, val + 1] = 1.0
        for k in range(n):
            total = 0.0
            for m in range(sources):
                total += w[t, k, m] * z[t, m]
            y[t, k] = tanh(total) if k == n - 1 else logistic(total)
            z[t + 1, own + k] = y[t, k]
        _near(y[t, ana:mod], addresses, sharpness, looked[t])
        _near(y[t, mod : n - 1], addresses, sharpness, changed[t])
        for c in range(n * sources):
            z[t + 1, val] += looked[t, c] * flat[c]
            after[c] = flat[c] + y[t, n - 1] * changed[t, c] if changes else flat[c]
        outputs[t] = y[t, :n_outputs]
        if len(targets) and targets[t, 0] == targets[t, 0]:
            for k in range(n_outputs):
                error = targets[t, k] - y[t, k]
                loss += 0.5 * error * error
                z[t + 1, n_inputs + k] = error
    if len(targets) == 0:
        return loss
    back = np.zeros(n * sources)  # the errors of the matrix after a step
    of_z, of_near = np.zeros(sources), np.zeros(n * sources)
    for t in range(steps - 1, -1, -1):
        flat = w[t].reshape(n * sources)
        of_y = of_z[own:].copy()  # of the units, as the next step saw them
        of_val = of_z[val]
        if targets[t, 0] == targets[t, 0]:
            for k in range(n_outputs):
                of_y[k] += y[t, k] - targets[t, k] - of_z[n_inputs + k]
        if changes:
            for c in range(n * sources):
                of_y[n - 1] += back[c] * changed[t, c]
                of_near[c] = back[c] * y[t, n - 1]
            _back_to_bits(of_near, changed[t], y[t, mod : n - 1], addresses, sharpness, of_y[mod : n - 1])
        for c in range(n * sources):
            of_near[c] = of_val * flat[c]
            back[c] += of_val * looked[t, c]
        _back_to_bits(of_near, looked[t], y[t, ana:mod], addresses, sharpness, of_y[ana:mod])
        of_z[:] = 0.0
        for k in range(n):
            slope = 1.0 - y[t, k] ** 2 if k == n - 1 else y[t, k] * (1.0 - y[t, k])
            delta = of_y[k] * slope
            for m in range(sources):
                back[k * sources + m] += delta * z[t, m]
                of_z[m] += delta * w[t, k, m]
    gradient += back.reshape(n, sources)
    return loss
