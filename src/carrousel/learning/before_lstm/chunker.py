"""The neural sequence chunker with two networks: one predicts, the other sees only what was not predicted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel._jit import entry, jit, logistic
from carrousel.learning._protocol import Sequential, checked_weights
from carrousel.learning._steps import EVERY_STEP, LAST_STEP, SILENT, check_counts
from carrousel.learning.before_lstm.one_unit import checked_codes, compute_outputs, learn_step, run

__all__ = ["Chunker"]


class Chunker(Sequential):
    """An automatiser that predicts every next symbol, and a chunker that sees the symbols it failed to predict.

    Both are networks of one self-recurrent hidden unit, as :class:`OneUnitNetwork`, taught by RTRL. The chunker goes
    a step forward only when a symbol comes as a surprise, and predicts the next surprise; what lies between costs it no
    time. The automatiser has one more output, which at every step is to tell the activation of the chunker's hidden
    unit: so it learns to hold on to what the chunker found worth remembering. What counts as the answer are the
    automatiser's predictions.

    A symbol is a surprise if some output of the automatiser is at least ``threshold`` away from it; the first of a
    sequence always is. Both networks begin each sequence at zero.

    J. Schmidhuber: Learning complex, extended sequences using the principle of history compression. Neural
    Computation 4(2), 1992; as compared in Hochreiter & Schmidhuber 1997, experiment 2.

    Args:
        symbols: the number of symbols: inputs of both networks and outputs of both, the additional one apart.
        rate: the learning rate of both.
        threshold: of a surprise.
        update: when weights of the automatiser change: after every ``"step"``, or at a sequence's ``"end"``; those of
            the chunker likewise, its steps being surprises.
        init: initial weights are uniform in [-init, init].
        seed: of the initial weights.

    Raises:
        ValueError: ``update`` is neither, or there is no symbol.

    >>> Chunker(101).weight_counts
    (10506, 10404)
    """

    def __init__(
        self,
        symbols: int,
        rate: float = 1.0,
        *,
        threshold: float = 0.25,
        update: str = "end",
        init: float = 0.2,
        seed: int | np.random.Generator | None = 0,
    ) -> None:
        if update not in ("step", "end"):
            raise ValueError(f"update must be 'step' or 'end', got {update!r}")
        check_counts(symbols=symbols)
        rng = np.random.default_rng(seed)
        self.symbols, self.rate, self.threshold, self.update = symbols, rate, threshold, update
        self.input_size = self.output_size = symbols
        self.surprises = 0
        self._nets = [_weights(symbols, outputs, init, rng) for outputs in (symbols + 1, symbols)]

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights of both networks, the hidden unit being the last source; assign to change them.

        ``"automatiser_hidden"`` and ``"chunker_hidden"`` are ``[symbols + 1]``, ``"automatiser_output"``
        ``[symbols + 1, symbols + 1]``, ``"chunker_output"`` ``[symbols, symbols + 1]``.
        """
        return {
            f"{net}_{part}": array.copy() for net, arrays in self._by_name().items() for part, array in arrays.items()
        }

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        checked = checked_weights(weights, {name: w.shape for name, w in self.weights.items()})
        for net, arrays in self._by_name().items():
            for part, array in arrays.items():
                array[...] = checked[f"{net}_{part}"]

    def _by_name(self) -> dict[str, dict[str, np.ndarray]]:
        """Returns views of the weights, by network and part."""
        nets = zip(("automatiser", "chunker"), self._nets, (self.symbols + 1, self.symbols), strict=True)
        return {net: {"hidden": hidden, "output": readout[:, :n].T} for net, (readout, hidden), n in nets}

    @property
    def weight_counts(self) -> tuple[int, int]:
        """The number of weights of the automatiser and of the chunker."""
        return (self.symbols + 1) * (self.symbols + 2), (self.symbols + 1) ** 2

    @classmethod
    def example(cls, seed: int = 0) -> Chunker:
        """Returns a small learner of this kind."""
        return cls(4, seed=seed)

    def _inputs(self, inputs: Any) -> np.ndarray:
        return checked_codes(super()._inputs(inputs), "input")

    def _targets(self, targets: Any, steps: int) -> np.ndarray:
        return checked_codes(super()._targets(targets, steps), "target")

    def _sequences(
        self, inputs: np.ndarray, targets: np.ndarray | None, begin: np.ndarray, end: np.ndarray, telling: int
    ) -> np.ndarray:
        rows = {SILENT: 0, EVERY_STEP: int((end - begin).sum()), LAST_STEP: len(begin)}[telling]
        outputs = np.empty((rows, self.symbols))
        (a, a_hidden), (c, c_hidden) = self._nets
        if targets is None:
            none = np.zeros(0, np.int64)
            run(a, a_hidden, 0, False, 0.0, self.symbols, inputs, none, False, begin, end, telling, outputs)
        else:
            if (begin == end).any():
                raise ValueError(f"sequence {int(np.argmax(begin == end))} has no step: it has nothing to predict")
            self.surprises += _learn(
                a, a_hidden, c, c_hidden, self.rate, self.threshold, self.update == "step", self.symbols,
                inputs, targets, begin, end, telling == LAST_STEP, outputs,
            )  # fmt: skip
        return outputs


