"""Batches of derivatives: several adjoints at once through one recorded graph."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from configurations import CELLS, OPTIONS, as_tuple
from torch import Tensor
from torch.autograd.functional import hessian, jacobian

import carrousel

I, T, B = 2, 3, 2
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def network(hidden_size: int, **options: Any) -> carrousel.LSTM:
    torch.manual_seed(0)
    return carrousel.LSTM(I, hidden_size, **{"dtype": torch.float64, "init": 0.9, **options}).eval()


def batch() -> Tensor:
    return torch.randn(T, B, I, dtype=torch.float64, requires_grad=True, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", CELLS | OPTIONS)
def test_gradcheck_of_batches(name: str) -> None:
    net, x = network(4, bidirectional=True, **(CELLS | OPTIONS)[name]), batch()

    def work(x: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(dict(net.named_parameters()), weights, strict=True))
        output, final = torch.func.functional_call(net, given, (x,), {"lengths": [3, 1]})
        return (output, *as_tuple(final))

    weights = [weight.detach().requires_grad_() for weight in net.parameters()]
    assert torch.autograd.gradcheck(work, (x, *weights), check_batched_grad=True, fast_mode=True)


@pytest.mark.parametrize("hidden_size", [8, 7])
@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm"])
def test_all_ways_to_ask(cell: str, hidden_size: int) -> None:
    net, x = network(hidden_size, cell=cell, num_layers=2), batch()
    wanted = [x, *net.parameters()]
    output = net(x, lengths=[1, 3])[0]
    adjoints = torch.randn(4, *output.shape, dtype=torch.float64)

    def back(adjoint: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(output, wanted, adjoint, retain_graph=True)

    want = [torch.stack(values) for values in zip(*map(back, adjoints), strict=True)]
    at_once = torch.autograd.grad(output, wanted, adjoints, is_grads_batched=True, retain_graph=True)
    torch.testing.assert_close(list(at_once), want, **CLOSE)
    torch.testing.assert_close(list(torch.func.vmap(back)(adjoints)), want, **CLOSE)
    torch.testing.assert_close(list(back(adjoints[0])), [value[0] for value in want], **CLOSE)  # and then as ever


@pytest.mark.parametrize("hidden_size", [8, 7])
def test_jacobians_and_hessians(hidden_size: int) -> None:
    net, x = network(hidden_size, cell="peephole"), batch()

    def outputs(x: Tensor) -> Tensor:
        return net(x)[0]

    def loss(x: Tensor) -> Tensor:
        return outputs(x).square().sum()

    for strategy in ("reverse-mode", "forward-mode"):
        at_once = jacobian(outputs, x, vectorize=True, strategy=strategy)
        torch.testing.assert_close(at_once, jacobian(outputs, x), **CLOSE)
    torch.testing.assert_close(hessian(loss, x, vectorize=True), hessian(loss, x), **CLOSE)
    torch.testing.assert_close(torch.func.hessian(loss)(x.detach()), hessian(loss, x), **CLOSE)


def test_the_same_weight_twice() -> None:
    """Both of its uses count once, in first and in second derivatives, whatever runs."""
    net, x = network(I, cell="lstm"), batch()
    net.weight_hh_l0 = net.weight_ih_l0

    def outputs(weight: Tensor) -> Tensor:
        given = {"weight_ih_l0": weight, "weight_hh_l0": weight}
        return torch.func.functional_call(net, given, (x.detach(),))[0]

    weight = net.weight_ih_l0.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(outputs, (weight,), check_batched_grad=True)
    assert torch.autograd.gradgradcheck(outputs, (weight,), check_batched_grad=True)
