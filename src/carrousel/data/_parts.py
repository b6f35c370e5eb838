"""The training and the test part of a data set that comes without parts, the same at every reading."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["PARTS", "drawn", "joined", "of_parts"]

PARTS = ("train", "test")
"""The parts of such a data set."""


def drawn(classes: np.ndarray, test: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Returns the rows of each part, ascending: of every class ``test`` drawn rows for the test; ``"all"`` is both.

    >>> drawn(np.array([0, 0, 0, 1, 1]), 1)
    {'train': array([0, 1, 3]), 'test': array([2, 4]), 'all': array([0, 1, 3, 2, 4])}
    """
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(classes == each)) for each in np.unique(classes)]
    parts = {
        "train": np.sort(np.concatenate([each[test:] for each in rows])),
        "test": np.sort(np.concatenate([each[:test] for each in rows])),
    }
    return {**parts, "all": np.concatenate([parts["train"], parts["test"]])}


def joined(rows: np.ndarray, count: int, shortest: int, longest: int, seed: int) -> list[np.ndarray]:
    """Returns ``count`` strings of rows, of ``shortest`` to ``longest`` each, in which all rows stand equally often.

    The rows are taken in shuffled order, and shuffled anew when all have been taken.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.integers(shortest, longest + 1, count)
    ends = np.cumsum(lengths)
    passes = [rng.permutation(rows) for _ in range(-(-int(ends[-1]) // len(rows)))]
    return np.split(np.concatenate(passes)[: ends[-1]], ends[:-1])


def of_parts(split: str, make: Callable[[str], list[np.ndarray]]) -> list[np.ndarray]:
    """Returns what ``make`` returns for a part; of ``"all"`` that of the training part, then that of the test part."""
    return [each for part in (PARTS if split == "all" else (split,)) for each in make(part)]
