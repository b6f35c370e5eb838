"""Where a step of time lies in the day, the week and the year, and whether it is a holiday."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from carrousel.estimators._grid import Grid

__all__ = ["calendar_names", "calendar_of", "holidays_of"]

DAY = pd.Timedelta(1, "D")


def calendar_names(grid: Grid | None) -> tuple[str, ...]:
    """Returns the cycles of the calendar that a frequency has: of the day, the week and the year.

    Hours and shorter steps have all three, days the week and the year, weeks the year, months and quarters the month of
    the year; longer steps and whole numbers have none.
    """
    if grid is None or grid.kind == "integers":
        return ()
    times = _times(grid, 0, 3)
    step = min(times[1] - times[0], times[2] - times[1])
    if step >= 300 * DAY:
        return ()
    if step >= 26 * DAY:
        return ("month",)
    if step >= 6 * DAY:
        return ("day of year",)
    return ("day of week", "day of year") if step >= DAY else ("hour of day", "day of week", "day of year")


def calendar_of(grid: Grid, first: int, count: int) -> np.ndarray:
    """Returns sine and cosine of every cycle for ``count`` steps from the one numbered ``first``, [count, 2 K]."""
    times = _times(grid, first, count)
    clock = ((times - times.normalize()) / DAY).to_numpy()
    phases = {
        "hour of day": clock,
        "day of week": times.dayofweek.to_numpy() / 7,
        "day of year": (times.dayofyear.to_numpy() - 1) / 365.25,
        "month": (times.month.to_numpy() - 1) / 12,
    }
    angles = [2 * np.pi * phases[name] for name in calendar_names(grid)]
    waves = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    return np.column_stack(waves) if waves else np.zeros((count, 0))


def holidays_of(where: str, grid: Grid | None, first: int, count: int) -> np.ndarray:
    """Returns 1.0 for each of ``count`` steps that lies on a holiday, else 0.0, [count].

    Args:
        where: a country by its two letters such as ``"DE"``, and a part of it after a dash, such as ``"DE-BY"``.
        grid: of the steps, which are days or shorter.
        first: the number of the first one.
        count: how many there are.

    Raises:
        ValueError: there is no such country, or steps are no days or shorter ones.
        ImportError: the package ``holidays`` is not installed.
    """
    names = calendar_names(grid)
    if grid is None or "day of week" not in names:
        raise ValueError(f"holidays={where!r} needs a time index of days or shorter steps")
    days = _times(grid, first, count).normalize()
    known = _of_country(where)
    distinct, places = np.unique(days.to_numpy(), return_inverse=True)
    return np.array([float(pd.Timestamp(day).date() in known) for day in distinct])[places]


def _of_country(where: Any) -> Any:
    try:
        import holidays
    except ImportError:
        raise ImportError(f"holidays={where!r} needs the package holidays: pip install 'carrousel[holidays]'") from None
    if not isinstance(where, str):
        raise ValueError(f"holidays must be a country such as 'DE' or 'DE-BY', got {where!r}")
    country, _, part = where.partition("-")
    try:
        return holidays.country_holidays(country, subdiv=part or None)
    except (NotImplementedError, AttributeError) as error:
        raise ValueError(f"holidays must be a country such as 'DE' or 'DE-BY', got {where!r} ({error})") from None


def _times(grid: Grid, first: int, count: int) -> pd.DatetimeIndex:
    """Returns steps as the clock on the wall shows them."""
    index: Any = grid.places(first, count)
    if isinstance(index, pd.PeriodIndex):
        return index.to_timestamp()
    return index.tz_localize(None) if index.tz is not None else index
