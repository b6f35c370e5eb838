"""How the rows of a batch are packed: step after step, the longest sequences first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from carrousel.engine._memory import CPU

__all__ = ["Rows", "Sizes", "dense", "ragged"]


class Sizes(NamedTuple):
    """The numbers of a packing.

    Attributes:
        steps, sequences, total: the numbers of steps, of sequences and of rows.
        running: the number of sequences that have any step.
        uniform: whether every step has all sequences.
    """

    steps: int
    sequences: int
    total: int
    running: int
    uniform: bool


@dataclass(frozen=True, eq=False)
class Rows:
    """A packing: sequence b's row of step t is ``offsets[t] + b``. Sequences stand in order of falling length.

    Attributes:
        offsets: ``[T + 1]``, 64-bit integers.
        count: the number of sequences, of which some may have no step at all.
        total: the number of rows.
        uniform: whether every step has all sequences.
    """

    offsets: Tensor
    count: int
    total: int
    uniform: bool

    @cached_property
    def steps(self) -> int:
        return self.offsets.shape[0] - 1

    @cached_property
    def sizes(self) -> Sizes:
        """All numbers of it."""
        running = self.count if self.uniform else int(self.offsets[1]) if self.steps else 0
        return Sizes(self.steps, self.count, self.total, running, self.uniform)

    @cached_property
    def lengths(self) -> Tensor:
        """Each sequence's steps ``[count]``."""
        sizes = self.offsets.diff()
        return (torch.arange(self.count, device=CPU) < sizes.unsqueeze(-1)).sum(0)

    @cached_property
    def places(self) -> tuple[Tensor, Tensor]:
        """For every row its step and its sequence."""
        step = torch.repeat_interleave(torch.arange(self.steps, device=CPU), self.offsets.diff())
        return step, torch.arange(self.total, device=CPU) - self.offsets[step]

    def spread(self, packed: Tensor) -> Tensor:
        """Turns ``[rows, size]`` to ``[T, count, size]``, zeros where there is no row."""
        if self.uniform:
            return packed.unflatten(0, (self.steps, self.count))
        return packed.new_zeros(self.steps, self.count, packed.shape[-1]).index_put(self.places, packed)

    def gather(self, dense: Tensor) -> Tensor:
        """Returns the inverse of :meth:`spread`."""
        return dense.flatten(0, 1) if self.uniform else dense[self.places]

    @cached_property
    def first_rows(self) -> Tensor:
        """The row of each sequence's first step, of those that have any."""
        return torch.arange(self.sizes.running, device=CPU)

    @cached_property
    def last_rows(self) -> Tensor:
        """The row of each sequence's last step, of those that have any."""
        sequences = self.first_rows
        return self.offsets[self.lengths[sequences] - 1] + sequences

    def ends(self, *, reverse: bool) -> Tensor:
        """Returns the row of each sequence's last step in the order of running, of those that have any."""
        return self.first_rows if reverse else self.last_rows

    @cached_property
    def _before(self) -> tuple[Tensor, Tensor]:
        step, sequence = self.places
        first, last = step == 0, step + 1 == self.lengths[sequence]
        initial = -1 - sequence
        before = torch.where(first, initial, self.offsets[(step - 1).clamp(min=0)] + sequence)
        return before, torch.where(last, initial, self.offsets[step + 1] + sequence)

    def before(self, *, reverse: bool) -> Tensor:
        """Returns for every row the row of the same sequence one step before; -1 - b where sequence b begins."""
        return self._before[reverse]


def ragged(sizes: Tensor, count: int | None = None) -> Rows:
    """Returns the :class:`Rows` of which each step has a number.

    Args:
        sizes: these numbers ``[T]``, as ``PackedSequence.batch_sizes`` holds them.
        count: the number of sequences, if some have no step; those of the first step by default.

    Raises:
        ValueError: the numbers rise, or there are more than sequences.
    """
    with torch.no_grad(), torch._C._DisableFuncTorch():
        offsets = torch.zeros(len(sizes) + 1, dtype=torch.int64, device=CPU)
        torch.cumsum(sizes, 0, out=offsets[1:])
        first, last = (int(sizes[0]), int(sizes[-1])) if len(sizes) else (0, 0)
        count = first if count is None else count
        if first > count or last < 0 or bool((sizes[1:] > sizes[:-1]).any()):
            raise ValueError(
                f"the batch sizes of a packed sequence should fall from {count}, its sequences, got {sizes.tolist()}"
            )
        return Rows(offsets, count, int(offsets[-1]), last == count)


_FEW = 4096
"""Of few steps and sequences the packing is kept: with more it takes room, and making it no time beside all else."""


def dense(T: int, B: int) -> Rows:
    """Returns the :class:`Rows` of a batch in which all sequences have T steps."""
    return _remembered(T, B) if T + B <= _FEW else _dense(T, B)


def _dense(T: int, B: int) -> Rows:
    with torch._C._DisableFuncTorch():  # a transformation at work would wrap what is made now, and it outlives that
        return Rows(torch.arange(T + 1, device=CPU) * B, B, T * B, True)


_remembered = lru_cache(maxsize=128)(_dense)
