"""One call of the kernels: buffers, packed weights, addresses."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from functools import cache, cached_property

import torch
from torch import Tensor

from carrousel.engine._layer import Layer, Weights
from carrousel.engine.cpu import _parallel
from carrousel.engine.cpu._buffers import empty, padded, rows_of
from carrousel.engine.cpu._gemm import BULK, PACK, gemm_code
from carrousel.engine.cpu._plan import Plan, plan
from carrousel.engine.cpu._sequence import backward_code, backward_slots, forward_code, forward_slots
from carrousel.engine.cpu._target import Target, host

__all__ = ["Grads", "Kept", "Rows", "backward", "forward"]

_KINDS = {torch.float32: "float", torch.float64: "double"}
_SMALL = 1 << 17
"""Products of fewer multiplications than this run on one thread: waking the others would take longer."""

_FEW = 6
"""With fewer sequences a thread the input's part is computed for all steps at once, for then its weights are read
once and not at every step."""


@dataclass(frozen=True)
class Rows:
    """How a batch is packed: ``offsets[t]`` is the first row of step t; sequences stand in order of falling length.

    Attributes:
        offsets: ``[T + 1]``, 64-bit integers.
        count: the number of sequences, of which some may have no step at all.
        uniform: whether every step has all sequences.
    """

    offsets: Tensor
    count: int
    uniform: bool

    @property
    def steps(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def total(self) -> int:
        """The number of rows."""
        return int(self.offsets[-1])

    @cached_property
    def lengths(self) -> Tensor:
        """Each sequence's steps ``[count]``."""
        sizes = self.offsets.diff()
        return (torch.arange(self.count) < sizes.unsqueeze(-1)).sum(0)

    def last(self, *, reverse: bool) -> Tensor:
        """The row of each sequence's last step in the order of running; of those with no step, row 0."""
        step = torch.zeros_like(self.lengths) if reverse else (self.lengths - 1).clamp(min=0)
        return torch.where(self.lengths > 0, self.offsets[step] + torch.arange(self.count), 0)

    def before(self, *, reverse: bool) -> tuple[Tensor, Tensor]:
        """For every row the row of the same sequence one step before, and whether there is one."""
        sizes = self.offsets.diff()
        t = torch.repeat_interleave(torch.arange(self.steps), sizes)
        b = torch.arange(self.total) - self.offsets[t]
        old = t + 1 if reverse else t - 1
        exists = (old >= 0) & (old < self.lengths[b])
        return self.offsets[old.clamp(0, self.steps)] + b, exists


@dataclass
class Kept:
    """What a forward pass leaves for the backward pass.

    Attributes:
        G: ``[rows, slots · width]``, the saved values; their adjoints take their place.
        states: ``[rows, width]`` for each state of the cell.
        out: ``[rows, width]``, the cell's own output where it is projected.
        H: ``[rows, ldh]``, the outputs.
        every: whether it is kept of every step; else G, states and out have but one row for each sequence.
    """

    G: Tensor
    states: list[Tensor]
    out: Tensor
    H: Tensor
    every: bool


@dataclass
class Grads:
    """Derivatives by what a layer was given; None where they were not asked for."""

    x: Tensor | None = None
    state: list[Tensor | None] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)


