"""The three ways by which torch comes to a backend's own passes: eager autograd, traced graphs, and transformations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from carrousel.engine import reference
from carrousel.engine._backend import Passes
from carrousel.engine._call import Call
from carrousel.engine._layer import QUIET, Masks, Result
from carrousel.engine._memory import PLAIN
from carrousel.engine._packing import pack
from carrousel.engine._recorders import recorded
from carrousel.engine._rows import Rows, dense
from carrousel.engine._tangent import refuses_tangent
from carrousel.engine.doors.eager import Eager, compute
from carrousel.engine.doors.traced import run_traced
from carrousel.engine.doors.transformed import Transformed, bare, refuses_transforms, transformed

__all__ = ["bare", "refuses_call", "run", "takes_rows"]


def refuses_call(call: Call, *, plain: bool) -> str | None:
    """Says why no door leads a call to any passes; None if one does.

    Args:
        call: the call.
        plain: whether all tensors are of the types of ``PLAIN``.
    """
    if torch.compiler.is_compiling():
        if not call.layer.key:
            return "the cell's equations cannot be written into a graph"
        # What follows cannot be seen while tracing, and the operator copes with empty batches.
        mapped = torch._C._are_functorch_transforms_active()
        return "a transformation of torch.func is traced, which operators do not know" if mapped else None
    if not plain and torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE) is None:
        return "an input is of a tensor subclass"
    x = call.x
    if not x.shape[0] or not x.shape[1]:  # of packed rows the second is the input's size
        return "there is nothing to compute"
    if not transformed():
        return None
    if call.masks is not QUIET:
        return "noise in the recursion under a transformation of torch.func, or in forward mode"
    if recorded():
        # Operators do not know them, recorders do not see kernels.
        return "a transformation of torch.func, or forward mode, is recorded"
    reason = refuses_transforms(call.lengths, call.resets)
    if reason is None and torch.autograd.forward_ad._current_level >= 0:
        if any(map(_several_at_once, (x, *call.state, *call.weights.values()))):
            return "several tangents at once, as torch.autograd.functional makes them"
        return refuses_tangent(call.layer)
    return reason


def _several_at_once(tensor: Tensor) -> bool:
    """Says whether a tensor's tangent is a batch of the older vmap, which no kernel can look into."""
    tangent = torch.autograd.forward_ad.unpack_dual(tensor).tangent
    return tangent is not None and torch._C._functorch.is_legacy_batchedtensor(tangent)


def takes_rows(x: Tensor, *hidden: Tensor | None) -> bool:
    """Says whether calls may come with packed rows: where nothing looks on that has to see padded batches.

    Args:
        x: the input.
        hidden: tensors whose values must be known, for the packing is made of them.
    """
    if torch.compiler.is_compiling() or recorded() or type(x) not in PLAIN or not x.is_cpu:
        return False
    return refuses_transforms(*hidden) is None


def run(passes: Passes, call: Call) -> Result:
    """Runs a call by a backend's own passes, to a :class:`Result`."""
    layer, _, x, state, reverse, lengths, resets, masks, keep, rows = call
    if torch.compiler.is_compiling() or recorded():
        return run_traced(call)
    names = tuple(name for name in keep if name != "h")
    if rows is not None:
        output, final, every = _sequence(passes, call, x, state, rows, masks, names)
        return Result(output, final, {name: output if name == "h" else every[name] for name in keep})
    T, B = x.shape[:2]
    if lengths is None and resets is None:
        rows = dense(T, B)
        flat = x.reshape(T * B, layer.input_size)
        if masks is not QUIET:
            masks = masks.map(lambda mask: mask, lambda mask: mask.reshape(T * B, -1))
        output, final, steps = _sequence(passes, call, flat, state, rows, masks, names)
        output = output.view(T, B, layer.output_size)
        every = {name: value.view(T, B, -1) for name, value in steps.items()}
    else:
        lengths, resets = (None if value is None else bare(value) for value in (lengths, resets))
        packing = pack(T, B, lengths, resets, reverse=reverse)
        if not packing.rows.total:
            return reference.nothing(call)
        packed = tuple(map(packing.state_in, state))
        masks = masks.map(packing.sequence_in, packing.rows_in)
        output, final, steps = _sequence(passes, call, packing.rows_in(x), packed, packing.rows, masks, names)
        final = tuple(map(packing.state_out, final))
        output, every = packing.rows_out(output), {name: packing.rows_out(v) for name, v in steps.items()}
    return Result(output, final, {name: output if name == "h" else every[name] for name in keep})


def _sequence(
    passes: Passes, call: Call, x: Tensor, state: tuple[Tensor, ...], rows: Rows, masks: Masks, steps: tuple[str, ...]
) -> tuple[Tensor, tuple[Tensor, ...], dict[str, Tensor]]:
    """Outputs ``[rows, output]``, final states ``[count, size]``, and every step's values by name."""
    layer, reverse = call.layer, call.reverse
    tensors = (x, *state, *call.weights.values())
    if transformed():
        results: Sequence[Tensor] = Transformed.apply(passes, layer, rows, reverse, steps, *tensors)
    elif torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        results = Eager.apply(passes, layer, rows, reverse, masks, steps, *tensors)
    else:
        results, _ = compute(passes, layer, rows, reverse, masks, steps, tensors, keep=False)
    n = 1 + len(layer.state_names)
    return results[0], tuple(results[1:n]), dict(zip(steps, results[n:], strict=True))
