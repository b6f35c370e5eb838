"""What is made of a series before windows are cut out of it: the calendar stands beside it, and gaps are filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from carrousel.estimators._calendar import calendar_names, calendar_of, holidays_of
from carrousel.estimators._gauge import Gauge
from carrousel.estimators._linear import Form, Shape, ridge
from carrousel.estimators._series import Regular
from carrousel.estimators._series_gaps import Filling

__all__ = ["Widened", "calendar_helps", "worthwhile"]

PARTS = 4  # of the validation windows, in each of which the calendar is judged
LEAST = 1.0  # standard errors by which it must help
LARGEST_SHARE = 0.5  # of the steps ahead, that may be missing in a window to learn from
ENOUGH = 0.3  # of the windows: where so many lack nothing, only these are learned from


@dataclass(frozen=True)
class Widened:
    """Columns of a series as forecasts read them.

    First stand its own columns, then sine and cosine of every cycle of the calendar, then whether it is a holiday, and
    last what was missing in its own.

    Attributes:
        own: the number of its own columns, C.
        known: those known ahead.
        target: that to forecast.
        horizon: steps ahead.
        calendar: whether cycles of the calendar stand beside them.
        cycles: how many cycles the frequency has.
        holidays: the country whose holidays do, or None.
        filling: of gaps.
    """

    own: int
    known: tuple[int, ...]
    target: int
    horizon: int
    calendar: bool
    cycles: int
    holidays: str | None
    filling: Filling

    @classmethod
    def fit(
        cls, series: Regular, known: tuple[int, ...], target: int, horizon: int, calendar: bool,
        holidays: str | None, fill: str | None,
    ) -> Widened:  # fmt: skip
        """Returns what is made of a series.

        Raises:
            ValueError: a column has no value, or the times are not those of a calendar.
        """
        empty = np.isnan(series.values).all(axis=0)
        if empty.any():
            raise ValueError(f"column {series.names[int(empty.argmax())]!r} of X has no value at all")
        cycles = len(calendar_names(series.grid))
        if calendar and not cycles:
            raise ValueError("calendar=True needs a time index of dates or periods shorter than years")
        usual = np.zeros(series.values.shape[1])
        blank = cls(len(usual), known, target, horizon, calendar, cycles, holidays, Filling(None, usual))
        return blank.filled_by(Filling.fit(blank._beside(series, series.values), fill))

    def filled_by(self, filling: Filling) -> Widened:
        """Returns the same with another filling."""
        return Widened(
            self.own, self.known, self.target, self.horizon, self.calendar, self.cycles, self.holidays, filling
        )

    @property
    def added(self) -> int:
        """The number of columns of the calendar."""
        return 2 * self.cycles * self.calendar + (self.holidays is not None)

    @property
    def shape(self) -> Shape:
        """What all forecasts have in common."""
        calendar = tuple(range(self.own, self.own + self.added))
        width = self.own + self.added + len(self.filling.masked)
        return Shape(self.horizon, self.target, self.known + calendar, width, calendar)

    def __call__(self, series: Regular, ahead: np.ndarray | None = None) -> np.ndarray:
        """Returns a series [T, C] in all its columns, and below it the steps of which ``ahead`` is known, [H, K]."""
        values = series.values
        if ahead is not None:
            # Of other columns these rows are not read.
            rows = np.full((len(ahead), self.own), np.nan if self.filling.how else 0.0)
            rows[:, list(self.known)] = ahead
            values = np.concatenate([values, rows])
        return self.filling(self._beside(series, values))

    def contexts(self, series: Regular, origins: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns a series in all its columns, and origins in it that see nothing of what came after them."""
        return self.filling.contexts(self._beside(series, series.values), origins, reach, self.horizon)

    def _beside(self, series: Regular, values: np.ndarray) -> np.ndarray:
        parts = [values]
        if self.added and series.grid is None:
            raise ValueError("X has no times, which the calendar needs: give a DataFrame whose index they are")
        if self.calendar:
            assert series.grid is not None
            parts.append(calendar_of(series.grid, 0, len(values)))
        if self.holidays is not None:
            parts.append(holidays_of(self.holidays, series.grid, 0, len(values))[:, None])
        return np.concatenate(parts, axis=1) if len(parts) > 1 else values


def worthwhile(gone: np.ndarray, origins: np.ndarray, horizon: int) -> np.ndarray:
    """Returns the origins of windows to learn from.

    These are the windows that lack no step ahead, if they are many. Else they may lack half of the steps ahead.

    Args:
        gone: whether the target is missing, [T].
        origins: of all windows.
        horizon: steps ahead.
    """
    share = gone[origins[:, None] + np.arange(horizon)].mean(axis=1)
    whole = share == 0
    return origins[whole] if whole.mean() >= ENOUGH else origins[share <= LARGEST_SHARE]


def calendar_helps(
    plain: tuple[Widened, np.ndarray], widened: tuple[Widened, np.ndarray], training: np.ndarray, valid: np.ndarray,
    context: int,
) -> bool:  # fmt: skip
    """Tells whether a ridge regression that knows the calendar errs surely less on validation windows.

    Args:
        plain: what is made of the series without the calendar, and the series so made.
        widened: both with it.
        training: origins to learn from.
        valid: later ones to be judged on.
        context: rows that are looked back at.
    """
    if len(valid) < PARTS:
        return False
    lost = []
    for made, values in (plain, widened):
        shape: Any = made.shape
        form = Form(Gauge(context, shape.target, None, 0.0, 1.0), (), "mean", False, beside=True)
        forecast = ridge(values, training, shape, form)(values, valid)
        actual = values[valid[:, None] + np.arange(shape.horizon), shape.target]
        error = np.abs(forecast - actual).mean(axis=1)
        lost.append([part.mean() + 1e-12 for part in np.array_split(error, PARTS)])
    ratios = np.log(np.array(lost[1]) / np.array(lost[0]))
    return bool(ratios.mean() + LEAST * ratios.std(ddof=1) / np.sqrt(PARTS) < 0)