class _Call:
    """A layer, its sizes in whole vectors, and the products in its numbers."""

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        self.layer, self.dtype = layer, dtype
        self.target: Target = host()
        self.kind = _KINDS[dtype]
        self.lanes = self.target.lanes(self.kind)
        self.plan: Plan = plan(layer.cell)
        self.width, self.ldh = self.whole(layer.hidden_size), self.whole(layer.output_size)
        self.ldg = len(self.plan.slots) * self.width
        code = gemm_code(self.kind, self.target)
        self.product = code.address("product")
        self._bulk, self._pack_rows, self._pack_columns = map(code.function, ("bulk", "pack_rows", "pack_columns"))
        first = dict(zip(layer.cell.rows, _starts(layer), strict=True))
        starts = [first[row] for row in self.plan.rows]
        self.rows_in = torch.tensor(starts[: self.plan.inputs])
        self.rows_both = torch.tensor(starts[self.plan.shared : self.plan.inputs])
        self.rows_only = torch.tensor(starts[self.plan.inputs :])
        self.rows_recurrent = torch.tensor(starts[self.plan.shared :])
        self.zeros = torch.zeros(max(self.ldg, self.ldh, self.whole(layer.input_size)), dtype=dtype)

    def whole(self, size: int) -> int:
        """A size rounded up to whole vectors."""
        return -(-size // self.lanes) * self.lanes

    def threads(self, work: int) -> int:
        return 1 if work < _SMALL else _parallel.threads()

    def team(self, threads: int) -> dict[str, int]:
        parallel, number = _parallel.runtime()
        return {"threads": threads, "parallel": parallel, "thread_number": number}

    def pack_rows(self, weight: Tensor, rows: Tensor, size: int) -> Tensor:
        """Panels of W^T, for products with W's columns: see ``_gemm``."""
        return self._pack(self._pack_rows, weight, rows, size, len(rows) * self.whole(size) * weight.shape[1])

    def pack_columns(self, weight: Tensor, rows: Tensor, size: int) -> Tensor:
        """Panels of W, for products with W's rows."""
        return self._pack(
            self._pack_columns, weight, rows, size, len(rows) * self.whole(size) * self.whole(weight.shape[1])
        )

    def _pack(self, function: ctypes._CFuncPtr, weight: Tensor, rows: Tensor, size: int, total: int) -> Tensor:
        weight, panels = weight.contiguous(), empty(total, dtype=self.dtype)
        arguments = PACK.fill(
            **self.team(self.threads(total)), source=weight.data_ptr(), ld=weight.shape[1], groups=len(rows),
            rows=rows.data_ptr(), size=size, padded=self.whole(size), K=weight.shape[1], target=panels.data_ptr(),
        )  # fmt: skip
        function(ctypes.byref(arguments))
        return panels

    def bulk(
        self, a: int, m1: int, k1: int, b: Tensor, ldb: int, c: Tensor | int, ldc: int, *, M: int, N: int, K: int,
        start: Tensor | int | None = None, ldstart: int = 0, step: int = 0,
    ) -> None:  # fmt: skip
        """C = start + A B on all threads; addresses and strides as in ``_gemm``."""
        if not M or not N:
            return
        first = self.zeros if start is None else start
        arguments = BULK.fill(
            **self.team(self.threads(M * N * K)), start=_address(first), ldstart=ldstart, a=a, m1=m1, k1=k1,
            b=b.data_ptr(), ldb=ldb, K=K, step=step or max(K, 1), c=_address(c), ldc=ldc, M=M, N=N,
        )  # fmt: skip
        self._bulk(ctypes.byref(arguments))

    def bias(self, weights: Weights) -> Tensor:
        """The biases in the order of the slots, ``[ldg]``."""
        H, bias_ih, bias_hh = self.layer.hidden_size, weights.get("bias_ih"), weights.get("bias_hh")
        if bias_ih is None:
            return self.zeros
        if self.width == H and bias_hh is not None and not self.layer.cell.split:
            return bias_ih + bias_hh
        bias = torch.zeros(len(self.plan.slots), self.width, dtype=self.dtype)
        bias[: self.plan.inputs, :H] += bias_ih[_expand(self.rows_in, H)]
        if bias_hh is not None:
            bias[self.plan.shared :, :H] += bias_hh[_expand(self.rows_recurrent, H)]
        return bias

    def peepholes(self, weights: Weights) -> Tensor:
        return padded(weights["weight_peephole"], self.width) if self.layer.cell.peepholes else self.zeros

    def common(
        self, rows: Rows, threads: int, reverse: bool, kept: Kept, h0: Tensor, peepholes: Tensor
    ) -> dict[str, int]:
        return {
            **self.team(threads),
            "product": self.product,
            "offsets": rows.offsets.data_ptr(),
            "T": rows.steps,
            "reverse": int(reverse),
            "zeros": self.zeros.data_ptr(),
            "width": self.width,
            "ldg": self.ldg,
            "ldh": self.ldh,
            "G": kept.G.data_ptr(),
            "H": kept.H.data_ptr(),
            "H0": h0.data_ptr(),
            "P": peepholes.data_ptr(),
        }  # fmt: skip


@cache
def _call(layer: Layer, dtype: torch.dtype) -> _Call:
    return _Call(layer, dtype)


def _address(place: Tensor | int) -> int:
    return place if isinstance(place, int) else place.data_ptr()


def _starts(layer: Layer) -> list[int]:
    sizes = layer.row_sizes
    return [sum(sizes[:k]) for k in range(len(sizes))]


def _expand(rows: Tensor, size: int) -> Tensor:
    return rows.unsqueeze(-1) + torch.arange(size)


def forward(
    layer: Layer, weights: Weights, x: Tensor, state: list[Tensor], rows: Rows, *, reverse: bool, keep: bool
) -> Kept:
    """Runs a layer over packed rows.

    Args:
        layer, weights: as everywhere.
        x: ``[rows, input]``.
        state: the initial states ``[count, size]``, sequences in the order of the packing.
        rows: the packing.
        reverse: run from the last step to the first.
        keep: whether a backward pass, or somebody who wants all states, will follow.
    """
    call, x = _call(layer, x.dtype), x.contiguous()
    cell, H, dtype = layer.cell, layer.hidden_size, x.dtype
    N, B, ldg, width = rows.total, rows.count, call.ldg, call.width
    recurrent, projected = cell.recurrent, bool(layer.proj_size)
    threads = min(call.threads(N * ldg * (layer.input_size + layer.output_size)), B)
    fused = B >= _FEW * threads
    # Ahead of the recursion the input's part has a place only in what is kept.
    keep_rows = keep or not fused
    depth = N if keep_rows else B
    out = empty(depth, width, dtype=dtype) if projected else call.zeros
    kept = Kept(
        G=empty(depth, ldg, dtype=dtype),
        states=[empty(depth, width, dtype=dtype) for _ in cell.states],
        out=out,
        H=empty(N, call.ldh, dtype=dtype),
        every=keep_rows,
    )
    bias, peepholes = call.bias(weights), call.peepholes(weights)
    h0, *inner = (
        padded(value, size) for value, size in zip(state, (call.ldh, *(width,) * len(cell.states)), strict=True)
    )
    wx = call.pack_rows(weights["weight_ih"], call.rows_in, H)
    wh = call.pack_rows(weights["weight_hh"], call.rows_both, H) if recurrent else wx
    wr = call.pack_rows(weights["weight_hh"], call.rows_only, H) if cell.split else wx
    wp = call.pack_rows(weights["weight_hr"], torch.zeros(1, dtype=torch.int64), layer.proj_size) if projected else wx
    if not fused:
        call.bulk(
            x.data_ptr(), layer.input_size, 1, wx, 0, kept.G, ldg,
            M=N, N=call.plan.inputs * width, K=layer.input_size, start=bias,
        )  # fmt: skip
    slots = forward_slots(cell)
    arguments = slots.fill(
        **call.common(rows, threads, reverse, kept, h0, peepholes),
        X=x.data_ptr(), ldx=layer.input_size, KX=layer.input_size if fused else 0,
        WX=wx.data_ptr(), WH=wh.data_ptr(), WR=wr.data_ptr(), KH=layer.output_size if recurrent else 0,
        bias=bias.data_ptr(), keep=int(keep_rows),
        out=(out if projected else kept.H).data_ptr(), ldout=width if projected else call.ldh, out_kept=int(projected),
        WP=wp.data_ptr(), KP=H, size=call.ldh,
        **{f"S_{name}": value.data_ptr() for name, value in zip(cell.states, kept.states, strict=True)},
        **{f"S0_{name}": value.data_ptr() for name, value in zip(cell.states, inner, strict=True)},
    )  # fmt: skip
    forward_code(cell, call.kind, call.target, keep, projected).function("forward")(ctypes.byref(arguments))
    return kept


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
    call = _call(layer, x.dtype)
    cell, H, dtype, N, B = layer.cell, layer.hidden_size, x.dtype, rows.total, rows.count
    width, ldg, ldh, I = call.width, call.ldg, call.ldh, layer.input_size
    projected, p = bool(layer.proj_size), call.plan
    threads = min(call.threads(N * ldg * layer.output_size), B)
    h0, *inner = (padded(value, size) for value, size in zip(state, (ldh, *(width,) * len(cell.states)), strict=True))
    peepholes = call.peepholes(weights)
    # A projected layer adds to the outputs' adjoint, which is the caller's.
    dy = call.zeros if d_output is None else padded(d_output, ldh)
    lddy = 0 if d_output is None else ldh
    if projected:
        dy, lddy = torch.zeros(N, ldh, dtype=dtype) if d_output is None else dy.clone(), ldh
    given = [call.zeros if d is None else padded(d, width) for d in d_states]

    def start(d: Tensor | None, size: int) -> Tensor:
        buffer = torch.zeros(B, size, dtype=dtype)
        if d is not None:
            buffer[:, : d.shape[-1]] = d
        return buffer

    dh = start(None if projected else d_final[0], width)
    dout = start(d_final[0], ldh) if projected else dh
    running = [start(d, width) for d in d_final[1:]]
    direct = torch.zeros(B, width, dtype=dtype) if cell.reads_output else dh
    dbias = torch.zeros(B, ldg, dtype=dtype) if layer.bias else dh
    dpeep = torch.zeros(B, len(cell.peepholes) * width, dtype=dtype) if cell.peepholes else dh
    wh = call.pack_columns(weights["weight_hh"], call.rows_recurrent, H) if cell.recurrent else call.zeros
    one = torch.zeros(1, dtype=torch.int64)
    wp = call.pack_columns(weights["weight_hr"], one, layer.proj_size) if projected else call.zeros
    slots = backward_slots(cell)
    arguments = slots.fill(
        **call.common(rows, threads, reverse, kept, h0, peepholes),
        units=H, WH=wh.data_ptr(), dY=dy.data_ptr(), lddy=lddy, dh=dh.data_ptr(), direct=direct.data_ptr(),
        dbias=dbias.data_ptr(), dP=dpeep.data_ptr(), WP=wp.data_ptr(), KP=H,
        dout=dout.data_ptr(), lddout=ldh, KO=ldh,
        **{f"S_{name}": value.data_ptr() for name, value in zip(cell.states, kept.states, strict=True)},
        **{f"S0_{name}": value.data_ptr() for name, value in zip(cell.states, inner, strict=True)},
        **{f"dS_{name}": value.data_ptr() for name, value in zip(cell.states, running, strict=True)},
        **{f"dY_{name}": value.data_ptr() for name, value in zip(cell.states, given, strict=True)},
        **{f"lddy_{name}": width if d is not None else 0 for name, d in zip(cell.states, d_states, strict=True)},
    )  # fmt: skip
    backward_code(cell, call.kind, call.target, layer.bias, projected).function("backward")(ctypes.byref(arguments))

    dz, grads = kept.G, Grads()
    of_input, of_recurrence = p.inputs * width, (len(p.slots) - p.shared) * width
    shared = dz.data_ptr() + p.shared * width * dz.element_size()
    if "x" in wanted:
        dx = empty(N, call.whole(I), dtype=dtype)
        wx = call.pack_columns(weights["weight_ih"], call.rows_in, H)
        call.bulk(dz.data_ptr(), ldg, 1, wx, 0, dx, dx.shape[1], M=N, N=dx.shape[1], K=of_input)
        grads.x = rows_of(dx, I)
    if "weight_ih" in wanted:
        xs = padded(x, call.whole(I))
        dw = empty(of_input, xs.shape[1], dtype=dtype)
        _outer(call, dz.data_ptr(), ldg, xs, dw, N)
        grads.weights["weight_ih"] = _unpack(call, dw, call.rows_in, I)
    if "weight_hh" in wanted:
        dw = empty(of_recurrence, ldh, dtype=dtype)
        _outer_shifted(call, shared, kept.H, h0, rows, reverse, dw)
        grads.weights["weight_hh"] = _unpack(call, dw, call.rows_recurrent, layer.output_size)
    if "weight_hr" in wanted:
        dw = empty(ldh, width, dtype=dtype)
        _outer(call, dy.data_ptr(), ldh, kept.out, dw, N)
        grads.weights["weight_hr"] = rows_of(dw[: layer.proj_size], H)
    if layer.bias:
        total = _column_sum(call, dbias).view(len(p.slots), width)[:, :H]
        grads.weights["bias_ih"] = _unpack(call, total[: p.inputs].unsqueeze(-1), call.rows_in, 1).squeeze(-1)
        if cell.recurrent:
            total = total[p.shared :].unsqueeze(-1)
            grads.weights["bias_hh"] = _unpack(call, total, call.rows_recurrent, 1).squeeze(-1)
    if cell.peepholes:
        grads.weights["weight_peephole"] = rows_of(_column_sum(call, dpeep).view(-1, width), H)
    if "state" in wanted:
        grads.state = [_d_h0(call, weights, dz, direct, d_final[0], rows, reverse)]
        grads.state += [rows_of(value, H) for value in running]
    return grads


def _outer(call: _Call, a: int, lda: int, b: Tensor, c: Tensor, K: int, *, more: bool = False) -> None:
    """C = A^T B over K rows, or C += with ``more``."""
    call.bulk(
        a, 1, lda, b, b.shape[1], c, c.shape[1], M=c.shape[0], N=c.shape[1], K=K,
        start=c if more else None, ldstart=c.shape[1] if more else 0, step=256,
    )  # fmt: skip


def _outer_shifted(call: _Call, dz: int, h: Tensor, h0: Tensor, rows: Rows, reverse: bool, c: Tensor) -> None:
    """C = sum over rows of dz^T (the h of the step before)."""
    ldg, N, B = call.ldg, rows.total, rows.count
    size = h.element_size()
    if not rows.uniform:
        old, exists = rows.before(reverse=reverse)
        b = torch.arange(N) - rows.offsets[torch.repeat_interleave(torch.arange(rows.steps), rows.offsets.diff())]
        before = torch.where(exists.unsqueeze(-1), h[old.clamp(max=N - 1)], h0[b])
        _outer(call, dz, ldg, before, c, N)
        return
    first, rest = (N - B, 0) if reverse else (0, B)  # rows of the first step run, and of all others
    _outer(call, dz + first * ldg * size, ldg, h0, c, B)
    if N > B:
        _outer(call, dz + rest * ldg * size, ldg, h[B:] if reverse else h[: N - B], c, N - B, more=True)


def _column_sum(call: _Call, values: Tensor) -> Tensor:
    """The sum over the rows, in an order that does not depend on the threads."""
    B, N = values.shape
    ones, total = torch.ones(B, dtype=values.dtype), empty(N, dtype=values.dtype)
    call.bulk(ones.data_ptr(), B, 1, values, N, total, N, M=1, N=N, K=B)
    return total


def _unpack(call: _Call, dw: Tensor, rows: Tensor, columns: int) -> Tensor:
    """From slots, padded, to the rows of the weight."""
    H = call.layer.hidden_size
    count = len(rows)
    if (
        dw.shape[0] == count * H
        and dw.dim() == 2
        and dw.shape[1] == columns
        and torch.equal(rows, torch.arange(count) * H)
    ):
        return dw
    slots = dw.reshape(count, -1, dw.shape[-1])[:, :H, :columns]
    order = torch.argsort(rows)
    return slots[order].reshape(count * H, columns)


def _d_h0(
    call: _Call, weights: Weights, dz: Tensor, direct: Tensor, d_final: Tensor | None, rows: Rows, reverse: bool
) -> Tensor:
    """The adjoint of the initial h: what comes back from each sequence's first step."""
    layer, B = call.layer, rows.count
    runs = rows.lengths > 0
    first = rows.last(reverse=not reverse)  # the first step in the order of running
    start = call.plan.shared * call.width
    total = torch.zeros(B, layer.output_size, dtype=dz.dtype)
    if layer.cell.recurrent:
        of_first = dz[first, start:].contiguous()
        wh = call.pack_columns(weights["weight_hh"], call.rows_recurrent, layer.hidden_size)
        back = empty(B, call.ldh, dtype=dz.dtype)
        call.bulk(
            of_first.data_ptr(), of_first.shape[1], 1, wh, 0, back, call.ldh, M=B, N=call.ldh, K=of_first.shape[1]
        )
        total += back[:, : layer.output_size]
    if layer.cell.reads_output:
        total += direct[:, : layer.output_size]
    if not bool(runs.all()):
        # A sequence of no steps hands its final state's adjoint straight on.
        rest = torch.zeros_like(total) if d_final is None else d_final
        total = torch.where(runs.unsqueeze(-1), total, rest)
    return total
