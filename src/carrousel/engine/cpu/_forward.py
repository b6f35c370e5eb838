"""One forward pass on the kernels."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from carrousel.engine._layer import Layer, Masks, Weights
from carrousel.engine._plan import FROM_X
from carrousel.engine._rows import Rows
from carrousel.engine.cpu._buffers import empty, handed_out, padded, solid
from carrousel.engine.cpu._extras import extras_of
from carrousel.engine.cpu._kernels import Kernels, kernels_for
from carrousel.engine.cpu._meeting import Meeting

__all__ = ["Kept", "forward", "of_noise"]

_FEW = 6
"""With fewer sequences a thread the input's part is computed for all steps at once, for then its weights are read
once and not at every step."""


@dataclass
class Kept:
    """What a forward pass leaves.

    Attributes:
        G: ``[rows, slots · width]``, the values saved for the backward pass; their adjoints take their place.
        states: ``[rows, width]`` for each state of the cell, and for each activation that is told.
        sent: ``[rows, gates · width]``, the activations that feed the next step, side by side.
        out: ``[rows, width]``, the cell's own output where it is projected.
        H: ``[rows, ldh]``, the outputs.
        R: ``[rows, ldh]``, what the recurrent weights are multiplied with: H, or H times its factors.
        norms: for all that layer norm acts on, by name, the normalised rows and 1 / their deviation.
        at_cuts: for all gates whose peepholes see a block, by name, what they see; for all gated rows that are not
            normalised, their recurrent parts.
        values: for all gated rows, by name, ``[rows, width]``, what their recurrent weights are multiplied with.
        before: ``[rows, ldh]``, for every row the R of the step before, if the packing is uniform: the same memory
            as R, one step on, with the initial one at its end.
        sent_before: the same of ``sent``.
        every: whether it is kept of every step; else all but H has one row for each sequence.
    """

    G: Tensor
    states: list[Tensor]
    sent: Tensor
    out: Tensor
    H: Tensor
    R: Tensor
    norms: dict[str, tuple[Tensor, Tensor]]
    at_cuts: dict[str, Tensor]
    values: dict[str, Tensor]
    before: Tensor | None
    sent_before: Tensor | None
    every: bool

    def tensors(self) -> list[Tensor | None]:
        """Lists all that it holds, in an order that :meth:`with_tensors` knows."""
        own = [self.G, self.sent, self.out, self.H, self.R, self.before, self.sent_before]
        norms = (part for pair in self.norms.values() for part in pair)
        return [*own, *self.states, *self.at_cuts.values(), *self.values.values(), *norms]

    def with_tensors(self, tensors: Sequence[Tensor | None]) -> Kept:
        """Returns the same with other tensors in the places of its own."""
        others = iter(tensors)
        G, sent, out, H, R, before, sent_before = (next(others) for _ in range(7))
        states = [next(others) for _ in self.states]
        at_cuts, values = ({name: next(others) for name in own} for own in (self.at_cuts, self.values))
        norms = {name: (next(others), next(others)) for name in self.norms}
        return Kept(
            G, states, sent, out, H, R, norms, at_cuts, values, before, sent_before, self.every  # type: ignore[arg-type]
        )  # fmt: skip

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
    masks: Masks,
    steps: Sequence[str],
) -> tuple[list[Tensor], Kept]:
    """Computes outputs, final states, and every step's values of ``steps``; and the :class:`Kept`. See ``Forward``."""
    kernels = kernels_for(layer, x.dtype, extras_of(layer, masks, steps), rows)
    kept = _forward(kernels, weights, x, state, rows, masks, reverse=reverse, keep=keep or bool(steps))
    output = handed_out(kept.H, layer.output_size)
    every = [_every(kernels, kept, name) for name in steps]
    return [output, *_final(kernels, rows, reverse, kept, state), *every], kept


def _every(kernels: Kernels, kept: Kept, name: str) -> Tensor:
    """Returns every step's values of a state, a gate, or a candidate."""
    layer = kernels.layer
    if name in layer.fed_back:
        return kernels.places.of_sent(kept.sent, name).contiguous()
    own = (*layer.cell.states, *kernels.variant.told)
    return handed_out(kept.states[own.index(name)], layer.hidden_size)


def _final(kernels: Kernels, rows: Rows, reverse: bool, kept: Kept, state: list[Tensor]) -> list[Tensor]:
    """Returns the states after each sequence's last step."""
    B, N, layer = rows.count, rows.total, kernels.layer
    values = [(kept.H[:, : layer.output_size], True)]
    values += [(value[:, : layer.hidden_size], kept.every) for value in kept.states[: len(layer.cell.states)]]
    values += [(kernels.places.of_sent(kept.sent, gate), kept.every) for gate in layer.fed_back]
    if rows.uniform:
        # Without every step there is one row for each sequence.
        ends = [value[:B] if reverse or not every else value[N - B :] for value, every in values]
        return [end.clone(memory_format=torch.contiguous_format) for end in ends]
    # A sequence of no steps ends in the state that it began with.
    last, runs = rows.last(reverse=reverse), (rows.lengths > 0).unsqueeze(-1)
    return [
        torch.where(runs, value[last] if every else value, before)
        for (value, every), before in zip(values, state, strict=True)
    ]


