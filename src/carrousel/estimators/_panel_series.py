"""The rows of many series: each on its own grid of time, in its own scale, after what is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from carrousel.estimators._panel import Static, frames_of, padded, regular_of, scales_of
from carrousel.estimators._series import Regular, placed, rows_of
from carrousel.estimators._series_estimator import SeriesEstimator

__all__ = ["PanelSeries", "Taken", "Tested"]


@dataclass(frozen=True)
class Taken:
    """One series as a fitted model takes it.

    Attributes:
        series: its rows, at least as many as a forecast looks back.
        before: how many of them were known before.
        scales: of its columns, [C].
    """

    series: Regular
    before: int
    scales: np.ndarray

    @property
    def scaled(self) -> Regular:
        """The series in its own scale."""
        return Regular(self.series.values / self.scales, self.series.names, self.series.grid)


@dataclass(frozen=True)
class Tested:
    """One series as it is backtested, in its own scale.

    Attributes:
        key: its id.
        values: its rows in all columns, [T, W].
        places: of the origins in them, [N].
        actual: what came, [N, H].
        origins: as rows of what was given.
        scale: of the target.
    """

    key: Any
    values: np.ndarray
    places: np.ndarray
    actual: np.ndarray
    origins: np.ndarray
    scale: float


class PanelSeries(SeriesEstimator):
    """Takes many series as frames and arrays.

    Attributes:
        ids_: the series that it knows.
        tails_: the last rows of each, by its id.
        scales_: of the columns of each, [C], by its id.
    """

    id: Any
    static: Any
    season_: int
    ids_: list[Any]
    tails_: dict[Any, Regular]
    scales_: dict[Any, np.ndarray]
    _static: Static
    _own_known: tuple[int, ...]

    @property
    def _targets(self) -> tuple[Any, ...]:
        return tuple(self.target) if isinstance(self.target, (tuple, list)) else ()

    def _regular(self, frame: Any, key: Any) -> Regular:
        rest, static = self._static.split(frame, key)
        options = {"freq": self.freq, "gaps": self.fill is not None}
        return regular_of(rest, key, static, self._static.columns, **options)

    def _target_of(self, series: Regular) -> Any:
        only = len(series.names) - len(self._static.columns) == 1
        return series.names[0] if self._targets or (self.target is None and only) else self.target

    def _set_columns(self, series: Regular) -> None:
        """Sets the columns; those that are static are known ahead."""
        super()._set_columns(series)
        first = len(series.names) - len(self._static.columns)
        self._own_known = self._known
        self._known = (*self._known, *range(first, len(series.names)))

    def _scales(self, values: np.ndarray) -> np.ndarray:
        """Returns the scale of each column of one series [T, C]."""
        return scales_of(values, self._known, self._column, self.season_)

    def _tail_of(self, series: Regular, scales: np.ndarray) -> Regular:
        tail = padded(series, self._reach).last(self._reach)
        usual = self._widened.filling.usual[: self._widened.own]
        first = tail.values[0]
        tail.values[0] = np.where(np.isnan(first), usual * scales, first)
        return tail

    def _each(self, X: Any, continues: bool | None) -> dict[Any, Taken]:
        """Returns the series to forecast, those that are known after their last rows and in the scale they have."""
        self._check_fitted()
        if X is None:
            return {key: Taken(tail, len(tail), self.scales_[key]) for key, tail in self.tails_.items()}
        joined = {}
        for key, frame in frames_of(X, self.id, self._targets).items():
            rest, static = self._static.split(frame, key)
            tail, gaps = self.tails_.get(key), self.fill is not None
            if tail is None or continues is False:
                series = regular_of(rest, key, static, self._static.columns, freq=self.freq, gaps=gaps)
                before = 0
            else:
                own = len(tail.names) - len(static)
                try:
                    rows = rows_of(rest, gaps=gaps)
                    short = Regular(tail.values[:, :own], tail.names[:own], tail.grid)
                    found, before = placed(rows, short, freq=self.freq, continues=continues, gaps=gaps)
                except ValueError as error:
                    raise ValueError(f"series {key!r}: {error}") from None
                beside = np.broadcast_to(static, (len(found), len(static)))
                values = np.concatenate([found.values, beside], axis=1)
                series = Regular(values, found.names + tail.names[own:], found.grid)
            if list(series.names) != list(self.columns_):
                raise ValueError(f"series {key!r} has the columns {series.names}, the model's are {self.columns_}")
            # One that is too short begins with its first row again and again.
            lacking = max(0, self._reach - len(series))
            scales = self.scales_[key] if before else self._scales(series.values)
            joined[key] = Taken(padded(series, self._reach), before + (lacking if before else 0), scales)
        return joined

    def _tested(self, panel: dict[Any, Taken], stride: int) -> Iterator[Tested]:
        """Yields what each series is forecast from, and what came."""
        horizon = int(self.horizon)
        for key, taken in panel.items():
            series, first = taken.series, max(taken.before, self._reach)
            origins = np.arange(first, len(series) - horizon + 1, stride)
            # What comes after the first forecast says nothing of the scale.
            scales = taken.scales if taken.before else self._scales(series.values[first - self._reach : first])
            scaled = Regular(series.values / scales, series.names, series.grid)
            actual = scaled.values[origins[:, None] + np.arange(horizon), self._column]
            known = ~np.isnan(actual).all(axis=1)
            values, places = self._widened.contexts(scaled, origins[known], self._reach)
            yield Tested(key, values, places, actual[known], origins[known] - taken.before, float(scales[self._column]))

    def _followed(self, X: Any, continues: bool | None) -> dict[Any, Taken]:
        """Returns series with the rows before them, and refuses rows that do not follow those that are known."""
        panel = self._each(X, continues)
        for key, taken in panel.items():
            if taken.before == 0 and key in self.tails_ and continues is not False:
                raise ValueError(f"series {key!r}: X does not follow the rows that the model knows")
        return panel

    def _take_up(self, panel: dict[Any, Taken]) -> None:
        """Keeps the last rows of series, and the scales of those that are new."""
        self.scales_ = {**self.scales_, **{key: taken.scales for key, taken in panel.items()}}
        tails = {key: self._tail_of(taken.series, taken.scales) for key, taken in panel.items()}
        self.tails_ = {**self.tails_, **tails}
        self.ids_ = list(self.tails_)
