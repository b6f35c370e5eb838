"""What the targets so far say of the next one: simple forecasts, and how far they are off."""

from __future__ import annotations

from math import isnan

import numpy as np

from carrousel._format import MOST, Arrays, fitted, whole
from carrousel._jit import entry
from carrousel.streams._standardise import LARGEST, WINDOW, nearer, standard

__all__ = ["LONGEST", "MOST_SEASONS", "Ahead", "Past"]

LONGEST = 100_000
"""Lines in a season, at most: so many targets are kept."""
MOST_SEASONS = 4
GOAL_CUT = 5.0
"""Errors of a simple forecast are learned as if they were not larger than so many times their usual size."""

MEAN, LAST, SEASONAL = range(3)  # the simple forecasts; each season has two of them
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

    The simple forecasts are the running mean; the last target; and of each season the target a season before, and the
    last target with the change since then a season before: from the step of the last target to this one. The past of
    which networks see something is the last target, its change from the one before, and the seasonal forecasts, as far
    as they are from the last target.

    Args:
        used: whether more is to be known than the running mean.
        seasons: targets in each season, in ascending order.
    """

    def __init__(self, used: bool, seasons: tuple[int, ...]) -> None:
        self.used, self.seasons = used, seasons if used else ()
        self.simple = 2 + 2 * len(self.seasons) if used else 1
        self.learned = list(range(LAST, self.simple)) if used else [MEAN]
        self.input_size = self.simple if used else 0
        self._seasons = np.array(self.seasons, np.int64)
        slots = max(self.seasons, default=0) + 1
        self._declared = {
            "ring": ((slots,), np.float64),
            "known": ((slots,), np.uint8),
            "before": ((len(self.seasons),), np.float64),
            "before_known": ((len(self.seasons),), np.uint8),
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
        if not all((arrays[name] <= 1).all() for name in ("known", "before_known")):
            raise ValueError("it holds a target that is neither known nor missing")
        if not all((np.abs(arrays[name]) <= 4 * LARGEST).all() for name in ("ring", "before", "numbers")):
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
        _advance(self._seasons, *self.arrays.values(), targets, ahead.simple, ahead.scales, ahead.inputs, ahead.goals)
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
def _advance(seasons, ring, known, before, before_known, counts, numbers, targets, simple, scales, inputs, goals):
    slots = len(ring)
    for t in range(len(targets)):
        last, now = numbers[VALUE], counts[STEPS] % slots
        simple[t, MEAN] = numbers[MIDDLE]
        if len(simple[t]) > LAST:
            simple[t, LAST] = last
            inputs[t, 0] = standard(last, numbers[MIDDLE], numbers[SPREAD])
            inputs[t, 1] = standard(numbers[CHANGE], 0.0, numbers[CHANGES])
        for k in range(len(seasons)):
            then, at = (now + slots - seasons[k]) % slots, SEASONAL + 2 * k
            simple[t, at] = ring[then] if known[then] else last
            simple[t, at + 1] = last + ring[then] - before[k] if known[then] and before_known[k] else last
            inputs[t, at] = standard(simple[t, at] - last, 0.0, numbers[CHANGES])
            inputs[t, at + 1] = standard(simple[t, at + 1] - last, 0.0, numbers[CHANGES])
        for k in range(len(simple[t])):
            scales[t, k] = numbers[ERRORS + k]
            goals[t, k] = np.nan
        target = targets[t]
        counts[STEPS] = min(counts[STEPS] + 1, MOST)
        if isnan(target):
            known[now] = 0
            numbers[CHANGE] = 0.0
            continue
        for k in range(len(seasons)):
            then = (now + slots - seasons[k]) % slots
            before[k], before_known[k] = ring[then], known[then]
        ring[now], known[now] = target, 1
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
