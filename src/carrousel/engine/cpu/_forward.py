"""One forward pass on the kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from carrousel.engine._layer import Layer, Weights
from carrousel.engine._rows import Rows
from carrousel.engine.cpu._buffers import empty, handed_out, padded, solid
from carrousel.engine.cpu._kernels import kernels_of

__all__ = ["Kept", "forward"]

_FEW = 6
"""With fewer sequences a thread the input's part is computed for all steps at once, for then its weights are read
once and not at every step."""


@dataclass
class Kept:
    """What a forward pass leaves.

    Attributes:
        G: ``[rows, slots · width]``, the values saved for the backward pass; their adjoints take their place.
        states: ``[rows, width]`` for each state of the cell.
        out: ``[rows, width]``, the cell's own output where it is projected.
        H: ``[rows, ldh]``, the outputs.
        norms: for all that layer norm acts on, by name, the normalised rows and 1 / their deviation.
        before: ``[rows, ldh]``, for every row the h of the step before, if the packing is uniform: the same memory
            as H, one step on, with the initial h at its end.
        every: whether it is kept of every step; else G, states and out have but one row for each sequence.
    """

    G: Tensor
    states: list[Tensor]
    out: Tensor
    H: Tensor
    norms: dict[str, tuple[Tensor, Tensor]]
    before: Tensor | None
    every: bool

    def tensors(self) -> list[Tensor | None]:
        """Lists all that it holds, in an order that :meth:`with_tensors` knows."""
        return [
            self.G,
            self.out,
            self.H,
            self.before,
            *self.states,
            *(part for pair in self.norms.values() for part in pair),
        ]

    def with_tensors(self, tensors: Sequence[Tensor | None]) -> Kept:
        """Returns the same with other tensors in the places of its own."""
        (G, out, H, before), states = tensors[:4], list(tensors[4 : 4 + len(self.states)])
        pairs = iter(tensors[4 + len(self.states) :])
        norms = dict(zip(self.norms, zip(pairs, pairs, strict=True), strict=True))
        return Kept(G, states, out, H, norms, before, self.every)  # type: ignore[arg-type]

    def bare(self) -> Kept:
        """Returns the same without tensors: what is left is how many there are of which kind."""
        return self.with_tensors([None] * len(self.tensors()))


def forward(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: list[Tensor],
    rows: Rows,
    *,
    reverse: bool,
    keep: bool,
    all_states: bool,
) -> tuple[list[Tensor], Kept]:
    """Computes outputs, final states, and every step's states if wanted; and the :class:`Kept`. See ``Forward``."""
    kept = _forward(layer, weights, x, state, rows, reverse=reverse, keep=keep or all_states)
    output = handed_out(kept.H, layer.output_size)
    steps = [handed_out(value, layer.hidden_size) for value in kept.states] if all_states else []
    return [output, *_final(layer, rows, reverse, kept, state), *steps], kept


def _final(layer: Layer, rows: Rows, reverse: bool, kept: Kept, state: list[Tensor]) -> list[Tensor]:
    """Returns the states after each sequence's last step."""
    B, N = rows.count, rows.total
    values = [(kept.H, True), *((value, kept.every) for value in kept.states)]
    if rows.uniform:
        # Without every step there is one row for each sequence.
        ends = [value[:B] if reverse or not every else value[N - B :] for value, every in values]
        return [
            (end if end.shape[1] == size else end[:, :size]).clone()
            for end, size in zip(ends, layer.state_sizes, strict=True)
        ]
    # A sequence of no steps ends in the state that it began with.
    last, runs = rows.last(reverse=reverse), (rows.lengths > 0).unsqueeze(-1)
    return [
        torch.where(runs, (value[last] if every else value)[:, :size], before)
        for (value, every), size, before in zip(values, layer.state_sizes, state, strict=True)
    ]


def _forward(
    layer: Layer, weights: Weights, x: Tensor, state: list[Tensor], rows: Rows, *, reverse: bool, keep: bool
) -> Kept:
    """Runs the kernel. ``keep`` says whether a backward pass, or somebody who wants all states, will follow."""
    dtype = x.dtype
    kernels, cell, I = kernels_of(layer, dtype), layer.cell, layer.input_size
    x = solid(x)
    N, B, ldg, width = rows.total, rows.count, kernels.ldg, kernels.width
    projected = bool(layer.proj_size)
    threads = min(kernels.threads(N * ldg * (I + layer.output_size)), B)
    fused = _FEW * threads <= B
    # Ahead of the recursion the input's part has a place only in what is kept.
    every = keep or not fused
    depth = N if every else B
    G, h0, before = empty(depth, ldg, dtype=dtype), padded(state[0], kernels.ldh), None
    if keep and rows.uniform:
        both = empty(N + B, kernels.ldh, dtype=dtype)
        output, before = (both[:N], both[B:]) if reverse else (both[B:], both[:N])
        (both[N:] if reverse else both[:B]).copy_(h0)
    else:
        output = empty(N, kernels.ldh, dtype=dtype)
    states = [empty(depth, width, dtype=dtype) for _ in cell.states]
    out = empty(depth, width, dtype=dtype) if projected else output
    bias, peepholes = kernels.bias(weights), kernels.peepholes(weights)
    inner = [padded(value, width) for value in state[1:]]
    _held, (wx, *others) = kernels.panels(weights)  # the buffer, until the kernel is done
    wp = others.pop() if projected else wx
    wh, wr, *_ = *others, wx, wx
    norms: dict[str, tuple[Tensor, Tensor]] = {}
    of_norms: list[Tensor] = []
    for name in kernels.variant.norms:
        norms[name] = empty(depth, kernels.norm_size(name), dtype=dtype), empty(depth, dtype=dtype)
        of_norms += [*norms[name], *kernels.gain_and_shift(weights, name)]
    if not fused and layer.layer_norm:
        kernels.bulk(x.data_ptr(), I, wx, norms["X"][0], M=N, N=kernels.plan.inputs * width, K=I)
    elif not fused:
        kernels.bulk(x.data_ptr(), I, wx, G, M=N, N=kernels.plan.inputs * width, K=I, start=bias)
    of_states = [buffer for pair in zip(states, inner, strict=True) for buffer in pair]
    arguments = kernels.forward_arguments(
        threads, rows.offsets.data_ptr(), rows.steps, reverse, G.data_ptr(), output.data_ptr(), h0.data_ptr(),
        peepholes.data_ptr(), x.data_ptr(), I if fused else 0, wx, wh, wr, wp, bias.data_ptr(), every, out.data_ptr(),
        *[part.data_ptr() for part in (*of_states, *of_norms)],
    )  # fmt: skip
    kernels.forward_kernel(keep=keep)(ctypes.byref(arguments))
    return Kept(G, states, out, output, norms, before, every)
