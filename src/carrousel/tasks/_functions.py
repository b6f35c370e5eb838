"""Functions drawn anew for every sequence, to be learned within it: what a net that learns to learn is taught by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel.learning._steps import check_counts
from carrousel.tasks._drawn import Drawn, near

__all__ = ["BooleanFunctions", "QuadraticFunctions", "SemilinearFunctions"]

# Of the two-argument Boolean functions, by the bits of their number, those that no line divides.
XOR, XNOR = 0b0110, 0b1001


class _Functions:
    """What the tasks of this file share: inputs are two arguments and the last target, the target is the value."""

    length: int
    tolerance: float

    input_size = 3
    output_size = 1

    def __post_init__(self) -> None:
        check_counts(length=self.length)
        if not self.tolerance > 0:
            raise ValueError(f"tolerance must be above 0, got {self.tolerance}")

    def draw(self, rng: np.random.Generator, count: int) -> Drawn:
        """Draws ``count`` sequences as a :class:`Drawn`, of a function each; its first step has no last target: 0."""
        x = self._arguments(rng, (count, self.length, 2))
        y = self._values(rng, x)
        inputs = np.zeros((count, self.length, 3), np.float32)
        inputs[:, :, :2] = x
        inputs[:, 1:, 2] = y[:, :-1]
        begin = np.arange(count) * self.length
        spans = np.stack([begin, begin + self.length], 1)
        return Drawn(inputs.reshape(-1, 3), y.reshape(-1, 1).astype(np.float32), spans)

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges each step: whether its output is near enough to the function's value, ``[steps]``."""
        return near(outputs, drawn.wanted(1), self.tolerance)

    def _arguments(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return rng.uniform(-1.0, 1.0, shape)

    def _values(self, rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
        """Draws a function for each sequence and returns its values, ``[sequences, steps]``."""
        raise NotImplementedError


@dataclass(frozen=True)
class BooleanFunctions(_Functions):
    """One of the Boolean functions of two arguments for each sequence; arguments and values are 0 and 1.

    S. Hochreiter, A. S. Younger, P. R. Conwell: Learning to learn using gradient descent, 2001.

    Args:
        separable: whether only the 14 that a line divides are drawn, and not XOR and its opposite.
        length: examples of a function.
        tolerance: an output is right if it is nearer than this to the value.

    >>> drawn = BooleanFunctions(length=200).draw(np.random.default_rng(1), 1)
    >>> len({(*x[:2].tolist(), y) for x, y in zip(drawn.inputs, drawn.targets[:, 0].tolist())})  # four cases
    4
    """

    separable: bool = True
    length: int = 64
    tolerance: float = 0.5

    def _arguments(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return rng.integers(0, 2, shape).astype(np.float64)

    def _values(self, rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
        known = [number for number in range(16) if not (self.separable and number in (XOR, XNOR))]
        drawn = rng.choice(known, len(x))[:, None]
        case = 2 * x[:, :, 0].astype(int) + x[:, :, 1].astype(int)
        return ((drawn >> case) & 1).astype(np.float64)


@dataclass(frozen=True)
class SemilinearFunctions(_Functions):
    """A logistic unit of two arguments for each sequence: ``(1 + tanh(a x + b y + c)) / 2``.

    Coefficients and arguments are uniform in [-1, 1]. S. Hochreiter, A. S. Younger, P. R. Conwell: Learning to learn
    using gradient descent, 2001.

    Args:
        length: examples of a function.
        tolerance: an output is right if it is nearer than this to the value.

    >>> SemilinearFunctions(length=5).draw(np.random.default_rng(0), 2).spans.tolist()
    [[0, 5], [5, 10]]
    """

    length: int = 64
    tolerance: float = 0.05

    def _values(self, rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
        a, b, c = rng.uniform(-1.0, 1.0, (3, len(x), 1))
        return 0.5 * (1.0 + np.tanh(a * x[:, :, 0] + b * x[:, :, 1] + c))


@dataclass(frozen=True)
class QuadraticFunctions(_Functions):
    """A quadratic function of two arguments for each sequence: ``a x² + b y² + c x y + d x + e y + f``.

    Coefficients and arguments are uniform in [-1, 1]; values, from -6 to 6, are brought to [0.2, 0.8]. S. Hochreiter,
    A. S. Younger, P. R. Conwell: Learning to learn using gradient descent, 2001.

    Args:
        length: examples of a function.
        tolerance: an output is right if it is nearer than this to the value.

    >>> values = QuadraticFunctions().draw(np.random.default_rng(0), 100).targets
    >>> bool(0.2 <= values.min() and values.max() <= 0.8)
    True
    """

    length: int = 128
    tolerance: float = 0.01

    def _values(self, rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
        a, b, c, d, e, f = rng.uniform(-1.0, 1.0, (6, len(x), 1))
        u, v = x[:, :, 0], x[:, :, 1]
        return 0.5 + 0.05 * (a * u * u + b * v * v + c * u * v + d * u + e * v + f)
