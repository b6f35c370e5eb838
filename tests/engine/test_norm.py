"""Layer norm in float32, where it has next to nothing to normalise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from carrousel import LSTM, cells
from carrousel.engine import Call, cpu, reference


def everything(run, net: LSTM, x: Tensor) -> list[Tensor]:
    """Outputs, final states, and the derivatives of a weighted sum of all of them, in float64."""
    (layer,) = net.layers
    weights = {name: w.detach().clone().requires_grad_() for name, w in net.weights_of(layer, "_l0").items()}
    x = x.to(net.weight_ih_l0.dtype).requires_grad_()
    result = run(Call(layer, weights, x, tuple(x.new_zeros(x.shape[1], size) for size in layer.state_sizes)))
    values = [result.output, *result.final]
    loss = sum((value * torch.linspace(1, 2, value.numel(), dtype=x.dtype).view(value.shape)).sum() for value in values)
    return [value.double() for value in (*values, *torch.autograd.grad(loss, [x, *weights.values()]))]


@pytest.mark.parametrize("hidden_size", [1, 3, 8])
@pytest.mark.parametrize("name", list(cells))
def test_float32_is_float64_rounded(name: str, hidden_size: int) -> None:
    """One number less its mean is nothing, however it is rounded: nothing comes of it, in values or derivatives."""
    torch.manual_seed(3)
    net, x = LSTM(4, hidden_size, cell=name, layer_norm=True, dtype=torch.float64), torch.randn(12, 4, 4)
    wanted = everything(reference.run, net, x.double())
    for run in (cpu.run, reference.run):
        found = everything(run, net.float(), x)
        for want, got in zip(wanted, found, strict=True):
            torch.testing.assert_close(got, want, rtol=5e-3, atol=5e-3 * want.detach().abs().max().item() + 1e-12)
