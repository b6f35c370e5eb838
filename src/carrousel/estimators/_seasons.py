"""Which seasons a series may have, by the frequency of its times."""

from __future__ import annotations

import pandas as pd

__all__ = ["plausible_seasons"]

DAY, WEEK = pd.Timedelta("1D"), 7
YEAR = 365  # days


def plausible_seasons(season: int, index: pd.Index | None) -> tuple[int, ...]:
    """Returns the steps in every natural cycle, the shortest first: 24 and 168 for hours, 7 and 365 for days.

    Args:
        season: steps in the shortest; 1 is none.
        index: the times.
    """
    frequency = getattr(index, "freq", None)
    if season == 1:
        return ()
    if frequency is None:
        return (season,)
    if frequency.name == "D":
        return (season, YEAR)
    try:
        step = pd.Timedelta(frequency)
    except (ValueError, TypeError):  # months and longer
        return (season,)
    if step >= DAY or DAY % step != pd.Timedelta(0):
        return (season,)
    day = int(DAY / step)
    return (season, day) if day > season else (season, WEEK * day)
