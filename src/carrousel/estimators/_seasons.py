"""Which seasons a series may have, by the frequency of its times."""

from __future__ import annotations

from carrousel.estimators._grid import Grid, season_of
from carrousel.estimators._rules import DAY, Fixed

__all__ = ["plausible_seasons"]

WEEK, YEAR = 7, 365  # days


def plausible_seasons(grid: Grid | None) -> tuple[int, ...]:
    """Returns the steps in every natural cycle, the shortest first: 24 and 168 for hours, 7 and 365 for days."""
    season = season_of(grid)
    if season == 1 or grid is None:
        return ()
    if grid.kind == "integers" or not isinstance(grid.rule, Fixed):
        return (season,)
    times = grid.places(0, 2)
    times = times.to_timestamp() if grid.kind == "periods" else times  # type: ignore[attr-defined]
    step = times[1] - times[0]
    if step == DAY:
        return (season, YEAR)
    if step > DAY or DAY % step != DAY - DAY:
        return (season,)
    day = int(DAY / step)
    return (season, day) if day > season else (season, WEEK * day)
