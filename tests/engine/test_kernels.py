"""The CPU kernels against the reference: every cell, awkward sizes, buffers poisoned before use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from against_reference import call, compare, ragged, tensors_of
from layer_options import fits

from carrousel import cells
from carrousel.engine import cpu
from carrousel.engine._layer import Layer
from carrousel.engine.cpu import _buffers, _sized

SIZES = [(1, 1, 1, 1), (63, 1, 5, 17), (4, 7, 1, 100), (5, 33, 5, 17), (7, 12, 32, 32)]
CELLS = [*cells, "elman(squash=relu)", "original(input_squash=sigmoid, output_squash=identity)"]


@pytest.fixture(autouse=True)
def poisoned() -> Iterator[None]:
    _buffers.poison(True)
    yield
    _buffers.poison(False)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_same_as_the_reference(name: str, size: tuple[int, ...]) -> None:
    T, B, I, H = size
    layer = Layer(cells.get(name), I, H)
    for dtype in (torch.float64, torch.float32):
        for reverse in (False, True):
            compare(layer, T, B, dtype, reverse=reverse, keep=("h", *layer.cell.states))
            compare(layer, T, B, dtype, reverse=reverse, lengths=ragged(T, B))


@pytest.mark.parametrize("name", CELLS)
def test_resets(name: str) -> None:
    layer = Layer(cells.get(name), 3, 9)
    resets = torch.rand(11, 4, generator=torch.Generator().manual_seed(0)) < 0.3
    for reverse in (False, True):
        for lengths in (None, torch.tensor([0, 11, 4, 7])):
            options = {"reverse": reverse, "resets": resets, "lengths": lengths, "keep": layer.cell.states}
            compare(layer, 11, 4, torch.float64, **options)


@pytest.mark.parametrize("name", CELLS)
def test_without_bias(name: str) -> None:
    compare(Layer(cells.get(name), 3, 9, bias=False), 5, 3, torch.float64)


@pytest.mark.parametrize("proj_size", [1, 16, 19])
@pytest.mark.parametrize("name", [name for name in CELLS if fits(cells.get(name), {"proj_size": 1})])
def test_projection(name: str, proj_size: int) -> None:
    layer = Layer(cells.get(name), 3, 20, proj_size=proj_size)
    for dtype in (torch.float64, torch.float32):
        compare(layer, 6, 13, dtype, reverse=True, keep=("h", *layer.cell.states))
        compare(layer, 6, 5, dtype, lengths=ragged(6, 5))


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sized, "SMALL", 0)  # however little there is to do
    layer = Layer(cells.get("peephole"), 40, 48)
    torch.manual_seed(0)
    made = tensors_of(layer, 30, 13)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(call(cpu, layer, made, torch.float32, lengths=ragged(30, 13)))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(value, other[name]) for name, value in results[0].items())


@pytest.mark.parametrize("name", CELLS)
def test_layer_norm(name: str) -> None:
    for options in ({}, {"bias": False}, {"proj_size": 19} if fits(cells.get(name), {"proj_size": 19}) else {}):
        layer = Layer(cells.get(name), 3, 20, layer_norm=True, **options)
        for T, B in ((6, 13), (9, 1)):
            for reverse in (False, True):
                compare(layer, T, B, torch.float64, reverse=reverse, keep=("h", *layer.cell.states))
                compare(layer, T, B, torch.float64, reverse=reverse, lengths=ragged(T, B))
