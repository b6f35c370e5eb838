"""A backend's passes as an operation of torch's autograd, for eager mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from carrousel.engine import reference
from carrousel.engine._backend import Kept, Passes
from carrousel.engine._call import Call
from carrousel.engine._layer import Layer, Masks
from carrousel.engine._memory import PLAIN
from carrousel.engine._recorders import recorded
from carrousel.engine._rows import Rows
from carrousel.engine.doors._noise import written

_LEADING = 6  # the arguments of the function below that come before the tensors

__all__ = ["Eager", "by_operations", "by_operator", "by_reference", "compute"]


class Eager(torch.autograd.Function):
    """A layer as autograd runs it: from packed inputs, initial states and weights to the results of ``compute``."""

    @staticmethod
    def forward(
        ctx: Any, passes: Passes, layer: Layer, rows: Rows, reverse: bool, masks: Masks, steps: tuple[str, ...],
        *tensors: Tensor,
    ) -> Any:  # fmt: skip
        """Runs forward, and keeps what backward needs."""
        results, kept = compute(passes, layer, rows, reverse, masks, steps, tensors, keep=True)
        ctx.passes = passes
        ctx.layer, ctx.rows, ctx.reverse, ctx.masks, ctx.steps = layer, rows, reverse, masks, steps
        every = results[1 + len(layer.state_names) :]
        if _hooks_on_saved_tensors():
            # The hooks want all that is kept, to put it elsewhere or to compute it anew when it is needed.
            ctx.kept, ctx.hooked = kept.bare(), True
            ctx.save_for_backward(*tensors, results[0], *every, *kept.tensors())
        else:
            ctx.kept, ctx.hooked = kept, False
            ctx.save_for_backward(*tensors, results[0], *every)
        ctx.set_materialize_grads(False)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        """Returns the derivatives, by the kernels or by operations that can be differentiated or recorded again."""
        layer, rows = ctx.layer, ctx.rows
        saved = ctx.saved_tensors
        tensors = saved[: 1 + len(layer.state_names) + len(layer.shapes())]
        needs = ctx.needs_input_grad[_LEADING:]
        if torch.is_grad_enabled() or not all(map(_has_memory, grads)):
            # This derivative will be differentiated, or adjoints are a batch: it must be made of operations that
            # torch knows.
            run = partial(by_reference, layer, rows, ctx.reverse, ctx.masks, ctx.steps)
            return (None,) * _LEADING + by_operations(run, tensors, grads, needs)
        n = 1 + len(layer.state_names)
        if recorded():
            all_of_them = by_operator(layer, rows, ctx.reverse, ctx.masks, ctx.steps, tensors, grads)
            return (None,) * _LEADING + tuple(g if need else None for g, need in zip(all_of_them, needs, strict=True))
        names = ["x", *("state" for _ in layer.state_names), *layer.shapes()]
        x, state, weights = tensors[0], list(tensors[1:n]), dict(zip(layer.shapes(), tensors[n:], strict=True))
        kept, ctx.kept = ctx.kept, None
        if kept is not None and ctx.hooked:
            kept = kept.with_tensors(saved[-len(kept.tensors()) :])
        elif kept is None:
            # A second pass through a retained graph: the first one used up what was kept.
            again = {"reverse": ctx.reverse, "keep": True, "masks": ctx.masks, "steps": ctx.steps}
            _, kept = ctx.passes.forward(layer, weights, x, state, rows, **again)
        derivatives = ctx.passes.backward(
            layer, weights, x, state, rows, kept,
            grads[0], list(grads[n:]), list(grads[1:n]),
            reverse=ctx.reverse, wanted={name for name, need in zip(names, needs, strict=True) if need},
            masks=ctx.masks, steps=ctx.steps,
        )  # fmt: skip
        states: list[Tensor | None] = [*derivatives.state] or [None] * len(layer.state_names)
        result = [derivatives.x, *states, *(derivatives.weights.get(name) for name in layer.shapes())]
        return (None,) * _LEADING + tuple(g if need else None for g, need in zip(result, needs, strict=True))


def compute(
    passes: Passes,
    layer: Layer,
    rows: Rows,
    reverse: bool,
    masks: Masks,
    steps: tuple[str, ...],
    tensors: Sequence[Tensor],
    *,
    keep: bool,
    into: Kept | None = None,
) -> tuple[list[Tensor], Kept]:
    """Runs forward; returns a list of outputs, final states and every step's values of ``steps``, and the ``Kept``."""
    n = 1 + len(layer.state_names)
    state, weights = list(tensors[1:n]), dict(zip(layer.shapes(), tensors[n:], strict=True))
    return passes.forward(
        layer, weights, tensors[0], state, rows, reverse=reverse, keep=keep, masks=masks, steps=steps, into=into
    )


