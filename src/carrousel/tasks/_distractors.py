"""Which of two symbols came second? Asked after a very long time full of distractors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel.tasks._drawn import AtEnds, Drawn, near

__all__ = ["LongLagDistractors"]


@dataclass(frozen=True)
class LongLagDistractors:
    """b, then x or y, at least q random distractors, e, and at last the same x or y, which is to be predicted.

    After the first q distractors there is another with probability 9/10 or, with probability 1/10, e: sequences have
    at least q + 4 symbols and in the mean q + 13 (the paper prints q + 14). The last symbol is a target only. Input
    units stand for the distractors a_1 ... a_p, e, b, x and y in this order, the two output units for x and y; there is
    an error at a sequence's end alone.

    Hochreiter & Schmidhuber 1997, experiment 2c. The paper prints the distractors' numbers as 1 to q; they must be 1
    to p.

    Args:
        q: the number of distractors that there are at least: the minimal lag is q + 1.
        p: the number of different distractors.
        tolerance: a network is right if both outputs are nearer than this to their targets.

    >>> task = LongLagDistractors(q=3, p=2)
    >>> drawn = task.draw(np.random.default_rng(2), 1)
    >>> drawn.inputs.tolist(), drawn.targets.tolist()
    ([3, 4, 1, 0, 0, 1, 2], [-1, -1, -1, -1, -1, -1, 0])
    """

    q: int = 50
    p: int = 50
    tolerance: float = 0.2

    output_size = 2

    def __post_init__(self) -> None:
        if self.q < 0 or self.p < 1:
            raise ValueError(f"q must be at least 0 and p at least 1, got {self.q} and {self.p}")

    @property
    def input_size(self) -> int:
        """The number of symbols, and so of input units."""
        return self.p + 4

    def draw(self, rng: np.random.Generator, count: int) -> AtEnds:
        """Draws ``count`` sequences as an :class:`AtEnds`, x and y equally probable."""
        e, b, x = self.p, self.p + 1, self.p + 2
        lengths = self.q + 2 + rng.geometric(0.1, count)  # the inputs: b, x or y, q + k distractors, e
        ends = np.cumsum(lengths)
        begins = ends - lengths
        kinds = rng.integers(0, 2, count)
        # Small numbers are drawn faster than large ones, and nearly all the time is spent here.
        codes = rng.integers(0, self.p, int(lengths.sum()), np.uint16 if self.p <= 65_536 else np.int64)
        codes = codes.astype(np.int64)
        codes[begins], codes[begins + 1], codes[ends - 1] = b, x + kinds, e
        targets = np.full(len(codes), -1, np.int64)
        targets[ends - 1] = kinds
        return AtEnds(codes, targets, np.stack([begins, ends], 1))

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges each sequence's last outputs: whether both are near enough to their targets, ``[sequences]``."""
        return near(outputs, drawn.wanted(2), self.tolerance)
