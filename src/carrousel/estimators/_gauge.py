"""Where a series stands before a forecast, and in which units it moves there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Gauge"]

SAMPLE = 2000  # windows that give the usual scale
LEAST_SHARE = 0.1  # of the usual scale: a window that stands still has no smaller one
OUTERMOST = 700.0  # the largest logarithm whose number float64 holds


@dataclass(frozen=True)
class Gauge:
    """The level and the scale of the target within a window, of its values or of their logarithms.

    Attributes:
        context: rows of the window.
        target: the target's column.
        log: whether logarithms are taken.
        least: what a value counts as whose logarithm does not exist, or lies far below all of training.
        floor: the least scale.
    """

    context: int
    target: int
    log: bool
    least: float
    floor: float

    @classmethod
    def fit(cls, values: np.ndarray, origins: np.ndarray, context: int, target: int, log: bool) -> Gauge:
        """Returns the gauge whose floor comes from the windows [N] before ``origins``."""
        seen = values[: origins.max(), target]
        first = cls(context, target, log, float(0.5 * seen.min()) if log else 0.0, 0.0)
        some = origins[np.linspace(0, len(origins) - 1, min(SAMPLE, len(origins))).astype(int)]
        spread = first.scales(first.windows(values, some))
        usual = float(np.median(spread)) or float(spread.mean())
        return cls(context, target, log, first.least, LEAST_SHARE * usual if usual > 0 else 1.0)

    def up(self, values: np.ndarray) -> np.ndarray:
        """Returns values as they are looked at: themselves, or their logarithms."""
        return np.log(np.maximum(values, self.least)) if self.log else values

    def down(self, seen: np.ndarray) -> np.ndarray:
        """Returns the values of what ``up`` returned."""
        return np.exp(np.minimum(seen, OUTERMOST)) if self.log else seen

    def windows(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """Returns the target before each origin, [N, context]."""
        return self.up(values[origins[:, None] + np.arange(-self.context, 0), self.target])

    def scales(self, windows: np.ndarray) -> np.ndarray:
        """Returns the mean absolute deviation from the mean of each window, at least the floor, [N]."""
        return np.maximum(np.abs(windows - windows.mean(axis=1, keepdims=True)).mean(axis=1), self.floor)
