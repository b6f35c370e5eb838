"""Keeping sequences aside for a test, where the source has no test part of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from carrousel.data._errors import DataError
from carrousel.data._types import Sequences

__all__ = ["hold_out", "of_groups"]


def hold_out(data: Sequences, share: float, *, seed: int = 0) -> tuple[Sequences, Sequences]:
    """Splits sequences into a training and a test part, which gets ``share`` in (0, 1) of them, and at least one.

    With class labels (text, whole numbers, booleans; one per sequence) each class gives its share, and keeps at least
    one sequence for training. Where sequences have groups, those of one stay together, and classes do not matter. The
    same seed gives the same parts. Sequences stay in their order.

    >>> from carrousel.data import hold_out, load_sequences
    >>> train, test = hold_out(load_sequences("basic-motions", split="train"), 0.25)
    >>> len(train), len(test), train.split, test.split
    (30, 10, 'train', 'test')
    """
    if not 0 < share < 1:
        raise ValueError(f"the share to hold out must lie between 0 and 1, not {share}")
    if len(data) < 2:
        raise DataError(f"{data.name}: one sequence cannot be divided into a training and a test part")
    rng = np.random.default_rng(seed)
    if data.groups is not None:
        inside = of_groups(data.groups, round(share * len(data)), rng)
        if not inside.any():
            raise DataError(f"{data.name}: all sequences are of one group ({data.groups[0]!s}); none can be held out")
        return _parted(data, inside)
    by_class = data.y is not None and data.y.ndim == 1 and data.y.dtype.kind != "f"
    codes = np.zeros(len(data), dtype=np.int64)
    if by_class:
        assert data.y is not None
        codes = np.unique(data.y, return_inverse=True)[1]
    # In a shuffled list sorted by class, every (1 / share)-th goes to the test: each class gives its share.
    order = rng.permutation(len(data))
    order = order[np.argsort(codes[order], kind="stable")]
    chosen = np.diff(np.floor(np.arange(len(data) + 1) * share + rng.random())) > 0
    last = np.append(np.diff(codes[order]) > 0, True)
    chosen[last] = False  # one of each class stays
    if not chosen.any():
        if last.all():
            raise DataError(f"{data.name}: every class has one sequence; none can be held out for a test")
        chosen[np.flatnonzero(~last)[0]] = True
    test = np.zeros(len(data), dtype=bool)
    test[order[chosen]] = True
    return _parted(data, test)


def of_groups(groups: np.ndarray, wanted: int, random: np.random.Generator | None) -> np.ndarray:
    """Returns whether each sequence is set aside, bool ``[N]``: all of a group are, or none.

    As many groups as come nearest to the number of sequences that is wanted, at least one of them if there are two.

    Args:
        groups: names or numbers, ``[N]``.
        wanted: how many sequences.
        random: draws the groups; None takes those that begin last.
    """
    _, first, of, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(-first) if random is None else random.permutation(len(sizes))
    reached = np.cumsum(sizes[order])
    # Of all numbers of groups that leave one to learn from, the one whose sequences are nearest to those wanted.
    taken = 1 + int(np.abs(reached[:-1] - wanted).argmin()) if len(sizes) > 1 else 0
    return np.isin(of, order[:taken])


def _parted(data: Sequences, test: np.ndarray) -> tuple[Sequences, Sequences]:
    train, rest = data.take(np.flatnonzero(~test)), data.take(np.flatnonzero(test))
    return replace(train, split="train"), replace(rest, split="test")
