"""From padded batches with lengths and resets to packed rows, and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from carrousel.engine._memory import CPU
from carrousel.engine._rows import Rows, dense

__all__ = ["Packing", "pack"]


@dataclass(frozen=True)
class Packing:
    """How segments of a padded batch lie in packed rows.

    A reset cuts a sequence in two, and the parts are run as sequences of their own: that is what a reset means.

    Attributes:
        rows: the packing of the segments, the longest first.
        index: for every row its place in the flattened batch, t · B + b; None if all sequences have all steps, and
            rows and segments stand where they did.
        sequence: for every segment the sequence that it is a part of.
        starts: for every segment whether it starts from its sequence's initial state, and not from zero; None if
            all do.
        ends: for every sequence the segment that ends with its final state.
        shape: (T, B).
    """

    rows: Rows
    index: Tensor | None
    sequence: Tensor
    starts: Tensor | None
    ends: Tensor
    shape: tuple[int, int]

    def rows_in(self, x: Tensor) -> Tensor:
        """Turns ``[T, B, size]`` to ``[rows, size]``."""
        flat = x.flatten(0, 1)
        return flat if self.index is None else flat.index_select(0, self.index)

    def rows_out(self, packed: Tensor) -> Tensor:
        """Turns ``[rows, size]`` to ``[T, B, size]``, zeros where there is no row."""
        T, B = self.shape
        if self.index is None:
            return packed.unflatten(0, (T, B))
        flat = packed.new_zeros(T * B, packed.shape[-1])
        return flat.index_copy(0, self.index, packed).unflatten(0, (T, B))

    def sequence_in(self, value: Tensor) -> Tensor:
        """Turns ``[B, size]`` to ``[segments, size]``: what holds for all of a sequence."""
        return value if self.index is None else value.index_select(0, self.sequence)

    def state_in(self, state: Tensor) -> Tensor:
        """Turns ``[B, size]`` to ``[segments, size]``."""
        own = self.sequence_in(state)
        return own if self.starts is None else torch.where(self.starts.unsqueeze(-1), own, torch.zeros_like(own))

    def state_out(self, packed: Tensor) -> Tensor:
        """Turns ``[segments, size]`` to ``[B, size]``."""
        return packed if self.index is None else packed.index_select(0, self.ends)

    def state_back(self, d_state: Tensor) -> Tensor:
        """Returns the adjoint of :meth:`state_out`."""
        if self.index is None:
            return d_state
        return d_state.new_zeros(self.rows.count, d_state.shape[-1]).index_copy(0, self.ends, d_state)

    def state_sum(self, d_packed: Tensor) -> Tensor:
        """The adjoint of :meth:`state_in`: of a sequence's segments, at most one starts from its initial state."""
        if self.index is None:
            return d_packed
        total = d_packed.new_zeros(self.shape[1], d_packed.shape[-1])
        if self.starts is None:
            return total.index_copy(0, self.sequence, d_packed)
        own = self.starts.nonzero().squeeze(-1)
        return total.index_copy(0, self.sequence[own], d_packed[own])


def pack(T: int, B: int, lengths: Tensor | None, resets: Tensor | None, *, reverse: bool) -> Packing:
    """Returns the :class:`Packing` of a batch of T steps and B sequences; its arguments as in ``Call``."""
    with torch.no_grad(), torch._C._DisableFuncTorch():  # a transformation at work would wrap what is made now
        if lengths is None and resets is None:
            rows = dense(T, B)
            return Packing(rows, None, rows.first_rows, None, rows.first_rows, (T, B))
        return _pack(T, B, lengths, resets, reverse=reverse)


def _pack(T: int, B: int, lengths: Tensor | None, resets: Tensor | None, *, reverse: bool) -> Packing:
    lengths = torch.full((B,), T, device=CPU) if lengths is None else lengths.to("cpu", torch.int64)
    # Segments in the order of their sequences and, within one, of time: (sequence, first step).
    if resets is None:
        b, t = torch.arange(B, device=CPU), torch.zeros(B, dtype=torch.int64, device=CPU)
    else:
        first = resets.T & (torch.arange(T, device=CPU) < lengths.unsqueeze(-1))  # [B, T]
        first[:, :1] = True
        b, t = first.nonzero(as_tuple=True)
    is_last = torch.ones(len(b), dtype=torch.bool, device=CPU)
    is_last[:-1] = b[1:] != b[:-1]
    stop = torch.where(is_last, lengths[b], t.roll(-1))
    size = stop - t
    starts, ends = (is_last, t == 0) if reverse else (t == 0, is_last)
    if resets is not None and not reverse:
        # Nothing passes into a first step that is reset, not even the initial state; in a sequence of no steps
        # there is no such step.
        starts = starts & ~(resets[0, b] & (lengths[b] > 0))
    order = torch.argsort(size, descending=True, stable=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order), device=CPU)
    size, t, b = size[order], t[order], b[order]
    steps = int(size[0]) if len(size) else 0
    alive = torch.arange(steps, device=CPU).unsqueeze(-1) < size  # [steps, segments]
    offsets = torch.zeros(steps + 1, dtype=torch.int64, device=CPU)
    offsets[1:] = alive.sum(1).cumsum(0)
    step, segment = alive.nonzero(as_tuple=True)
    index = (t[segment] + step) * B + b[segment]
    rows = Rows(offsets, len(b), int(offsets[-1]), bool((size == steps).all()))
    some = None if bool(starts.all()) else starts[order]
    return Packing(rows, index, b, some, place[ends.nonzero().squeeze(-1)], (T, B))