def _hooks_on_saved_tensors() -> bool:
    """Says whether ``torch.autograd.graph.saved_tensors_hooks`` are at work, as under ``torch.utils.checkpoint``."""
    return torch._C._autograd._top_saved_tensors_default_hooks(False) is not None


def _has_memory(adjoint: Tensor | None) -> bool:
    """Says whether an adjoint's numbers are in memory as they seem to be: those of a batch, under vmap, are not."""
    return adjoint is None or (
        type(adjoint) in PLAIN and torch._C._has_storage(adjoint) and not adjoint._is_zerotensor()
    )


def by_operations(
    run: Callable[[list[Tensor]], list[Tensor]],
    tensors: Sequence[Tensor],
    grads: Sequence[Tensor | None],
    needs: Sequence[bool],
) -> tuple[Tensor | None, ...]:
    """Returns the derivatives of what ``run`` makes of tensors, as operations of torch.

    They can be differentiated again, and adjoints may be batches.
    """
    again = torch.is_grad_enabled()
    with torch.enable_grad(), torch._C._DisableFuncTorch():  # what was saved is no batch, only the adjoints are
        # Aliases, for one tensor may be given twice, and each of the two has a derivative of its own.
        inputs = [t.view_as(t) if need else t for t, need in zip(tensors, needs, strict=True)]
        results = run(inputs)
    pairs = [(r, g) for r, g in zip(results, grads, strict=True) if g is not None and r.requires_grad]
    needed = [t for t, need in zip(inputs, needs, strict=True) if need]
    derivatives = iter(
        torch.autograd.grad([r for r, _ in pairs], needed, [g for _, g in pairs], create_graph=again, allow_unused=True)
    )
    return tuple(next(derivatives) if need else None for need in needs)


def by_reference(
    layer: Layer, rows: Rows, reverse: bool, masks: Masks, steps: tuple[str, ...], tensors: list[Tensor]
) -> list[Tensor]:
    """Computes what :class:`Eager` does, by the reference."""
    n = 1 + len(layer.state_names)
    x, state, weights = tensors[0], tuple(tensors[1:n]), dict(zip(layer.shapes(), tensors[n:], strict=True))
    result = reference.run(Call(layer, weights, x, state, reverse, masks=masks, keep=steps, rows=rows))
    return [result.output, *result.final, *(result.steps[name] for name in steps)]


def by_operator(
    layer: Layer, rows: Rows, reverse: bool, masks: Masks, steps: tuple[str, ...], tensors: Sequence[Tensor],
    grads: Sequence[Tensor | None],
) -> list[Tensor]:  # fmt: skip
    """Returns the derivatives by all tensors, from the operator of ``traced``: recorders do not see kernels."""
    n = 1 + len(layer.state_names)
    with _disable_current_modes():  # places and lengths are kept with the rows, for calls that nobody records
        lengths = None if rows.uniform else rows.lengths
        _ = rows.places
    x, state, weights = rows.spread(tensors[0]), list(tensors[1:n]), list(tensors[n:])
    sizes = [layer.output_size, *layer.state_sizes, *(layer.size_of(name) for name in steps)]
    counts = [rows.total, *(rows.count for _ in layer.state_names), *(rows.total for _ in steps)]
    whole = [
        x.new_zeros(count, size) if grad is None else grad
        for grad, count, size in zip(grads, counts, sizes, strict=False)
    ]
    by_step = [grad if 0 < k < n else rows.spread(grad) for k, grad in enumerate(whole)]
    noise, kinds = written(masks.map(lambda mask: mask, rows.spread))
    dx, *others = torch.ops.carrousel.sequence_backward(
        by_step, [], x, state, weights, noise, lengths, None, layer.key, kinds, reverse, " ".join(steps), True, True
    )
    return [rows.gather(dx), *others]
