"""How the places of a grid follow each other: by a fixed step, by months, or by an offset of pandas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset, DateOffset, Day, Tick, Week

from carrousel._format import MOST

__all__ = ["DAY", "Calendar", "Fixed", "Months", "Rule", "rule_of", "word_of"]

DAY = pd.Timedelta(1, "D")
FARTHEST = 10**6  # steps of an offset that are counted one by one
UNITS_IN_SECOND = {"us": 10**6, "ns": 10**9}

# Ticks are int64: microseconds or nanoseconds of a clock without a zone, ordinals of periods, or whole numbers.


@dataclass(frozen=True)
class Fixed:
    """Places that are ``step`` ticks apart."""

    step: int

    def number(self, ticks: np.ndarray, anchor: int, unit: str) -> np.ndarray:
        """Returns the number of the last place at or before each tick; the anchor's is 0."""
        return (ticks - anchor) // self.step

    def ticks(self, numbers: np.ndarray, anchor: int, unit: str) -> np.ndarray:
        """Returns the tick of each numbered place."""
        return anchor + numbers * self.step


@dataclass(frozen=True)
class Months:
    """Places on one day of every ``months``-th month, on a month's last day where it has no such day."""

    months: int
    day: int

    def number(self, ticks: np.ndarray, anchor: int, unit: str) -> np.ndarray:
        """As in Fixed."""
        month, first = (np.asarray(t).astype(f"M8[{unit}]").astype("M8[M]").astype(np.int64) for t in (ticks, anchor))
        numbers = (month - first) // self.months
        return numbers - (self.ticks(numbers, anchor, unit) > ticks)

    def ticks(self, numbers: np.ndarray, anchor: int, unit: str) -> np.ndarray:
        """As in Fixed."""
        begin = np.int64(anchor).astype(f"M8[{unit}]")
        months = begin.astype("M8[M]") + numbers * self.months
        days = months.astype("M8[D]")
        last = ((months + 1).astype("M8[D]") - days).astype(np.int64)
        days = days + (np.minimum(self.day, last) - 1)
        clock = (begin - begin.astype("M8[D]")).astype(np.int64)
        return days.astype(f"M8[{unit}]").astype(np.int64) + clock


@dataclass(frozen=True)
class Calendar:
    """Places that an offset of pandas gives one after another."""

    offset: BaseOffset

    def number(self, ticks: np.ndarray, anchor: int, unit: str) -> np.ndarray:
        """As in Fixed.

        Raises:
            ValueError: a place is more than a million steps away.
        """
        low, high = int(ticks.min(initial=anchor)), int(ticks.max(initial=anchor))
        later, earlier = self._walk(anchor, high, unit, 1), self._walk(anchor, low, unit, -1)
        if low < anchor and (len(earlier) == 1 or earlier[-1] > low):
            earlier = np.append(earlier, self._next(int(earlier[-1]), unit, -1))
        line = np.concatenate([earlier[:0:-1], later])
        return np.searchsorted(line, ticks, "right") - len(earlier)

    def ticks(self, numbers: np.ndarray, anchor: int, unit: str) -> np.ndarray:
        """As in Fixed."""
        first, last = min(0, int(numbers.min(initial=0))), max(0, int(numbers.max(initial=0)))
        if max(-first, last) > FARTHEST:
            raise ValueError(f"a place is more than {FARTHEST:,} steps of {word_of(self.offset)} away")
        later, earlier = self._line(anchor, last + 1, unit, 1), self._line(anchor, 1 - first, unit, -1)
        return np.concatenate([earlier[:0:-1], later])[numbers - first]

    def _walk(self, anchor: int, end: int, unit: str, way: int) -> np.ndarray:
        """Returns the places from the anchor, which is one, to ``end``, in this direction."""
        start, stop = (pd.Timestamp(np.int64(tick).astype(f"M8[{unit}]")) for tick in (anchor, end))
        if (stop - start) * way <= pd.Timedelta(0):
            return np.array([anchor])
        step = abs(self._next(anchor, unit, 1) - anchor)
        if abs(end - anchor) > FARTHEST * max(step, UNITS_IN_SECOND[unit]):
            raise ValueError(f"{stop} is more than {FARTHEST:,} steps of {word_of(self.offset)} from {start}")
        return _ticks(pd.date_range(start, stop, freq=way * self.offset, unit=unit))

    def _next(self, tick: int, unit: str, way: int) -> int:
        return int(self._line(tick, 2, unit, way)[-1])

    def _line(self, tick: int, count: int, unit: str, way: int) -> np.ndarray:
        """Returns ``count`` places from one on, in this direction."""
        start = pd.Timestamp(np.int64(tick).astype(f"M8[{unit}]"))
        # Some offsets refuse a range of one place.
        return _ticks(pd.date_range(start, periods=max(2, count), freq=way * self.offset, unit=unit))[:count]


Rule: TypeAlias = Fixed | Months | Calendar


def rule_of(offset: BaseOffset, first: pd.Timestamp, unit: str) -> tuple[Rule, bool]:
    """Returns an offset's rule, and whether it goes by the clock on the wall, which daylight saving moves.

    Args:
        offset: a step forward.
        first: a place.
        unit: of the ticks.

    Raises:
        ValueError: it is no step forward.
    """
    if offset.n < 1:
        raise ValueError(f"the frequency {word_of(offset)} goes backward; sort the rows by time, oldest first")
    second = UNITS_IN_SECOND[unit]
    if isinstance(offset, Tick):
        nanoseconds = offset.nanos if hasattr(offset, "nanos") else pd.Timedelta(offset).value
        if nanoseconds % (10**9 // second):
            raise ValueError(f"the frequency {word_of(offset)} is finer than the times, which are in {unit}")
        return Fixed(_small(nanoseconds * second // 10**9)), False
    if isinstance(offset, Day) or (isinstance(offset, Week) and offset.weekday is None):
        return Fixed(_small(offset.n * (1 if isinstance(offset, Day) else 7) * 86_400 * second)), True
    if type(offset) is DateOffset and set(offset.kwds) <= {"months", "years"} and offset.kwds:
        months = offset.n * (offset.kwds.get("months", 0) + 12 * offset.kwds.get("years", 0))
        if months < 1:
            raise ValueError(f"the frequency {word_of(offset)} goes backward; sort the rows by time, oldest first")
        return Months(_small(months), first.day), True
    return Calendar(offset), True


def word_of(offset: BaseOffset) -> str:
    """Returns an offset's short name, or its description where it has none."""
    try:
        return offset.freqstr
    except NotImplementedError:
        return repr(offset)


def _small(step: int) -> int:
    if not 1 <= step <= MOST * 1000 or not math.isfinite(step):
        raise ValueError(f"a step of {step} is beyond reason")
    return int(step)


def _ticks(index: pd.DatetimeIndex) -> np.ndarray:
    return np.asarray(index.asi8)
