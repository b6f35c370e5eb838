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
        if learner.update != "squashed":
            key, value = np.exp(programmed[: len(seen)]), programmed[len(seen) :][: len(memory)]
            key /= key.sum()
            strength = 1 / (1 + np.exp(-programmed[-1])) if learner.update == "delta" else 1.0
            held = memory @ key if learner.update == "delta" else 0.0
            memory = memory + strength * np.outer(value - held, key)
            continue
        if learner.interface == "direct":
            change = programmed.reshape(memory.shape)
        else:
            change = np.outer(programmed[len(seen) :], programmed[: len(seen)])
        memory = 1 / (1 + np.exp(-learner.steepness * (memory + change - 0.5)))
    return np.array(said)


@pytest.mark.parametrize(
    ("interface", "update"),
    [("direct", "squashed"), ("from-to", "squashed"), ("from-to", "additive"), ("from-to", "delta")],
)
def test_outputs_and_derivatives(interface, update):
    rng = np.random.default_rng(0)
    places = {"slow": [0, 1, 2], "fast": [2, 3, 4]}
    learner = FastWeights(5, 2, **places, interface=interface, update=update, steepness=2.0, init=1.0)
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


@pytest.mark.parametrize(
    ("interface", "update", "rate", "every"),
    [("direct", "squashed", 1.0, 6000), ("from-to", "squashed", 0.5, 6000), ("from-to", "delta", 1.0, 10)],
)
def test_a_flip_flop(interface, update, rate, every):
    """1 the first time that B follows on A, else 0; never reset. The paper needs 300 and 800 steps."""
    events = np.random.default_rng(0).integers(0, 3, 6000)
    targets, on = np.zeros((len(events), 1)), False
    for t, event in enumerate(events):
        on = on and t % every > 0
        targets[t, 0], on = float(on and event == 1), event == 0 or (on and event == 2)
    learner = FastWeights(3, 1, interface=interface, update=update, rate=rate, seed=1)
    said = []
    for first in range(0, len(events), every):
        learner.reset()
        said += [learner.learn_many(events[first : first + every], targets[first : first + every], tell=True)]
    wrong = np.abs(np.concatenate(said) - targets)[:, 0] > (0.05 if update == "squashed" else 0.15)
    assert not wrong[-100:].any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"interface": "gated"}, "direct, from-to"),
        ({"update": "hebbian"}, "squashed, additive, delta"),
        ({"update": "delta"}, "interface='from-to'"),
        ({"slow": []}, "slow must be places"),
        ({"fast": [3]}, "from 0 to 2"),
        ({"steepness": -1.0}, "steepness must be"),
        ({"rate": float("nan")}, "rate must be"),
    ],
)
def test_what_makes_no_sense_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        FastWeights(3, 1, **options)


def test_fast_weights_that_grow_without_end_are_refused():
    learner = FastWeights(2, 1, interface="from-to", update="additive", rate=50.0, init=1.0)
    events = np.random.default_rng(0).integers(0, 2, 2000)
    with pytest.raises(ValueError, match="a lower rate would help"):
        learner.learn_many(events, np.where(events, 1.0, -1.0)[:, None])
