"""Rows in the order of time: an index that ascends, the newest row first, and the clock's change."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from carrousel.data._errors import DataError, option
from carrousel.data._times import plain_times

__all__ = ["Ordered", "clock_changed", "in_order"]

HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True)
class Ordered:
    """Rows whose times ascend.

    Attributes:
        frame: the rows; the index is a DatetimeIndex, a PeriodIndex, or whole numbers.
        how: what was done to have them so, in words.
        turned: whether the last row of the file is the first.
        numbers: of the rows in the file, counted from 1, in its order; None where it has no others.
    """

    frame: pd.DataFrame
    how: tuple[str, ...] = ()
    turned: bool = False
    numbers: np.ndarray | None = None

    def row(self, place: int) -> int:
        """Returns the number of a row in the file, counted from 1."""
        at = len(self.frame) - 1 - place if self.turned else place
        return at + 1 if self.numbers is None else int(self.numbers[at])


def in_order(frame: pd.DataFrame, name: str, numbers: np.ndarray | None = None) -> Ordered:
    """Returns the rows in the order of time, of which the file's may be the opposite.

    Args:
        frame: the rows.
        name: where they came from, for messages.
        numbers: of the rows in a file that has others too, counted from 1.

    Raises:
        DataError: they are in no order, or a time is neither a date nor a whole number.
    """
    index = frame.index
    if isinstance(index, pd.PeriodIndex):
        ticks, shown = index.asi8, index
    else:
        zone = getattr(index, "tz", None)
        ticks = plain_times((index if zone is None else index.tz_convert(None)).to_numpy(), f"{name}: row {{row}}: ")
        shown = pd.Index(ticks) if zone is None else index
    turned = len(ticks) > 1 and bool(ticks[0] > ticks[-1]) and _ascend(clock_changed(ticks[::-1])[0])
    if turned:
        frame, ticks, shown = frame.iloc[::-1], ticks[::-1], shown[::-1]
    ordered = Ordered(frame, ("the newest row is the first",) if turned else (), turned, numbers)
    if ticks.dtype.kind == "M" and getattr(index, "tz", None) is None:
        ticks, places = clock_changed(ticks)
        if places:
            rows = ", ".join(str(ordered.row(place)) for place in places[:4])
            said = f"the clock is changed at row {rows}: times go on by that before"
            ordered, shown = replace(ordered, how=(*ordered.how, said)), pd.Index(ticks)
    if not _ascend(ticks):
        row = int(np.flatnonzero(ticks[1:] <= ticks[:-1])[0]) + 1
        word = "the same time as" if ticks[row] == ticks[row - 1] else "an earlier time than"
        if numbers is not None:
            hint = "a series of several in a file has one row for each step of time"
        else:
            hint = f"one series is needed: {option('where', 'COLUMN=VALUE')} takes one of several in a file"
        raise DataError(
            f"{name}: row {ordered.row(row)} has {word} row {ordered.row(row - 1)} ({shown[row]!s}); rows are in the "
            f"order of time\n{hint}"
        )
    frame = ordered.frame.copy(deep=False)
    if ticks.dtype.kind == "M":
        frame.index = pd.DatetimeIndex(shown, name=index.name)
    elif not isinstance(index, pd.PeriodIndex):
        broken = np.flatnonzero(ticks != np.round(ticks))
        if len(broken):
            place = int(broken[0])
            raise DataError(
                f"{name}: row {ordered.row(place)}: the time {ticks[place]!s} is no whole number; "
                f"times are dates, or whole numbers such as sample numbers\n{option('time', 'none')} numbers the rows"
            )
        frame.index = pd.Index(ticks.astype(np.int64), name=index.name)
    return replace(ordered, frame=frame)


def clock_changed(times: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Returns times by one clock where it was set back and forward: local times have an hour twice each autumn.

    An hour that comes twice says so beyond doubt. An hour that is left out in spring is taken for the clock's change
    only beside one that comes twice; alone it is a gap.

    Returns:
        The times, by the clock of the first row, and the places of the rows before which it was changed.
    """
    if times.dtype.kind != "M" or len(times) < 3:
        return times, []
    steps = np.diff(times)
    step = np.median(steps.view(np.int64))
    usual = np.array(int(step)).astype(steps.dtype)[()]
    if not (np.timedelta64(0) < usual <= HOUR) or HOUR % usual != np.timedelta64(0):
        return times, []
    back, forth = np.flatnonzero(steps == usual - HOUR), np.flatnonzero(steps == usual + HOUR)
    if len(back) == 0 or not all(_at_night(times[k]) for k in back):
        return times, []
    forth = np.array([k for k in forth if _at_night(times[k])], dtype=np.int64)
    changes = sorted([(int(k), -1) for k in back] + [(int(k), 1) for k in forth])
    if any(a[1] == b[1] for a, b in itertools.pairwise(changes)):
        return times, []
    moved = times.copy()
    for row, way in changes:
        moved[row + 1 :] -= way * HOUR
    return moved, [row + 1 for row, _ in changes]


def _at_night(when: np.datetime64) -> bool:
    """Tells whether a clock may be changed then: by night, from March to May or from September to November."""
    stamp = pd.Timestamp(when)
    return stamp.hour < 4 and stamp.month in (3, 4, 5, 9, 10, 11)


def _ascend(times: np.ndarray) -> bool:
    return bool((times[1:] > times[:-1]).all())
