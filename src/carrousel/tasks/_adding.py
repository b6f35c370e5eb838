"""The adding and the multiplication problem: two marked numbers of a long sequence are to be combined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel.tasks._drawn import Drawn, WithGoals, ends_only, near, random_spans, steps

__all__ = ["Adding", "Multiplication"]

FIRST_MARKS = 10
"""The number of pairs on one of which the first mark is."""


@dataclass(frozen=True)
class Adding:
    """Say the sum of two marked numbers at the end of a long sequence of numbers.

    Each element is a pair: a number uniform in [-1, 1], and a marker, 1 for the two marked pairs, -1 for the first
    and the last pair, otherwise 0. The first mark is on one of the first ten pairs, the second on one of the first
    T/2 - 1 others. Lengths are uniform from T to T + T/10. With X1 and X2 the marked numbers the output should be
    0.5 + (X1 + X2) / 4 in the end; a sequence is right if it is off by less than 0.04.

    A mark on the first pair counts as X = 0. The paper says so of the first mark, and does not say what the pair's
    marker then is: here it stays -1, unless ``first_marker`` says otherwise, and nobody could know of the mark. It
    does not say whether the second mark can be on the first pair: here it can, and counts as 0 too.

    Hochreiter & Schmidhuber 1997, experiment 4.

    Args:
        T: the least length, at least 11, so that the last pair is none of the first ten.
        first_marker: the marker of the first pair when it is marked.

    Raises:
        ValueError: T is less.

    >>> drawn = Adding(T=20).draw(np.random.default_rng(0), 100)
    >>> numbers, markers = drawn.inputs[slice(*drawn.spans[0])].T
    >>> bool(np.isclose(drawn.goals[0, 0], 0.5 + numbers[markers == 1].sum() / 4))
    True
    """

    T: int = 100
    first_marker: float = -1.0

    input_size = 2
    output_size = 1
    tolerance = 0.04

    def __post_init__(self) -> None:
        if self.T <= FIRST_MARKS:
            raise ValueError(f"T must be at least {FIRST_MARKS + 1}, got {self.T}")

    def draw(self, rng: np.random.Generator, count: int) -> WithGoals:
        """Draws ``count`` sequences as a :class:`WithGoals`."""
        spans = random_spans(rng, count, self.T, self.T + self.T // 10)
        begin, end = spans.T
        x = np.zeros((steps(spans), 2), np.float32)
        x[:, 0] = self.numbers(rng.random(len(x), np.float32))
        first = rng.integers(0, FIRST_MARKS, count)
        second = rng.integers(0, self.T // 2 - 1, count)
        second += second >= first  # pairs that are not marked yet
        marked = np.stack([first, second], 1)
        x[begin[:, None] + marked, 1] = 1
        x[begin, 1] = np.where((marked == 0).any(1), self.first_marker, -1)
        x[end - 1, 1] = -1
        X = np.where(marked == 0, self.neutral, x[begin[:, None] + marked, 0].astype(np.float64))
        goals = self.goal(X[:, :1], X[:, 1:])
        return WithGoals(x, ends_only(spans, goals), spans, goals)

    neutral = 0.0

    def numbers(self, uniform: np.ndarray) -> np.ndarray:
        """Returns the numbers of the elements, from uniform ones in [0, 1)."""
        return 2 * uniform - 1

    def goal(self, X1: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """Returns what the output should be."""
        return 0.5 + (X1 + X2) / 4

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges each sequence's last output: whether it is near enough to its goal, ``[sequences]``."""
        return near(outputs, drawn.wanted(1), self.tolerance)


@dataclass(frozen=True)
class Multiplication(Adding):
    """Say the product of two marked numbers at the end of a long sequence of numbers.

    As :class:`Adding`, but the numbers are uniform in [0, 1], the output should be X1 X2, and a mark on the first
    pair counts as X = 1.

    Hochreiter & Schmidhuber 1997, experiment 5.

    >>> drawn = Multiplication(T=20).draw(np.random.default_rng(0), 100)
    >>> numbers, markers = drawn.inputs[slice(*drawn.spans[0])].T
    >>> bool(np.isclose(drawn.goals[0, 0], numbers[markers == 1].prod()))
    True
    """

    neutral = 1.0

    def numbers(self, uniform: np.ndarray) -> np.ndarray:
        """Returns the numbers of the elements, from uniform ones in [0, 1)."""
        return uniform

    def goal(self, X1: np.ndarray, X2: np.ndarray) -> np.ndarray:
        """Returns what the output should be."""
        return X1 * X2
