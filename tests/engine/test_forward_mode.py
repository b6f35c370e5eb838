"""Forward mode on the kernels against the reference's: cells, options, ragged batches, and what is made of tangents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from against_reference import ragged, tensors_of
from configurations import running_on
from layer_options import ALL, cell_of, fits
from torch import Tensor
from torch.autograd import forward_ad
from torch.func import hessian, jacfwd, jvp

import carrousel
from carrousel import engine
from carrousel.engine import Call, Layer, cpu, reference
from carrousel.engine.cpu import _buffers

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no bias": {"bias": False},
    "blocks": {"block_size": 2},
    "heads": {"heads": 2},
    "diagonal": {"diagonal": True},
}
SIZES = [(5, 3, 4, 12), (3, 2, 5, 16)]
"""T, B, I, H."""

T, B, I = 5, 3, 4


@pytest.fixture(autouse=True)
def poisoned() -> Iterator[None]:
    _buffers.poison(True)
    yield
    _buffers.poison(False)


def compare(layer: Layer, T: int, B: int, *, weights_too: bool, **options: Any) -> None:
    torch.manual_seed(0)
    given = tensors_of(layer, T, B)
    names = [name for name in given if weights_too or name not in layer.shapes()]
    along = [torch.randn_like(given[name]) for name in names]
    keep = ("h", *layer.state_names[1:], *layer.cell.rows)

    def tangents(backend: Any) -> list[Tensor]:
        def run(*moving: Tensor) -> tuple[Tensor, ...]:
            now = {**given, **dict(zip(names, moving, strict=True))}
            state = tuple(now[f"{name}0"] for name in layer.state_names)
            call = Call(layer, {name: now[name] for name in layer.shapes()}, now["x"], state, keep=keep, **options)
            assert engine.choose(call).backend == "cpu"
            result = backend.run(call)
            return (result.output, *result.final, *(result.steps[name] for name in keep))

        return list(jvp(run, tuple(given[name] for name in names), tuple(along))[1])

    for got, want in zip(tangents(cpu), tangents(reference), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("weights_too", [True, False])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", ALL)
def test_every_cell(name: str, option: str, weights_too: bool) -> None:
    options = OPTIONS[option]
    if not fits(cell_of(name), options):
        pytest.skip("the cell has no such option")
    for T, B, I, H in SIZES:
        layer = engine.prepare(Layer(cell_of(name), I, H, **options))
        compare(layer, T, B, weights_too=weights_too, reverse=B == 3, lengths=ragged(T, B) if B == 3 else None)


@pytest.mark.parametrize("name", ["peephole", "gru", "gru_cho"])
def test_resets(name: str) -> None:
    layer = engine.prepare(Layer(cell_of(name), I, 12))
    resets = torch.rand(T, B, generator=torch.Generator().manual_seed(1)) < 0.4
    compare(layer, T, B, weights_too=True, resets=resets)


REFUSED = {
    "layer norm": {"layer_norm": True},
    "projected": {"proj_size": 3},
    "gates that feed the next step": {"gate_recurrence": "all"},
    "noise": {"zoneout": 0.5},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_the_reference_does_says_why(reason: str) -> None:
    net, x = carrousel.LSTM(I, 6, **REFUSED[reason]), torch.randn(T, B, I)
    with engine.watched() as seen:
        jvp(lambda x: net(x)[0], (x,), (x,))
    assert [choice.backend for choice in seen] == ["reference"]
    assert reason in seen[0].reason


def network(**options: Any) -> carrousel.LSTM:
    torch.manual_seed(0)
    return carrousel.LSTM(I, 6, dtype=torch.float64, **options)


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"cell": "gru"}], ids=str)
def test_a_jacobian_is_one_call_of_each_kind(options: dict[str, Any]) -> None:
    net, x = network(**options), torch.randn(T, B, I, dtype=torch.float64)
    with engine.watched() as seen:
        made = jacfwd(lambda x: net(x)[0].sum(0))(x)
    assert {choice.backend for choice in seen} == {"cpu"}
    want = torch.autograd.functional.jacobian(lambda x: net(x)[0].sum(0), x)
    torch.testing.assert_close(made, want, rtol=1e-9, atol=1e-11)


def test_a_jacobian_by_weights() -> None:
    net, x = network(), torch.randn(T, B, I, dtype=torch.float64)
    params = {name: value.detach() for name, value in net.named_parameters()}

    def call(params: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(net, params, (x,))[0][-1, -1]

    want = torch.func.jacrev(call)(params)
    torch.testing.assert_close(jacfwd(call)(params), want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("lengths", [None, [5, 0, 2]])
def test_a_tangent_is_differentiated_again(lengths: list[int] | None) -> None:
    """A penalty on the slope along a direction: by the weights, by x, and by the direction."""
    net, x, d = network(), *torch.randn(2, T, B, I, dtype=torch.float64).unbind()
    given = [x.requires_grad_(), d.requires_grad_(), *net.parameters()]

    def slopes(how: str) -> tuple[Tensor, ...]:
        if how == "jvp":
            _, tangent = jvp(lambda x: net(x, lengths=lengths)[0], (x,), (d,))
            return torch.autograd.grad(tangent.square().sum(), given)
        with forward_ad.dual_level():
            output = net(forward_ad.make_dual(x, d), lengths=lengths)[0]
            return torch.autograd.grad(forward_ad.unpack_dual(output).tangent.square().sum(), given)

    with running_on("reference"):
        want = slopes("jvp")
    for how in ("jvp", "dual"):
        with engine.watched() as seen:
            got = slopes(how)
        assert {choice.backend for choice in seen} == {"cpu"}
        torch.testing.assert_close(got, want, rtol=1e-8, atol=1e-10)


def test_derivatives_have_tangents() -> None:
    """Forward over reverse, which needs second derivatives, is made of the reference's operations."""
    net, x = network(), torch.randn(T, B, I, dtype=torch.float64)

    def loss(x: Tensor) -> Tensor:
        return net(x)[0].square().sum()

    want = torch.autograd.functional.hvp(loss, x, torch.ones_like(x))[1]
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x.clone().requires_grad_(), torch.ones_like(x))
        (slope,) = torch.autograd.grad(loss(dual), dual)
        got = forward_ad.unpack_dual(slope).tangent
    torch.testing.assert_close(got, want, rtol=1e-8, atol=1e-10)
    whole = hessian(loss)(x).flatten(3).sum(-1)
    torch.testing.assert_close(whole, want, rtol=1e-8, atol=1e-10)


def test_a_step_has_a_tangent() -> None:
    net, x = carrousel.LSTMCell(I, 6, dtype=torch.float64), torch.randn(B, I, dtype=torch.float64)
    state = (torch.randn(B, 6, dtype=torch.float64), torch.randn(B, 6, dtype=torch.float64))

    def tangent() -> Tensor:
        return jvp(lambda x, h: net(x, (h, state[1]))[1], (x, state[0]), (x, state[1]))[1]

    with engine.watched() as seen, torch.no_grad():
        got = tangent()
    assert [choice.backend for choice in seen] == ["cpu"]
    with running_on("reference"):
        torch.testing.assert_close(got, tangent(), rtol=1e-9, atol=1e-11)
