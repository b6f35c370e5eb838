"""The two-sequence problem: to which of two classes a sequence belongs, signal and noise being on one channel."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from carrousel.tasks._drawn import Drawn, WithGoals, ends_only, near, random_spans, steps

__all__ = ["TwoSequence"]

NOISE = 0.2
"""The variance of the inputs' noise."""

TARGET_NOISE = 0.1
"""The variance of the targets' noise in 3c."""


@dataclass(frozen=True)
class TwoSequence:
    """Tell two classes apart by the first elements of a long, noisy sequence of numbers.

    The first N elements are 1 in class 1 and -1 in class 2; both are equally probable. All further elements are
    Gaussian noise of variance 0.2. Lengths are uniform from T to T + T/10. In the end the output should be 1 for
    class 1 and 0 for class 2; a sequence is classified if it is off by less than 0.2.

    Bengio, Simard & Frasconi 1994; Hochreiter & Schmidhuber 1997, experiment 3.

    Args:
        T: the least length.
        N: how many elements tell the class.
        noisy_signal: the noise is added to these elements too (3b).
        noisy_targets: the output should be 0.2 for class 1 and 0.8 for class 2, and what is learned from has Gaussian
            noise of variance 0.1; a sequence is classified if the output is off by at most 0.1 from the target
            without noise (3c).

    Raises:
        ValueError: N is not from 1 to T.

    >>> drawn = TwoSequence(T=20, N=2).draw(np.random.default_rng(0), 3)
    >>> drawn.goals[:, 0].tolist()
    [0.0, 1.0, 1.0]
    >>> drawn.inputs[drawn.spans[:, 0], 0].tolist()
    [-1.0, 1.0, 1.0]
    """

    T: int = 100
    N: int = 3
    noisy_signal: bool = False
    noisy_targets: bool = False

    input_size = 1
    output_size = 1

    def __post_init__(self) -> None:
        if not 1 <= self.N <= self.T:
            raise ValueError(f"N must be from 1 to T, which is {self.T}; got {self.N}")

    @property
    def tolerance(self) -> float:
        """How far off the output can be."""
        return 0.1 if self.noisy_targets else 0.2

    def draw(self, rng: np.random.Generator, count: int) -> WithGoals:
        """Draws ``count`` sequences as a :class:`WithGoals`."""
        spans = random_spans(rng, count, self.T, self.T + self.T // 10)
        x = rng.standard_normal((steps(spans), 1), np.float32)
        x *= np.float32(sqrt(NOISE))
        first = rng.integers(0, 2, (count, 1)) == 0
        signal = np.where(first, np.float32(1), np.float32(-1))
        places = spans[:, :1] + np.arange(self.N)
        x[places, 0] = x[places, 0] + signal if self.noisy_signal else signal
        goals = np.where(first, 0.2, 0.8) if self.noisy_targets else np.where(first, 1.0, 0.0)
        noise = rng.normal(0.0, sqrt(TARGET_NOISE), goals.shape) if self.noisy_targets else 0.0
        return WithGoals(x, ends_only(spans, goals + noise), spans, goals)

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges each sequence's last output: whether it is near enough to its goal, ``[sequences]``."""
        return near(outputs, drawn.wanted(1), self.tolerance, inclusive=self.noisy_targets)
