"""The recurrent networks that LSTM was compared with: Elman's, and fully recurrent ones with their exact gradient."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from carrousel._jit import entry, jit, logistic
from carrousel.learning._protocol import Sequential, checked_weights
from carrousel.learning._steps import EVERY_STEP, LAST_STEP, SILENT, check_counts

__all__ = ["SimpleNetwork", "roll_derivatives", "step_units"]

_METHODS = {"elman": 0, "rtrl": 1, "bptt": 2}


class SimpleNetwork(Sequential):
    """Logistic units without memory cells, trained by gradient descent on half the sum of squared errors.

    Inputs are ``[steps, inputs]``, or ``[steps]`` whole numbers, each the one input unit that is 1, -1 for none.
    Targets are ``[steps, outputs]``, a row of NaN being no target, or ``[steps]`` whole numbers, each the one output
    unit that should be 1, -1 for no target. Activations are 0 when a sequence begins; weights change at its end.
    :class:`OneUnitNetwork` is another network, whose outputs are not recurrent and see the inputs.

    Args:
        inputs, hidden, outputs: the numbers of units.
        method: ``"elman"``: a hidden layer that sees the inputs and itself a step before, an output layer that sees
            the hidden layer; errors stay within the step (Elman 1990; Cleeremans, Servan-Schreiber & McClelland 1989).
            ``"rtrl"``: every hidden and output unit sees all inputs and all units of the step before; the exact
            gradient by real-time recurrent learning, O(units^4) a step (Williams & Zipser 1989). ``"bptt"``: the same
            network and gradient by back-propagation through time.
        rate: the learning rate.
        init: initial weights are uniform in [-init, init].
        bias: whether all units have biases.
        seed: of the initial weights.

    Raises:
        ValueError: the method is not among these, or a number of units is not at least 1.

    >>> SimpleNetwork(7, 15, 7, "elman").weight_count, SimpleNetwork(7, 12, 7, "rtrl").weight_count
    (435, 494)
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int,
        method: str,
        rate: float = 0.1,
        *,
        init: float = 0.2,
        bias: bool = False,
        seed: int | np.random.Generator | None = 0,
    ) -> None:
        if method not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(_METHODS)}; got {method!r}")
        check_counts(inputs=inputs, hidden=hidden, outputs=outputs)
        rng = np.random.default_rng(seed)
        self.inputs, self.hidden, self.outputs, self.method, self.rate = inputs, hidden, outputs, method, rate
        self.input_size, self.output_size = inputs, outputs
        self.bias = bool(bias)
        recurrent = hidden if method == "elman" else hidden + outputs
        self._recurrent = rng.uniform(-init, init, (recurrent, inputs + self.bias + recurrent))
        readout = (outputs, hidden + self.bias) if method == "elman" else (0, 0)
        self._readout = rng.uniform(-init, init, readout)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights by name; assign to change them.

        ``"recurrent"``: ``[units, inputs + bias + units]``, in this order; ``"readout"``: ``[outputs, hidden + bias]``
        with the method ``"elman"``, otherwise empty, for the outputs are the last of the units.
        """
        return {"recurrent": self._recurrent.copy(), "readout": self._readout.copy()}

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        arrays = {"recurrent": self._recurrent, "readout": self._readout}
        for name, value in checked_weights(weights, {name: w.shape for name, w in arrays.items()}).items():
            arrays[name][:] = value

    @classmethod
    def example(cls, seed: int = 0) -> SimpleNetwork:
        """Returns a small learner of this kind."""
        return cls(3, 4, 2, "rtrl", 0.5, bias=True, seed=seed)

    def _sequences(
        self, inputs: np.ndarray, targets: np.ndarray | None, begin: np.ndarray, end: np.ndarray, telling: int
    ) -> np.ndarray:
        lengths = end - begin
        rows = {SILENT: 0, EVERY_STEP: int(lengths.sum()), LAST_STEP: len(begin)}[telling]
        outputs = np.zeros((rows, self.outputs))
        goals = np.zeros(0, np.int64) if targets is None else targets
        _run(
            _METHODS[self.method], self._recurrent, self._readout, self.inputs, self.bias, self.rate,
            int(lengths.max(initial=0)), *_two(inputs), *_two(goals), begin, end, targets is not None, telling, outputs,
        )  # fmt: skip
        return outputs


def _two(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns steps as codes and as numbers, one of them empty."""
    return (steps, np.zeros((0, 0))) if steps.ndim == 1 else (np.zeros(0, np.int64), steps)


@jit
def _credit(row, slope, t, n_inputs, bias, codes, x, old):
    """Adds to a unit's row of derivatives what its weights do in step t."""
    if len(codes) == 0:
        for m in range(n_inputs):
            row[m] += slope * x[t, m]
    elif codes[t] >= 0:
        row[codes[t]] += slope
    if bias:
        row[n_inputs] += slope
    for j in range(len(old)):
        row[n_inputs + bias + j] += slope * old[j]


