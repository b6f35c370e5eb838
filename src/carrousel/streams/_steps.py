"""The step of time from line to line, told from the times of the first ones, and the seasons that it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from carrousel.streams._past import LONGEST

__all__ = ["Step", "natural_cycles", "step_of"]

SECOND = 10**6  # in microseconds
MINUTE, HOUR, DAY = 60, 3600, 86_400  # in seconds
WEEK, YEAR = 7, 365  # in days
NEAR = 0.1  # of a step: a time so far off is one of its
USUAL = (
    1,
    2,
    5,
    10,
    15,
    20,
    30,
    *(MINUTE * k for k in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(HOUR * k for k in (1, 2, 3, 4, 6, 8, 12)),
    DAY,
    WEEK * DAY,
)
"""Steps in seconds that people choose: one that is near such a one is that one."""
NAMES = {1: "every second", MINUTE: "every minute", HOUR: "hourly", DAY: "daily", WEEK * DAY: "weekly"}
UNITS = {DAY: "days", HOUR: "hours", MINUTE: "minutes"}
BY_MONTHS = {1: "monthly", 3: "quarterly", 6: "every half year", 12: "yearly"}


def natural_cycles(seconds: float) -> tuple[int, ...]:
    """Returns the steps of so many seconds in every natural cycle, the shortest first.

    >>> natural_cycles(3600), natural_cycles(86_400), natural_cycles(900), natural_cycles(5000)
    ((24, 168), (7, 365), (96, 672), ())
    """
    if seconds >= DAY:
        return {DAY: (WEEK, YEAR), WEEK * DAY: (52,)}.get(int(seconds), ()) if seconds == int(seconds) else ()
    day = round(DAY / seconds)
    if abs(day * seconds - DAY) > 1e-6:
        return ()
    return (60, day) if seconds in (1, MINUTE) else (day, WEEK * day)


@dataclass(frozen=True)
class Step:
    """The time from a line to the next.

    Attributes:
        size: how many.
        unit: ``"microseconds"`` or ``"months"``.
    """

    size: int
    unit: str = "microseconds"

    @property
    def seasons(self) -> tuple[int, ...]:
        """Lines in each season that such steps have, the shortest first."""
        if self.unit == "months":
            return (12 // self.size,) if 12 % self.size == 0 and self.size < 12 else ()
        return tuple(each for each in natural_cycles(self.size / SECOND) if each <= LONGEST)

    @property
    def words(self) -> str:
        """What such steps are called.

        >>> Step(900 * 10**6).words, Step(1, "months").words, Step(86_400 * 10**6).words
        ('every 15 minutes', 'monthly', 'daily')
        """
        if self.unit == "months":
            return BY_MONTHS.get(self.size, f"every {self.size} months")
        seconds = self.size / SECOND
        if seconds in NAMES:
            return NAMES[int(seconds)]
        for unit, name in UNITS.items():
            if seconds % unit == 0:
                return f"every {int(seconds / unit)} {name}"
        return f"every {seconds:g} seconds"

    def between(self, first: int, second: int) -> int:
        """Returns how many steps lie between two times in microseconds since 1970; to the nearest."""
        if self.unit == "months":
            return round((_month(second) - _month(first)) / self.size)
        return round((second - first) / self.size)


def step_of(times: Sequence[int]) -> Step | None:
    """Returns the step of times in microseconds since 1970, some of which may be missing or come twice; or None.

    >>> step_of([3_600_000_000 * hour for hour in (0, 1, 2, 5, 6)]).words
    'hourly'
    """
    apart = np.diff(np.asarray(times, np.int64))
    apart = apart[apart > 0]
    if len(apart) < 3:
        return None
    stamps = np.asarray(times, np.int64).astype("M8[us]")
    months = stamps.astype("M8[M]")
    days = stamps.astype("M8[D]")
    last = (months + 1).astype("M8[D]") - days == np.timedelta64(1, "D")
    one_day = len({*(days - months.astype("M8[D]")).tolist()}) == 1 or last.all()
    by_month = np.diff(months.view(np.int64))
    if one_day and len({*(stamps - days).tolist()}) == 1 and (by_month > 0).all():
        return Step(int(np.median(by_month)), "months")
    middle = float(np.median(apart))
    usual = min(USUAL, key=lambda seconds: abs(seconds * SECOND - middle))
    size = usual * SECOND if abs(usual * SECOND - middle) <= NEAR * middle / 2 else round(middle)
    return Step(int(size)) if (np.abs(apart - size) <= NEAR * size).mean() >= 0.5 else None


def _month(time: int) -> int:
    return int(np.datetime64(time, "us").astype("M8[M]").astype(np.int64))
