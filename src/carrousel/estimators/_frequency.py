"""Which grid a series stands on, told from its index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, BusinessDay, CustomBusinessDay, SemiMonthBegin, SemiMonthEnd

from carrousel.estimators._grid import Grid, clock, kind_of
from carrousel.estimators._rules import Fixed, Months, Rule, rule_of, word_of

__all__ = ["frequency_of", "grid_of", "refuse_disorder"]

WEEK = 7


def grid_of(index: pd.Index, what: str, freq: Any = None, gaps: bool = False) -> tuple[Grid, np.ndarray]:
    """Returns the grid of an index, anchored at its first place, and the number of each place on it, [T].

    Args:
        index: times, periods or whole numbers, ascending.
        what: what it is called in messages.
        freq: the frequency, an offset of pandas or its name; None tells it from the index.
        gaps: whether steps may lack.

    Raises:
        ValueError: it does not ascend, no frequency fits, or there are gaps.
    """
    kind = kind_of(index, what)
    if len(index) == 0 or index.isna().any():
        row = int(np.argmax(index.isna())) if len(index) else 0
        raise ValueError(f"the time index of {what} has no time in row {row}")
    refuse_disorder(index, what)
    if kind == "times":
        assert isinstance(index, pd.DatetimeIndex)
        grid, numbers = _grid_of_times(index, what, freq, gaps)
    else:
        if freq is not None and kind == "integers":
            raise ValueError(f"freq={freq!r} is a frequency of times, and the index of {what} holds whole numbers")
        ticks = np.asarray(index.asi8 if isinstance(index, pd.PeriodIndex) else index).astype(np.int64)
        frequency = index.freqstr if isinstance(index, pd.PeriodIndex) else None
        step = _usual_step(index, ticks, freq)
        grid = Grid(kind, Fixed(step), int(ticks[0]), frequency=frequency, name=index.name)
        numbers = np.where((ticks - ticks[0]) % step == 0, (ticks - ticks[0]) // step, -1)
    off = np.flatnonzero(numbers < 0)
    if len(off) or (not gaps and (np.diff(numbers) != 1).any()):
        row = int(off[0]) if len(off) else int(np.flatnonzero(np.diff(numbers) != 1)[0]) + 1
        hint = "" if len(off) else '. fill="mask", "interpolate" or "last" takes series with gaps'
        raise ValueError(
            f"the time index of {what} is not regular: row {row} ({index[row]}) follows {index[row - 1]}, and the "
            f"steps are those of {grid}{hint}"
        )
    return grid, numbers


def refuse_disorder(index: pd.Index, what: str) -> None:
    """Refuses places that do not ascend."""
    timed = isinstance(index, pd.PeriodIndex | pd.DatetimeIndex)
    ticks = np.asarray(index.asi8 if timed else index)
    late = np.flatnonzero(ticks[1:] <= ticks[:-1])
    if not len(late):
        return
    row = int(late[0]) + 1
    if len(ticks) > 1 and (ticks[1:] < ticks[:-1]).all():
        hint = "the newest row stands first; give .sort_index()"
    elif (ticks[1:] == ticks[:-1]).any():
        row = int(np.flatnonzero(ticks[1:] == ticks[:-1])[0]) + 1
        hint = "a time comes twice; drop repeats (two series in one frame are told apart by id=)"
    else:
        hint = "sort them by time"
    raise ValueError(
        f"the time index of {what} is not regular: row {row} ({index[row]}) follows {index[row - 1]}; {hint}"
    )


def frequency_of(freq: Any) -> BaseOffset:
    """Returns a frequency as an offset.

    Raises:
        ValueError: it is none.
    """
    try:
        offset = to_offset(freq)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"freq must be a frequency of pandas such as 'h', 'D' or 'MS', got {freq!r} ({error})"
        ) from None
    if offset is None:
        raise ValueError(f"freq must be a frequency of pandas such as 'h', 'D' or 'MS', got {freq!r}")
    return offset


def _usual_step(index: pd.Index, ticks: np.ndarray, freq: Any) -> int:
    """Returns the step between periods or whole numbers: the most frequent difference."""
    least = index.freq.n if isinstance(index, pd.PeriodIndex) else 1
    if freq is not None:
        offset, base = frequency_of(freq), index.freq  # type: ignore[attr-defined]
        if offset.name != base.name:
            raise ValueError(f"freq={freq!r} does not fit periods of the frequency {index.freqstr!r}")  # type: ignore[attr-defined]
        return int(offset.n)
    if len(ticks) == 1:
        declared = getattr(index, "step", None)
        return int(declared) if isinstance(declared, int) and declared > 0 else least
    steps, counts = np.unique(np.diff(ticks), return_counts=True)
    return int(steps[counts.argmax()])


def _grid_of_times(index: pd.DatetimeIndex, what: str, freq: Any, gaps: bool) -> tuple[Grid, np.ndarray]:
    unit, fine = index.unit, "ns" if index.unit == "ns" else "us"
    given = index.freq if freq is None else frequency_of(freq)
    if given is not None:
        wall_first = index[0].tz_localize(None)
        rules: Iterator[tuple[Rule, bool]] = iter([_rule_of(given, wall_first, fine, what)])
    elif len(index) < 3:
        raise ValueError(
            f"the time index of {what} has {len(index)} row{'s' * (len(index) != 1)}, too few to tell its frequency; "
            "give freq="
        )
    else:
        rules = _candidates(index, fine, what)
    best: tuple[Grid, np.ndarray] | None = None
    for rule, wall in rules:
        wall = wall and index.tz is not None
        ticks = clock(index, index.tz if wall else None, fine, what)
        grid = Grid("times", rule, int(ticks[0]), unit, index.tz, wall, None, index.name)
        numbers = _numbers(grid, index, ticks)
        steps = np.diff(numbers)
        if (numbers >= 0).all() and (steps == 1).all():
            return grid, numbers
        fits = gaps and (numbers >= 0).all() and (steps > 0).all()
        # Of those that fit with gaps the one that has the fewest; else what is said is said of the likeliest.
        if best is None or (fits and not (best[1].min() >= 0 and best[1][-1] <= numbers[-1])):
            best = grid, numbers
    if best is None:
        raise ValueError(f"no frequency fits the time index of {what}; give freq=")
    if given is not None and best[1][0] != 0:
        raise ValueError(f"the time index of {what} begins at {index[0]}, which is no time of freq={word_of(given)}")
    return best


def _rule_of(offset: BaseOffset, first: pd.Timestamp, unit: str, what: str) -> tuple[Rule, bool]:
    try:
        return rule_of(offset, first, unit)
    except ValueError as error:
        raise ValueError(f"the time index of {what}: {error}") from None


def _numbers(grid: Grid, index: pd.DatetimeIndex, ticks: np.ndarray) -> np.ndarray:
    """Returns the number of each place, -1 for one that is not on the grid."""
    try:
        numbers = grid.rule.number(ticks, grid.anchor, grid._fine)
        good = grid.rule.ticks(numbers, grid.anchor, grid._fine) == ticks
    except (ValueError, OverflowError):
        return np.full(len(ticks), -1)
    if not good.all() and grid.wall:
        odd = np.flatnonzero(~good)
        good[odd] = grid._index(numbers[odd]).asi8 == index[odd].asi8
    return np.where(good, numbers, -1)


def _candidates(index: pd.DatetimeIndex, unit: str, what: str) -> Iterator[tuple[Rule, bool]]:
    """Yields rules that the times may follow, the likeliest first."""
    wall = index.tz_localize(None) if index.tz is not None else index
    first = wall[0]
    for shown in (wall, index) if index.tz is not None else (wall,):
        try:
            found = pd.infer_freq(shown) if len(shown) >= 3 else None
        except ValueError:
            found = None
        if found is not None and not found.startswith("-"):
            rule, by_wall = _rule_of(frequency_of(found), first, unit, what)
            # On the wall of a zone hours come twice, or are left out: only days and longer steps are told there.
            if shown is index or by_wall:
                yield rule, by_wall
    ticks = clock(index, None, unit, what)
    for half in (SemiMonthBegin(), SemiMonthEnd()):
        if len(wall) and half.is_on_offset(first) and half.is_on_offset(wall[1]) and half.is_on_offset(wall[-1]):
            yield rule_of(half, first, unit)
    yield from _days(wall, unit)
    yield from _months(wall)
    steps, counts = np.unique(np.diff(ticks), return_counts=True)
    yield Fixed(max(1, int(steps[counts.argmax()]))), False


def _days(wall: pd.DatetimeIndex, unit: str) -> Iterator[tuple[Rule, bool]]:
    """Yields the usual number of days between times of one hour, or days of business where the week has free days."""
    days = np.asarray(wall.normalize().as_unit("us").asi8) // (86_400 * 10**6)
    clocks = np.unique(np.asarray((wall - wall.normalize()).asi8), return_counts=True)[1]
    if clocks.max() < 0.9 * len(wall):  # one hour of the day, or that which daylight saving made of it
        return
    steps, counts = np.unique(np.diff(days), return_counts=True)
    usual = int(steps[counts.argmax()])
    if usual < 1 or usual >= 28:
        return
    second = 10**9 if unit == "ns" else 10**6
    open_days = np.isin(np.arange(WEEK), wall.dayofweek)
    if usual == 1 and days[-1] - days[0] >= 2 * WEEK and not open_days.all():
        mask = "".join("01"[int(day)] for day in open_days)
        yield rule_of(BusinessDay() if mask == "1111100" else CustomBusinessDay(weekmask=mask), wall[0], unit)
    yield Fixed(usual * 86_400 * second), True


def _months(wall: pd.DatetimeIndex) -> Iterator[tuple[Rule, bool]]:
    """Yields the usual number of months between times on one day of the month, or on the last where it lacks."""
    months = wall.year.to_numpy() * 12 + wall.month.to_numpy()
    steps, counts = np.unique(np.diff(months), return_counts=True)
    usual, day = int(steps[counts.argmax()]), int(wall.day.max())
    if usual < 1:
        return
    lasts = wall.days_in_month.to_numpy()
    if (wall.day.to_numpy() == np.minimum(day, lasts)).all():
        # The last of every month seen: of all of them, also where the longest is not among them.
        yield Months(usual, 31 if (wall.day.to_numpy() == lasts).all() else day), True
