"""Rows at equal steps of time: the step, rows that are missing, and the clock's change."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from carrousel.data._errors import DataError, option
from carrousel.data._fill import fill_hint

__all__ = ["clock_changed", "offset_of", "on_grid"]

HOUR = np.timedelta64(1, "h")
MOST = 10_000_000  # rows of a grid: a wrong year makes any number of them


def offset_of(freq: str, name: str) -> Any:
    """Returns the step that a name of pandas means, such as ``"h"``, ``"MS"`` or ``"15min"``."""
    try:
        offset = to_offset(freq)
    except (ValueError, TypeError):
        offset = None
    if offset is None or offset.n < 1:
        raise DataError(
            f"{name}: {option('freq', freq)} is no step of time; such are min, 15min, h, D, B, W-SUN, MS, ME, QS, YS"
        )
    return offset


def clock_changed(times: np.ndarray) -> tuple[np.ndarray, str]:
    """Returns times by one clock where it was set back and forward: local times have an hour twice each autumn.

    An hour that comes twice says so beyond doubt. An hour that is left out in spring is taken for the clock's change
    only beside one that comes twice; alone it is a gap.

    Returns:
        The times, by the clock of the first row, and what was found, in words; ``""`` where nothing was.
    """
    if times.dtype.kind != "M" or len(times) < 3:
        return times, ""
    steps = np.diff(times)
    step = np.median(steps.view(np.int64))
    usual = np.array(int(step)).astype(steps.dtype)[()]
    if not (np.timedelta64(0) < usual <= HOUR) or HOUR % usual != np.timedelta64(0):
        return times, ""
    back, forth = np.flatnonzero(steps == usual - HOUR), np.flatnonzero(steps == usual + HOUR)
    if len(back) == 0 or not all(_at_night(times[k]) for k in back):
        return times, ""
    forth = np.array([k for k in forth if _at_night(times[k])], dtype=np.int64)
    changes = sorted([(int(k), -1) for k in back] + [(int(k), 1) for k in forth])
    if any(a[1] == b[1] for a, b in itertools.pairwise(changes)):
        return times, ""
    moved = times.copy()
    for row, way in changes:
        moved[row + 1 :] -= way * HOUR
    places = ", ".join(str(row + 2) for row, _ in changes[:4])
    return moved, f"the clock is changed at row {places}: times go on by that of the first row"


def _at_night(when: np.datetime64) -> bool:
    """Tells whether a clock may be changed then: by night, from March to May or from September to November."""
    stamp = pd.Timestamp(when)
    return stamp.hour < 4 and stamp.month in (3, 4, 5, 9, 10, 11)


def on_grid(frame: pd.DataFrame, name: str, fill: str | None, freq: str | None) -> pd.DataFrame:
    """Returns the rows with an index that has its frequency: a row, of NaN, for each step that the file lacks.

    Of one or two rows the frequency is unknown unless it is given.

    Args:
        frame: the rows, their times ascending.
        name: the file in messages.
        fill: whether rows may be missing; None refuses the first that is.
        freq: the step; None tells it from the times.

    Raises:
        DataError: steps differ, and not by rows that are missing.
    """
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        return _numbered(frame, name, fill, freq)
    if len(index) < 3 and freq is None:
        return frame
    found = pd.infer_freq(index) if freq is None else None
    if found is not None:
        frame.index = pd.DatetimeIndex(index, freq=found, name=index.name)
        return frame
    steps = np.diff(index.to_numpy())
    step = offset_of(freq, name) if freq is not None else _likely(index)
    if step is None and (steps == steps[:1]).all():
        return frame
    grid = None if step is None else _grid(index, step)
    if grid is None or not index.isin(grid).all():
        row = _odd(index) if grid is None else int((~index.isin(grid)).argmax())
        said = f"{option('freq')} names the step" if freq is None else f"the step is {option('freq', freq)}"
        shown = f"row {row + 1} ({index[row]!s})"
        if grid is None:
            raise DataError(
                f"{name}: the step from {shown} to row {row + 2} ({index[row + 1]!s}) differs from the others; "
                f"a series has equal steps of time\n{said}; {option('time', 'none')} numbers the rows"
            )
        raise DataError(
            f"{name}: {shown} is not on the steps of the others, from {grid[0]!s} on by {_words(step)}; {said}"
        )
    if len(grid) > len(index):
        if fill is None:
            row = int((~grid.isin(index)).argmax()) - 1
            count = len(grid) - len(index)
            raise DataError(
                f"{name}: the step from row {row + 1} ({index[row]!s}) to row {row + 2} ({index[row + 1]!s}) differs "
                f"from the others; a series has equal steps of time, here {_words(step)}: {count} "
                f"row{'s are' if count > 1 else ' is'} missing\n"
                f"{option('fill', 'interpolate')}, last or mask says what stands there; {option('freq')} names another "
                "step"
            )
        frame = frame.reindex(grid)
    # Months from the 15th on are no frequency that has a name, and is known by whoever is given it.
    frame.index = pd.DatetimeIndex(grid, freq=None if _nameless(step) else step, name=index.name)
    return frame


def _nameless(step: Any) -> bool:
    return type(step) is pd.DateOffset


def _words(step: Any) -> str:
    if not _nameless(step):
        return str(step.freqstr)
    months = step.kwds["months"]
    return "1 month" if months == 1 else f"{months} months"


def _numbered(frame: pd.DataFrame, name: str, fill: str | None, freq: str | None) -> pd.DataFrame:
    """Returns rows whose times are whole numbers at equal steps."""
    if freq is not None:
        offset_of(freq, name)
        raise DataError(f"{name}: {option('freq', freq)} is a step of dates; these times are whole numbers")
    ticks = frame.index.to_numpy()
    steps = np.diff(ticks)
    if (steps == steps[:1]).all():
        return frame
    step = int(np.median(steps))
    row = int((steps != step).argmax())
    places = (ticks - ticks[0]) % max(1, step) == 0
    if fill is None or not places.all() or (int(ticks[-1]) - int(ticks[0])) // max(1, step) > MOST:
        mend = fill_hint() if places.all() else ""
        raise DataError(
            f"{name}: the step from row {row + 1} ({ticks[row]!s}) to row {row + 2} ({ticks[row + 1]!s}) "
            f"differs from the others; a series has equal steps of time{mend}"
        )
    return frame.reindex(pd.RangeIndex(int(ticks[0]), int(ticks[-1]) + step, step, name=frame.index.name))


def _likely(index: pd.DatetimeIndex) -> Any:
    """Returns the step by which most rows follow one another."""
    steps = np.diff(index.to_numpy())
    usual, counts = np.unique(steps, return_counts=True)
    common = pd.Timedelta(usual[counts.argmax()])
    days = common / pd.Timedelta(days=1)
    if days >= 28 and days == int(days):
        # Days of the calendar are not equal: the longest run of rows that has a name tells.
        for size in (24, 12, 6, 4, 3):
            for start in range(0, len(index) - size + 1):
                found = pd.infer_freq(index[start : start + size])
                if found is not None and not found.endswith("D"):  # three months of 31 days tell nothing
                    return to_offset(found)
        return _monthly(index)
    if days == 1 and len(index) > 10 and (index.dayofweek < 5).all():
        return to_offset("B")
    if days == 7:
        return to_offset(f"W-{index[0].strftime('%a').upper()}") if _one_day(index) else to_offset("7D")
    return to_offset(common) if counts.max() > len(steps) / 2 else None


def _monthly(index: pd.DatetimeIndex) -> Any:
    """Returns a step of months where all rows are of one day of the month, such as the 15th, at one time of day."""
    if len(set(index.day)) > 1 or len(set(index - index.normalize())) > 1:
        return None
    months = np.diff((index.year * 12 + index.month).to_numpy())
    usual, counts = np.unique(months, return_counts=True)
    return pd.DateOffset(months=int(usual[counts.argmax()]))


def _one_day(index: pd.DatetimeIndex) -> bool:
    return len(set(index.dayofweek)) == 1 and (index == index.normalize()).all()


def _grid(index: pd.DatetimeIndex, step: Any) -> pd.DatetimeIndex | None:
    try:
        count = (index[-1] - index[0]) / max(pd.Timedelta(1, "s"), (index[0] + step) - index[0])
        if count > MOST:
            return None
        return pd.date_range(index[0], index[-1], freq=step)
    except (ValueError, OverflowError, pd.errors.OutOfBoundsDatetime):
        return None


def _odd(index: pd.DatetimeIndex) -> int:
    steps = np.diff(index.to_numpy())
    usual, counts = np.unique(steps, return_counts=True)
    return int((steps != usual[counts.argmax()]).argmax())
