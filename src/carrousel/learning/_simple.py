"""The recurrent networks that LSTM was compared with: Elman's, and fully recurrent ones with their exact gradient."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np

from carrousel.learning.online._jit import entry, jit

__all__ = ["SimpleNetwork"]

_METHODS = {"elman": 0, "rtrl": 1, "bptt": 2}


class SimpleNetwork:
    """Logistic units without memory cells, trained by gradient descent on half the sum of squared errors.

    Inputs and targets are whole numbers, the one unit that is 1; weights change at a sequence's end.

    Args:
        inputs, hidden, outputs: the numbers of units.
        method: ``"elman"``: a hidden layer that sees the inputs and itself a step before, an output layer that sees
            the hidden layer; errors stay within the step (Elman 1990; Cleeremans, Servan-Schreiber & McClelland 1989).
            ``"rtrl"``: every hidden and output unit sees all inputs and all units of the step before; the exact
            gradient by real-time recurrent learning, O(units^4) a step (Williams & Zipser 1989). ``"bptt"``: the same
            network and gradient by back-propagation through time.
        rate: the learning rate.
        init: initial weights are uniform in [-init, init].
        seed: of the initial weights.

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
        seed: int | np.random.Generator | None = 0,
    ) -> None:
        if method not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(_METHODS)}; got {method!r}")
        rng = np.random.default_rng(seed)
        self.inputs, self.hidden, self.outputs, self.method, self.rate = inputs, hidden, outputs, method, rate
        recurrent = hidden if method == "elman" else hidden + outputs
        self.weights = rng.uniform(-init, init, (recurrent, inputs + recurrent))
        readout = (outputs, hidden) if method == "elman" else (0, 0)
        self.readout = rng.uniform(-init, init, readout)

    @property
    def weight_count(self) -> int:
        """The number of weights."""
        return self.weights.size + self.readout.size

    def learn_sequences(self, codes: Any, targets: Any, spans: Any) -> None:
        """Learns from sequences: ``codes`` and ``targets`` ``[steps]``, ``spans`` ``[sequences, 2]`` of them."""
        self._run(codes, targets, spans, True)

    def sequence_outputs(self, codes: Any, spans: Any) -> np.ndarray:
        """The outputs ``[steps of all sequences, outputs]``."""
        return self._run(codes, np.zeros(0, np.int64), spans, False)

    def _run(self, codes: Any, targets: Any, spans: Any, learns: bool) -> np.ndarray:
        codes, spans = np.asarray(codes, np.int64), np.asarray(spans, np.int64)
        longest = int((spans[:, 1] - spans[:, 0]).max(initial=0))
        outputs = np.empty((0 if learns else int((spans[:, 1] - spans[:, 0]).sum()), self.outputs))
        method = _METHODS[self.method]
        _run(
            method, self.inputs, self.outputs, self.weights, self.readout, self.rate, longest,
            codes, np.asarray(targets, np.int64), spans, learns, outputs,
        )  # fmt: skip
        return outputs


@jit
def _logistic(x):
    return 1.0 / (1.0 + exp(-x))


@jit
def _step(w, n_inputs, code, old, new):
    for i in range(len(new)):
        total = w[i, code] if code >= 0 else 0.0
        for j in range(len(old)):
            total += w[i, n_inputs + j] * old[j]
        new[i] = _logistic(total)


@jit
def _roll(w, n_inputs, code, old, new, p):
    """RTRL: rolls ``p[i, k, m]``, the derivative of unit i by the weight from source m to unit k, a step forward."""
    n, sources = w.shape
    q = np.zeros_like(p)
    for i in range(n):
        slope = new[i] * (1.0 - new[i])
        for j in range(n):
            passed = slope * w[i, n_inputs + j]
            for k in range(n):
                for m in range(sources):
                    q[i, k, m] += passed * p[j, k, m]
        if code >= 0:
            q[i, i, code] += slope
        for j in range(n):
            q[i, i, n_inputs + j] += slope * old[j]
    p[:] = q


@entry()
def _run(method, n_inputs, n_outputs, w, v, rate, longest, codes, targets, spans, learns, outputs):
    n = len(w)
    y = np.zeros((longest + 1, n))
    delta, back = np.zeros(n), np.zeros(n)
    errors = np.zeros((longest, n_outputs))
    out = np.zeros(n_outputs)
    dw, dv = np.zeros_like(w), np.zeros_like(v)
    p = np.zeros((n, n, w.shape[1]) if method == 1 and learns else (1, 1, 1))
    written = 0
    for span in range(len(spans)):
        begin, end = spans[span]
        p[:] = 0
        dw[:] = 0
        dv[:] = 0
        for t in range(begin, end):
            old, new = y[t - begin], y[t - begin + 1]
            _step(w, n_inputs, codes[t], old, new)
            if method == 0:
                for k in range(n_outputs):
                    total = 0.0
                    for i in range(n):
                        total += v[k, i] * new[i]
                    out[k] = _logistic(total)
            else:
                out[:] = new[n - n_outputs :]
            if not learns:
                outputs[written] = out
                written += 1
                continue
            for k in range(n_outputs):
                errors[t - begin, k] = (1.0 if targets[t] == k else 0.0) - out[k]
            if method == 0:
                back[:] = 0
                for k in range(n_outputs):
                    d = errors[t - begin, k] * out[k] * (1.0 - out[k])
                    for i in range(n):
                        dv[k, i] += d * new[i]
                        back[i] += d * v[k, i]
                for i in range(n):
                    d = back[i] * new[i] * (1.0 - new[i])
                    if codes[t] >= 0:
                        dw[i, codes[t]] += d
                    for j in range(n):
                        dw[i, n_inputs + j] += d * old[j]
            elif method == 1:
                _roll(w, n_inputs, codes[t], old, new, p)
                for k in range(n_outputs):
                    dw += errors[t - begin, k] * p[n - n_outputs + k]
        if not learns:
            continue
        if method == 2:
            back[:] = 0
            for t in range(end - 1, begin - 1, -1):
                old, new = y[t - begin], y[t - begin + 1]
                for i in range(n):
                    e = back[i]
                    if i >= n - n_outputs:
                        e += errors[t - begin, i - (n - n_outputs)]
                    delta[i] = e * new[i] * (1.0 - new[i])
                    if codes[t] >= 0:
                        dw[i, codes[t]] += delta[i]
                    for j in range(n):
                        dw[i, n_inputs + j] += delta[i] * old[j]
                for j in range(n):
                    total = 0.0
                    for i in range(n):
                        total += delta[i] * w[i, n_inputs + j]
                    back[j] = total
        w += rate * dw
        v += rate * dv
