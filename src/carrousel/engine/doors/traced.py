"""A backend's passes as operators of torch, for ``torch.compile`` and ``torch.export``, which cannot look into them.

This is what the operators of ``carrousel._operators`` do. In eager mode the kernels are an ``autograd.Function``,
which knows double backward and costs less; an operator is what a traced graph can hold. Both run the same code. A
layer travels as a string.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from carrousel import _operators
from carrousel.engine import reference
from carrousel.engine._backend import passes_for
from carrousel.engine._call import Call
from carrousel.engine._key import layer_of
from carrousel.engine._layer import Layer, Result
from carrousel.engine._packing import Packing, pack
from carrousel.engine.doors._operands import check_adjoints, check_operands
from carrousel.engine.doors.eager import by_operations, compute

__all__ = ["differentiate", "run_traced", "sequence", "sequence_backward", "set_up", "shapes", "shapes_backward"]


def _packing(x: Tensor, lengths: Tensor | None, resets: Tensor | None, *, reverse: bool) -> Packing:
    return pack(x.shape[0], x.shape[1], lengths, resets, reverse=reverse)


def sequence(
    x: Tensor, state: list[Tensor], weights: list[Tensor], lengths: Tensor | None, resets: Tensor | None, key: str,
    reverse: bool, all_states: bool,
) -> list[Tensor]:  # fmt: skip
    """Returns output ``[T, B, output]``, final states ``[B, size]`` and, if wanted, all steps' states ``[T, B, H]``."""
    layer = layer_of(key)
    passes = passes_for(layer, x)
    check_operands(layer, x, state, weights, lengths, resets)
    packing = _packing(x, lengths, resets, reverse=reverse)
    if not packing.rows.total:
        return _of_nothing(layer, x, state, all_states=all_states)
    tensors = [packing.rows_in(x), *map(packing.state_in, state), *weights]
    (output, *rest), _ = compute(passes, layer, packing.rows, reverse, all_states, tensors, keep=False)
    n = len(state)
    return [
        packing.rows_out(output),
        *(packing.state_out(value).clone() for value in rest[:n]),
        *map(packing.rows_out, rest[n:]),
    ]


def _of_nothing(layer: Layer, x: Tensor, state: list[Tensor], *, all_states: bool) -> list[Tensor]:
    T, B = x.shape[:2]
    steps = len(layer.cell.states) if all_states else 0
    return [
        x.new_zeros(T, B, layer.output_size),
        *(value.clone() for value in state),
        *(x.new_zeros(T, B, layer.hidden_size) for _ in range(steps)),
    ]


def shapes(x: Tensor, state: list[Tensor], key: str, all_states: bool) -> list[Tensor]:
    """Returns tensors as :func:`sequence` does, for tracing."""
    return _of_nothing(layer_of(key), x, state, all_states=all_states)


def sequence_backward(
    grads: list[Tensor], x: Tensor, state: list[Tensor], weights: list[Tensor], lengths: Tensor | None,
    resets: Tensor | None, key: str, reverse: bool, all_states: bool, with_x: bool,
) -> list[Tensor]:  # fmt: skip
    """Returns the derivatives by x (empty unless wanted), by the initial states, by the weights.

    It runs forward once more, for a graph has no place for what the kernels keep between the two.
    """
    layer, n = layer_of(key), len(state)
    passes = passes_for(layer, x)
    check_operands(layer, x, state, weights, lengths, resets)
    check_adjoints(layer, grads, x, all_states=all_states)
    packing = _packing(x, lengths, resets, reverse=reverse)
    names = list(layer.shapes())
    if not packing.rows.total:
        dx = torch.zeros_like(x) if with_x else x.new_empty(0)
        return [dx, *(d.clone() for d in grads[1 : 1 + n]), *map(torch.zeros_like, weights)]
    rows, packed = packing.rows, [packing.state_in(value) for value in state]
    x_rows, of_name = packing.rows_in(x), dict(zip(names, weights, strict=True))
    _, kept = passes.forward(layer, of_name, x_rows, packed, rows, reverse=reverse, keep=True, all_states=False)
    d_final: list[Tensor | None] = [packing.state_back(d) for d in grads[1 : 1 + n]]
    d_steps: list[Tensor | None] = [packing.rows_in(d) for d in grads[1 + n :]]
    derivatives = passes.backward(
        layer, of_name, x_rows, packed, rows, kept,
        packing.rows_in(grads[0]), d_steps or [None] * len(layer.cell.states),
        d_final, reverse=reverse, wanted={"x", "state", *names} if with_x else {"state", *names},
    )  # fmt: skip
    dx = x.new_empty(0) if derivatives.x is None else packing.rows_out(derivatives.x)
    d_weights = (derivatives.weights[name].contiguous() for name in names)
    return [dx, *(packing.state_sum(d) for d in derivatives.state), *d_weights]


