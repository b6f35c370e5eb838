"""A task that somebody else might write: one file, found by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel.tasks import AtEnds, Drawn


@dataclass(frozen=True)
class Echo:
    """Say in the end which of ``n`` symbols came first.

    Nobody 2026. A sequence is right if the unit of that symbol is the most active.

    >>> Echo(3, 4).draw(np.random.default_rng(0), 2).answers.tolist()
    [2, 0]
    """

    n: int = 5
    length: int = 7

    @property
    def input_size(self) -> int:
        return self.n

    output_size = input_size

    def draw(self, rng: np.random.Generator, count: int) -> AtEnds:
        codes = rng.integers(0, self.n, (count, self.length))
        targets = np.full_like(codes, -1)
        targets[:, -1] = codes[:, 0]
        begin = np.arange(count) * self.length
        return AtEnds(codes.ravel(), targets.ravel(), np.stack([begin, begin + self.length], 1))

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        return (outputs.argmax(1) == drawn.answers) & ~np.isnan(outputs).any(1)
