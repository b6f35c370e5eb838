"""Where a series stands before a forecast, and in which units it moves there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import boxcox

__all__ = ["POWERS", "Gauge", "in_words", "likeliest_power"]

SAMPLE = 2000  # windows that give the usual scale
LEAST_SHARE = 0.1  # of the usual scale: a window that stands still has no smaller one
POWERS = (0.1, 1.0)  # beside 0, that of the logarithm
OUTERMOST = 700.0  # the largest logarithm whose number float64 holds


def likeliest_power(now: np.ndarray, before: np.ndarray) -> float:
    """Returns the power between 0 and 1 of a Box-Cox transform under which changes of a positive series are most alike.

    It is the likeliest one (Box & Cox 1964) where changes are normal about their mean, with one deviation. Powers below
    0 are left out: forecasts would reach infinity in finite steps.

    Args:
        now: values, [N].
        before: those from which they have changed, [N].
    """
    logs = np.log(now).mean()

    def cost(power: float) -> float:
        deviation = float((boxcox(now, power) - boxcox(before, power)).std())
        return float(np.log(max(deviation, 1e-300)) - (power - 1) * logs)

    return float(minimize_scalar(cost, bounds=(0.0, 1.0), method="bounded").x)


def in_words(power: float | None) -> str:
    """Returns what is looked at, for people; "" for values as they are."""
    if power is None:
        return ""
    return "logarithms" if power == 0 else f"Box-Cox transforms of power {power:.2g}"


@dataclass(frozen=True)
class Gauge:
    """The level and the scale of the target within a window, of its values or of their Box-Cox transforms.

    These are without their constant, ``x**power / power``: small values come back as exactly as large ones.

    Attributes:
        context: rows of the window.
        target: the target's column.
        power: of the transform, from 0, the logarithm, to 1; None looks at values as they are.
        least: what a value counts as that is not positive, or lies far below all of training, if powers are taken.
        floor: the least scale.
    """

    context: int
    target: int
    power: float | None
    least: float
    floor: float

    @classmethod
    def fit(cls, values: np.ndarray, origins: np.ndarray, context: int, target: int, power: float | None) -> Gauge:
        """Returns the gauge whose floor comes from the windows [N] before ``origins``."""
        seen = values[: origins.max(), target]
        first = cls(context, target, power, 0.0 if power is None else float(0.5 * seen.min()), 0.0)
        some = origins[np.linspace(0, len(origins) - 1, min(SAMPLE, len(origins))).astype(int)]
        spread = first.scales(first.windows(values, some))
        usual = float(np.median(spread)) or float(spread.mean())
        return cls(context, target, power, first.least, LEAST_SHARE * usual if usual > 0 else 1.0)

    def up(self, values: np.ndarray) -> np.ndarray:
        """Returns values as they are looked at: themselves, or their transforms."""
        if self.power is None:
            return values
        high = np.maximum(values, self.least)
        return high**self.power / self.power if self.power else np.log(high)

    def down(self, seen: np.ndarray) -> np.ndarray:
        """Returns the values of what ``up`` returned."""
        if self.power is None:
            return seen
        return (
            np.maximum(self.power * seen, 0.0) ** (1 / self.power)
            if self.power
            else np.exp(np.minimum(seen, OUTERMOST))
        )

    def worth(self, values: np.ndarray) -> np.ndarray:
        """Returns how much a value changes with what is looked at, about."""
        return np.ones_like(values) if self.power is None else np.maximum(values, self.least) ** (1 - self.power)

    def windows(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """Returns the target before each origin, [N, context]."""
        return self.up(values[origins[:, None] + np.arange(-self.context, 0), self.target])

    def scales(self, windows: np.ndarray) -> np.ndarray:
        """Returns the mean absolute deviation from the mean of each window, at least the floor, [N]."""
        return np.maximum(np.abs(windows - windows.mean(axis=1, keepdims=True)).mean(axis=1), self.floor)
