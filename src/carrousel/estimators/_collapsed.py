"""A frame-wise classifier whose runs are read as a string: the simple method beside which transcription is set."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from carrousel.estimators.metrics import distance

__all__ = ["SHORTEST", "collapsed", "shortest_run", "spread"]

SHORTEST = (1, 2, 3, 5, 8, 12, 20, 32)
MOST = 200  # sequences by which the shortest run is chosen


def spread(labels: np.ndarray, steps: int) -> np.ndarray:
    """Returns a label for every step, each label of a string having an equal share of them.

    >>> spread(np.array([4, 7]), 5).tolist()
    [4, 4, 4, 7, 7]
    """
    return labels[np.arange(steps) * len(labels) // steps]


def collapsed(frames: np.ndarray, shortest: int) -> list[int]:
    """Returns the string of labels of frames: each run once, but those of fewer frames than ``shortest``.

    Where all runs are shorter the longest one is taken.

    >>> collapsed(np.array([1, 1, 1, 2, 1, 1, 3, 3]), 2)
    [1, 3]
    """
    edges = np.concatenate(([0], np.flatnonzero(np.diff(frames)) + 1, [len(frames)]))
    runs = [(int(frames[start]), end - start) for start, end in pairwise(edges.tolist())]
    kept = [label for label, length in runs if length >= shortest] or [max(runs, key=lambda run: run[1])[0]]
    return [label for k, label in enumerate(kept) if k == 0 or label != kept[k - 1]]


def shortest_run(frames: Sequence[np.ndarray], strings: Sequence[np.ndarray]) -> int:
    """Returns the shortest run that counts, by which the strings are hit best."""
    some = range(0, len(strings), -(-len(strings) // MOST))

    def errors(shortest: int) -> int:
        return sum(distance(strings[i].tolist(), collapsed(frames[i], shortest)) for i in some)

    return min(SHORTEST, key=errors)
