"""What an estimator of one series makes of X and y, and of series as they are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel import pictures
from carrousel.data import DataError, File, Series, load_series
from carrousel.estimators._backtest import Backtest
from carrousel.estimators._base import Trainable
from carrousel.estimators._features import check_features, check_width
from carrousel.estimators._report import Report
from carrousel.estimators._series import Regular, as_series, placed, rows_of
from carrousel.estimators._stored_grid import grid_to_json

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["SeriesEstimator"]

FORECASTS = 4  # drawn at most, one after another at the end of a series


class SeriesEstimator(Trainable):
    """An estimator that learns from one series, and goes on from its end or from newer rows.

    Attributes:
        tail_: the last rows of the training data.
        apart_: whether the target was given apart from X.
    """

    target: Any
    horizon: int
    known: tuple[Any, ...]
    freq: Any
    tail_: Regular
    apart_: bool
    context_: int

    def read(self, source: str | Path | File, **options: Any) -> Series:
        """Reads one series.

        Args:
            source: a name or a file, as ``carrousel.data.load_series`` takes it.
            **options: as ``load_series`` takes them: the columns ``time`` and ``channels`` of a table, how it is
                written, ``fill``, ``freq``, ``max_size``.

        Raises:
            DataError: the data cannot be read.
        """
        return load_series(source, **options)

    def read_future(self, source: str | Path | File, **options: Any) -> pd.DataFrame | np.ndarray:
        """Reads the known columns of the steps ahead; the arguments are those of ``read``.

        Returns:
            The columns under their times; ``[horizon, K]`` from a file without times.

        Raises:
            DataError: the data cannot be read, or lack one.
        """
        frame = load_series(source, **options).frame
        lacking = [name for name in self.known if name not in frame.columns]
        if lacking:
            raise DataError(f"{source}: no column {lacking[0]!r}, which the model knows in advance")
        known = frame[list(self.known)]
        # A file without times has numbered rows, which are taken in their order.
        return known.to_numpy() if frame.index.dtype.kind == "i" and frame.index.name is None else known

    def fit_on(self, data: Series, **run: Any) -> Any:
        """Trains on a series as ``carrousel.data`` reads it; ``run`` as in ``fit``."""
        return self.fit(data.frame, **run)

    def backtest(self, X: Any, y: Any = None, *args: Any, **kwargs: Any) -> Backtest:
        """Forecasts from the rows of the series X."""
        raise NotImplementedError

    def activations(self, X: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> dict[str, np.ndarray]:
        """Returns every state, gate and candidate before a forecast."""
        raise NotImplementedError

    def unseen(self, data: Series) -> Series:
        """Returns the rows after the last one that the model was trained on; all rows where it is not among them.

        Raises:
            DataError: they are fewer than a forecast has steps.
        """
        frame = self._after(data.frame)
        if len(frame) < self.horizon:
            raise DataError(
                f"{data.name}: {len(frame)} of its {len(data)} steps come after the training data; "
                f"a forecast of {self.horizon} steps needs as many to be compared with"
            )
        return replace(data, frame=frame)

    def report_on(self, data: Series) -> Report:
        """Returns ``report`` on a series as ``carrousel.data`` reads it."""
        return self.report(*self._arguments(data.frame))

    def drawings(self, data: Series, *, layer: int = 0) -> dict[str, Figure]:
        """Draws the model at work: ``forecast``, ``gates`` over the last rows before one, and ``learning-curve``.

        Args:
            data: a series as ``carrousel.data`` reads it. Forecasts are drawn where the model was not trained, if
                there are rows enough.
            layer: the layer whose gates are drawn, from 0.
        """
        whole = data.frame
        frame, where = self._after(whole), "after the training data"
        if len(frame) < self.horizon:
            frame, where = whole, "within the training data"
        elif len(frame) == len(whole):
            where = "of another series"
        test = self.backtest(*self._arguments(frame))
        shown = whole[self.target_].iloc[-self.horizon * (FORECASTS + 4) :]
        title = f"{data.name}: forecasts of {self.horizon} steps {where}"
        gates = pictures.draw_activations(
            self.activations(*self._arguments(whole)),
            whole[list(self.columns_)].to_numpy()[-self.context_ :],
            cell=self.cell,
            channels=[str(name) for name in self.columns_],
            layer=layer,
            title=f"{data.name}: the last {self.context_} steps, before a forecast",
        )
        forecast = pictures.draw_forecast(shown, test.last_forecasts(frame.index, FORECASTS), title=title)
        return {"forecast": forecast, "gates": gates, **super().drawings(data, layer=layer)}

    def _arguments(self, frame: pd.DataFrame) -> tuple[Any, ...]:
        """Returns X, or X and y if the target was given apart: the model's columns in its order."""
        columns = list(self.columns_)
        if not set(columns) <= set(frame.columns):
            return (frame,)  # the method that takes it says what is lacking
        return (frame[columns[:-1]], frame[columns[-1]]) if self.apart_ else (frame[columns],)

    def _after(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Returns the rows after the last one of the training data, or all rows where it is not among them."""
        last = self.tail_.places(len(self.tail_) - 1, 1)
        if last is None or last[0] not in frame.index:
            return frame
        return frame.iloc[int(frame.index.get_indexer(last)[0]) + 1 :]

    def _begin(self, X: Any, y: Any) -> Regular:
        """Returns the series to learn from, a target y given apart as its last column, and sets the columns."""
        series = as_series(X, y, freq=self.freq)
        if len(series) == 1:
            raise ValueError("X has 1 sample, a series of one row: nothing follows that could be forecast")
        grid_to_json(series.grid)  # one that a saved model cannot bring back is refused before training, not after it
        check_features(self, X, reset=True)
        self.apart_ = y is not None
        self._set_columns(series)
        return series

    def _set_columns(self, series: Regular) -> None:
        self.columns_ = list(series.names)
        self.n_features_in_ = len(series.names) - self.apart_
        if self.apart_ and self.target not in (None, series.names[-1]):
            raise ValueError(f"y was given, so the target cannot be the column {self.target!r} too")
        if self.target is None and self.n_features_in_ > 1 and not self.apart_:
            names = ", ".join(repr(n) for n in series.names)
            raise ValueError(f"give target=, one of the columns {names}, or the target apart as y")
        self.target_ = series.names[-1] if self.target is None else self.target
        self._column = series.column(self.target_, "target")
        try:
            known = (self.known,) if isinstance(self.known, str) else tuple(self.known)
        except TypeError:
            raise ValueError(f"known must be names of columns, got {self.known!r}") from None
        self._known = tuple(series.column(name, "known covariate") for name in known)
        if self._column in self._known:
            raise ValueError(f"the target {self.target_!r} cannot be known ahead")

    def _joined(self, X: Any, y: Any, continues: bool | None) -> tuple[Regular, int]:
        """Returns X, after the last rows of the training data if it continues them, and how many these are."""
        tail = self.tail_
        if X is None:
            if continues is not None or y is not None:
                raise ValueError("continues= and y say more of X; give X too")
            return tail, len(tail)
        check_features(self, X, reset=False)
        rows = rows_of(X)
        check_width(self, rows.values.shape[1], np.ndim(X))
        if self.apart_ != (y is not None):
            raise ValueError(
                "the target was given apart in fit: give y= for these rows too, a forecast needs its last values"
                if self.apart_
                else f"the target stood in X in fit, as {self.target_!r}: it does so here, and there is no y"
            )
        return placed(rows if y is None else rows_of(X, y), tail, freq=self.freq, continues=continues)
