"""The kernels as an operation of torch's autograd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from carrousel.engine import reference
from carrousel.engine._layer import Layer
from carrousel.engine.cpu._backward import backward
from carrousel.engine.cpu._buffers import rows_of
from carrousel.engine.cpu._forward import Kept, forward
from carrousel.engine.cpu._rows import Rows

__all__ = ["Eager", "by_reference", "compute"]


class Eager(torch.autograd.Function):
    """From packed inputs, initial states and weights to outputs, final states, and every step's states if wanted."""

    @staticmethod
    def forward(ctx: Any, layer: Layer, rows: Rows, reverse: bool, all_states: bool, *tensors: Tensor) -> Any:
        results, kept = compute(layer, rows, reverse, all_states, tensors, train=True)
        ctx.layer, ctx.rows, ctx.reverse, ctx.all_states = layer, rows, reverse, all_states
        # Results will hold this node: it must hold their memory, and not them, or neither would ever be freed.
        kept.H, kept.states = kept.H.detach(), [value.detach() for value in kept.states]
        ctx.kept = kept
        steps = results[1 + len(layer.state_names) :]
        ctx.save_for_backward(*tensors, results[0], *steps)
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        layer, rows = ctx.layer, ctx.rows
        tensors = ctx.saved_tensors[: 1 + len(layer.state_names) + len(layer.shapes())]
        needs = ctx.needs_input_grad[4:]
        if torch.is_grad_enabled():
            # Somebody will differentiate this derivative: it must be made of operations that can be.
            return (None,) * 4 + _differentiable(ctx, tensors, grads, needs)
        n = 1 + len(layer.state_names)
        names = ["x", *("state" for _ in layer.state_names), *layer.shapes()]
        x, state, weights = tensors[0], list(tensors[1:n]), dict(zip(layer.shapes(), tensors[n:], strict=True))
        kept, ctx.kept = ctx.kept, None
        if kept is None:
            # A second pass through a retained graph: the first one used up what was kept.
            kept = forward(layer, weights, x, state, rows, reverse=ctx.reverse, keep=True)
        d_output, d_final = grads[0], list(grads[1:n])
        d_states: list[Tensor | None] = list(grads[n:]) or [None] * len(layer.cell.states)
        found = backward(
            layer, weights, x, state, rows, kept,
            d_output, d_states, d_final,
            reverse=ctx.reverse, wanted={name for name, need in zip(names, needs, strict=True) if need},
        )  # fmt: skip
        states: list[Tensor | None] = [*found.state] or [None] * len(layer.state_names)
        result = [found.x, *states, *(found.weights.get(name) for name in layer.shapes())]
        return (None,) * 4 + tuple(g if need else None for g, need in zip(result, needs, strict=True))


def compute(
    layer: Layer, rows: Rows, reverse: bool, all_states: bool, tensors: Sequence[Tensor], *, train: bool
) -> tuple[list[Tensor], Kept]:
    """Outputs, final states, every step's states if wanted; and what is kept."""
    n = 1 + len(layer.state_names)
    state, weights = list(tensors[1:n]), dict(zip(layer.shapes(), tensors[n:], strict=True))
    kept = forward(layer, weights, tensors[0], state, rows, reverse=reverse, keep=train or all_states)
    output = rows_of(kept.H, layer.output_size)
    steps = [rows_of(value, layer.hidden_size) for value in kept.states] if all_states else []
    return [output, *_final(layer, rows, reverse, kept, state), *steps], kept


def _final(layer: Layer, rows: Rows, reverse: bool, kept: Kept, state: list[Tensor]) -> list[Tensor]:
    """The states after each sequence's last step."""
    B, N = rows.count, rows.total
    values = [(kept.H, True), *((value, kept.every) for value in kept.states)]
    if rows.uniform:
        # Without every step there is one row for each sequence.
        ends = [value[:B] if reverse or not every else value[N - B :] for value, every in values]
        return [
            (end if end.shape[1] == size else end[:, :size]).clone()
            for end, size in zip(ends, layer.state_sizes, strict=True)
        ]
    # A sequence of no steps ends in the state that it began with.
    last, runs = rows.last(reverse=reverse), (rows.lengths > 0).unsqueeze(-1)
    return [
        torch.where(runs, (value[last] if every else value)[:, :size], before)
        for (value, every), size, before in zip(values, layer.state_sizes, state, strict=True)
    ]


def _differentiable(ctx: Any, tensors: Any, grads: Any, needs: Any) -> tuple[Tensor | None, ...]:
    """The same derivative by the reference, as a graph of torch operations."""
    layer, rows = ctx.layer, ctx.rows
    inputs = [
        t if not need or t.requires_grad else t.detach().requires_grad_()
        for t, need in zip(tensors, needs, strict=True)
    ]
    results = by_reference(layer, rows, ctx.reverse, ctx.all_states, inputs)
    pairs = [(r, g) for r, g in zip(results, grads, strict=True) if g is not None and r.requires_grad]
    wanted = [t for t, need in zip(inputs, needs, strict=True) if need]
    found = iter(
        torch.autograd.grad([r for r, _ in pairs], wanted, [g for _, g in pairs], create_graph=True, allow_unused=True)
    )
    return tuple(next(found) if need else None for need in needs)


def by_reference(layer: Layer, rows: Rows, reverse: bool, all_states: bool, tensors: list[Tensor]) -> list[Tensor]:
    """What :class:`Eager` computes, by the reference."""
    n = 1 + len(layer.state_names)
    x, state, weights = tensors[0], tuple(tensors[1:n]), dict(zip(layer.shapes(), tensors[n:], strict=True))
    real = torch.arange(rows.count) < rows.offsets.diff().unsqueeze(-1)  # [T, B]
    t, b = real.nonzero(as_tuple=True)
    dense = x.new_zeros(rows.steps, rows.count, x.shape[-1]).index_put((t, b), x)
    keep = layer.cell.states if all_states else ()
    result = reference.run(layer, weights, dense, state, reverse=reverse, lengths=rows.lengths, keep=keep)
    return [result.output[t, b], *result.final, *(result.steps[name][t, b] for name in keep)]
