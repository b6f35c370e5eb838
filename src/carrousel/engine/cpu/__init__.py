"""The CPU backend: kernels made from a cell's equations, compiled by LLVM, fused over all steps of a sequence."""

from __future__ import annotations

from functools import lru_cache

from carrousel.cells import Cell
from carrousel.engine import doors
from carrousel.engine._backend import Passes
from carrousel.engine._call import Call, Stack
from carrousel.engine._graph import order
from carrousel.engine._layer import QUIET, Layer, Result
from carrousel.engine._memory import PLAIN
from carrousel.engine._plan import plan
from carrousel.engine.cpu._backward import backward
from carrousel.engine.cpu._forward import forward
from carrousel.engine.cpu._kernels import KINDS
from carrousel.engine.cpu._pointwise import unsupported
from carrousel.engine.cpu._step import quick_step

__all__ = ["NAME", "PASSES", "merit", "quick_step", "refuses_call", "refuses_layer", "run"]

NAME = "cpu"
PASSES = Passes("cpu", frozenset(KINDS), forward, backward)


def refuses_layer(layer: Layer) -> str | None:
    """Says why no kernel is made of a layer; None if one is."""
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


def refuses_call(call: Call) -> str | None:
    """Says why a call cannot use the layer's kernel; None if it can."""
    layer, weights, masks, keep = call.layer, call.weights, call.masks, call.keep
    dtype = weights["weight_ih"].dtype
    if dtype not in KINDS:
        return f"there is no kernel for numbers of type {dtype}"
    plain = alike = True
    for tensor in (call.x, *call.state, *weights.values()):
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
    return doors.refuses_call(call, plain=plain)


def merit(call: Call | Stack) -> str | None:
    """Says what is good about the kernels."""
    return "a fused kernel of the cell's equations"


def run(call: Call) -> Result:
    """Runs a layer over a batch of sequences by its kernels, to a :class:`Result`."""
    return doors.run(PASSES, call)
