"""Fast weights: outputs and derivatives against plain NumPy and finite differences; a flip-flop is learned."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.learning import FastWeights


def plain(learner, slow, inputs):
    """The two networks in NumPy, from their equations."""
    memory, said = np.zeros((learner.output_size, len(learner._fast))), []
    for x in inputs:
        seen, programmed = x[learner._fast], slow @ x[learner._slow]
        said.append(memory @ seen)
        if learner.interface == "direct":
            change = programmed.reshape(memory.shape)
        else:
            change = np.outer(programmed[len(seen) :], programmed[: len(seen)])
        memory = 1 / (1 + np.exp(-learner.steepness * (memory + change - 0.5)))
    return np.array(said)


@pytest.mark.parametrize("interface", ["direct", "from-to"])
def test_outputs_and_derivatives(interface):
    rng = np.random.default_rng(0)
    learner = FastWeights(5, 2, slow=[0, 1, 2], fast=[2, 3, 4], interface=interface, steepness=2.0, init=1.0)
    inputs = rng.normal(size=(6, 5))
    slow = learner.weights["slow"]
    np.testing.assert_allclose(learner.predict_many(inputs), plain(learner, slow, inputs), rtol=1e-12)
    learner.observe_many(inputs)
    found = learner.sensitivities()
    for k in range(slow.size):
        moved = []
        for sign in (1, -1):
            near = slow.copy()
            near.flat[k] += sign * 1e-6
            moved.append(plain(learner, near, inputs)[-1])
        np.testing.assert_allclose(found[:, k], (moved[0] - moved[1]) / 2e-6, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(("interface", "rate"), [("direct", 1.0), ("from-to", 0.5)])
def test_a_flip_flop(interface, rate):
    """1 the first time that B follows on A, else 0; never reset. The paper needs 300 and 800 steps."""
    events = np.random.default_rng(0).integers(0, 3, 6000)
    targets, on = np.zeros((len(events), 1)), False
    for t, event in enumerate(events):
        targets[t, 0], on = float(on and event == 1), event == 0 or (on and event == 2)
    learner = FastWeights(3, 1, interface=interface, rate=rate, seed=1)
    said = learner.learn_many(events, targets, tell=True)
    wrong = np.abs(said - targets)[:, 0] > 0.05
    assert not wrong[-100:].any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"interface": "gated"}, "direct, from-to"),
        ({"slow": []}, "slow must be places"),
        ({"fast": [3]}, "from 0 to 2"),
        ({"steepness": -1.0}, "steepness must be"),
        ({"rate": float("nan")}, "rate must be"),
    ],
)
def test_what_makes_no_sense_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        FastWeights(3, 1, **options)
