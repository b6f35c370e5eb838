"""Rows at equal steps of time: the step, and rows that are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from carrousel.data._errors import DataError, option
from carrousel.data._fill import fill_hint
from carrousel.data._order import Ordered

__all__ = ["offset_of", "on_grid"]

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


def on_grid(rows: Ordered, name: str, fill: str | None, freq: str | None) -> pd.DataFrame:
    """Returns the rows with an index that has its frequency: a row, of NaN, for each step that the file lacks.

    Of one or two rows the frequency is unknown unless it is given.

    Args:
        rows: the rows in the order of time.
        name: the file in messages.
        fill: whether rows may be missing; None refuses the first that is.
        freq: the step; None tells it from the times.

    Raises:
        DataError: steps differ, and not by rows that are missing.
    """
    frame, index = rows.frame, rows.frame.index
    if not isinstance(index, pd.DatetimeIndex):
        return _numbered(rows, name, fill, freq)
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
        if grid is None:
            raise DataError(f"{_uneven(rows, row, name)}\n{said}; {option('time', 'none')} numbers the rows")
        raise DataError(
            f"{name}: row {rows.row(row)} ({index[row]!s}) is not on the steps of the others, from {grid[0]!s} on by "
            f"{_words(step)}; {said}"
        )
    if len(grid) > len(index):
        if fill is None:
            row = int((~grid.isin(index)).argmax()) - 1
            count = len(grid) - len(index)
            lack = f"{count} row{'s are' if count > 1 else ' is'} missing"
            raise DataError(
                f"{_uneven(rows, row, name)}, here {_words(step)}: {lack}\n"
                f"{option('fill', 'interpolate')}, last or mask says what stands there; {option('freq')} names another "
                "step"
            )
        frame = frame.reindex(grid)
    # Months from the 15th on are no frequency that has a name, and is known by whoever is given it.
    frame.index = pd.DatetimeIndex(grid, freq=None if _nameless(step) else step, name=index.name)
    return frame


def _uneven(rows: Ordered, row: int, name: str) -> str:
    """Returns the beginning of a message on a step, that after a row, which is not as the others are."""
    one, other = (f"row {rows.row(k)} ({rows.frame.index[k]!s})" for k in (row, row + 1))
    return f"{name}: the step from {one} to {other} differs from the others; a series has equal steps of time"


def _nameless(step: Any) -> bool:
    return type(step) is pd.DateOffset


def _words(step: Any) -> str:
    if not _nameless(step):
        return str(step.freqstr)
    months = step.kwds["months"]
    return "1 month" if months == 1 else f"{months} months"


def _numbered(rows: Ordered, name: str, fill: str | None, freq: str | None) -> pd.DataFrame:
    """Returns rows whose times are whole numbers at equal steps."""
    if freq is not None:
        offset_of(freq, name)
        raise DataError(f"{name}: {option('freq', freq)} is a step of dates; these times are whole numbers")
    frame, ticks = rows.frame, rows.frame.index.to_numpy()
    steps = np.diff(ticks)
    if (steps == steps[:1]).all():
        return frame
    step = int(np.median(steps))
    row = int((steps != step).argmax())
    places = (ticks - ticks[0]) % max(1, step) == 0
    if fill is None or not places.all() or (int(ticks[-1]) - int(ticks[0])) // max(1, step) > MOST:
        raise DataError(f"{_uneven(rows, row, name)}{fill_hint() if places.all() else ''}")
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
