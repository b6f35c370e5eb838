"""The kernels under torch.func: that they run there, and that what they give is what the reference gives."""

from __future__ import annotations

import pytest
import torch
from configurations import running_on
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap

from carrousel import LSTM, engine

OPTIONS = {
    "lstm": {},
    "peephole, both ways": {"cell": "peephole", "bidirectional": True},
    "gru": {"cell": "gru"},
    "slstm": {"cell": "slstm"},
    "layer norm": {"layer_norm": True},
    "projection": {"proj_size": 3},
}
T, B, I = 5, 3, 4
EXTRAS = {
    "dense": {},
    "ragged": {"lengths": torch.tensor([5, 0, 3])},
    "resets": {"resets": torch.rand(T, B, generator=torch.Generator().manual_seed(0)) < 0.3},
}


def make(name: str) -> LSTM:
    torch.manual_seed(0)
    return LSTM(I, 6, dtype=torch.float64, **OPTIONS[name])


def same(made, want) -> None:
    torch.testing.assert_close(made, want, rtol=1e-9, atol=1e-10)


def loss_of(net: LSTM, **extra):
    def loss(params: dict[str, Tensor], x: Tensor) -> Tensor:
        output, final = functional_call(net, params, (x,), extra)
        return output.square().sum() + sum(value.sum() for value in final)

    return loss


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("name", OPTIONS)
def test_vmap_over_inputs_is_one_call(name: str, extra: str) -> None:
    net, x = make(name), torch.randn(T, 4, B, I, dtype=torch.float64)

    def call(x: Tensor) -> Tensor:
        return net(x, **EXTRAS[extra])[0]

    with engine.watched() as seen:
        together = vmap(call, in_dims=1)(x)
    assert {choice.backend for choice in seen} == {"cpu"}
    assert len(seen) == (2 if net.bidirectional else 1)
    same(together, torch.stack([call(x[:, k]) for k in range(4)]))


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_of_every_sample(name: str, extra: str) -> None:
    net, x = make(name), torch.randn(2, T, B, I, dtype=torch.float64)
    params = {key: value.detach() for key, value in net.named_parameters()}
    of_params = vmap(grad(loss_of(net, **EXTRAS[extra])), in_dims=(None, 0))
    with engine.watched() as seen:
        together = of_params(params, x)
    assert {choice.backend for choice in seen} == {"cpu"}
    with running_on("reference"):
        same(together, of_params(params, x))


@pytest.mark.parametrize("name", OPTIONS)
def test_networks_side_by_side(name: str) -> None:
    nets = [make(name) for _ in range(3)]
    for k, net in enumerate(nets):
        for weight in net.parameters():
            weight.data += 0.1 * k
    params, _ = stack_module_state(nets)
    x = torch.randn(T, B, I, dtype=torch.float64)
    of_params = vmap(grad(loss_of(nets[0])), in_dims=(0, None))
    with engine.watched() as seen:
        together = of_params({key: value.detach() for key, value in params.items()}, x)
    assert {choice.backend for choice in seen} == {"cpu"}
    for k, net in enumerate(nets):
        loss_of(net)(dict(net.named_parameters()), x).backward()
        same({key: value[k] for key, value in together.items()}, {n: p.grad for n, p in net.named_parameters()})


def test_a_derivative_of_a_derivative() -> None:
    """Inside torch.func the reference takes over; from outside, autograd differentiates what torch.func gave."""
    net, x = make("lstm"), torch.randn(T, B, I, dtype=torch.float64)
    params = {key: value.detach() for key, value in net.named_parameters()}

    def steepness(x: Tensor) -> Tensor:
        slopes = grad(loss_of(net))(params, x)
        return sum(value.square().sum() for value in slopes.values())

    with engine.watched() as seen:
        twice = grad(steepness)(x)
    assert {choice.backend for choice in seen} == {"reference"}
    outside = x.clone().requires_grad_()
    with engine.watched() as seen:
        (by_autograd,) = torch.autograd.grad(steepness(outside), outside)
    assert {choice.backend for choice in seen} == {"cpu"}
    same(by_autograd, twice)


def test_nothing_of_a_transformation_stays_behind() -> None:
    """What is made inside of one is used by calls after it."""
    net, x = make("lstm"), torch.randn(T + 2, B + 1, I, dtype=torch.float64)  # sizes that no other test has
    lengths = torch.tensor([7, 0, 3, 5])
    for options in ({}, {"lengths": lengths}):
        inside = grad(lambda x: net(x, **options)[0].sum())(x)  # noqa: B023 - called at once
        outside = x.clone().requires_grad_()
        net(outside, **options)[0].sum().backward()
        same(inside, outside.grad)


@pytest.mark.parametrize("wrong", [-1, T + 1])
@pytest.mark.parametrize("options", [{}, {"block_size": 2}], ids=["fused", "reference"])
def test_wrong_lengths_are_refused_under_transformations(options: dict, wrong: int) -> None:
    """Mapped over or not: who maps may look at none of them alone, but at all of them at once."""
    net, x = LSTM(I, 6, **options), torch.randn(2, T, B, I)
    lengths = torch.tensor([[1, 2, T], [0, 1, 1]])
    bad = lengths.clone()
    bad[1, 2] = wrong

    def call(x: Tensor, lengths: Tensor) -> Tensor:
        return net(x, lengths=lengths)[0].sum()

    calls = [(vmap(call), x, bad), (vmap(grad(call)), x, bad), (vmap(call, in_dims=(0, None)), x, bad[1])]
    for run, given, lengths_given in [*calls, (grad(call), x[0], bad[1])]:
        with pytest.raises(ValueError, match=f"lengths should lie between 0 and {T}"):
            run(given, lengths_given)
    assert vmap(call)(x, lengths).isfinite().all()
