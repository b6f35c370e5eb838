"""Random weight guessing, against loops in plain Python."""

from __future__ import annotations

from math import exp, tanh

import numpy as np
import pytest

from carrousel.learning import GuessedNetwork


def answer(net, weights, steps):
    """The network by its definition: a list of (unit's sources, weights) would be too near to the compiled one."""
    weights = iter(weights)
    inputs, n = net.inputs, net.hidden
    drawn = inputs - net.unweighted
    wires = []
    for unit in range(n + 1):
        words = net.feeds.get("hidden" if unit < n else "output", "input hidden output bias").split()
        wire = {}
        if "input" in words:
            wire |= {("input", k): next(weights) if k < drawn else 1.0 for k in range(inputs)}
        if "bias" in words:
            wire["bias", 0] = next(weights)
        if "hidden" in words:
            wire |= {("hidden", k): next(weights) for k in range(n)}
        elif "self" in words and unit < n:
            wire["hidden", unit] = next(weights)
        if "output" in words or ("self" in words and unit == n):
            wire["output", 0] = next(weights)
        wires.append(wire)
    assert next(weights, None) is None
    squash = tanh if net.squash == "tanh" else lambda x: 1 / (1 + exp(-x)) if x > -700 else 0.0
    hidden, output = [0.0] * n, 0.0
    for x in steps:
        values = {"input": x, "bias": [1.0], "hidden": hidden, "output": [output]}
        hidden = [squash(sum(w * values[g][k] for (g, k), w in wire.items())) for wire in wires[:n]]
        values["hidden"] = hidden
        output = squash(sum(w * values[g][k] for (g, k), w in wires[n].items()))
    return output


NETS = [
    GuessedNetwork(1, 1, {"output": "input hidden self"}),
    GuessedNetwork(2, 3),
    GuessedNetwork(1, 4, {"hidden": "input self output bias", "output": "hidden bias"}),
    GuessedNetwork(1, 2, {"hidden": "input output bias", "output": "input hidden bias"}),
    GuessedNetwork(3, 0, {"output": "input self"}, "tanh", unweighted=1),
]


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("reach", [1.0, 100.0])
def test_answers_are_those_of_the_definition(net, reach):
    rng = np.random.default_rng(0)
    spans = np.array([[0, 4], [4, 5], [5, 12]])
    inputs = rng.normal(size=(12, net.inputs))
    for _ in range(20):
        weights = rng.uniform(-reach, reach, net.weight_count)
        expected = [answer(net, weights, inputs[a:b].tolist()) for a, b in spans]
        np.testing.assert_allclose(net.answers(weights, inputs, spans), expected, atol=1e-9)


def test_the_search_finds_the_first_draw_that_is_right():
    net = GuessedNetwork(1, 2)
    rng = np.random.default_rng(3)
    inputs, spans = rng.choice([-1.0, 1.0], (24, 1)), np.arange(0, 24, 3)[:, None] + [0, 3]
    targets = (inputs[spans[:, 0], 0] > 0).astype(float)
    found = net.guess(inputs, targets, spans, seed=5)
    draws = np.random.default_rng(5).uniform(-100, 100, (found.draws, net.weight_count))
    right = [bool((np.abs(net.answers(w, inputs, spans) - targets) < 0.1).all()) for w in draws]
    assert found.draws > 64  # more than the first block
    assert right.index(True) == found.draws - 1
    assert (found.weights == draws[-1]).all()
    # A draw is given up at its first wrong sequence.
    tried = [np.append(np.abs(net.answers(w, inputs, spans) - targets) >= 0.1, True).argmax() + 1 for w in draws]
    assert found.steps == 3 * sum(min(k, len(spans)) for k in tried)
    cut = net.guess(inputs, targets, spans, seed=5, limit=found.draws - 1)
    assert cut.weights is None
    assert cut.draws == found.draws - 1


def test_what_is_refused():
    with pytest.raises(ValueError, match="logistic, tanh"):
        GuessedNetwork(1, 1, squash="relu")
    with pytest.raises(ValueError, match="input hidden self output bias"):
        GuessedNetwork(1, 1, {"hidden": "inputs"})
    with pytest.raises(ValueError, match="hidden and output"):
        GuessedNetwork(1, 1, {"gate": "input"})
    with pytest.raises(ValueError, match="at most the 1 inputs"):
        GuessedNetwork(1, 1, unweighted=2)
    net = GuessedNetwork(1, 1)
    with pytest.raises(ValueError, match=r"inputs must be \[steps, 1\]"):
        net.guess([[1.0, 2.0]], [1.0], [[0, 1]])
    with pytest.raises(ValueError, match="there are 1 steps"):
        net.guess([[1.0]], [1.0], [[0, 2]])
    with pytest.raises(ValueError, match="a target for each of 1"):
        net.guess([[1.0]], [1.0, 0.0], [[0, 1]])
    with pytest.raises(ValueError, match="there must be 8 weights"):
        net.answers(np.zeros(3), [[1.0]], [[0, 1]])
