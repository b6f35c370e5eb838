"""A backend's passes as operators of torch, for ``torch.compile`` and ``torch.export``, which cannot look into them.

This is what the operators of ``carrousel._operators`` do. In eager mode the kernels are an ``autograd.Function``,
which knows double backward and costs less; an operator is what a traced graph can hold. Both run the same code. A
layer travels as a string.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from carrousel import __version__, _operators
from carrousel.engine import reference
from carrousel.engine._backend import Outline, passes_for
from carrousel.engine._call import Call
from carrousel.engine._key import layer_of
from carrousel.engine._layer import Layer, Result
from carrousel.engine._packing import Packing, pack
from carrousel.engine.doors._noise import read, written
from carrousel.engine.doors._operands import check_adjoints, check_buffers, check_operands
from carrousel.engine.doors.eager import by_operations, compute

__all__ = [
    "differentiate",
    "run_traced",
    "sequence",
    "sequence_backward",
    "sequence_kept",
    "set_up",
    "shapes",
    "shapes_backward",
    "shapes_kept",
]


def _packing(x: Tensor, lengths: Tensor | None, resets: Tensor | None, *, reverse: bool) -> Packing:
    packing = pack(x.shape[0], x.shape[1], lengths, resets, reverse=reverse)
    if resets is None:
        return packing
    # There may be more segments than sequences, and what is kept has no place for the initial values of all of them.
    return replace(packing, rows=replace(packing.rows, uniform=False))


def sequence(
    x: Tensor, state: list[Tensor], weights: list[Tensor], noise: list[Tensor], lengths: Tensor | None,
    resets: Tensor | None, key: str, kinds: str, reverse: bool, steps: str,
) -> list[Tensor]:  # fmt: skip
    """Returns output ``[T, B, output]``, final states ``[B, size]``, and each step's values of ``steps``."""
    return _sequence(x, state, weights, noise, lengths, resets, key, kinds, reverse, steps, keep=False)


def sequence_kept(
    x: Tensor, state: list[Tensor], weights: list[Tensor], noise: list[Tensor], lengths: Tensor | None,
    resets: Tensor | None, key: str, kinds: str, reverse: bool, steps: str,
) -> list[Tensor]:  # fmt: skip
    """Returns the same, and after that the buffers of what is kept, of the size that the longest packing needs."""
    return _sequence(x, state, weights, noise, lengths, resets, key, kinds, reverse, steps, keep=True)


def _sequence(
    x: Tensor, state: list[Tensor], weights: list[Tensor], noise: list[Tensor], lengths: Tensor | None,
    resets: Tensor | None, key: str, kinds: str, reverse: bool, steps: str, *, keep: bool,
) -> list[Tensor]:  # fmt: skip
    """Returns what the two operators above do."""
    layer, names = layer_of(key), tuple(steps.split())
    passes = passes_for(layer, x)
    check_operands(layer, x, state, weights, lengths, resets, names)
    masks = read(noise, kinds, layer, x)
    packing = _packing(x, lengths, resets, reverse=reverse)
    outline = _outline(layer, x, kinds, names) if keep and passes.held is not None else None
    if not packing.rows.total:
        shapes = [] if outline is None or passes.held is None else passes.held.shapes_of(outline)
        return _of_nothing(layer, x, state, names) + [x.new_zeros(shape) for shape in shapes]
    buffers: list[Tensor] = []
    if outline is not None and passes.held is not None:
        buffers = [x.new_empty(shape) for shape in passes.held.shapes_of(outline)]
    into = passes.held.kept_of(outline, buffers) if outline is not None and passes.held is not None else None
    tensors = [packing.rows_in(x), *map(packing.state_in, state), *weights]
    packed = masks.map(packing.sequence_in, packing.rows_in)
    (output, *rest), _ = compute(
        passes, layer, packing.rows, reverse, packed, names, tensors, keep=into is not None, into=into
    )
    n = len(state)
    every = [output, *rest[n:]]
    for buffer in buffers:
        buffer[packing.rows.total + (x.shape[1] if packing.rows.uniform else 0) :].zero_()  # nobody's numbers
    if buffers:
        every = [value.clone() for value in every]  # no two results of an operator may share memory
    output, *every = map(packing.rows_out, every)
    return [output, *map(packing.state_out, rest[:n]), *every, *buffers]


