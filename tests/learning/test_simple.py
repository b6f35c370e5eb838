"""The networks that LSTM is compared with, against torch's gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carrousel.learning import SimpleNetwork


def gradient(network, inputs, targets):
    """The same network in torch: its descent direction for one sequence, and its outputs."""
    weights = {name: torch.tensor(value, requires_grad=True) for name, value in network.weights.items()}
    w, v = weights["recurrent"], weights["readout"]
    one = torch.ones(int(network.bias), dtype=w.dtype)
    y, loss, outputs = torch.zeros(len(w), dtype=w.dtype), 0.0 * w.sum(), []
    for x, target in zip(torch.tensor(inputs), torch.tensor(targets), strict=True):
        y = torch.sigmoid(w @ torch.cat([x, one, y.detach() if network.method == "elman" else y]))
        out = torch.sigmoid(v @ torch.cat([y, one])) if network.method == "elman" else y[-network.outputs :]
        if not target.isnan().any():
            loss = loss + 0.5 * ((target - out) ** 2).sum()
        outputs.append(out.detach().numpy())
    loss.backward()
    return {name: 0 if w.grad is None else -w.grad.numpy() for name, w in weights.items()}, np.array(outputs)


def one_hot(codes, size):
    return np.eye(size)[codes] * (codes >= 0)[:, None]


@pytest.mark.parametrize("method", ["elman", "rtrl", "bptt"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("coded", [True, False])
@pytest.mark.parametrize("at_the_end", [True, False])
def test_one_sequence_is_one_step_down_torch_s_gradient(method, bias, coded, at_the_end):
    rng = np.random.default_rng(0)
    network = SimpleNetwork(5, 4, 3, method, rate=0.7, init=0.8, bias=bias, seed=1)
    for _ in range(3):
        if coded:
            given, goals = rng.integers(-1, 5, 9), rng.integers(0, 3, 9)
            goals[:-1][rng.random(8) < 0.3 + at_the_end] = -1
            inputs, targets = one_hot(given, 5), np.where(goals[:, None] < 0, np.nan, one_hot(goals, 3))
        else:
            given = inputs = rng.normal(size=(9, 5))
            goals = targets = rng.random((9, 3))
            goals[:-1][rng.random(8) < 0.3 + at_the_end] = np.nan
        assert not at_the_end or np.isnan(targets[:-1]).all()
        down, outputs = gradient(network, inputs, targets)
        np.testing.assert_allclose(network.sequence_outputs(given, [[0, 9]]), outputs, atol=1e-12)
        np.testing.assert_allclose(network.answers(given, [[0, 4], [0, 9]]), outputs[[3, 8]], atol=1e-12)
        expected = {name: value + 0.7 * down[name] for name, value in network.weights.items()}
        answer = network.learn_and_answer(given, goals, [[0, 9]])
        np.testing.assert_allclose(answer, outputs[-1:], atol=1e-12)
        for name, value in network.weights.items():
            np.testing.assert_allclose(value, expected[name], atol=1e-12)


def test_rtrl_and_bptt_go_down_the_same_gradient():
    """As the paper of 1997 says of the methods without truncation, with weights that change at sequences' ends."""
    rng = np.random.default_rng(2)
    one, other = (SimpleNetwork(2, 5, 2, method, 1.0, init=1.0, bias=True, seed=3) for method in ("rtrl", "bptt"))
    begin = one.weights["recurrent"]
    ends = np.cumsum(rng.integers(1, 30, 50))
    spans = np.stack([np.concatenate([[0], ends[:-1]]), ends], 1)
    inputs, targets = rng.normal(size=(ends[-1], 2)), rng.random((ends[-1], 2))
    targets[rng.random(len(targets)) < 0.5] = np.nan
    for network in (one, other):
        network.learn_sequences(inputs, targets, spans)
    assert np.abs(one.weights["recurrent"] - begin).max() > 0.1
    np.testing.assert_allclose(one.weights["recurrent"], other.weights["recurrent"], atol=1e-9)


def test_weights_can_be_put_back():
    network = SimpleNetwork(3, 4, 2, "elman", bias=True)
    before = network.weights
    assert network.weight_count == 4 * 8 + 2 * 5 == sum(value.size for value in before.values())
    network.learn_sequences([0, 1, 2], [0, 1, 0], [[0, 3]])
    assert (network.weights["recurrent"] != before["recurrent"]).any()
    network.weights = before
    assert all((network.weights[name] == before[name]).all() for name in before)
    with pytest.raises(ValueError, match="readout must have the shape"):
        network.weights = {**before, "readout": np.zeros((2, 4))}


def test_what_is_refused():
    with pytest.raises(ValueError, match="elman, rtrl, bptt"):
        SimpleNetwork(1, 1, 1, "bp")
    with pytest.raises(ValueError, match="hidden must be a whole number of at least 1, got 0"):
        SimpleNetwork(1, 0, 1, "rtrl")
    network = SimpleNetwork(2, 1, 1, "elman")
    with pytest.raises(ValueError, match="names input unit 2"):
        network.sequence_outputs([2], [[0, 1]])
    with pytest.raises(ValueError, match="span 0"):
        network.answers([0], [[0, 2]])
    with pytest.raises(ValueError, match="sequence 1 has no step"):
        network.answers([0], [[0, 1], [1, 1]])
