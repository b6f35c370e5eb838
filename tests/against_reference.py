"""A backend beside the reference in float64: all results of a layer, and all derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from carrousel.engine import Call, cpu, reference
from carrousel.engine._layer import Layer, Masks


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
    final = reference.run(Call(layer, made, before, zero)).final
    return made | {f"{name}0": value for name, value in zip(layer.state_names, final, strict=True)}


def masks_of(layer: Layer, T: int, B: int, kinds: Sequence[str]) -> Masks:
    """Noise of some kinds: that of training, or in evaluation the shares ``share_h`` and ``share_c``."""
    generator = torch.Generator().manual_seed(7)

    def draw(*shape: int) -> Tensor:
        return (torch.rand(shape, generator=generator, dtype=torch.float64) < 0.7).double()

    made: dict[str, Any] = {}
    if "variational" in kinds:
        made["variational"] = draw(B, layer.output_size) / 0.7
    if "candidate" in kinds:
        made["candidate"] = {name: draw(T, B, layer.hidden_size) / 0.7 for name in layer.cell.candidates}
    for kind, size in (("h", layer.output_size), ("c", layer.hidden_size)):
        if f"zoneout_{kind}" in kinds:
            made[f"zoneout_{kind}"] = 1 - draw(T, B, size)
        elif f"share_{kind}" in kinds:
            made[f"zoneout_{kind}"] = 0.3
    return Masks(**made)


def call(backend, layer: Layer, made: dict[str, Tensor], dtype: torch.dtype, **options) -> dict[str, Tensor]:
    """All results of a backend, and the derivatives of a weighted sum of them by everything it was given."""
    given = {name: value.to(dtype).requires_grad_() for name, value in made.items()}
    state = tuple(given[f"{name}0"] for name in layer.state_names)
    weights = {name: given[name] for name in layer.shapes()}
    if "masks" in options:
        options["masks"] = options["masks"].map(lambda mask: mask.to(dtype), lambda mask: mask.to(dtype))
    result = backend.run(Call(layer, weights, given["x"], state, **options))
    named = {"output": result.output}
    named |= {f"{n}_n": v for n, v in zip(layer.state_names, result.final, strict=True)}
    named |= {f"every {name}": value for name, value in result.steps.items()}
    torch.manual_seed(1)
    loss = sum((value * torch.randn(value.shape, dtype=torch.float64).to(dtype)).sum() for value in named.values())
    grads = torch.autograd.grad(loss, list(given.values()), allow_unused=True)
    zero = {name: torch.zeros_like(value) for name, value in given.items()}
    named |= {f"d {n}": zero[n] if g is None else g for n, g in zip(given, grads, strict=True)}
    return {name: value.detach() for name, value in named.items()}


def compare(layer: Layer, T: int, B: int, dtype: torch.dtype, *, backend=cpu, **options) -> None:
    assert backend.refuses_layer(layer) is None
    torch.manual_seed(0)
    made = tensors_of(layer, T, B)
    want = call(reference, layer, made, torch.float64, **options)
    got = call(backend, layer, made, dtype, **options)
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
