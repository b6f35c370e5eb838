"""A network with one self-recurrent hidden unit, every layer fed by all below it: cheap to teach exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel._jit import entry, jit, logistic
from carrousel.learning._protocol import Sequential, checked_weights
from carrousel.learning._simd import fill, fma, load, ones, pointer, sigmoid, store, zeros
from carrousel.learning._steps import EVERY_STEP, LAST_STEP, SILENT, check_counts

__all__ = ["OneUnitNetwork", "checked_codes", "compute_outputs", "learn_step", "run"]

_METHODS = {"rtrl": 0, "bptt": 1}


class OneUnitNetwork(Sequential):
    """One logistic hidden unit that sees the inputs and itself a step before; outputs that see the inputs and it.

    The network that RTRL and BPTT train in experiment 2 of Hochreiter & Schmidhuber 1997: with p + 1 symbols 36, 144
    and 10404 weights for p = 4, 10 and 100. The error is half the sum of squares, its gradient the exact one.

    Inputs and targets are whole numbers, the one unit that is 1; a target of -1 is none.

    Args:
        inputs, outputs: the numbers of units.
        method: ``"rtrl"``, which costs O(inputs) a step beside the outputs (Williams & Zipser 1989), or ``"bptt"``.
        rate: the learning rate.
        update: when weights change: after every ``"step"`` (RTRL only), or at a sequence's ``"end"``.
        init: initial weights are uniform in [-init, init].
        seed: of the initial weights.

    Raises:
        ValueError: an argument is not among these, or a number of units is not at least 1.

    >>> [OneUnitNetwork(p + 1, p + 1).weight_count for p in (4, 10, 100)]
    [36, 144, 10404]
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        method: str = "rtrl",
        rate: float = 1.0,
        *,
        update: str = "end",
        init: float = 0.2,
        seed: int | np.random.Generator | None = 0,
    ) -> None:
        if method not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(_METHODS)}; got {method!r}")
        if update not in ("step", "end"):
            raise ValueError(f"update must be 'step' or 'end', got {update!r}")
        if method == "bptt" and update != "end":
            raise ValueError("BPTT knows its gradient at a sequence's end: update must be 'end'")
        check_counts(inputs=inputs, outputs=outputs)
        rng = np.random.default_rng(seed)
        self.inputs, self.outputs, self.method, self.rate, self.update = inputs, outputs, method, rate, update
        self.input_size, self.output_size = inputs, outputs
        # A row holds one source's weights to all outputs, padded to whole vectors; the hidden unit's is the last.
        self._readout = np.zeros((inputs + 1, -(-outputs // 8) * 8))
        self._readout[:, :outputs] = rng.uniform(-init, init, (inputs + 1, outputs))
        self._hidden = rng.uniform(-init, init, inputs + 1)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights, the hidden unit being the last source; assign to change them.

        ``"hidden"`` is ``[inputs + 1]``, ``"output"`` ``[outputs, inputs + 1]``.
        """
        return {"hidden": self._hidden.copy(), "output": self._readout[:, : self.outputs].T.copy()}

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        checked = checked_weights(weights, {name: w.shape for name, w in self.weights.items()})
        self._hidden[:], self._readout[:, : self.outputs] = checked["hidden"], checked["output"].T

    @property
    def weight_count(self) -> int:
        """The number of weights."""
        return (self.inputs + 1) * (self.outputs + 1)

    @classmethod
    def example(cls, seed: int = 0) -> OneUnitNetwork:
        """Returns a small learner of this kind."""
        return cls(3, 4, seed=seed)

    def _inputs(self, inputs: Any) -> np.ndarray:
        return checked_codes(super()._inputs(inputs), "input")

    def _targets(self, targets: Any, steps: int) -> np.ndarray:
        return checked_codes(super()._targets(targets, steps), "target", least=-1)

    def _sequences(
        self, inputs: np.ndarray, targets: np.ndarray | None, begin: np.ndarray, end: np.ndarray, telling: int
    ) -> np.ndarray:
        rows = {SILENT: 0, EVERY_STEP: int((end - begin).sum()), LAST_STEP: len(begin)}[telling]
        outputs = np.empty((rows, self.outputs))
        run(
            self._readout, self._hidden, _METHODS[self.method], self.update == "step", self.rate, self.outputs,
            inputs, np.zeros(0, np.int64) if targets is None else targets, targets is not None, begin, end, telling,
            outputs,
        )  # fmt: skip
        return outputs


def checked_codes(steps: np.ndarray, what: str, least: int = 0) -> np.ndarray:
    """Returns checked steps that are codes of at least ``least``.

    Raises:
        ValueError: they are not.
    """
    if steps.ndim != 1 or steps.min(initial=0) < least:
        numbers = "whole numbers [steps] of at least 0" if least == 0 else "whole numbers [steps], -1 being none"
        raise ValueError(f"{what}s must be {numbers}: this learner knows no others")
    return steps


@jit
def compute_outputs(readout, code, h, y):
    """Computes all outputs ``y`` from the active input and the hidden unit."""
    rows, lanes = readout.shape
    w, out = pointer(readout), pointer(y)
    at, last, active = code * lanes, (rows - 1) * lanes, fill(w, h)
    for k in range(0, lanes, 8):
        store(out, k, sigmoid(fma(load(w, last + k), active, load(w, at + k))))


@jit
def learn_step(readout, into, code, h, y, goal, n_outputs, rate, sums):
    """Changes the outputs' weights, or their sum of changes ``into``; returns the hidden unit's error."""
    rows, lanes = readout.shape
    w, g, out, to, total = pointer(readout), pointer(into), pointer(y), pointer(goal), pointer(sums)
    at, last = code * lanes, (rows - 1) * lanes
    acc, one, factor, active = zeros(w), ones(w), fill(w, rate), fill(w, rate * h)
    for k in range(0, lanes, 8):
        value = load(out, k)
        d = (load(to, k) - value) * value * (one - value)
        if k + 8 > n_outputs:  # units that are only there to fill a vector
            store(out, k, d)
            for unit in range(n_outputs, k + 8):
                out[unit] = 0.0
            d = load(out, k)
        acc = fma(d, load(w, last + k), acc)
        store(g, at + k, fma(factor, d, load(g, at + k)))
        store(g, last + k, fma(active, d, load(g, last + k)))
    store(total, 0, acc)
    e = 0.0
    for k in range(8):
        e += total[k]
    return e


@entry
def run(readout, hidden, method, each_step, rate, n_outputs, codes, targets, learns, begins, ends, telling, outputs):
    """Runs sequences, and learns from them where ``learns``; writes the outputs that ``telling`` names."""
    rows, lanes = readout.shape
    n = rows - 1
    written = 0
    y, goal, sums = np.zeros(lanes), np.zeros(lanes), np.zeros(8)
    p = np.zeros(rows)  # the hidden unit's derivatives by its weights
    longest = 0
    for span in range(len(begins)):
        longest = max(longest, ends[span] - begins[span])
    past, errors = np.zeros(longest + 1), np.zeros(longest)
    changes = np.zeros_like(readout) if learns and not each_step else readout
    hidden_changes = np.zeros_like(hidden) if not each_step else hidden
    for span in range(len(begins)):
        begin, end = begins[span], ends[span]
        h = 0.0
        p[:] = 0.0
        for t in range(begin, end):
            old, code = h, codes[t]
            h = logistic(hidden[code] + hidden[n] * old)
            past[t - begin + 1] = h
            if telling == EVERY_STEP or (telling == LAST_STEP and t == end - 1):
                compute_outputs(readout, code, h, y)
                outputs[written] = y[:n_outputs]
                written += 1
            if not learns:
                continue
            if method == 0:
                slope = h * (1.0 - h)
                passed = slope * hidden[n]
                for m in range(rows):
                    p[m] *= passed
                p[code] += slope
                p[n] += slope * old
            e = 0.0
            if targets[t] >= 0:
                compute_outputs(readout, code, h, y)
                goal[targets[t]] = 1.0
                e = learn_step(readout, changes, code, h, y, goal, n_outputs, rate, sums)
                goal[targets[t]] = 0.0
                if method == 0:
                    for m in range(rows):
                        hidden_changes[m] += rate * e * p[m]
            errors[t - begin] = e
        if not learns:
            continue
        if method == 1:
            back = 0.0
            for t in range(end - 1, begin - 1, -1):
                h = past[t - begin + 1]
                delta = (errors[t - begin] + back) * h * (1.0 - h)
                hidden_changes[codes[t]] += rate * delta
                hidden_changes[n] += rate * delta * past[t - begin]
                back = delta * hidden[n]
        if not each_step:
            for m in range(rows):
                hidden[m] += hidden_changes[m]
                hidden_changes[m] = 0.0
                for k in range(lanes):
                    readout[m, k] += changes[m, k]
                    changes[m, k] = 0.0
