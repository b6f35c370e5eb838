"""Predict the next symbol, the last being the first: noise-free, and with nothing regular in between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel.tasks._drawn import AtEnds, Drawn, near

__all__ = ["NoRegularities", "NoiseFreeLag"]


@dataclass(frozen=True)
class NoiseFreeLag:
    """Predict the next symbol of two sequences: (y, a_1, ..., a_{p-1}, y) and (x, a_1, ..., a_{p-1}, x).

    Each comes with probability 0.5. All symbols but the last can be told from the one before; to predict the last, the
    first must be remembered for p steps. There are p + 1 symbols, input units and output units, in the order a_1 ...
    a_{p-1}, x, y. The last symbol of a sequence is a target only, so a sequence has p steps.

    Hochreiter & Schmidhuber 1997, experiment 2a.

    Args:
        p: the lag.
        tolerance: a network is right if every output is nearer than this to its target.

    >>> task = NoiseFreeLag(4)
    >>> both = task.encode([0, 1])
    >>> both.inputs.tolist(), both.targets.tolist()
    ([3, 0, 1, 2, 4, 0, 1, 2], [0, 1, 2, 3, 0, 1, 2, 4])
    """

    p: int = 100
    tolerance: float = 0.25

    def __post_init__(self) -> None:
        if self.p < 2:
            raise ValueError(f"p must be at least 2, got {self.p}")

    @property
    def input_size(self) -> int:
        """The number of symbols."""
        return self.p + 1

    @property
    def output_size(self) -> int:
        """The number of symbols."""
        return self.p + 1

    def draw(self, rng: np.random.Generator, count: int) -> Drawn:
        """Draws ``count`` sequences as a :class:`Drawn`, both kinds equally probable."""
        return self.encode([0, 1]).chosen(rng.integers(0, 2, count))

    def encode(self, kinds: list[int] | np.ndarray) -> Drawn:
        """Codes sequences of these kinds, 0 for x and 1 for y, as a :class:`Drawn`."""
        middle = np.arange(self.p - 1)
        return Drawn(*self._coded(np.asarray(kinds, np.int64), np.broadcast_to(middle, (len(kinds), self.p - 1))))

    def _coded(self, kinds: np.ndarray, middle: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns inputs, targets and spans, from each one's kind and symbols in between, ``[sequences, p - 1]``."""
        ends = (self.p - 1 + kinds)[:, None]
        text = np.concatenate([ends, middle, ends], 1)  # [sequences, p + 1]
        begin = np.arange(len(kinds)) * self.p
        return text[:, :-1].ravel(), text[:, 1:].ravel(), np.stack([begin, begin + self.p], 1)

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges the steps that ``drawn.judged`` names: whether all outputs are near enough to their targets."""
        return near(outputs, drawn.wanted(self.output_size), self.tolerance)


@dataclass(frozen=True)
class NoRegularities(NoiseFreeLag):
    """The same with p - 1 random symbols in between, each of a_1 ... a_{p-1} equally probable at every place.

    Nothing can be predicted but the last symbol, and the criterion asks for nothing else.

    Hochreiter & Schmidhuber 1997, experiment 2b.

    >>> drawn = NoRegularities(4).draw(np.random.default_rng(0), 2)
    >>> drawn.inputs.tolist(), drawn.answers.tolist()
    ([4, 1, 0, 0, 4, 0, 0, 0], [4, 4])
    """

    def draw(self, rng: np.random.Generator, count: int) -> AtEnds:
        """Draws ``count`` sequences as an :class:`AtEnds`, both kinds equally probable."""
        kinds = rng.integers(0, 2, count)
        return AtEnds(*self._coded(kinds, rng.integers(0, self.p - 1, (count, self.p - 1))))