@jit
def step_units(w, t, n_inputs, bias, codes, x, old, new):
    """Computes the units' activations in step t from the inputs and their old ones."""
    for i in range(len(new)):
        total = w[i, n_inputs] if bias else 0.0
        if len(codes) == 0:
            for m in range(n_inputs):
                total += w[i, m] * x[t, m]
        elif codes[t] >= 0:
            total += w[i, codes[t]]
        for j in range(len(old)):
            total += w[i, n_inputs + bias + j] * old[j]
        new[i] = logistic(total)


@jit
def roll_derivatives(w, t, n_inputs, bias, codes, x, old, new, p, q):
    """Computes RTRL's next derivatives q from p: ``p[i, k * sources + m]`` is unit i's by the weight to k from m."""
    n, sources = w.shape
    for i in range(n):
        slope = new[i] * (1.0 - new[i])
        after = q[i]
        after[:] = 0.0
        for j in range(n):
            passed = slope * w[i, n_inputs + bias + j]
            before = p[j]
            for m in range(n * sources):
                after[m] += passed * before[m]
        _credit(after[i * sources : (i + 1) * sources], slope, t, n_inputs, bias, codes, x, old)


@jit
def _errors(t, codes, goals, out, error):
    """Computes the outputs' errors in step t, zero where there is no target."""
    for k in range(len(out)):
        if len(codes) == 0:
            error[k] = 0.0 if goals[t, k] != goals[t, k] else goals[t, k] - out[k]
        else:
            error[k] = 0.0 if codes[t] < 0 else (1.0 if codes[t] == k else 0.0) - out[k]


@jit
def _elman(v, t, n_inputs, bias, codes, x, old, new, out, error, dw, dv):
    """Adds up Elman's gradient: errors go from the outputs to the hidden units and no further."""
    n = len(new)
    for i in range(n):
        back = 0.0
        for k in range(len(out)):
            back += error[k] * out[k] * (1.0 - out[k]) * v[k, i]
        _credit(dw[i], back * new[i] * (1.0 - new[i]), t, n_inputs, bias, codes, x, old)
    for k in range(len(out)):
        delta = error[k] * out[k] * (1.0 - out[k])
        for i in range(n):
            dv[k, i] += delta * new[i]
        if bias:
            dv[k, n] += delta


@jit
def _bptt(w, begin, end, n_inputs, bias, codes, x, y, errors, dw):
    """Adds up BPTT's gradient: errors go back step by step; ``y`` and ``errors`` are those of the whole sequence."""
    n = len(w)
    back, delta = np.zeros(n), np.zeros(n)
    first = n - errors.shape[1]
    for t in range(end - 1, begin - 1, -1):
        old, new = y[t - begin], y[t - begin + 1]
        for i in range(n):
            e = back[i] + (errors[t - begin, i - first] if i >= first else 0.0)
            delta[i] = e * new[i] * (1.0 - new[i])
            _credit(dw[i], delta[i], t, n_inputs, bias, codes, x, old)
        back[:] = 0.0
        for i in range(n):
            for j in range(n):
                back[j] += delta[i] * w[i, n_inputs + bias + j]


@entry
def _run(
    method, w, v, n_inputs, bias, rate, longest, codes, x, goal_codes, goals, begin, end, learns, telling, outputs
):  # fmt: skip
    n, n_outputs = len(w), outputs.shape[1]
    y, errors = np.zeros((longest + 1, n)), np.zeros((longest, n_outputs))
    out, dw, dv = np.zeros(n_outputs), np.zeros_like(w), np.zeros_like(v)
    rolls = method == 1 and learns
    p = np.zeros((n, w.size) if rolls else (1, 1))
    q = np.zeros_like(p)
    written = 0
    for s in range(len(begin)):
        p[:] = 0
        dw[:] = 0
        dv[:] = 0
        for t in range(begin[s], end[s]):
            old, new, error = y[t - begin[s]], y[t - begin[s] + 1], errors[t - begin[s]]
            step_units(w, t, n_inputs, bias, codes, x, old, new)
            if method == 0:
                for k in range(n_outputs):
                    total = v[k, n] if bias else 0.0
                    for i in range(n):
                        total += v[k, i] * new[i]
                    out[k] = logistic(total)
            else:
                out[:] = new[n - n_outputs :]
            if telling == EVERY_STEP or (telling == LAST_STEP and t == end[s] - 1):
                outputs[written] = out
                written += 1
            if learns:
                _errors(t, goal_codes, goals, out, error)
                if method == 0:
                    _elman(v, t, n_inputs, bias, codes, x, old, new, out, error, dw, dv)
                elif method == 1:
                    roll_derivatives(w, t, n_inputs, bias, codes, x, old, new, p, q)
                    p, q = q, p
                    for k in range(n_outputs):
                        if error[k] != 0.0:
                            dw += error[k] * p[n - n_outputs + k].reshape(dw.shape)
        if learns:
            if method == 2:
                _bptt(w, begin[s], end[s], n_inputs, bias, codes, x, y, errors, dw)
            w += rate * dw
            v += rate * dv
