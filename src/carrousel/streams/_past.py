"""What the targets so far say of the next one: simple forecasts, and how far they are off."""

from __future__ import annotations

from math import isnan

import numpy as np

from carrousel._format import MOST, Arrays, fitted, whole
from carrousel._jit import entry
from carrousel.streams._standardise import LARGEST, WINDOW, nearer, standard

__all__ = ["LONGEST", "Ahead", "Past"]

LONGEST = 100_000
"""Lines in a season, at most: so many targets are kept."""
GOAL_CUT = 5.0
"""Errors of a simple forecast are learned as if they were not larger than so many times their usual size."""

MEAN, LAST, SEASON, SEASONAL_CHANGE = range(4)  # the simple forecasts
TARGETS, STEPS = range(2)  # places among the counts
VALUE, CHANGE, MIDDLE, SPREAD, CHANGES, ERRORS = range(6)  # places among the numbers; errors are one a forecast


class Ahead:
    """What was known of targets before each of ``n`` records.

    Attributes:
        simple: forecasts ``[n, simple]``.
        scales: the usual size of each forecast's errors ``[n, simple]``.
        inputs: what a network sees of the past ``[n, inputs]``, standardised.
        goals: the forecasts' errors, in units of their usual size ``[n, simple]``; NaN where there is nothing to
            learn.
    """

    def __init__(self, records: int, simple: int, inputs: int) -> None:
        self.simple, self.scales = np.empty((records, simple)), np.empty((records, simple))
        self.inputs, self.goals = np.empty((records, inputs)), np.empty((records, simple))


class Past:
    """The targets so far, in memory that does not grow.

    The simple forecasts are the running mean; the last target; with a season also the target a season before, and the
    last target and the change a season before. The past of which networks see something is the last target, its
    change from the one before, and with a season the two seasonal forecasts, as far as they are from the last target.

    Args:
        used: whether more is to be known than the running mean.
        season: targets in a season, 0 for none.
    """

    def __init__(self, used: bool, season: int) -> None:
        self.used, self.season = used, season if used else 0
        self.simple = 1 if not used else 4 if self.season else 2
        self.learned = [LAST, SEASON, SEASONAL_CHANGE][: self.simple - 1] if used else [MEAN]
        self.input_size = self.simple if used else 0
        self._declared = {
            "ring": ((self.season + 1,), np.float64),
            "known": ((self.season + 1,), np.uint8),
            "counts": ((2,), np.int64),
            "numbers": ((ERRORS + self.simple,), np.float64),
        }
        self.arrays = {name: np.zeros(shape, dtype) for name, (shape, dtype) in self._declared.items()}

    def restore(self, arrays: Arrays) -> None:
        """Takes saved arrays.

        Raises:
            ValueError: no targets could have led to them.
        """
        arrays = fitted(arrays, self._declared)
        steps = whole(int(arrays["counts"][STEPS]), "its number of steps")
        whole(int(arrays["counts"][TARGETS]), "its number of targets", most=steps)
        if not (arrays["known"] <= 1).all():
            raise ValueError("it holds a target that is neither known nor missing")
        if not max(np.abs(arrays["ring"]).max(), np.abs(arrays["numbers"]).max()) <= 4 * LARGEST:
            raise ValueError("it holds targets that are too large")
        if not (arrays["numbers"][SPREAD:] >= 0).all():
            raise ValueError("it holds spreads that are negative")
        self.arrays = arrays

    @property
    def begun(self) -> bool:
        """Whether there was a target."""
        return bool(self.arrays["counts"][TARGETS])

    def learn(self, targets: np.ndarray) -> Ahead:
        """Takes targets ``[n]`` into account, NaN where one is missing, and returns what was known before each."""
        ahead = Ahead(len(targets), self.simple, self.input_size)
        _advance(self.season, *self.arrays.values(), targets, ahead.simple, ahead.scales, ahead.inputs, ahead.goals)
        return ahead

    def look(self, records: int) -> Ahead:
        """Returns what is known before so many records, if all their targets are missing; nothing changes."""
        before = self.arrays
        self.arrays = {name: array.copy() for name, array in before.items()}
        try:
            return self.learn(np.full(records, np.nan))
        finally:
            self.arrays = before


@entry
def _advance(season, ring, known, counts, numbers, targets, simple, scales, inputs, goals):
    for t in range(len(targets)):
        last, now = numbers[VALUE], counts[STEPS] % (season + 1)
        simple[t, MEAN] = numbers[MIDDLE]
        if len(simple[t]) > LAST:
            simple[t, LAST] = last
            inputs[t, 0] = standard(last, numbers[MIDDLE], numbers[SPREAD])
            inputs[t, 1] = standard(numbers[CHANGE], 0.0, numbers[CHANGES])
        if len(simple[t]) > SEASON:
            first, second = now, (now + 1) % (season + 1)  # the targets of a season and a step before, and of a season
            simple[t, SEASON] = ring[second] if known[second] else last
            simple[t, SEASONAL_CHANGE] = last + ring[second] - ring[first] if known[second] and known[first] else last
            inputs[t, 2] = standard(simple[t, SEASON] - last, 0.0, numbers[CHANGES])
            inputs[t, 3] = standard(simple[t, SEASONAL_CHANGE] - last, 0.0, numbers[CHANGES])
        for k in range(len(simple[t])):
            scales[t, k] = numbers[ERRORS + k]
            goals[t, k] = np.nan
        target = targets[t]
        counts[STEPS] = min(counts[STEPS] + 1, MOST)
        known[now] = not isnan(target)
        if isnan(target):
            numbers[CHANGE] = 0.0
            continue
        ring[now] = target
        counts[TARGETS] = min(counts[TARGETS] + 1, MOST)
        count = counts[TARGETS]
        if count == 1:
            numbers[VALUE], numbers[MIDDLE] = target, target
            continue
        window = min(count, WINDOW)
        for k in range(len(simple[t])):
            error, usual = target - simple[t, k], scales[t, k]
            if usual > 0:
                goals[t, k] = min(max(error / usual, -GOAL_CUT), GOAL_CUT)
            numbers[ERRORS + k] += (abs(nearer(error, usual, count)) - usual) / window
        change, off = target - last, target - numbers[MIDDLE]
        numbers[CHANGES] += (abs(nearer(change, numbers[CHANGES], count)) - numbers[CHANGES]) / window
        off = nearer(off, numbers[SPREAD], count)
        numbers[MIDDLE] += off / window
        numbers[SPREAD] += (abs(off) - numbers[SPREAD]) / window
        numbers[VALUE], numbers[CHANGE] = target, change