def _outline(layer: Layer, x: Tensor, kinds: str, steps: tuple[str, ...]) -> Outline:
    """Returns the :class:`Outline` of what is kept."""
    noise = frozenset(word.partition("=")[0] for word in kinds.split())
    return Outline(layer, x.dtype, noise, steps, x.shape[0], x.shape[1])


def _of_nothing(layer: Layer, x: Tensor, state: list[Tensor], steps: tuple[str, ...]) -> list[Tensor]:
    T, B = x.shape[:2]
    return [
        x.new_zeros(T, B, layer.output_size),
        *(value.clone() for value in state),
        *(x.new_zeros(T, B, layer.size_of(name)) for name in steps),
    ]


def shapes(x: Tensor, state: list[Tensor], key: str, steps: str) -> list[Tensor]:
    """Returns tensors as :func:`sequence` does, for tracing."""
    return _of_nothing(layer_of(key), x, state, tuple(steps.split()))


def shapes_kept(x: Tensor, state: list[Tensor], key: str, kinds: str, steps: str) -> list[Tensor]:
    """Returns tensors as :func:`sequence_kept` does, for tracing."""
    layer, names = layer_of(key), tuple(steps.split())
    held = passes_for(layer, x).held
    buffers = [] if held is None else map(x.new_empty, held.shapes_of(_outline(layer, x, kinds, names)))
    return [*_of_nothing(layer, x, state, names), *buffers]


def sequence_backward(
    grads: list[Tensor], kept: list[Tensor], x: Tensor, state: list[Tensor], weights: list[Tensor], noise: list[Tensor],
    lengths: Tensor | None, resets: Tensor | None, key: str, kinds: str, reverse: bool, steps: str, with_x: bool,
    with_state: bool,
) -> list[Tensor]:  # fmt: skip
    """Returns the derivatives by x and by the initial states (empty unless wanted), and by the weights.

    Without the buffers of what was kept it runs forward once more.
    """
    layer, n, every = layer_of(key), len(state), tuple(steps.split())
    passes = passes_for(layer, x)
    check_operands(layer, x, state, weights, lengths, resets, every)
    check_adjoints(layer, grads, x, every)
    masks = read(noise, kinds, layer, x)
    packing = _packing(x, lengths, resets, reverse=reverse)
    names = list(layer.shapes())
    if not packing.rows.total:
        dx = torch.zeros_like(x) if with_x else x.new_empty(0)
        d_state = [d.clone() if with_state else x.new_empty(0) for d in grads[1 : 1 + n]]
        return [dx, *d_state, *map(torch.zeros_like, weights)]
    rows, packed = packing.rows, [packing.state_in(value) for value in state]
    x_rows, of_name = packing.rows_in(x), dict(zip(names, weights, strict=True))
    options: dict[str, Any] = {
        "reverse": reverse,
        "masks": masks.map(packing.sequence_in, packing.rows_in),
        "steps": every,
    }
    if kept and passes.held is not None:
        outline = _outline(layer, x, kinds, every)
        check_buffers(kept, passes.held.shapes_of(outline), x)
        left = passes.held.kept_of(outline, kept).spare()
    else:
        _, left = passes.forward(layer, of_name, x_rows, packed, rows, keep=True, **options)
    d_final: list[Tensor | None] = [packing.state_back(d) for d in grads[1 : 1 + n]]
    d_steps: list[Tensor | None] = [packing.rows_in(d) for d in grads[1 + n :]]
    derivatives = passes.backward(
        layer, of_name, x_rows, packed, rows, left, packing.rows_in(grads[0]), d_steps, d_final,
        wanted={*names, *(["x"] if with_x else []), *(["state"] if with_state else [])}, **options,
    )  # fmt: skip
    dx = x.new_empty(0) if derivatives.x is None else packing.rows_out(derivatives.x)
    d_state = [packing.state_sum(d) for d in derivatives.state] if with_state else [x.new_empty(0) for _ in state]
    return [dx, *d_state, *(derivatives.weights[name].contiguous() for name in names)]


