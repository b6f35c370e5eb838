"""The CPU backend: kernels made from a cell's equations, compiled by LLVM, fused over all steps of a sequence."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from carrousel.engine import doors
from carrousel.engine._backend import Passes
from carrousel.engine._call import Call, Stack
from carrousel.engine._graph import Node
from carrousel.engine._layer import QUIET, Layer, Result
from carrousel.engine._memory import PLAIN
from carrousel.engine._plan import Variant, plan
from carrousel.engine.cpu import _held
from carrousel.engine.cpu._backward import backward
from carrousel.engine.cpu._extras import variant_of
from carrousel.engine.cpu._forward import forward
from carrousel.engine.cpu._pointwise import refuses
from carrousel.engine.cpu._sized import KINDS
from carrousel.engine.cpu._step import packs_in_vain, quick_step

__all__ = ["NAME", "PASSES", "merit", "quick_step", "refuses_call", "refuses_layer", "run"]

NAME = "cpu"
PASSES = Passes("cpu", frozenset(KINDS), forward, backward, _held)


def refuses_layer(layer: Layer) -> str | None:
    """Says why no kernel is made of a layer; None if one is."""
    if not layer.hidden_size or not layer.input_size:
        return "there is nothing to compute"
    if layer.diagonal and layer.gate_recurrence and not layer.layer_norm:
        return "what gates send has no place in a diagonal recurrence, which is part of the equations"
    return _refuses_variant(variant_of(layer))


@lru_cache(maxsize=128)
def _refuses_variant(variant: Variant) -> str | None:
    def nodes() -> list[Node]:
        found = plan(variant)
        return [*found.program.outputs.values(), *found.derivatives]

    return refuses(variant.cell, nodes)


def refuses_call(call: Call) -> str | None:
    """Says why a call cannot use the layer's kernel; None if it can."""
    layer, weights, masks = call.layer, call.weights, call.masks
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
    if call.x.shape[0] == 1 and call.rows is None and _is_in_vain(call):
        return "for one step of so few sequences packing such large weights would take longer"
    if masks is not QUIET:
        reason = _refuses_noise(call)
        if reason is not None:
            return reason
    return doors.refuses_call(call, plain=plain)


def _is_in_vain(call: Call) -> bool:
    """Says whether a single step is sooner done than weights are packed for it."""
    if torch.compiler.is_compiling():
        return False
    if not packs_in_vain(call.x.shape[1], sum(weight.numel() for weight in call.weights.values())):
        return False
    given = (call.x, *call.state, *call.weights.values())
    return not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given))


def _refuses_noise(call: Call) -> str | None:
    """Says why the kernels cannot use the noise of a call; None if they can."""
    layer, masks, lead = call.layer, call.masks, call.x.shape[:-1]  # [T, B], or [rows]
    count = lead[1] if call.rows is None else call.rows.count
    of_h, of_c = (*lead, layer.output_size), (*lead, layer.hidden_size)
    wanted = [(masks.variational, (count, layer.output_size)), (masks.zoneout_h, of_h), (masks.zoneout_c, of_c)]
    if masks.candidate is not None:
        wanted += [(masks.candidate.get(row), of_c) for row in layer.cell.candidates]
    for mask, shape in wanted:
        if not isinstance(mask, Tensor):
            continue
        if mask.shape != shape or not mask.is_cpu:
            return "noise has not the shape of the call, or is on another device"  # it would be read past its end
        if mask.requires_grad:
            return "derivatives by noise are wanted"
        if type(mask) not in PLAIN:
            return "noise is of a tensor subclass"
    return None


def merit(call: Call | Stack) -> str | None:
    """Says what is good about the kernels."""
    return "a fused kernel of the cell's equations"


def run(call: Call) -> Result:
    """Runs a layer over a batch of sequences by its kernels, to a :class:`Result`."""
    return doors.run(PASSES, call)
