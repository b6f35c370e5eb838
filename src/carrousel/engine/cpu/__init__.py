"""The CPU backend: kernels made from a cell's equations, compiled by LLVM, fused over all steps of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from carrousel.cells import Cell
from carrousel.engine import reference
from carrousel.engine._graph import order
from carrousel.engine._layer import QUIET, Layer, Masks, Result, Weights
from carrousel.engine._recorders import recorded
from carrousel.engine.cpu._autograd import Eager, compute
from carrousel.engine.cpu._call import KINDS, PLAIN
from carrousel.engine.cpu._door import run_traced
from carrousel.engine.cpu._key import key_of
from carrousel.engine.cpu._packing import pack
from carrousel.engine.cpu._plan import plan
from carrousel.engine.cpu._pointwise import unsupported
from carrousel.engine.cpu._rows import Rows, dense
from carrousel.engine.cpu._step import quick_step
from carrousel.engine.cpu._transforms import Transformed, bare, refuses_transforms

__all__ = ["key_of", "quick_step", "refuses_call", "refuses_layer", "run"]


def refuses_layer(layer: Layer) -> str | None:
    """Why no kernel is made of a layer; None if one is."""
    options = (
        ("block_size", layer.block_size > 1),
        ("heads", layer.heads > 1),
        ("diagonal", layer.diagonal),
        ("gate_recurrence", layer.gate_recurrence),
    )
    for name, on in options:
        if on:
            return f"{name} is not fused"
    if not layer.hidden_size or not layer.input_size:
        return "there is nothing to compute"
    return _refuses_cell(layer.cell, layer.layer_norm)


@lru_cache(maxsize=128)
def _refuses_cell(cell: Cell, normed: bool) -> str | None:
    try:
        found = plan(cell, normed=normed)
    except Exception as error:  # a user's equations may fail in any way when they meet symbols
        return f"the equations of cell {cell.spec!r} cannot be fused: {error}"
    roots = [*found.program.outputs.values(), *found.d_exits, *found.d_slots, *found.d_states, *found.d_peepholes]
    operation = unsupported(order(roots))
    return None if operation is None else f"the kernels have no operation {operation!r}"


def refuses_call(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: tuple[Tensor, ...],
    masks: Masks,
    keep: tuple[str, ...],
    lengths: Tensor | None,
    resets: Tensor | None,
) -> str | None:
    """Why a call cannot use the layer's kernel; None if it can."""
    dtype = weights["weight_ih"].dtype
    if dtype not in KINDS:
        return f"there is no kernel for numbers of type {dtype}"
    plain = alike = True
    for tensor in (x, *state, *weights.values()):
        if not tensor.is_cpu:
            return f"there is no kernel for the device {tensor.device.type!r}"
        plain = plain and type(tensor) in PLAIN
        alike = alike and tensor.dtype is dtype
    if not alike:
        return "the input, the states and the weights are of several types"
    for weight, shape in zip(weights.values(), layer.shapes().values(), strict=True):
        if weight.shape != shape:
            return "a weight has not the layer's shape"  # it would be read past its end; the reference refuses it
    if masks is not QUIET and any(mask is not None for mask in masks):
        return "dropout in the recursion and zoneout are not fused"
    if keep and set(keep) - set(layer.state_names):
        return "the activations of gates were asked for, which the kernels do not keep"
    if torch.compiler.is_compiling():
        if not layer.key:
            return "the cell's equations cannot be written into a graph"
        # What follows cannot be seen while tracing, and the operator copes with empty batches.
        mapped = torch._C._are_functorch_transforms_active()
        return "a transformation of torch.func is traced, which operators do not know" if mapped else None
    if not plain and torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE) is None:
        return "an input is of a tensor subclass"
    if not x.shape[0] or not x.shape[1]:
        return "there is nothing to compute"
    reason = refuses_transforms(lengths, resets)
    if reason is None and torch._C._functorch.peek_interpreter_stack() is not None and recorded():
        return "a transformation of torch.func is recorded"  # operators do not know them, recorders do not see kernels
    return reason


def run(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: tuple[Tensor, ...],
    *,
    reverse: bool = False,
    lengths: Tensor | None = None,
    resets: Tensor | None = None,
    keep: tuple[str, ...] = (),
) -> Result:
    """Runs a layer over a batch of sequences; arguments and result as in ``reference.run``."""
    T, B = x.shape[:2]
    if torch.compiler.is_compiling() or recorded():
        return run_traced(layer, weights, x, state, reverse=reverse, lengths=lengths, resets=resets, keep=keep)
    all_states = bool(keep) and keep != ("h",)
    if lengths is None and resets is None:
        rows = dense(T, B)
        flat = x.reshape(T * B, layer.input_size)
        output, final, steps = _sequence(layer, weights, flat, state, rows, reverse=reverse, all_states=all_states)
        output = output.view(T, B, layer.output_size)
        every = {name: value.view(T, B, -1) for name, value in steps.items()}
    else:
        lengths, resets = (None if value is None else bare(value) for value in (lengths, resets))
        packing = pack(T, B, lengths, resets, reverse=reverse)
        if not packing.rows.total:
            return reference.nothing(layer, weights, x, state, keep=keep)
        packed = tuple(map(packing.state_in, state))
        output, final, steps = _sequence(
            layer, weights, packing.rows_in(x), packed, packing.rows, reverse=reverse, all_states=all_states
        )
        final = tuple(map(packing.state_out, final))
        output, every = packing.rows_out(output), {name: packing.rows_out(v) for name, v in steps.items()}
    return Result(output, final, {name: output if name == "h" else every[name] for name in keep})


def _sequence(
    layer: Layer, weights: Weights, x: Tensor, state: tuple[Tensor, ...], rows: Rows, *, reverse: bool, all_states: bool
) -> tuple[Tensor, tuple[Tensor, ...], dict[str, Tensor]]:
    """Outputs ``[rows, output]``, final states ``[count, size]``, and every step's states by name if asked for."""
    tensors = (x, *state, *weights.values())
    if torch._C._functorch.peek_interpreter_stack() is not None:
        results: Sequence[Tensor] = Transformed.apply(layer, rows, reverse, all_states, *tensors)
    elif torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        results = Eager.apply(layer, rows, reverse, all_states, *tensors)
    else:
        results, _ = compute(layer, rows, reverse, all_states, tensors, train=False)
    n = 1 + len(layer.state_names)
    return results[0], tuple(results[1:n]), dict(zip(layer.cell.states, results[n:], strict=bool(all_states)))