def shapes_backward(x: Tensor, state: list[Tensor], weights: list[Tensor], with_x: bool) -> list[Tensor]:
    """Returns tensors as :func:`sequence_backward` does, for tracing."""
    dx = x.new_empty(x.shape) if with_x else x.new_empty(0)
    return [dx, *(value.new_empty(value.shape) for value in (*state, *weights))]


def set_up(ctx: Any, inputs: Any, output: Any) -> None:
    """Keeps what the derivative of :func:`sequence` needs."""
    x, state, weights, lengths, resets, ctx.key, ctx.reverse, ctx.all_states = inputs
    ctx.counts = len(state), len(weights)
    ctx.shapes = [value.shape for value in output]
    ctx.save_for_backward(x, *state, *weights, lengths, resets)


def _is_batch(adjoint: Tensor | None) -> bool:
    """Says whether vmap is at work on an adjoint."""
    functorch = torch._C._functorch
    return adjoint is not None and (functorch.is_batchedtensor(adjoint) or functorch.is_legacy_batchedtensor(adjoint))


def _by_reference(ctx: Any, lengths: Tensor | None, resets: Tensor | None, tensors: list[Tensor]) -> list[Tensor]:
    """Computes what the operator does, by the reference."""
    layer, n = layer_of(ctx.key), ctx.counts[0]
    weights = dict(zip(layer.shapes(), tensors[1 + n :], strict=True))
    keep = layer.cell.states if ctx.all_states else ()
    state = tuple(tensors[1 : 1 + n])
    result = reference.run(Call(layer, weights, tensors[0], state, ctx.reverse, lengths, resets, keep=keep))
    return [result.output, *result.final, *(result.steps[name] for name in keep)]


def differentiate(ctx: Any, grads: Any) -> Any:
    """Computes the derivative of :func:`sequence`, for autograd."""
    x, *rest, lengths, resets = ctx.saved_tensors
    n, m = ctx.counts
    state, weights = list(rest[:n]), list(rest[n:])
    if torch.is_grad_enabled() or any(map(_is_batch, grads)):
        run = partial(_by_reference, ctx, lengths, resets)
        needs = [t.requires_grad for t in (x, *rest)]
        dx, *others = by_operations(run, [x, *rest], grads, needs)
        return dx, others[:n], others[n:], None, None, None, None, None
    whole = [x.new_zeros(shape) if g is None else g for g, shape in zip(grads, ctx.shapes, strict=True)]
    with_x = ctx.needs_input_grad[0]
    dx, *others = _operators.sequence_backward(
        whole, x, state, weights, lengths, resets, ctx.key, ctx.reverse, ctx.all_states, with_x
    )
    return dx if with_x else None, others[:n], others[n : n + m], None, None, None, None, None


def run_traced(call: Call) -> Result:
    """Runs a call as one operator of a traced graph, to a :class:`Result`."""
    layer, weights, x, state, reverse, lengths, resets, _, keep = call
    all_states = any(name != "h" for name in keep)
    output, *rest = _operators.sequence(
        x, list(state), list(weights.values()), lengths, resets, layer.key, reverse, all_states
    )
    n = len(layer.state_names)
    every = dict(zip(layer.cell.states, rest[n:], strict=bool(all_states)))
    return Result(output, tuple(rest[:n]), {name: output if name == "h" else every[name] for name in keep})
