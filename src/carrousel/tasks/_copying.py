"""The copying problem: say ten symbols again after a long wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel.tasks._drawn import Drawn

__all__ = ["Copying"]

SYMBOLS, COPIED = 8, 10
BLANK, NOW = SYMBOLS, SYMBOLS + 1


@dataclass(frozen=True)
class Copying:
    """Read ten symbols, wait for T steps, and say them again.

    The first ten elements are drawn from eight symbols; T - 1 blanks follow, then a delimiter, then ten blanks. The
    output should be the blank for T + 10 steps and the ten symbols in the last ten. Who knows nothing but the form, and
    so guesses the ten symbols, has a mean cross-entropy of 10 ln 8 / (T + 20).

    Arjovsky, Shah & Bengio 2015, section 4.1, after Hochreiter & Schmidhuber 1997.

    Args:
        T: the steps of waiting, at least 1.

    Raises:
        ValueError: T is less.

    >>> drawn = Copying(T=5).draw(np.random.default_rng(0), 1)
    >>> drawn.inputs[:10].tolist() == drawn.targets[-10:].tolist(), len(drawn.inputs)
    (True, 25)
    """

    T: int = 100

    input_size = SYMBOLS + 2
    output_size = SYMBOLS + 1

    def __post_init__(self) -> None:
        if self.T < 1:
            raise ValueError(f"T must be at least 1, got {self.T}")

    @property
    def chance(self) -> float:
        """The mean cross-entropy of a step, in nats, for one who guesses the symbols."""
        return COPIED * float(np.log(SYMBOLS)) / (self.T + 2 * COPIED)

    def draw(self, rng: np.random.Generator, count: int) -> Drawn:
        """Draws ``count`` sequences as a :class:`Drawn`."""
        length = self.T + 2 * COPIED
        symbols = rng.integers(0, SYMBOLS, (count, COPIED))
        inputs = np.full((count, length), BLANK, np.int64)
        inputs[:, :COPIED], inputs[:, COPIED + self.T - 1] = symbols, NOW
        targets = np.full((count, length), BLANK, np.int64)
        targets[:, -COPIED:] = symbols
        begin = np.arange(count) * length
        return Drawn(inputs.ravel(), targets.ravel(), np.stack([begin, begin + length], 1))

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges each step: whether its greatest output is the one that should be, ``[steps]``."""
        targets = drawn.targets[drawn.judged]
        return outputs[np.arange(len(targets)), targets] >= outputs.max(1)