def _weights(inputs: int, outputs: int, init: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    readout = np.zeros((inputs + 1, -(-outputs // 8) * 8))
    readout[:, :outputs] = rng.uniform(-init, init, (inputs + 1, outputs))
    return readout, rng.uniform(-init, init, inputs + 1)


@jit
def _forward(hidden, code, old, p):
    """Returns the hidden unit after a step, and rolls its derivatives ``p`` by its weights forward."""
    n = len(hidden) - 1
    h = logistic(hidden[code] + hidden[n] * old)
    slope = h * (1.0 - h)
    passed = slope * hidden[n]
    for m in range(n + 1):
        p[m] *= passed
    p[code] += slope
    p[n] += slope * old
    return h


@jit
def _add(into, change, error):
    for m in range(len(into)):
        into[m] += error * change[m]


@jit
def _settle(readout, hidden, changes, hidden_changes):
    """Makes the changes that a sequence has collected."""
    for m in range(len(hidden)):
        hidden[m] += hidden_changes[m]
        hidden_changes[m] = 0.0
        for k in range(readout.shape[1]):
            readout[m, k] += changes[m, k]
            changes[m, k] = 0.0


@entry
def _learn(
    a, a_hidden, c, c_hidden, rate, threshold, each_step, n_symbols, codes, targets, begins, ends, tells, outputs
):
    a_changes = a if each_step else np.zeros_like(a)
    a_hidden_changes = a_hidden if each_step else np.zeros_like(a_hidden)
    c_changes = c if each_step else np.zeros_like(c)
    c_hidden_changes = c_hidden if each_step else np.zeros_like(c_hidden)
    a_out, a_goal, c_out, c_goal = (
        np.zeros(a.shape[1]),
        np.zeros(a.shape[1]),
        np.zeros(c.shape[1]),
        np.zeros(c.shape[1]),
    )
    a_p, c_p, sums = np.zeros(len(a_hidden)), np.zeros(len(c_hidden)), np.zeros(8)
    surprises = 0
    for span in range(len(begins)):
        begin, end = begins[span], ends[span]
        a_p[:] = 0.0
        c_p[:] = 0.0
        a_h, c_h, c_code = 0.0, 0.0, -1
        surprising = True
        for t in range(begin, end + 1):
            symbol = codes[t] if t < end else targets[t - 1]
            if surprising:
                surprises += 1
                if c_code >= 0:  # the chunker's prediction after the last surprise
                    compute_outputs(c, c_code, c_h, c_out)
                    c_goal[symbol] = 1.0
                    e = learn_step(c, c_changes, c_code, c_h, c_out, c_goal, n_symbols, rate, sums)
                    c_goal[symbol] = 0.0
                    _add(c_hidden_changes, c_p, rate * e)
                c_code = symbol
                c_h = _forward(c_hidden, symbol, c_h, c_p)
            if t == end:
                break
            a_h = _forward(a_hidden, symbol, a_h, a_p)
            compute_outputs(a, symbol, a_h, a_out)
            if tells and t == end - 1:
                outputs[span] = a_out[:n_symbols]
            surprising = False
            for k in range(n_symbols):
                surprising |= abs((1.0 if k == targets[t] else 0.0) - a_out[k]) >= threshold
            a_goal[targets[t]] = 1.0
            a_goal[n_symbols] = c_h
            e = learn_step(a, a_changes, symbol, a_h, a_out, a_goal, n_symbols + 1, rate, sums)
            a_goal[targets[t]] = 0.0
            _add(a_hidden_changes, a_p, rate * e)
        if not each_step:
            _settle(a, a_hidden, a_changes, a_hidden_changes)
            _settle(c, c_hidden, c_changes, c_hidden_changes)
    return surprises
