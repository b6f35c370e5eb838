"""Which of the two runs a layer over grids, the kernels or the plain form, and autograd's door to the kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from carrousel.engine._dispatch import Choice, tell
from carrousel.engine._memory import PLAIN, in_memory
from carrousel.engine._recorders import recorded
from carrousel.engine.cpu import grids as kernels
from carrousel.engine.cpu._sized import KINDS
from carrousel.engine.doors.transformed import transformed
from carrousel.engine.grids import _reference
from carrousel.engine.grids._layer import GridLayer, GridWeights
from carrousel.engine.grids._walk import Walk, walk_over

__all__ = ["choose", "run"]


def choose(layer: GridLayer, weights: GridWeights, x: Tensor) -> Choice:
    """Returns what runs a layer over a batch, ``"cpu"`` or ``"reference"``, and why."""
    refusal = _refuses(layer, weights, x)
    return Choice("cpu", "a fused kernel of the cell's equations") if refusal is None else Choice("reference", refusal)


def _refuses(layer: GridLayer, weights: GridWeights, x: Tensor) -> str | None:
    """Says why the kernels cannot run a layer over a batch; None if they can."""
    given = (x, *weights.values())
    if x.dtype not in KINDS:
        return f"there is no kernel for numbers of type {x.dtype}"
    if any(tensor.dtype != x.dtype for tensor in given):
        return "the input and the weights are of several types"
    if not all(tensor.is_cpu for tensor in given):
        return f"there is no kernel for the device {x.device.type!r}"
    if torch.compiler.is_compiling() or recorded():
        return "the operations are recorded, and recorders do not see kernels"
    if transformed():
        return "a transformation of torch.func, or forward mode"
    if not all(type(tensor) in PLAIN for tensor in given):
        return "an input is of a tensor subclass"
    if not x.numel():
        return "there is nothing to compute"
    if not in_memory(given):
        return "an input is not in memory, for torch knows that it is zero"
    return kernels.refuses_cell(layer.cell)


def run(layer: GridLayer, weights: GridWeights, x: Tensor, sizes: Tensor | None) -> Tensor:
    """Runs a layer over a padded batch of grids; arguments and result as in the plain form, ``_reference.run``."""
    choice = choose(layer, weights, x)
    tell(choice)
    if choice.backend == "reference":
        return _reference.run(layer, weights, x, sizes)
    batch, *extent, _ = x.shape
    walk = walk_over(sizes, batch, tuple(extent))
    flat, tensors = x.reshape(-1, layer.input_size), tuple(weights.values())
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (x, *tensors)):
        output = _Grids.apply(layer, walk, (batch, *extent), sizes, flat, *tensors)
    else:
        output, _ = kernels.forward(layer, weights, flat, walk, keep=False)
    return output.view(batch, *extent, layer.output_size)


class _Grids(torch.autograd.Function):
    """A layer over grids as autograd runs it."""

    @staticmethod
    def forward(
        ctx: Any, layer: GridLayer, walk: Walk, extent: tuple[int, ...], sizes: Tensor | None, x: Tensor,
        *weights: Tensor,
    ) -> Tensor:  # fmt: skip
        """Runs forward, and keeps what backward needs."""
        named = dict(zip(layer.shapes(), weights, strict=True))
        output, ctx.kept = kernels.forward(layer, named, x, walk, keep=True)
        ctx.layer, ctx.walk, ctx.extent, ctx.sizes = layer, walk, extent, sizes
        ctx.save_for_backward(x, *weights)
        return output

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        """Returns the derivatives, by the kernels or by operations that can be differentiated again."""
        layer, (x, *weights) = ctx.layer, ctx.saved_tensors
        needs = ctx.needs_input_grad[4:]
        names = ("x", *layer.shapes())
        (adjoint,) = grads
        if torch.is_grad_enabled() or recorded() or type(adjoint) not in PLAIN or not torch._C._has_storage(adjoint):
            return (None,) * 4 + _by_operations(ctx, x, weights, adjoint, needs)
        named = dict(zip(layer.shapes(), weights, strict=True))
        kept, ctx.kept = ctx.kept, None
        if kept is None:  # a second pass through a retained graph: the first one used up what was kept
            _, kept = kernels.forward(layer, named, x, ctx.walk, keep=True)
        wanted = frozenset(name for name, need in zip(names, needs, strict=True) if need)
        found = kernels.backward(layer, named, x, ctx.walk, kept, adjoint, wanted)
        return (None,) * 4 + tuple(found.get(name) for name in names)


def _by_operations(
    ctx: Any, x: Tensor, weights: list[Tensor], adjoint: Tensor, needs: tuple[bool, ...]
) -> tuple[Tensor | None, ...]:
    """Returns the derivatives as operations of torch, which can be differentiated again."""
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        inputs = [t.view_as(t) if need else t for t, need in zip((x, *weights), needs, strict=True)]
        named = dict(zip(ctx.layer.shapes(), inputs[1:], strict=True))
        output = _reference.run(ctx.layer, named, inputs[0].view(*ctx.extent, -1), ctx.sizes)
    needed = [t for t, need in zip(inputs, needs, strict=True) if need]
    found = iter(torch.autograd.grad(output, needed, adjoint.view_as(output), create_graph=again, allow_unused=True))
    return tuple(next(found) if need else None for need in needs)
