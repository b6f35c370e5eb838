"""The order in which the places of grids are computed: along diagonals.

The places of a grid whose indices have one sum are a diagonal, over three dimensions a plane. None of them needs
another, and their neighbours stand on the diagonal before. So a recursion over several dimensions is one over
diagonals.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise, product

import numpy as np
import torch
from torch import Tensor

__all__ = ["Walk", "walk_over"]

_ROWS = 24
"""The places of a diagonal, on average, from which on a product over them is worth its call: grids are computed
together until they are so many."""


@dataclass(frozen=True, eq=False)
class Walk:
    """The places of a batch of grids in rows: group after group of grids, in each diagonal after diagonal.

    Row numbers are those of a direction that runs along all dimensions from the first place to the last. In any other
    direction the same rows are other places.

    Attributes:
        groups: the first diagonal of each group, and the end, ``[groups + 1]``.
        offsets: the first row of each diagonal, and the end, ``[diagonals + 1]``.
        before, after: the rows of the neighbours along each dimension, ``[rows, n]``; -1 outside.
        places: for each direction the places of the rows in the padded batch, ``[2^n, rows]``.
        count: the places of the padded batch.
    """

    groups: Tensor
    offsets: Tensor
    before: Tensor
    after: Tensor
    places: Tensor
    count: int

    @cached_property
    def rows(self) -> int:
        """The number of rows."""
        return self.places.shape[1]

    @cached_property
    def widest(self) -> int:
        """The most rows of a diagonal."""
        return int(self.offsets.diff().max()) if self.rows else 0

    @property
    def whole(self) -> bool:
        """Whether every place of the padded batch is one of a grid."""
        return self.rows == self.count

    @cached_property
    def found(self) -> Tensor:
        """For each direction the rows of the places of the padded batch, ``[2^n, count]``; -1 past a grid's end."""
        rows = torch.full((len(self.places), self.count), -1)
        return rows.scatter_(1, self.places, torch.arange(self.rows).expand_as(self.places))

    def steps(self) -> list[tuple[int, int]]:
        """Lists the first row and the end of every diagonal, of a walk of one group."""
        bounds = self.offsets.tolist()
        return list(pairwise(bounds))


def walk_over(sizes: Tensor | None, count: int, extent: tuple[int, ...], *, together: bool = False) -> Walk:
    """Returns the :class:`Walk` over a padded batch of grids.

    Args:
        sizes: of each grid, ``[count, n]``; None if all fill the batch.
        count: the number of grids.
        extent: the sizes of the padded batch, n of them.
        together: whether all grids are one group.
    """
    if sizes is None:
        return _over_whole(count, extent, together)
    return _walk(sizes.numpy().astype(np.int64), extent, together)


@lru_cache(maxsize=8)
def _over_whole(count: int, extent: tuple[int, ...], together: bool) -> Walk:
    with torch._C._DisableFuncTorch():  # a transformation at work would wrap what is made now, and it outlives that
        return _walk(np.tile(np.array(extent, dtype=np.int64), (count, 1)), extent, together)


def _walk(sizes: np.ndarray, extent: tuple[int, ...], together: bool) -> Walk:
    count, n = sizes.shape
    cells = sizes.prod(axis=1)
    total = int(cells.sum())
    first = np.concatenate([[0], np.cumsum(cells)])
    grid = np.repeat(np.arange(count), cells)
    size = sizes[grid]  # [rows, n]
    at = np.empty((total, n), dtype=np.int64)
    rest = np.arange(total) - first[grid]
    for d in reversed(range(n)):
        rest, at[:, d] = np.divmod(rest, np.maximum(size[:, d], 1))
    group = np.zeros(count, dtype=np.int64) if together else _groups(sizes)
    diagonals = int(at.sum(axis=1).max()) + 1 if total else 1
    key = group[grid] * diagonals + at.sum(axis=1)
    order = np.argsort(key, kind="stable")
    row = np.empty(total, dtype=np.int64)
    row[order] = np.arange(total)
    stride = np.ones_like(size)
    for d in reversed(range(n - 1)):
        stride[:, d] = stride[:, d + 1] * size[:, d + 1]
    here = np.arange(total)[:, None]
    last = max(total - 1, 0)
    before = np.where(at > 0, row[np.maximum(here - stride, 0)], -1) if total else at
    after = np.where(at < size - 1, row[np.minimum(here + stride, last)], -1) if total else at
    found, starts = np.unique(key[order], return_index=True)
    places = np.empty((2**n, total), dtype=np.int64)
    for k, flips in enumerate(product((False, True), repeat=n)):
        place = grid
        for d, flip in enumerate(flips):
            place = place * extent[d] + (size[:, d] - 1 - at[:, d] if flip else at[:, d])
        places[k] = place[order]
    begins = np.searchsorted(found // diagonals, np.arange(group[-1] + 2)) if count else np.zeros(1)
    tables = begins, np.append(starts, total), before[order], after[order], places
    groups, offsets, befores, afters, placed = map(_tensor, tables)
    return Walk(groups, offsets, befores, afters, placed, count * int(np.prod(extent)))


def _tensor(table: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(table, dtype=np.int64))


def _groups(sizes: np.ndarray) -> np.ndarray:
    """Returns the group of each grid: grids one after the other, until their diagonals have rows enough."""
    groups, group, rows, longest = [], 0, 0, 0
    for cells, diagonals in zip(
        sizes.prod(axis=1).tolist(), (sizes.sum(axis=1) - sizes.shape[1] + 1).tolist(), strict=True
    ):
        if rows and rows >= _ROWS * longest:
            group, rows, longest = group + 1, 0, 0
        rows, longest = rows + cells, max(longest, diagonals)
        groups.append(group)
    return np.array(groups, dtype=np.int64)