def shapes_backward(
    x: Tensor, state: list[Tensor], weights: list[Tensor], with_x: bool, with_state: bool
) -> list[Tensor]:
    """Returns tensors as :func:`sequence_backward` does, for tracing."""
    wanted = [(x, with_x), *((value, with_state) for value in state), *((value, True) for value in weights)]
    return [value.new_empty(value.shape if want else 0) for value, want in wanted]


def set_up(ctx: Any, inputs: Any, output: Any) -> None:
    """Keeps what the derivative of :func:`sequence` needs."""
    x, state, weights, noise, lengths, resets, ctx.key, ctx.kinds, ctx.reverse, ctx.steps, *version = inputs
    ctx.without = [None] * len(noise), *[None] * (6 + len(version))
    ctx.counts = len(state), len(weights), len(noise)
    results = 1 + len(state) + len(ctx.steps.split())
    ctx.shapes = [value.shape for value in output[:results]]
    ctx.save_for_backward(x, *state, *weights, *noise, *output[results:], lengths, resets)


def _is_batch(adjoint: Tensor | None) -> bool:
    """Says whether vmap is at work on an adjoint."""
    functorch = torch._C._functorch
    return adjoint is not None and (functorch.is_batchedtensor(adjoint) or functorch.is_legacy_batchedtensor(adjoint))


def _by_reference(
    ctx: Any, noise: list[Tensor], lengths: Tensor | None, resets: Tensor | None, tensors: list[Tensor]
) -> list[Tensor]:
    """Computes what the operator does, by the reference."""
    layer, n, keep = layer_of(ctx.key), ctx.counts[0], tuple(ctx.steps.split())
    weights = dict(zip(layer.shapes(), tensors[1 + n :], strict=True))
    state, masks = tuple(tensors[1 : 1 + n]), read(noise, ctx.kinds, layer, tensors[0])
    result = reference.run(Call(layer, weights, tensors[0], state, ctx.reverse, lengths, resets, masks, keep))
    return [result.output, *result.final, *(result.steps[name] for name in keep)]


def differentiate(ctx: Any, grads: Any) -> Any:
    """Computes the derivative of :func:`sequence`, for autograd."""
    x, *rest, lengths, resets = ctx.saved_tensors
    n, m, _ = ctx.counts
    grads = grads[: len(ctx.shapes)]
    tensors = iter(rest)
    state, weights, noise = (list(islice(tensors, count)) for count in ctx.counts)
    kept = list(tensors)
    if torch.is_grad_enabled() or any(map(_is_batch, grads)):
        run = partial(_by_reference, ctx, noise, lengths, resets)
        inputs = [x, *state, *weights]
        dx, *others = by_operations(run, inputs, grads, [t.requires_grad for t in inputs])
        return dx, others[:n], others[n:], *ctx.without
    whole = [x.new_zeros(shape) if g is None else g for g, shape in zip(grads, ctx.shapes, strict=True)]
    with_x, with_state = ctx.needs_input_grad[0], any(value.requires_grad for value in state)
    dx, *others = _operators.sequence_backward(
        whole, kept, x, state, weights, noise, lengths, resets, ctx.key, ctx.kinds, ctx.reverse, ctx.steps, with_x,
        with_state,
    )  # fmt: skip
    return dx if with_x else None, others[:n] if with_state else [None] * n, others[n : n + m], *ctx.without


def run_traced(call: Call) -> Result:
    """Runs a call as one operator of a traced graph, to a :class:`Result`."""
    layer, weights, x, state, reverse, lengths, resets, masks, keep, _ = call
    names = tuple(name for name in keep if name != "h")
    noise, kinds = written(masks)
    given = (x, *state, *weights.values())
    compiling = torch.compiler.is_compiling() and not torch.compiler.is_exporting()
    trained = compiling and torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given)
    arguments = (
        x, list(state), list(weights.values()), noise, lengths, resets, layer.key, kinds, reverse, " ".join(names)
    )  # fmt: skip
    if trained:
        output, *rest = _operators.sequence_kept(*arguments, __version__)
    else:
        output, *rest = _operators.sequence(*arguments)
    n = len(layer.state_names)
    every = {"h": output, **dict(zip(names, rest[n:], strict=False))}  # what is kept comes after
    return Result(output, tuple(rest[:n]), {name: every[name] for name in keep})
