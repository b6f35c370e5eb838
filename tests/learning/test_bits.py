"""Weights after some hundred steps, as they were when this table was written: ``python tests/learning/test_bits.py``.

The rules are tested elsewhere. This notices what leaves a rule right and its numbers not what they were.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from carrousel.learning import Chunker, OneUnitNetwork, SimpleNetwork
from carrousel.learning.online import Adam, Descent, Learner, Network, OnlineLSTM, RMSprop

TABLE = Path(__file__).with_name("bits.json")
GATES = Network(3, 3, 2, 2, hidden=2, forget_gates=True, peepholes=True, init=0.4).biased("cell output")
EARLY = Network(3, 3, 3, init=0.4).biased("input_gate output_gate", output_gate=(-1, -2, -3))
CASES = {
    **{
        f"{name}, {optimiser}, {update}": lambda n=network, o=optimiser, u=update: Learner(
            n, o, update=u, dtype=np.float64, seed=1
        )
        for name, network in (("gates", GATES), ("early", EARLY))
        for optimiser, update in ((Descent(0.2), "step"), (Descent(0.1, 0.9, 0.999), "end"), (Adam(0.01), 3))
    },
    **{
        f"{cell}, {loss}": lambda c=cell, o=optimiser, d=loss: OnlineLSTM(
            3, 5, 3, cell=c, optimiser=o, loss=d, dtype=np.float64, seed=1
        )
        for cell, optimiser, loss in (
            ("lstm", Descent(0.1), "squared"),
            ("gru", RMSprop(), "softmax"),
            ("slstm", Adam(0.01), "logistic"),
        )
    },
    **{method: lambda m=method: SimpleNetwork(3, 4, 3, m, 0.5, seed=1) for method in ("elman", "rtrl", "bptt")},
    "one unit": lambda: OneUnitNetwork(3, 3, seed=1),
    "chunker": lambda: Chunker(3, seed=1),
}


def numbers(learner) -> list[float]:
    """Of every array of weights the sum and the sum of squares, after 300 steps."""
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    if isinstance(learner, OnlineLSTM):
        learner.learn_many(x, y)
    else:
        learner.learn_sequences(x, y, np.arange(0, 300, 12)[:, None] + [0, 12])
    return [float(total) for w in learner.weights.values() for total in (w.sum(), (w * w).sum())]


@pytest.mark.parametrize("case", CASES)
def test_weights_are_what_they_were(case):
    # The functions of the machine's library may round otherwise; the order of operations may not.
    np.testing.assert_allclose(numbers(CASES[case]()), json.loads(TABLE.read_text())[case], rtol=1e-9, atol=1e-11)


if __name__ == "__main__":
    TABLE.write_text(json.dumps({case: numbers(make()) for case, make in CASES.items()}, indent=0) + "\n")