class _Along:
    """A buffer of a row for each step of each sequence, and what stood there a step before."""

    def __init__(self, rows: Rows, size: int, initial: Tensor, *, reverse: bool, deep: bool, every: bool) -> None:
        N, B, dtype = rows.total, rows.count, initial.dtype
        self.initial, self.before = initial, None
        if deep and rows.uniform:
            both = empty(N + B, size, dtype=dtype)
            self.rows, self.before = (both[:N], both[B:]) if reverse else (both[B:], both[:N])
            (both[N:] if reverse else both[:B]).copy_(initial)
        else:
            self.rows = empty(N if every else B, size, dtype=dtype)


def _forward(
    kernels: Kernels, weights: Weights, x: Tensor, state: list[Tensor], rows: Rows, masks: Masks, *, reverse: bool,
    keep: bool,
) -> Kept:  # fmt: skip
    """Runs the kernel. ``keep`` says whether a backward pass, or somebody who wants all states, will follow."""
    layer, variant, dtype = kernels.layer, kernels.variant, kernels.dtype
    cell, I = layer.cell, layer.input_size
    x = solid(x)
    N, B, ldg, width, ldh = rows.total, rows.count, kernels.ldg, kernels.width, kernels.ldh
    projected = bool(layer.proj_size)
    threads = kernels.threads(N * ldg * (I + layer.output_size))
    threads = threads if variant.by_units else min(threads, B)
    fused = _FEW * threads <= B
    # Ahead of the recursion the input's part has a place only in what is kept.
    every = keep or not fused or variant.needs_old
    depth = N if every else B
    G, h0 = empty(depth, ldg, dtype=dtype), padded(state[0], ldh)
    noise = kernels.noise(masks)
    weighed = variant.variational
    output = _Along(rows, ldh, h0, reverse=reverse, deep=keep and not weighed, every=True)
    source = output
    if weighed:
        source = _Along(rows, ldh, h0 * noise[0][0], reverse=reverse, deep=keep, every=every)
    n = 1 + len(cell.states)
    sent = output
    if variant.sent:
        sent = _Along(rows, len(layer.fed_back) * width, kernels.places.sent(state[n:], B, dtype), reverse=reverse,
                      deep=keep, every=every)  # fmt: skip
    states = [empty(depth, width, dtype=dtype) for _ in (*cell.states, *variant.told)]
    out = empty(depth, width, dtype=dtype) if projected else output.rows
    bias, vectors = kernels.bias(weights), kernels.vectors(weights)
    inner = [padded(value, width) for value in state[1:n]]
    _held, (wx, *others) = kernels.panels(weights)  # the buffer, until the kernel is done
    wp = others.pop() if projected else wx
    gated, own_weights = others[len(others) - len(variant.gated) :], list[Tensor]()
    wh, wr, *_ = *others, wx, wx
    diagonal = kernels.diagonal(weights)
    if diagonal is not None:
        wh, own_weights = diagonal.data_ptr(), kernels.gated_vectors(weights["weight_hh"])
        gated = [part.data_ptr() for part in own_weights]
    biases = kernels.gated_vectors(weights.get("bias_hh"))
    values = {row: empty(depth, width, dtype=dtype) for row in variant.gated}
    of_gated: list[int] = []
    for address, start, value in zip(gated, biases, values.values(), strict=True):
        of_gated += address, start.data_ptr(), value.data_ptr()
    from_gates = kernels.gate_panels(weights["weight_gh"]) if layer.fed_back else []
    norms: dict[str, tuple[Tensor, Tensor]] = {}
    of_norms: list[Tensor] = []
    for name in variant.norms:
        norms[name] = empty(depth, kernels.norm_size(name), dtype=dtype), empty(depth, dtype=dtype)
        of_norms += [*norms[name], *kernels.of_norm(weights, name)]
    at_cuts = {name: empty(depth, width, dtype=dtype) for name in variant.bare_cuts}
    if not fused and layer.layer_norm:
        kernels.bulk(x.data_ptr(), I, wx, norms[FROM_X][0], M=N, N=kernels.plan.inputs * width, K=I)
    elif not fused:
        kernels.bulk(x.data_ptr(), I, wx, G, M=N, N=kernels.plan.inputs * width, K=I, start=bias)
    own: list[Tensor] = [source.rows, source.initial] if weighed else []
    meeting = Meeting(rows.steps) if variant.by_units else None
    own += [meeting.counter] if meeting is not None else []
    own += from_gates
    if layer.fed_back:
        own.append(empty(B, max(len(kernels.plan.slots) - kernels.plan.shared, 1) * width, dtype=dtype))
    own += [buffer for pair in zip(states, inner, strict=False) for buffer in pair]
    own += [sent.rows, sent.initial] if variant.sent else []
    own += states[len(cell.states) :]
    arguments = kernels.forward_arguments(
        threads, rows.offsets.data_ptr(), rows.steps, reverse, G.data_ptr(), output.rows.data_ptr(), h0.data_ptr(),
        vectors.data_ptr(), x.data_ptr(), I if fused else 0, wx, wh, wr, wp, bias.data_ptr(), every, out.data_ptr(),
        *of_gated, *[part.data_ptr() for part in (*own, *of_norms, *at_cuts.values())], *of_noise(noise),
    )  # fmt: skip
    kernels.forward_kernel(keep=keep)(ctypes.byref(arguments))
    if meeting is not None:
        meeting.end()
    return Kept(
        G, states, sent.rows, out, output.rows, source.rows, norms, at_cuts, values, source.before, sent.before, every
    )  # fmt: skip


def of_noise(noise: list[tuple[Tensor, int]]) -> list[int]:
    """Returns the words of noise: addresses and distances."""
    return [word for rows, ld in noise for word in (rows.data_ptr(), ld)]
