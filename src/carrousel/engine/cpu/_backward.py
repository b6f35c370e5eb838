"""One backward pass on the kernels."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import torch
from torch import Tensor

from carrousel.engine._layer import Layer, Weights
from carrousel.engine.cpu._buffers import empty, padded, rows_of
from carrousel.engine.cpu._call import Call, call_of
from carrousel.engine.cpu._forward import Kept
from carrousel.engine.cpu._rows import Rows

__all__ = ["Grads", "backward"]


@dataclass
class Grads:
    """Derivatives by what a layer was given; None, or left out, where they were not asked for."""

    x: Tensor | None = None
    state: list[Tensor] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)


def backward(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: list[Tensor],
    rows: Rows,
    kept: Kept,
    d_output: Tensor | None,
    d_states: list[Tensor | None],
    d_final: list[Tensor | None],
    *,
    reverse: bool,
    wanted: set[str],
) -> Grads:
    """Runs a layer's reverse mode over packed rows. What was kept is used up.

    Args:
        d_output: the adjoint of the outputs ``[rows, output]``.
        d_states: those of every step's states.
        d_final: those of the final states, h first.
        wanted: which derivatives are: ``"x"``, ``"state"``, and the weights' names.
    """
    call, cell, dtype, B = call_of(layer, x.dtype), layer.cell, x.dtype, rows.count
    width, ldg, ldh, projected = call.width, call.ldg, call.ldh, bool(layer.proj_size)
    threads = min(call.threads(rows.total * ldg * layer.output_size), B)
    h0 = padded(state[0], ldh)
    inner = [padded(value, width) for value in state[1:]]
    peepholes = call.peepholes(weights)
    dy = call.zeros if d_output is None else padded(d_output, ldh)
    lddy = 0 if d_output is None else ldh
    if projected:
        # What comes back through the recurrence is added to the outputs' adjoint, which is the caller's.
        dy, lddy = torch.zeros(rows.total, ldh, dtype=dtype) if d_output is None else dy.clone(), ldh
    given = [call.zeros if d is None else padded(d, width) for d in d_states]

    def running(d: Tensor | None, size: int) -> Tensor:
        buffer = torch.zeros(B, size, dtype=dtype)
        if d is not None:
            buffer[:, : d.shape[-1]] = d
        return buffer

    dh = running(None if projected else d_final[0], width)
    dout = running(d_final[0], ldh) if projected else dh
    d_running = [running(d, width) for d in d_final[1:]]
    direct = running(None, width) if cell.reads_output else dh
    dbias = torch.zeros(B, ldg, dtype=dtype) if layer.bias else dh
    dpeep = torch.zeros(B, len(cell.peepholes) * width, dtype=dtype) if cell.peepholes else dh
    wh = call.pack_columns(weights["weight_hh"], call.rows_recurrent, layer.hidden_size) if cell.recurrent else dh
    wp = call.pack_columns(weights["weight_hr"], call.one_row, layer.proj_size) if projected else dh
    of_states: list[int] = []
    for s, s0, ds, dys, d in zip(kept.states, inner, d_running, given, d_states, strict=True):
        of_states += [s.data_ptr(), s0.data_ptr(), ds.data_ptr(), dys.data_ptr(), 0 if d is None else width]
    arguments = call.backward_arguments(
        threads, rows.offsets.data_ptr(), rows.steps, reverse, kept.G.data_ptr(), kept.H.data_ptr(), h0.data_ptr(),
        peepholes.data_ptr(), wh.data_ptr(), wp.data_ptr(), dy.data_ptr(), lddy, dh.data_ptr(), dout.data_ptr(),
        direct.data_ptr(), dbias.data_ptr(), dpeep.data_ptr(), *of_states,
    )  # fmt: skip
    call.backward_kernel()(ctypes.byref(arguments))

    grads = Grads(weights=_by_weights(call, x, h0, rows, kept, dy, dbias, dpeep, reverse=reverse, wanted=wanted))
    if "x" in wanted:
        grads.x = _by_x(call, weights, rows, kept)
    if "state" in wanted:
        d_h0 = _by_h0(call, wh, kept.G, direct, d_final[0], rows, reverse=reverse)
        grads.state = [d_h0, *(rows_of(value, layer.hidden_size) for value in d_running)]
    return grads


def _by_x(call: Call, weights: Weights, rows: Rows, kept: Kept) -> Tensor:
    layer, N, dz = call.layer, rows.total, kept.G
    dx = empty(N, call.ldx, dtype=call.dtype)
    wx = call.pack_columns(weights["weight_ih"], call.rows_in, layer.hidden_size)
    call.bulk(dz.data_ptr(), call.ldg, wx, dx, M=N, N=call.ldx, K=call.plan.inputs * call.width)
    return rows_of(dx, layer.input_size)


def _by_weights(
    call: Call, x: Tensor, h0: Tensor, rows: Rows, kept: Kept, dy: Tensor, dbias: Tensor, dpeep: Tensor, *,
    reverse: bool, wanted: set[str],
) -> dict[str, Tensor]:  # fmt: skip
    layer, p, dz, N = call.layer, call.plan, kept.G, rows.total
    H, width = layer.hidden_size, call.width
    found: dict[str, Tensor] = {}
    ask_ih, ask_hh = "weight_ih" in wanted, "weight_hh" in wanted
    xs = padded(x, call.ldx) if ask_ih else x
    before = _before(kept, h0, rows, reverse=reverse) if ask_hh else h0
    of_input, of_recurrence = p.inputs * width, (len(p.slots) - p.shared) * width
    if ask_ih and ask_hh and not layer.cell.split:
        by_ih, by_hh = call.outer(dz.data_ptr(), call.ldg, N, of_input, xs, before)
    else:
        by_ih = by_hh = dz
        if ask_ih:
            (by_ih,) = call.outer(dz.data_ptr(), call.ldg, N, of_input, xs)
        if ask_hh:
            shared = dz.data_ptr() + p.shared * width * dz.element_size()
            (by_hh,) = call.outer(shared, call.ldg, N, of_recurrence, before)
    if ask_ih:
        found["weight_ih"] = call.unpack(by_ih, call.rows_in, layer.input_size)
    if ask_hh:
        found["weight_hh"] = call.unpack(by_hh, call.rows_recurrent, layer.output_size)
    if "weight_hr" in wanted:
        (dw,) = call.outer(dy.data_ptr(), call.ldh, N, call.ldh, kept.out)
        found["weight_hr"] = rows_of(dw[: layer.proj_size], H)
    if "bias_ih" in wanted or "bias_hh" in wanted:
        total = call.column_sum(dbias)[: len(p.slots) * width].unsqueeze(-1)
        found["bias_ih"] = call.unpack(total[:of_input], call.rows_in, 1).squeeze(-1)
        if layer.cell.recurrent:
            # Memory of its own: who scales one parameter's gradient in place must not scale the other's.
            found["bias_hh"] = call.unpack(total[p.shared * width :], call.rows_recurrent, 1).squeeze(-1).clone()
    if "weight_peephole" in wanted:
        found["weight_peephole"] = rows_of(call.column_sum(dpeep).view(-1, width), H)
    return found


def _before(kept: Kept, h0: Tensor, rows: Rows, *, reverse: bool) -> Tensor:
    """For every row the h of the step before, ``[rows, ldh]``."""
    if kept.before is not None:
        return kept.before
    old, exists = rows.before(reverse=reverse)
    return torch.where(exists.unsqueeze(-1), kept.H[old], h0[rows.places[1]])


def _by_h0(
    call: Call, wh: Tensor, dz: Tensor, direct: Tensor, d_final: Tensor | None, rows: Rows, *, reverse: bool
) -> Tensor:
    """The adjoint of the initial h: what comes back from each sequence's first step."""
    layer, B = call.layer, rows.count
    first = rows.last(reverse=not reverse)  # the first step in the order of running
    total = direct[:, : layer.output_size] if layer.cell.reads_output else None
    if layer.cell.recurrent:
        of_first = dz[first, call.plan.shared * call.width : len(call.plan.slots) * call.width].contiguous()
        back = empty(B, call.ldh, dtype=dz.dtype)
        call.bulk(of_first.data_ptr(), of_first.shape[1], wh, back, M=B, N=call.ldh, K=of_first.shape[1])
        through = rows_of(back, layer.output_size)
        total = through if total is None else through + total
    if total is None:
        total = torch.zeros(B, layer.output_size, dtype=dz.dtype)
    runs = rows.lengths > 0
    if bool(runs.all()):
        return total
    # A sequence of no steps hands its final state's adjoint straight on.
    return torch.where(runs.unsqueeze(-1), total, torch.zeros_like(total) if d_final is None else d_final)
