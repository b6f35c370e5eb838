"""Simple methods for music: how often each key sounds, and how often after a frame in which it did or did not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from carrousel.data.music import KEYS

__all__ = ["PREVIOUS", "SINGLE", "FrameTables", "before"]

SINGLE, PREVIOUS = "single keys", "previous-frame table"


def before(frames: np.ndarray) -> np.ndarray:
    """Returns the frame before each, ``[T, 88]``; before the first is silence."""
    return np.concatenate([np.zeros((1, frames.shape[1]), dtype=frames.dtype), frames[:-1]])


class FrameTables:
    """Two tables of how often keys sound.

    Args:
        counts: whole numbers ``[2, 2, 88]``: how often each key was off or on (second) in a frame after one in which it
            was off or on (first).

    >>> piece = np.zeros((4, 88), "u1")
    >>> piece[1:3, 0] = 1
    >>> FrameTables.learned([piece]).counts[:, :, 0].tolist()  # off and off, off and on, on and off, on and on
    [[1, 1], [1, 1]]
    """

    def __init__(self, counts: np.ndarray):
        self.counts = counts

    @classmethod
    def learned(cls, pieces: Sequence[np.ndarray]) -> FrameTables:
        """Returns the tables of pieces, each frames ``[T, 88]``."""
        counts = np.zeros((2, 2, KEYS), dtype=np.int64)
        for frames in pieces:
            last = before(frames)
            for was in (0, 1):
                for now in (0, 1):
                    counts[was, now] += ((last == was) & (frames == now)).sum(axis=0)
        return cls(counts)

    @property
    def share(self) -> np.ndarray:
        """The share of frames in which each key sounds, ``[88]``, a half added to each count."""
        single = self.counts.sum(axis=0) + 0.5
        return single[1] / single.sum(axis=0)

    def chances(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        """Returns with what probability each table has each key sound in each frame, ``[T, 88]``, by its name.

        A half is added to each count.
        """
        counts = self.counts + 0.5
        alone = np.broadcast_to(self.share, frames.shape)
        after = counts[:, 1] / counts.sum(axis=1)  # [2, 88]
        return {SINGLE: alone, PREVIOUS: np.where(before(frames) == 1, after[1], after[0])}
