"""Keeping sequences aside for a test, where the source has no test part of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from carrousel.data._errors import DataError
from carrousel.data._images import Images
from carrousel.data._labelled import Labelled
from carrousel.data._types import Sequences

__all__ = ["hold_out"]

Held = TypeVar("Held", Sequences, Labelled, Images)


def hold_out(data: Held, share: float, *, seed: int = 0) -> tuple[Held, Held]:
    """Splits sequences, or images, into a training and a test part, which gets ``share`` in (0, 1), at least one.

    With class labels (text, whole numbers, booleans; one per sequence) each class gives its share, and keeps at least
    one sequence for training. Where there are groups (persons, voices) whole groups are held out, about as many as
    make the share. No group, and no sequence with several labels, is held out if it has a label of its own. The same
    seed gives the same parts. Sequences stay in their order.

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
    if isinstance(data, (Sequences, Images)) and data.groups is None and not isinstance(data.y, tuple):
        chosen = _of_classes(data, share, rng)
    else:
        chosen = _of_groups(data, share, rng)
    train, rest = data.take(np.flatnonzero(~chosen)), data.take(np.flatnonzero(chosen))
    return replace(train, split="train"), replace(rest, split="test")


def _of_groups(data: Sequences | Labelled | Images, share: float, rng: np.random.Generator) -> np.ndarray:
    """Returns which sequences go to the test: whole groups, or any where there are no groups."""
    of = np.arange(len(data)) if data.groups is None else np.unique(data.groups, return_inverse=True)[1]
    sizes = np.bincount(of)
    if len(sizes) < 2:
        raise DataError(f"{data.name}: all sequences are of one group ({data.groups[0]!s}); none can be held out")  # type: ignore[index]
    order = rng.permutation(len(sizes))
    reached = np.cumsum(sizes[order])[:-1]  # one group at least is left to learn from
    count = 1 + int(np.abs(reached - share * len(data)).argmin())
    chosen = np.isin(of, order[:count])
    if data.y is None:
        return chosen
    known = _labels(data, ~chosen)
    for group in order[:count]:  # whoever has a label that no other has is learned from
        own = _labels(data, of == group)
        if not own <= known:
            chosen &= of != group
            known |= own
    if not chosen.any():
        raise DataError(f"{data.name}: every sequence that could be held out has a label that no other has")
    return chosen


def _labels(data: Sequences | Labelled | Images, rows: np.ndarray) -> set[str]:
    """Returns the labels of some sequences; values are none."""
    assert data.y is not None
    if isinstance(data, (Sequences, Images)) and isinstance(data.y, np.ndarray):
        return set(data.y[rows].astype(str).tolist()) if _are_classes(data.y) else set()
    return {str(label) for i in np.flatnonzero(rows) for label in data.y[i]} - {""}


def _are_classes(y: np.ndarray) -> bool:
    return y.ndim == 1 and y.dtype.kind != "f"


def _of_classes(data: Sequences | Images, share: float, rng: np.random.Generator) -> np.ndarray:
    """Returns which sequences go to the test: of each class its share."""
    codes = np.zeros(len(data), dtype=np.int64)
    if isinstance(data.y, np.ndarray) and _are_classes(data.y):
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
    return test
