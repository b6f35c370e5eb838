"""What observations and actions can be, where gymnasium is not installed: a few values, or numbers in a range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Box", "Discrete"]


@dataclass(frozen=True)
class Discrete:
    """The whole numbers from 0 to n - 1.

    >>> Discrete(3).contains(2), Discrete(3).contains(3), Discrete(3).contains(True)
    (True, False, False)
    """

    n: int

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"a space needs a value, got n = {self.n}")

    def contains(self, x: Any, /) -> bool:
        """Says whether x is one of the numbers."""
        return isinstance(x, int | np.integer) and not isinstance(x, bool) and 0 <= int(x) < self.n

    def sample(self, rng: np.random.Generator | None = None) -> int:
        """Draws one of the numbers, all equally probable."""
        return int((rng or np.random.default_rng()).integers(self.n))


@dataclass(frozen=True)
class Box:
    """Arrays of float32 of a shape, all numbers between ``low`` and ``high``, which can be infinite.

    >>> Box((2,), 0.0, 1.0).contains(np.float32([0.5, 1.0])), Box((2,), 0.0, 1.0).contains(np.float32([0.5, 2.0]))
    (True, False)
    """

    shape: tuple[int, ...]
    low: float = -np.inf
    high: float = np.inf

    dtype = np.dtype(np.float32)

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"low must be at most high, got {self.low} and {self.high}")

    def contains(self, x: Any, /) -> bool:
        """Says whether x is such an array."""
        if not isinstance(x, np.ndarray) or x.shape != self.shape or not np.can_cast(x.dtype, self.dtype):
            return False
        return bool(((x >= self.low) & (x <= self.high)).all())

    def sample(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Draws an array: uniform between two bounds, normal without any, exponential away from a single one."""
        rng = rng or np.random.default_rng()
        if np.isfinite(self.low) and np.isfinite(self.high):
            return rng.uniform(self.low, self.high, self.shape).astype(self.dtype)
        if np.isfinite(self.low):
            return (self.low + rng.exponential(size=self.shape)).astype(self.dtype)
        if np.isfinite(self.high):
            return (self.high - rng.exponential(size=self.shape)).astype(self.dtype)
        return rng.standard_normal(self.shape).astype(self.dtype)
