"""Single steps without derivatives on the kernels against the reference: cells, options, few sequences and many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from against_reference import masks_of, tensors_of
from layer_options import ALL, NOISE, OPTIONS, cell_of, fits, has

import carrousel
from carrousel import engine
from carrousel.engine import Layer, reference
from carrousel.engine._layer import QUIET
from carrousel.engine.cpu import _buffers, _step

COUNTS = [1, 8, 9, 33]


@pytest.fixture(autouse=True)
def poisoned() -> Iterator[None]:
    _buffers.poison(True)
    yield
    _buffers.poison(False)


def compare_step(layer: Layer, B: int, dtype: torch.dtype, kinds: tuple[str, ...] = ()) -> None:
    engine.prepare(layer)
    assert layer.refusal_of("cpu") is None
    torch.manual_seed(0)
    made = tensors_of(layer, 1, B)
    masks = masks_of(layer, 1, B, kinds).at(0) if kinds else QUIET
    given = {name: value.to(dtype) for name, value in made.items()}
    state = tuple(made[f"{name}0"] for name in layer.state_names)
    want = reference.step(layer, {name: made[name] for name in layer.shapes()}, made["x"][0], state, masks)
    with torch.no_grad(), engine.watched() as choices:
        weights = {name: given[name] for name in layer.shapes()}
        old = tuple(given[f"{name}0"] for name in layer.state_names)
        before = [value.clone() for value in old]
        narrow = masks.map(lambda mask: mask.to(dtype), lambda mask: mask.to(dtype))
        got = engine.step(layer, weights, given["x"][0], old, narrow)
    assert [choice.backend for choice in choices] == ["cpu"]
    assert all(map(torch.equal, old, before))
    for one, other in zip(want, got, strict=True):
        assert other.is_contiguous()
        scale = max(one.abs().max().item(), 1.0)
        assert (one - other.double()).abs().max().item() <= scale * (1e-12 if dtype == torch.float64 else 2e-6)


@pytest.mark.parametrize("B", COUNTS)
@pytest.mark.parametrize("name", ALL)
def test_every_cell(name: str, B: int) -> None:
    for H in (16, 12):
        for dtype in (torch.float32, torch.float64):
            compare_step(Layer(cell_of(name), 5, H), B, dtype)


@pytest.mark.parametrize("B", [2, 33])
@pytest.mark.parametrize("option", [*OPTIONS, "normed", "projected", "no bias"])
def test_every_option(option: str, B: int) -> None:
    own: dict[str, dict[str, Any]] = {
        "normed": {"layer_norm": True}, "projected": {"proj_size": 5}, "no bias": {"bias": False}
    }  # fmt: skip
    options = {**OPTIONS, **own}[option]
    for name in ("peephole", "gru_cho"):
        if fits(cell_of(name), options):
            for H in (16, 24):
                compare_step(Layer(cell_of(name), 5, H, **options), B, torch.float64)


@pytest.mark.parametrize("noise", [name for name in NOISE if "variational" not in NOISE[name]])
def test_noise(noise: str) -> None:
    for name in ("lstm", "gru"):
        kinds = tuple(kind for kind in NOISE[noise] if has(cell_of(name), kind))
        compare_step(Layer(cell_of(name), 5, 12), 9, torch.float64, kinds)


@pytest.mark.parametrize("H", [16, 12])
@pytest.mark.parametrize("lead", [(), (1,), (33,)])
def test_the_forms_of_a_network(lead: tuple[int, ...], H: int) -> None:
    """One sequence without an axis, and batches; what is returned is nobody else's."""
    net = carrousel.LSTM(5, H, num_layers=1)
    x, state = torch.randn(*lead, 5), (torch.randn(1, *lead, H), torch.randn(1, *lead, H))
    with torch.no_grad():
        output, (h, c) = net.step(x, state)
        want, _ = net(x.unsqueeze(0), state)
    assert (h.shape, c.shape) == (state[0].shape, state[1].shape)
    torch.testing.assert_close(output, want[0])
    torch.testing.assert_close(h[0], output)
    output.zero_()
    assert h.abs().sum() > 0


def test_what_is_too_large_to_pack_for_a_step() -> None:
    """The reference multiplies with weights as they stand; with derivatives, or of more sequences, kernels pay."""
    layer = engine.prepare(Layer(cell_of("lstm"), 200, 200, block_size=2))
    weights = {name: torch.randn(shape) * 0.01 for name, shape in layer.shapes().items()}

    def ran(B: int, *, grad: bool) -> str:
        state = tuple(torch.randn(B, size, requires_grad=grad) for size in layer.state_sizes)
        with torch.set_grad_enabled(grad), engine.watched() as choices:
            engine.step(layer, weights, torch.randn(B, 200), state)
        return choices[-1].backend

    few = _step._FEW
    assert ran(few, grad=False) == "reference"
    assert ran(few + 1, grad=False) == "cpu"
    assert ran(few, grad=True) == "cpu"
