"""The adding problem in the form of 2015: two marked numbers of a long sequence are to be added."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel.tasks._drawn import WithGoals, ends_only, near

__all__ = ["SumOfTwo"]


@dataclass(frozen=True)
class SumOfTwo:
    """Say the sum of two marked numbers at the end of a sequence of T.

    Each element is a pair: a number uniform in [0, 1], and a marker, 1 for two pairs and 0 for all others. A sequence
    is right if the sum is met to 0.04. Who always says 1 has a mean squared error of 1/6.

    Le, Jaitly & Hinton 2015, section 4.1: both marks are anywhere. Arjovsky, Shah & Bengio 2015 have one in each half.

    Args:
        T: the length, at least 2.
        halves: whether each half has a mark.

    Raises:
        ValueError: T is less.

    >>> drawn = SumOfTwo(T=30).draw(np.random.default_rng(0), 2)
    >>> numbers, markers = drawn.inputs[:30].T
    >>> bool(np.isclose(drawn.goals[0, 0], numbers[markers == 1].sum()))
    True
    """

    T: int = 150
    halves: bool = False

    input_size = 2
    output_size = 1
    tolerance = 0.04

    def __post_init__(self) -> None:
        if self.T < 2:
            raise ValueError(f"T must be at least 2, got {self.T}")

    def draw(self, rng: np.random.Generator, count: int) -> WithGoals:
        """Draws ``count`` sequences as a :class:`WithGoals`."""
        x = np.zeros((count, self.T, 2), np.float32)
        x[:, :, 0] = rng.random((count, self.T), np.float32)
        if self.halves:
            marks = np.stack([rng.integers(0, self.T // 2, count), rng.integers(self.T // 2, self.T, count)], 1)
        else:
            first, second = rng.integers(0, self.T, count), rng.integers(0, self.T - 1, count)
            marks = np.stack([first, second + (second >= first)], 1)
        rows = np.arange(count)[:, None]
        x[rows, marks, 1] = 1
        goals = x[rows, marks, 0].astype(np.float64).sum(1, keepdims=True)
        begin = np.arange(count) * self.T
        spans = np.stack([begin, begin + self.T], 1)
        return WithGoals(x.reshape(-1, 2), ends_only(spans, goals), spans, goals)

    def right(self, outputs: np.ndarray, drawn: WithGoals) -> np.ndarray:
        """Judges each sequence's last output: whether it is near enough to its goal, ``[sequences]``."""
        return near(outputs, drawn.wanted(1), self.tolerance)
