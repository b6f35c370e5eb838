"""The CPU kernels against the reference: every cell, awkward sizes, buffers poisoned before use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from carrousel import cells
from carrousel.engine import cpu, reference
from carrousel.engine._layer import Layer
from carrousel.engine.cpu import _buffers

SIZES = [(1, 1, 1, 1), (63, 1, 5, 17), (4, 7, 1, 100), (5, 33, 5, 17), (7, 12, 32, 32)]
CELLS = [*cells, "elman(squash=relu)", "original(input_squash=sigmoid, output_squash=identity)"]


@pytest.fixture(autouse=True)
def poisoned() -> Iterator[None]:
    _buffers.poison(True)
    yield
    _buffers.poison(False)


def tensors_of(layer: Layer, T: int, B: int) -> dict[str, Tensor]:
    """Inputs, states and weights as one would have them in training: the recursion neither dies nor explodes."""
    bound = layer.hidden_size**-0.5
    made = {"x": torch.randn(T, B, layer.input_size, dtype=torch.float64)}
    for name, shape in layer.shapes().items():
        made[name] = torch.empty(shape, dtype=torch.float64).uniform_(-bound, bound)
        if name.startswith("norm_") and "bias" not in name:
            made[name] += 1
    # Initial states that the cell itself can reach: a random normaliser of sLSTM may be zero.
    zero = tuple(torch.zeros(B, size, dtype=torch.float64) for size in layer.state_sizes)
    before = torch.randn(3, B, layer.input_size, dtype=torch.float64)
    final = reference.run(layer, made, before, zero).final
    return made | {f"{name}0": value for name, value in zip(layer.state_names, final, strict=True)}


def call(backend, layer: Layer, made: dict[str, Tensor], dtype: torch.dtype, **options) -> dict[str, Tensor]:
    """All results of a backend, and the derivatives of a weighted sum of them by everything it was given."""
    given = {name: value.to(dtype).requires_grad_() for name, value in made.items()}
    state = tuple(given[f"{name}0"] for name in layer.state_names)
    weights = {name: given[name] for name in layer.shapes()}
    result = backend.run(layer, weights, given["x"], state, **options)
    named = {"output": result.output}
    named |= {f"{n}_n": v for n, v in zip(layer.state_names, result.final, strict=True)}
    named |= {f"every {name}": value for name, value in result.steps.items()}
    torch.manual_seed(1)
    loss = sum((value * torch.randn(value.shape, dtype=torch.float64).to(dtype)).sum() for value in named.values())
    grads = torch.autograd.grad(loss, list(given.values()), allow_unused=True)
    zero = {name: torch.zeros_like(value) for name, value in given.items()}
    named |= {f"d {n}": zero[n] if g is None else g for n, g in zip(given, grads, strict=True)}
    return {name: value.detach() for name, value in named.items()}


def compare(layer: Layer, T: int, B: int, dtype: torch.dtype, **options) -> None:
    assert cpu.refuses_layer(layer) is None
    torch.manual_seed(0)
    made = tensors_of(layer, T, B)
    want = call(reference, layer, made, torch.float64, **options)
    got = call(cpu, layer, made, dtype, **options)
    assert want.keys() == got.keys()
    exact = dtype == torch.float64
    for name, value in want.items():
        # The largest error of a derivative is held against its largest entry, and so is that of a state above 1.
        least = 1e-3 if name.startswith("d ") else 1.0
        scale = max(value.abs().max().item(), least) if value.numel() else 1.0
        tolerance = 1e-12 if exact else 1e-5 if name.startswith("d ") else 2e-6
        worst = (got[name].double() - value).abs().max().item() / scale if value.numel() else 0.0
        assert worst <= tolerance, f"{name}: {worst:.2g}"


def ragged(T: int, B: int) -> Tensor:
    lengths = torch.randint(0, T + 1, (B,), generator=torch.Generator().manual_seed(3))
    lengths[B // 2] = T
    return lengths


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
            compare(layer, 11, 4, torch.float64, reverse=reverse, resets=resets, lengths=lengths, keep=layer.cell.states)


@pytest.mark.parametrize("name", CELLS)
def test_without_bias(name: str) -> None:
    compare(Layer(cells.get(name), 3, 9, bias=False), 5, 3, torch.float64)


@pytest.mark.parametrize("proj_size", [1, 16, 19])
@pytest.mark.parametrize("name", [name for name in CELLS if not cells.get(name).reads_output])
def test_projection(name: str, proj_size: int) -> None:
    layer = Layer(cells.get(name), 3, 20, proj_size=proj_size)
    for dtype in (torch.float64, torch.float32):
        compare(layer, 6, 13, dtype, reverse=True, keep=("h", *layer.cell.states))
        compare(layer, 6, 5, dtype, lengths=ragged(6, 5))


def test_threads_change_nothing() -> None:
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
