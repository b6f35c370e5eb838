"""One backward pass on the kernels."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from carrousel.engine._backend import Grads
from carrousel.engine._layer import Layer, Weights
from carrousel.engine._memory import in_memory
from carrousel.engine._rows import Rows
from carrousel.engine.cpu._buffers import empty, padded, rows_of, zeros
from carrousel.engine.cpu._forward import Kept
from carrousel.engine.cpu._kernels import Kernels, kernels_of

__all__ = ["backward"]


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
    """Computes the :class:`Grads` that are wanted. See ``Backward``."""
    in_memory((x, *state, *weights.values()))  # what was there going forward may be gone
    kernels, cell, dtype, B = kernels_of(layer, x.dtype), layer.cell, x.dtype, rows.count
    width, ldg, ldh, projected = kernels.width, kernels.ldg, kernels.ldh, bool(layer.proj_size)
    threads = min(kernels.threads(rows.total * ldg * layer.output_size), B)
    h0 = padded(state[0], ldh)
    inner = [padded(value, width) for value in state[1:]]
    peepholes = kernels.peepholes(weights)
    dy = kernels.zeros if d_output is None else padded(d_output, ldh)
    lddy = 0 if d_output is None else ldh
    if projected:
        # What comes back through the recurrence is added to the outputs' adjoint, which is the caller's.
        dy, lddy = zeros(rows.total, ldh, dtype=dtype) if d_output is None else dy.clone(), ldh
    given = [kernels.zeros if d is None else padded(d, width) for d in d_states]

    def running(d: Tensor | None, size: int) -> Tensor:
        buffer = zeros(B, size, dtype=dtype)
        if d is not None:
            buffer[:, : d.shape[-1]] = d
        return buffer

    dh = running(None if projected else d_final[0], width)
    dout = running(d_final[0], ldh) if projected else dh
    d_running = [running(d, width) for d in d_final[1:]]
    direct = running(None, width) if cell.reads_output else dh
    dbias = zeros(B, ldg, dtype=dtype) if layer.bias else dh
    dpeep = zeros(B, len(cell.peepholes) * width, dtype=dtype) if cell.peepholes else dh
    wh = kernels.pack_columns(weights["weight_hh"], kernels.rows_recurrent, layer.hidden_size) if cell.recurrent else dh
    wp = kernels.pack_columns(weights["weight_hr"], kernels.one_row, layer.proj_size) if projected else dh
    held: list[Tensor] = []  # what only the kernel refers to
    of_states: list[int] = []
    for s, s0, ds, dys, d in zip(kept.states, inner, d_running, given, d_states, strict=True):
        of_states += [s.data_ptr(), s0.data_ptr(), ds.data_ptr(), dys.data_ptr(), 0 if d is None else width]
    d_norms: dict[str, tuple[Tensor, Tensor]] = {}
    of_norms: list[int] = []
    for name in kernels.variant.norms:
        size = kernels.norm_size(name)
        adjoint = empty(B, size, dtype=dtype) if name not in kernels.variant.parts else dh
        d_norms[name] = running(None, size), running(None, size)
        buffers = (*kept.norms[name], *kernels.gain_and_shift(weights, name), adjoint, *d_norms[name])
        held += buffers
        of_norms += [buffer.data_ptr() for buffer in buffers]
    arguments = kernels.backward_arguments(
        threads, rows.offsets.data_ptr(), rows.steps, reverse, kept.G.data_ptr(), kept.H.data_ptr(), h0.data_ptr(),
        peepholes.data_ptr(), wh.data_ptr(), wp.data_ptr(), dy.data_ptr(), lddy, dh.data_ptr(), dout.data_ptr(),
        direct.data_ptr(), dbias.data_ptr(), dpeep.data_ptr(), *of_states, *of_norms,
    )  # fmt: skip
    kernels.backward_kernel()(ctypes.byref(arguments))

    # The adjoints of the products W x and R h: normalised, they are not those of the pre-activations.
    p = kernels.plan
    if layer.layer_norm:
        d_wx, d_rh = kept.norms["X"][0], kept.norms["Z"][0] if cell.recurrent else kept.G
    else:
        d_wx = kept.G[:, : p.inputs * width]
        d_rh = kept.G[:, p.shared * width : len(p.slots) * width] if cell.split or not cell.recurrent else d_wx
    before = _before(kept, h0, rows, reverse=reverse) if "weight_hh" in wanted else h0
    grads = Grads(weights=_by_products(kernels, x, before, d_wx, d_rh, wanted))
    if "weight_hr" in wanted:
        (dw,) = kernels.outer(dy, kept.out)
        grads.weights["weight_hr"] = rows_of(dw[: layer.proj_size], layer.hidden_size)
    grads.weights |= _by_vectors(kernels, dbias, dpeep, d_norms)
    if "x" in wanted:
        dx = empty(rows.total, kernels.ldx, dtype=dtype)
        wx = kernels.pack_columns(weights["weight_ih"], kernels.rows_in, layer.hidden_size)
        kernels.bulk(d_wx.data_ptr(), d_wx.stride(0), wx.data_ptr(), dx, M=rows.total, N=kernels.ldx, K=d_wx.shape[1])
        grads.x = rows_of(dx, layer.input_size)
    if "state" in wanted:
        d_h0 = _by_h0(kernels, wh, d_rh, direct, d_final[0], rows, reverse=reverse)
        grads.state = [d_h0, *(rows_of(value, layer.hidden_size) for value in d_running)]
    return grads


def _by_products(
    kernels: Kernels, x: Tensor, before: Tensor, d_wx: Tensor, d_rh: Tensor, wanted: set[str]
) -> dict[str, Tensor]:
    """Returns the derivatives by the matrices that x and h are multiplied with."""
    layer, found = kernels.layer, {}
    ask_ih, ask_hh = "weight_ih" in wanted, "weight_hh" in wanted
    xs = padded(x, kernels.ldx) if ask_ih else x
    if ask_ih and ask_hh and d_wx is d_rh:
        by_ih, by_hh = kernels.outer(d_wx, xs, before)  # in one pass over the adjoints
    else:
        by_ih, by_hh = (
            kernels.outer(d, b)[0] if ask else d for ask, d, b in ((ask_ih, d_wx, xs), (ask_hh, d_rh, before))
        )
    if ask_ih:
        found["weight_ih"] = kernels.unpack(by_ih, kernels.rows_in, layer.input_size)
    if ask_hh:
        found["weight_hh"] = kernels.unpack(by_hh, kernels.rows_recurrent, layer.output_size)
    return found


def _by_vectors(
    kernels: Kernels, dbias: Tensor, dpeep: Tensor, d_norms: dict[str, tuple[Tensor, Tensor]]
) -> dict[str, Tensor]:
    """Returns the derivatives by biases, peepholes, gains: sums over the sequences."""
    layer, p, width = kernels.layer, kernels.plan, kernels.width
    H, found = layer.hidden_size, {}
    rows = {"ih": kernels.rows_in, "hh": kernels.rows_recurrent}

    def of_rows(total: Tensor, ending: str) -> Tensor:
        # Memory of its own: who scales one parameter's gradient in place must not scale another's.
        return (
            total.clone() if kernels.plain else kernels.unpack(total.unsqueeze(-1), rows[ending], 1).squeeze(-1).clone()
        )

    if layer.bias:
        total = kernels.column_sum(dbias)[: len(p.slots) * width]
        found["bias_ih"] = of_rows(total[: p.inputs * width], "ih")
        if layer.cell.recurrent:
            found["bias_hh"] = of_rows(total[p.shared * width :], "hh")
    if layer.cell.peepholes:
        found["weight_peephole"] = rows_of(kernels.column_sum(dpeep).view(-1, width), H)
    for name, (by_gain, by_shift) in d_norms.items():
        if name in kernels.variant.parts:
            ending = "ih" if name == "X" else "hh"
            found[f"norm_{ending}"] = of_rows(kernels.column_sum(by_gain), ending)
        else:
            found[f"norm_{name}"] = rows_of(kernels.column_sum(by_gain), H)
            found[f"norm_bias_{name}"] = rows_of(kernels.column_sum(by_shift), H)
    return found


def _before(kept: Kept, h0: Tensor, rows: Rows, *, reverse: bool) -> Tensor:
    """For every row the h of the step before, ``[rows, ldh]``."""
    if kept.before is not None:
        return kept.before
    old, exists = rows.before(reverse=reverse)
    return torch.where(exists.unsqueeze(-1), kept.H[old], h0[rows.places[1]])


def _by_h0(
    kernels: Kernels, wh: Tensor, d_rh: Tensor, direct: Tensor, d_final: Tensor | None, rows: Rows, *, reverse: bool
) -> Tensor:
    """Returns the adjoint of the initial h: what comes back from each sequence's first step, the first it ran."""
    layer, B = kernels.layer, rows.count
    first = rows.last(reverse=not reverse)  # the first step in the order of running
    total = direct[:, : layer.output_size] if layer.cell.reads_output else None
    if layer.cell.recurrent:
        of_first = d_rh[first]
        back = empty(B, kernels.ldh, dtype=kernels.dtype)
        kernels.bulk(
            of_first.data_ptr(), of_first.shape[1], wh.data_ptr(), back, M=B, N=kernels.ldh, K=of_first.shape[1]
        )
        through = rows_of(back, layer.output_size)
        total = through if total is None else through + total
    if total is None:
        total = zeros(B, layer.output_size, dtype=kernels.dtype)
    runs = rows.lengths > 0
    if bool(runs.all()):
        return total
    # A sequence of no steps hands its final state's adjoint straight on.
    return torch.where(runs.unsqueeze(-1), total, torch.zeros_like(total) if d_final is None else d_final)
