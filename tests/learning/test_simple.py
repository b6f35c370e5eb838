"""The networks that LSTM is compared with, against torch's gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carrousel.learning import SimpleNetwork


def gradient(network, codes, targets):
    """The same network in torch: its descent direction for one sequence, and its outputs."""
    w = torch.tensor(network.weights, requires_grad=True)
    v = torch.tensor(network.readout, requires_grad=True)
    y, loss, outputs = torch.zeros(len(w), dtype=w.dtype), 0.0, []
    for code, target in zip(codes, targets, strict=True):
        x = torch.eye(network.inputs, dtype=w.dtype)[code]
        y = torch.sigmoid(w @ torch.cat([x, y.detach() if network.method == "elman" else y]))
        out = torch.sigmoid(v @ y) if network.method == "elman" else y[-network.outputs :]
        loss = loss + 0.5 * ((torch.eye(network.outputs, dtype=w.dtype)[target] - out) ** 2).sum()
        outputs.append(out.detach().numpy())
    loss.backward()
    return -w.grad.numpy(), 0 if v.grad is None else -v.grad.numpy(), np.array(outputs)


@pytest.mark.parametrize("method", ["elman", "rtrl", "bptt"])
def test_one_sequence_is_one_step_down_torch_s_gradient(method):
    rng = np.random.default_rng(0)
    network = SimpleNetwork(5, 4, 3, method, rate=0.7, init=0.8, seed=1)
    for _ in range(5):
        codes, targets = rng.integers(0, 5, 9), rng.integers(0, 3, 9)
        dw, dv, outputs = gradient(network, codes, targets)
        np.testing.assert_allclose(network.sequence_outputs(codes, [[0, 9]]), outputs, atol=1e-12)
        w, v = network.weights + 0.7 * dw, network.readout + 0.7 * dv
        network.learn_sequences(codes, targets, [[0, 9]])
        np.testing.assert_allclose(network.weights, w, atol=1e-12)
        np.testing.assert_allclose(network.readout, v, atol=1e-12)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="elman, rtrl, bptt"):
        SimpleNetwork(1, 1, 1, "bp")
