"""Which seasons a series may have, by the frequency of its times."""

from __future__ import annotations

import numbers
from typing import Any

import pandas as pd

from carrousel.estimators._grid import Grid, season_of
from carrousel.estimators._rules import Fixed
from carrousel.streams import natural_cycles

__all__ = ["levels_of", "plausible_seasons", "seasons_of"]

CYCLES = 3  # of a season that the frequency tells, which a series must hold

SECOND = pd.Timedelta(1, "s")


def plausible_seasons(grid: Grid | None) -> tuple[int, ...]:
    """Returns the steps in every natural cycle, the shortest first: 24 and 168 for hours, 7 and 365 for days."""
    season = season_of(grid)
    if season == 1 or grid is None:
        return ()
    if grid.kind == "integers" or not isinstance(grid.rule, Fixed):
        return (season,)
    times = grid.places(0, 2)
    times = times.to_timestamp() if grid.kind == "periods" else times  # type: ignore[attr-defined]
    return natural_cycles((times[1] - times[0]) / SECOND) or (season,)


def seasons_of(season: Any, grid: Grid | None, rows: int, horizon: int) -> tuple[int, ...]:
    """Returns the seasons that a series may have, the shortest first.

    Args:
        season: steps in it, or in several; None tells them from the times.
        grid: of the times.
        rows: of the series.
        horizon: steps ahead.

    Raises:
        ValueError: it is none.
    """
    if season is None:
        return tuple(m for m in plausible_seasons(grid) if CYCLES * m + horizon <= rows)
    given = season if isinstance(season, (tuple, list)) else (season,)
    for each in given:
        if not isinstance(each, numbers.Integral) or isinstance(each, bool) or each < 1:
            raise ValueError(f"season must be an integer of at least 1, several of them, or None, got {season!r}")
    return tuple(sorted({int(each) for each in given} - {1}))


def levels_of(quantiles: Any) -> tuple[float, ...]:
    """Returns the levels of quantiles in their order, 0.5 among them.

    Raises:
        ValueError: one is none.
    """
    try:
        levels = sorted({0.5, *(float(q) for q in quantiles)})
    except (TypeError, ValueError, OverflowError):
        levels = []
    if not levels or not all(0.0 < q < 1.0 for q in levels):
        raise ValueError(f"quantiles must be numbers between 0 and 1, got {quantiles!r}")
    return tuple(levels)
