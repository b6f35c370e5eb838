"""Pieces of music as a network is shown them, and higher and lower."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from carrousel.data.music import KEYS
from carrousel.estimators._frame_tables import before
from carrousel.training._batches import StepDataset

__all__ = ["items_of", "transposed"]


def items_of(pieces: Sequence[np.ndarray]) -> StepDataset:
    """Returns pieces as a network is shown them: the frame before each, silence before the first, and the frame."""
    shown = np.concatenate([before(piece) for piece in pieces]).astype(np.float32)
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    return StepDataset(shown, lengths, np.concatenate(pieces).astype(np.int8))


def transposed(piece: np.ndarray, semitones: int) -> Iterator[np.ndarray]:
    """Yields a piece, and those higher and lower by up to so many semitones, that a piano has the keys for.

    >>> middle = np.eye(88, dtype="u1")[[39, 41]]
    >>> [frames.argmax(1).tolist() for frames in transposed(middle, 1)]
    [[38, 40], [39, 41], [40, 42]]
    """
    keys = np.flatnonzero(piece.any(axis=0))
    low, high = (int(keys[0]), int(keys[-1])) if len(keys) else (0, KEYS - 1)
    for shift in range(-semitones, semitones + 1):
        if low + shift >= 0 and high + shift < KEYS:
            yield np.roll(piece, shift, axis=1)
