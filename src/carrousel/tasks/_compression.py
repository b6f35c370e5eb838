"""Two long strings that differ in their first symbol alone, which says what comes with the last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel.tasks._drawn import AtEnds, Drawn

__all__ = ["TwoStrings"]


@dataclass(frozen=True)
class TwoStrings:
    """A stream of the strings a b1 ... bn and x b1 ... bn, at random; a target unit is 1 at the end of the first.

    A step has a unit for each of the n + 2 symbols and the target unit, and what is to be predicted is the next step.
    Everything but the first symbols can be. A string is judged in the step before its last: right is who predicts the
    last symbol, and of the target unit whether it will be 1, which the first symbol said n steps before.

    J. Schmidhuber: Learning complex, extended sequences using the principle of history compression. Neural Computation
    4(2), 1992; there n = 20. Steps follow on each other without a break; spans say where strings are.

    Args:
        lag: the number n.
        tolerance: a string is right if all outputs are nearer than this.

    >>> drawn = TwoStrings(lag=2).draw(np.random.default_rng(0), 2)
    >>> drawn.inputs.astype(int).tolist()  # x b1 b2, a b1 b2, and whether it was a
    [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]]
    """

    lag: int = 20
    tolerance: float = 0.25

    def __post_init__(self) -> None:
        if self.lag < 1:
            raise ValueError(f"lag must be at least 1, got {self.lag}")

    @property
    def input_size(self) -> int:
        """The number of symbols, and the target unit."""
        return self.lag + 3

    @property
    def output_size(self) -> int:
        """The same: the next step is predicted."""
        return self.lag + 3

    def draw(self, rng: np.random.Generator, count: int) -> AtEnds:
        """Draws ``count`` strings as an :class:`AtEnds`, which are one stream.

        The last step's target, the first of a string that is not drawn yet, is none.
        """
        first, length = rng.integers(0, 2, count), self.lag + 1  # 0 for a, 1 for x
        codes = np.tile(np.arange(1, length + 1), (count, 1))
        codes[:, 0] = first
        inputs = np.zeros((count * length, self.input_size), np.float32)
        inputs[np.arange(count * length), codes.ravel()] = 1
        inputs[self.lag :: length, -1] = first == 0
        targets = np.concatenate([inputs[1:], np.full((min(count, 1), self.input_size), np.nan, np.float32)])
        begin = np.arange(count) * length
        return AtEnds(inputs, targets, np.stack([begin, begin + self.lag], 1))

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges each string's prediction of its last step, ``[strings]``."""
        return (np.abs(outputs - drawn.wanted(self.output_size)) < self.tolerance).all(axis=1)
