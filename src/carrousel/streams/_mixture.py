"""Forecasts side by side, of which those that were better of late count more."""

from __future__ import annotations

from math import isnan, log

import numpy as np

from carrousel._format import MOST, Arrays, fitted, whole
from carrousel._jit import entry, jit

__all__ = ["KEPT", "Mixture", "Ranks", "Weighing"]

FADING = 0.99
"""What a line's loss counts when the next one is there: the last hundred count, about."""
SHARPNESS = 20.0
"""A forecast whose recent loss is twice the least counts 2 to the power of minus this."""
MOST_AT_ONCE = 20.0
"""A single error counts at most as so many usual ones."""
KEPT = 1000
"""Errors among which a new one has its rank."""


class _Losses:
    """Recent losses of forecasts."""

    def __init__(self, forecasts: int) -> None:
        self.losses = np.zeros(forecasts)

    def restore(self, arrays: Arrays) -> None:
        """Takes saved arrays.

        Raises:
            ValueError: they are not of so many forecasts, or negative.
        """
        self.losses = fitted(arrays, {"losses": (self.losses.shape, np.float64)})["losses"]
        if not (self.losses >= 0).all():
            raise ValueError("it holds losses that are negative")

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What is saved."""
        return {"losses": self.losses}


class Mixture(_Losses):
    """Weighs forecasts of numbers by their recent errors; the least one gets the most weight, whatever its unit.

    A forecast's weight is proportional to its recent loss to the power of -20. The loss is the sum of its absolute
    errors, each line's counting 0.99 times as much when the next one is there.
    """

    @property
    def weights(self) -> np.ndarray:
        """What each forecast counts, ``[forecasts]``; their sum is 1."""
        weights = np.empty(len(self.losses))
        _weigh(self.losses, weights)
        return weights

    def learn(self, forecasts: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Returns the mixed forecasts ``[n]``, each before its target counts."""
        said = np.empty(len(targets))
        _mix(self.losses, np.empty(len(self.losses)), forecasts, targets, said)
        return said

    def look(self, forecasts: np.ndarray) -> np.ndarray:
        """Returns the mixed forecasts ``[n]``; nothing changes."""
        return (forecasts * self.weights).sum(1)


class Weighing(_Losses):
    """Weighs forecasts of probabilities by the logarithms of what they gave to the classes that came.

    A forecast's weight is proportional to the product of these probabilities, each to the power of 0.99 for every line
    since.
    """

    @property
    def weights(self) -> np.ndarray:
        """What each forecast counts, ``[forecasts]``; their sum is 1."""
        weights = np.exp(self.losses.min() - self.losses)
        return weights / weights.sum()

    def learn(self, forecasts: np.ndarray, code: int) -> np.ndarray:
        """Returns the mixed probabilities ``[classes]`` of ``[forecasts, classes]``; then the class counts."""
        said = self.look(forecasts)
        self.losses = FADING * self.losses - np.log(np.maximum(np.nan_to_num(forecasts[:, code]), 1e-6))
        return said

    def look(self, forecasts: np.ndarray) -> np.ndarray:
        """Returns the mixed probabilities ``[classes]``; nothing changes."""
        return self.weights @ forecasts


class Ranks:
    """The last thousand errors, among which a new one has its rank."""

    def __init__(self) -> None:
        self.errors, self.count = np.zeros(KEPT), np.zeros(1, np.int64)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What is saved."""
        return {"errors": self.errors, "count": self.count}

    def restore(self, arrays: Arrays) -> None:
        """Takes saved arrays.

        Raises:
            ValueError: they are no errors.
        """
        declared = {"errors": ((KEPT,), np.float64), "count": ((1,), np.int64)}
        arrays = fitted(arrays, declared)
        whole(int(arrays["count"][0]), "its number of errors")
        if not (arrays["errors"] >= 0).all():
            raise ValueError("it holds errors that are negative")
        self.errors, self.count = arrays["errors"], arrays["count"]

    def learn(self, errors: np.ndarray) -> None:
        """Takes errors ``[n]`` into account; those that are NaN are none."""
        for error in errors[~np.isnan(errors)][-KEPT:]:
            self.errors[self.count[0] % KEPT] = error
            self.count[0] = min(self.count[0] + 1, MOST)

    def rank(self, error: float) -> float:
        """Returns the share of the errors that are smaller, equal ones counted half; 0.5 if there are none."""
        kept = self.errors[: self.count[0]]
        if not len(kept):
            return 0.5
        return float(((kept < error).sum() + 0.5 * (kept == error).sum()) / len(kept))


@jit
def _weigh(losses, weights):
    least, total = losses.min(), 0.0
    for k in range(len(losses)):
        if least > 0:
            weights[k] = np.exp(-SHARPNESS * log(losses[k] / least))
        else:
            weights[k] = losses[k] == 0
        total += weights[k]
    for k in range(len(losses)):
        weights[k] /= total


@entry
def _mix(losses, weights, forecasts, targets, said):
    for t in range(len(targets)):
        _weigh(losses, weights)
        said[t] = 0
        for k in range(len(losses)):
            said[t] += weights[k] * forecasts[t, k]
        if isnan(targets[t]):
            continue
        for k in range(len(losses)):
            error = abs(forecasts[t, k] - targets[t])
            most = MOST_AT_ONCE * (1 - FADING) * losses[k] if losses[k] > 0 else 1e150
            if not error <= most:  # nor is it NaN
                error = most
            losses[k] = FADING * losses[k] + error
