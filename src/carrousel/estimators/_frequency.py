"""Which grid a series stands on, told from its index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, BusinessDay, CustomBusinessDay, SemiMonthBegin, SemiMonthEnd

from carrousel.estimators._grid import Grid, clock, kind_of, refuse_disorder
from carrousel.estimators._rules import IN_SECOND, ByOffset, Fixed, Months, Rule, rule_of

__all__ = ["frequency_of", "grid_of"]

WEEK = 7
KIND = "a frequency of pandas such as 'h', '15min', 'D', 'B', 'MS' or 'QE'"


def grid_of(index: pd.Index, what: str, freq: Any = None, gaps: bool = False) -> tuple[Grid, np.ndarray]:
    """Returns the grid of an index, anchored at its first time, and the number of each time's step, [T].

    Args:
        index: times, periods or whole numbers, ascending.
        what: what it is called in messages.
        freq: the frequency, an offset of pandas or its name; None tells it from the index.
        gaps: whether steps may be missing.

    Raises:
        ValueError: it does not ascend, no frequency fits, or there are gaps.
    """
    kind = kind_of(index, what)
    refuse_disorder(index, what)
    best: tuple[Grid, np.ndarray] | None = None
    for grid in _grids(index, kind, what, freq):
        numbers, good = grid.find(index, what)
        numbers = np.where(good, numbers, -1)
        if good.all() and (np.diff(numbers) == 1).all():
            return grid, numbers
        # Of those that fit with gaps the one that has the fewest; else what is said is said of the likeliest.
        fits = gaps and good.all()
        if best is None or (fits and (best[1].min() < 0 or numbers[-1] < best[1][-1])):
            best = grid, numbers
    assert best is not None
    grid, numbers = best
    off = np.flatnonzero(numbers < 0)
    if gaps and not len(off):
        return grid, numbers
    row = int(off[0]) if len(off) else int(np.flatnonzero(np.diff(numbers) != 1)[0]) + 1
    before = f" follows {index[row - 1]}" if row else " is the first"
    hint = "; give freq= if they are others" if freq is None else ""
    hint = hint if len(off) else f'. fill="mask", "interpolate" or "last" takes series with gaps{hint}'
    raise ValueError(
        f"the time index of {what} is not regular: row {row} ({index[row]}){before}, and the steps are those of "
        f"{grid}{hint}"
    )


def frequency_of(freq: Any) -> BaseOffset:
    """Returns a frequency as an offset; ValueError if it is none."""
    try:
        offset = to_offset(freq)
    except (ValueError, TypeError) as error:
        raise ValueError(f"freq must be {KIND}, got {freq!r} ({error})") from None
    if offset is None:
        raise ValueError(f"freq must be {KIND}, got {freq!r}")
    return offset


def _grids(index: pd.Index, kind: str, what: str, freq: Any) -> Iterator[Grid]:
    """Yields grids that an index may stand on, the likeliest first."""
    if kind == "times":
        assert isinstance(index, pd.DatetimeIndex)
        fine = "ns" if index.unit == "ns" else "us"
        for rule, by_wall in _rules(index, what, freq, fine):
            wall = by_wall and index.tz is not None
            first = int(clock(index[:1], index.tz if wall else None, fine, what)[0])
            yield Grid("times", rule, first, index.unit, index.tz, wall, None, index.name)
        return
    periods = isinstance(index, pd.PeriodIndex)
    least, frequency = (index.freq.n, index.freqstr) if periods else (1, None)  # type: ignore[attr-defined]
    if freq is not None:
        offset = frequency_of(freq)
        if not periods or offset.base != index.freq.base:  # type: ignore[attr-defined]
            holds = f"periods of the frequency {frequency!r}" if periods else "whole numbers"
            raise ValueError(f"freq={freq!r} does not fit the index of {what}, which holds {holds}")
        step = offset.n
    else:
        ticks = np.asarray(index.asi8 if periods else index).astype(np.int64)
        step = _usual(ticks) if len(ticks) > 1 else int(getattr(index, "step", least))
    first = int(index.asi8[0] if periods else index[0])  # type: ignore[attr-defined]
    yield Grid(kind, Fixed(max(1, step)), first, frequency=frequency, name=index.name)


def _rules(index: pd.DatetimeIndex, what: str, freq: Any, unit: str) -> Iterator[tuple[Rule, bool]]:
    """Yields rules that the times may follow, and whether each goes by the clock on the wall."""
    wall = index.tz_localize(None) if index.tz is not None else index
    given = index.freq if freq is None else frequency_of(freq)
    try:
        if given is not None:
            rule, by_wall = rule_of(given, wall[0], unit)
            yield rule, by_wall
            if isinstance(rule, Months):  # pandas keeps to an earlier day once a month was too short for a later one
                yield ByOffset(given), True
            return
        if len(index) < 3:
            rows = "1 row" if len(index) == 1 else f"{len(index)} rows"
            raise ValueError(f"{rows} are too few to tell the frequency; give freq=")
        for shown in (wall, index):
            found = _inferred(shown)
            if found is not None:
                rule, by_wall = rule_of(found, wall[0], unit)
                # Hours on the wall come twice, or are left out: only days and longer steps are told there.
                if shown is index or by_wall:
                    yield rule, by_wall
        yield from _halves(wall, unit)
        yield from _days(wall, unit)
        yield from _months(wall)
        yield Fixed(max(1, _usual(clock(index, None, unit, what)))), False
    except ValueError as error:
        raise ValueError(f"the time index of {what}: {error}") from None


def _inferred(index: pd.DatetimeIndex) -> BaseOffset | None:
    try:
        name = pd.infer_freq(index)
    except ValueError:
        return None
    return None if name is None else to_offset(name)


def _usual(ticks: np.ndarray) -> int:
    """Returns the most frequent difference."""
    steps, counts = np.unique(np.diff(ticks), return_counts=True)
    return int(steps[counts.argmax()])


def _halves(wall: pd.DatetimeIndex, unit: str) -> Iterator[tuple[Rule, bool]]:
    """Yields half months."""
    for half in (SemiMonthBegin(), SemiMonthEnd()):
        if all(half.is_on_offset(time) for time in (wall[0], wall[1], wall[-1])):
            yield rule_of(half, wall[0], unit)


def _days(wall: pd.DatetimeIndex, unit: str) -> Iterator[tuple[Rule, bool]]:
    """Yields the usual number of days between times of one hour, or days of business where the week has free days."""
    clocks = np.unique(np.asarray((wall - wall.normalize()).asi8), return_counts=True)[1]
    if clocks.max() < 0.9 * len(wall):  # one hour of the day, or that which daylight saving made of it
        return
    days = np.asarray(wall.normalize().as_unit("us").asi8) // (86_400 * IN_SECOND["us"])
    usual = _usual(days)
    if usual >= 28:
        return
    open_days = np.isin(np.arange(WEEK), wall.dayofweek)
    if usual == 1 and days[-1] - days[0] >= 2 * WEEK and not open_days.all():
        mask = "".join("01"[int(day)] for day in open_days)
        yield rule_of(BusinessDay() if mask == "1111100" else CustomBusinessDay(weekmask=mask), wall[0], unit)
    yield Fixed(max(1, usual) * 86_400 * IN_SECOND[unit]), True


def _months(wall: pd.DatetimeIndex) -> Iterator[tuple[Rule, bool]]:
    """Yields the usual number of months between times on one day of the month, or on the last where it lacks."""
    usual = _usual(wall.year.to_numpy() * 12 + wall.month.to_numpy())
    days, lasts, day = wall.day.to_numpy(), wall.days_in_month.to_numpy(), int(wall.day.max())
    if usual >= 1 and (days == np.minimum(day, lasts)).all():
        # The last of every month seen: of all of them, also where the longest is not among them.
        yield Months(usual, 31 if (days == lasts).all() else day), True
