"""How the steps of a grid of time follow each other: at one distance, by months, or by an offset of pandas.

Ticks are int64: microseconds or nanoseconds of a clock without a zone, ordinals of periods, or whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset, DateOffset, Day, Tick, Week

__all__ = ["DAY", "IN_SECOND", "ByOffset", "Fixed", "Months", "Rule", "rule_of", "word_of"]

DAY = pd.Timedelta(1, "D")
FARTHEST = 10**6  # steps of an offset that are counted one by one
IN_SECOND = {"us": 10**6, "ns": 10**9}
DAYS, CLOCK = {"weeks", "days"}, {"hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"}


@dataclass(frozen=True)
class Fixed:
    """Steps that are ``step`` ticks apart."""

    step: int

    def number(self, ticks: np.ndarray, anchor: int, unit: str) -> np.ndarray:
        """Returns the number of the last step at or before each tick; the anchor's is 0.

        Raises:
            ValueError: one is too far away.
        """
        if len(ticks) and max(abs(int(ticks.min()) - anchor), abs(int(ticks.max()) - anchor)) >= 2**63:
            raise ValueError("two of its times are farther apart than 64 bits tell")
        return (ticks - anchor) // self.step

    def ticks(self, numbers: np.ndarray, anchor: int, unit: str) -> np.ndarray:
        """Returns the tick of each numbered step."""
        return anchor + numbers * self.step


@dataclass(frozen=True)
class Months:
    """Steps on one day of every ``months``-th month, on a month's last day where it has no such day."""

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
class ByOffset:
    """Steps that an offset of pandas makes one after another.

    Attributes:
        offset: a step.
        evening: where the times begin at the closing hour of business: that tick, and that of the next opening hour,
            which is the same moment of business, and at which steps from elsewhere arrive; None for all other times.
    """

    offset: BaseOffset
    evening: tuple[int, int] | None = None

    @classmethod
    def begun(cls, offset: BaseOffset, first: int, unit: str) -> ByOffset:
        """Returns the rule of times that begin at a tick."""
        back = _range(first, unit, -1 * offset, periods=2)[-1]
        again = int(_range(int(back), unit, offset, periods=2)[-1])
        return cls(offset, None if again == first else (first, again))

    def number(self, ticks: np.ndarray, anchor: int, unit: str) -> np.ndarray:
        """As in Fixed."""
        if self.evening is not None and anchor != self.evening[0]:
            ticks = np.where(ticks == self.evening[0], self.evening[1], ticks)
        low, high = int(ticks.min(initial=anchor)), int(ticks.max(initial=anchor))
        line = self._line(anchor, high, unit)
        earlier = len(self._back(anchor, unit, end=low)) if low < anchor else 0
        if earlier:
            line = np.concatenate([self._before(earlier, anchor, unit), line])
        return np.searchsorted(line, ticks, "right") - 1 - earlier

    def ticks(self, numbers: np.ndarray, anchor: int, unit: str) -> np.ndarray:
        """As in Fixed."""
        first, last = int(numbers.min(initial=0)), int(numbers.max(initial=0))
        if max(-first, last) > FARTHEST:
            raise ValueError(f"a time is more than {FARTHEST:,} steps of {word_of(self.offset)} away")
        later = np.array([anchor])
        if last:
            later = _range(anchor, unit, self.offset, periods=last + 1)
        line = np.concatenate([self._before(-first, anchor, unit), later])
        if self.evening is not None:
            line[line == self.evening[1]] = self.evening[0]
        return line[numbers - first]

    def _line(self, anchor: int, end: int, unit: str) -> np.ndarray:
        """Returns the steps from the anchor on, up to ``end``."""
        self._refuse_far(anchor, end, unit)
        return _range(anchor, unit, self.offset, end=end) if end > anchor else np.array([anchor])

    def _back(self, anchor: int, unit: str, **until: int) -> np.ndarray:
        """Returns the times that one comes to in steps backward from the anchor."""
        if "end" in until:
            self._refuse_far(anchor, until["end"], unit)
        return _range(anchor, unit, -1 * self.offset, **until)

    def _before(self, count: int, anchor: int, unit: str) -> np.ndarray:
        """Returns the last ``count`` steps before the anchor."""
        if count == 0:
            return np.array([], dtype=np.int64)
        # Hours of business come to an evening backward, and to the morning after it forward: only the first is so.
        start = int(self._back(anchor, unit, periods=count + 2)[-1])
        return _range(start, unit, self.offset, end=anchor)[-count - 1 : -1]

    def _refuse_far(self, anchor: int, end: int, unit: str) -> None:
        step = int(_range(anchor, unit, self.offset, periods=2)[1]) - anchor
        if abs(end - anchor) > FARTHEST * max(step, IN_SECOND[unit]):
            raise ValueError(f"a time is more than {FARTHEST:,} steps of {word_of(self.offset)} away")


Rule: TypeAlias = Fixed | Months | ByOffset


def rule_of(offset: BaseOffset, first: pd.Timestamp, unit: str) -> tuple[Rule, bool]:
    """Returns an offset's rule, and whether it goes by the clock on the wall, which daylight saving moves.

    Args:
        offset: a step forward.
        first: the time of a step.
        unit: of the ticks.

    Raises:
        ValueError: it is no step forward, or finer than the ticks.
    """
    word, second = word_of(offset), IN_SECOND[unit]
    parts = offset.kwds if type(offset) is DateOffset else {}
    months = offset.n * (parts.get("months", 0) + 12 * parts.get("years", 0))
    if offset.n < 1 or (parts and set(parts) <= {"months", "years"} and months < 1):
        raise ValueError(f"the frequency {word} goes backward; sort the rows by time, oldest first")
    if parts and set(parts) <= {"months", "years"}:
        return Months(int(months), first.day), True
    weekly = isinstance(offset, Week) and offset.weekday is None
    if isinstance(offset, Day) or weekly or (parts and set(parts) <= DAYS):
        step = pd.Timedelta(**parts) if parts else 7 * DAY if weekly else DAY
    elif isinstance(offset, Tick):
        step = pd.Timedelta(offset) / offset.n
    elif parts and set(parts) <= CLOCK:
        step = pd.Timedelta(**parts)
    elif not offset.is_on_offset(first):
        raise ValueError(f"{first} is no time of the frequency {word}")
    else:
        return ByOffset.begun(offset, clock_of(first, unit), unit), True
    ticks, finer = divmod(offset.n * int(step.as_unit("ns").value) * second, 10**9)
    if ticks < 1 or finer:
        raise ValueError(f"the frequency {word} is no step forward, or finer than the times")
    return Fixed(ticks), step % DAY == pd.Timedelta(0) and not isinstance(offset, Tick)


def clock_of(time: pd.Timestamp, unit: str) -> int:
    """Returns the tick that the clock on the wall shows at a time."""
    return int(time.tz_localize(None).to_datetime64().astype(f"M8[{unit}]").astype(np.int64))


def word_of(offset: BaseOffset) -> str:
    """Returns an offset's short name, or its description where it has none."""
    try:
        return offset.freqstr
    except NotImplementedError:
        return repr(offset)


def _range(start: int, unit: str, offset: BaseOffset, end: int | None = None, **count: int) -> np.ndarray:
    """Returns the ticks of a range of pandas."""
    first, last = (None if t is None else pd.Timestamp(np.int64(t).astype(f"M8[{unit}]")) for t in (start, end))
    return np.asarray(pd.date_range(first, last, freq=offset, unit=unit, **count).asi8)
