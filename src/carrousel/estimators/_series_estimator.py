"""What an estimator of one series makes of X and y, and of series as they are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carrousel import pictures
from carrousel._format import whole
from carrousel.data import DataError, File, Series, load_series
from carrousel.estimators import _saved
from carrousel.estimators._backtest import Backtest
from carrousel.estimators._base import Trainable
from carrousel.estimators._calendar import calendar_names
from carrousel.estimators._features import check_features, check_width
from carrousel.estimators._report import Report
from carrousel.estimators._series import Regular, as_series, placed, rows_of
from carrousel.estimators._series_gaps import Filling
from carrousel.estimators._stored_grid import grid_to_json
from carrousel.estimators._tuning import check_tuning, tunable, tuned
from carrousel.estimators._widened import Widened, calendar_helps
from carrousel.estimators._windows import WindowDataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SeriesEstimator", "drawings_of"]

FORECASTS = 4  # drawn at most, one after another at the end of a series


class SeriesEstimator(Trainable):
    """An estimator that learns from one series, and goes on from its end or from newer rows.

    Attributes:
        tail_: the last rows of the training data.
        apart_: whether the target was given apart from X.
        calendar_: whether the calendar is known beside the series.
    """

    target: Any
    horizon: int
    known: tuple[Any, ...]
    freq: Any
    fill: str | None
    calendar: bool | None
    holidays: str | None
    tail_: Regular
    apart_: bool
    calendar_: bool
    context_: int
    _widened: Widened

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

    def report(self, X: Any, y: Any = None, *, stride: int = 1, continues: bool | None = None) -> Report:
        """Compares the model with the simple methods on X: ``backtest(...).report()``."""
        return self.backtest(X, y, stride=stride, continues=continues).report()

    def score(self, X: Any, y: Any = None, *, continues: bool | None = None) -> float:
        """Returns the skill on a backtest of X, 1 - MAE / MAE of the naive forecast: 1 is perfect, 0 is naive."""
        backtest = self.backtest(X, y, continues=continues)
        errors = {method: np.nanmean(np.abs(backtest.actual - guess)) for method, guess in backtest.median.items()}
        return float(1.0 - errors[self._method] / errors["naive"]) if errors["naive"] else float("nan")

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

    def items_on(self, data: Series) -> WindowDataset:
        """Returns the windows that the network is shown of a series as ``carrousel.data`` reads it, with its targets.

        Raises:
            DataError: the series is too short for one.
        """
        X, y = (*self._arguments(data.frame), None)[:2]
        series, _ = self._joined(X, y, False)
        horizon = int(self.horizon)
        origins = np.arange(self._needs, len(series) - horizon + 1)
        known = ~np.isnan(series.values[:, self._column])
        origins = np.array([k for k in origins if known[k : k + horizon].all()], np.int64)
        if not len(origins):
            raise DataError(f"{data.name}: {self._needs + horizon} rows are needed for a window, with their target")
        values, places = self._widened.contexts(series, origins, self._needs)
        starts, weights = self.simple_.start(values, places), np.ones(len(places), np.float32)
        return WindowDataset(values, places, starts, self.correction_.window, weights, np.zeros(len(values), bool))

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
        drawn = drawings_of(
            self, data.name, whole[self.target_], frame.index, where, test,
            self.activations(*self._arguments(whole)), whole[list(self.columns_)].to_numpy()[-self.context_ :],
            [str(name) for name in self.columns_], layer,
        )  # fmt: skip
        return {**drawn, **super().drawings(data, layer=layer)}

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
        series = as_series(X, y, freq=self.freq, gaps=self.fill is not None)
        if len(series) == 1:
            raise ValueError("X has 1 sample, a series of one row: nothing follows that could be forecast")
        grid_to_json(series.grid)  # one that a saved model cannot bring back is refused before training, not after it
        check_features(self, X, reset=True)
        self.apart_ = y is not None
        self._set_columns(series)
        return series

    def _target_of(self, series: Regular) -> Any:
        """Returns the name of the target; None for the only column, or the last."""
        return self.target

    def _set_columns(self, series: Regular) -> None:
        self.columns_, target = list(series.names), self._target_of(series)
        self.n_features_in_ = len(series.names) - self.apart_
        if self.apart_ and target not in (None, series.names[-1]):
            raise ValueError(f"y was given, so the target cannot be the column {target!r} too")
        if target is None and self.n_features_in_ > 1 and not self.apart_:
            names = ", ".join(repr(n) for n in series.names)
            raise ValueError(f"give target=, one of the columns {names}, or the target apart as y")
        self.target_ = series.names[-1] if target is None else target
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
        gaps = self.fill is not None
        rows = rows_of(X, gaps=gaps)
        check_width(self, rows.values.shape[1], np.ndim(X))
        if self.apart_ != (y is not None):
            raise ValueError(
                "the target was given apart in fit: give y= for these rows too, a forecast needs its last values"
                if self.apart_
                else f"the target stood in X in fit, as {self.target_!r}: it does so here, and there is no y"
            )
        rows = rows if y is None else rows_of(X, y, gaps=gaps)
        return placed(rows, tail, freq=self.freq, continues=continues, gaps=gaps)

    def _widen(
        self, series: Regular, training: np.ndarray, valid: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Chooses the calendar, and returns the series in all its columns with the origins that may be learned from."""
        if self.calendar not in (None, True, False):
            raise ValueError(f"calendar must be True, False or None, got {self.calendar!r}")
        about = (self._known, self._column, int(self.horizon))
        plain = Widened.fit(series, *about, self.calendar is True, self.holidays, self.fill)
        values = plain(series)
        training, valid = (
            part[~plain.filling.open_ended(series.values, part)] if len(part) else part for part in (training, valid)
        )
        if len(training) == 0:
            raise ValueError("too many values are missing: no window is left to learn from")
        self._widened = plain
        if self.calendar is None and plain.cycles and len(valid):
            wide = Widened.fit(series, *about, True, self.holidays, self.fill)
            wide_values = wide(series)
            if calendar_helps((plain, values), (wide, wide_values), training, valid, self.context_):
                self._widened, values = wide, wide_values
        self.calendar_ = self._widened.calendar
        return values, training, valid

    def _keep_tail(self, series: Regular) -> None:
        """Keeps the last rows; what is missing in the first one of them is what was carried on to there."""
        self.tail_ = series.last(self._reach)
        carried = self._widened(series)[len(series) - self._reach, : self._widened.own]
        self.tail_.values[0] = np.where(np.isnan(self.tail_.values[0]), carried, self.tail_.values[0])

    @property
    def _reach(self) -> int:
        """Rows that must stand before an origin."""
        raise NotImplementedError

    def update(self, X: Any, y: Any = None) -> Any:
        """Goes on from newer rows without learning from them: the next forecast is of the steps after these.

        Args:
            X: the rows that came after those the model knows; some of these may be among them.
            y: the target in these rows, if it was given apart in ``fit``.

        Returns:
            The model, which keeps the new rows when it is saved.

        Raises:
            ValueError: the rows do not follow.
        """
        self._check_fitted()
        series, before = self._joined(X, y, None)
        if before == 0:
            raise ValueError("X does not follow the rows that the model knows: give all rows after them")
        self._keep_tail(series)
        return self

    def fine_tune(
        self, X: Any, y: Any = None, *, learning_rate: float | None = None, max_epochs: int = 5,
        continues: bool | None = None,
    ) -> Any:  # fmt: skip
        """Trains the network further from its present weights, on newer rows, and goes on from their end.

        A loaded model can be fine-tuned too. The starting forecast, all scales, and what makes intervals hold stay as
        ``fit`` chose them: after a change of the series itself ``fit`` is the better way.

        Args:
            X: the rows that came after those the model knows.
            y: the target in these rows, if it was given apart in ``fit``.
            learning_rate: the highest rate; None takes a tenth of the parameter of this name, so that little is
                forgotten.
            max_epochs: passes over the new windows; all are made.
            continues: False takes X for another series, from whose end the model then goes on.

        Returns:
            The model.

        Raises:
            ValueError: the rows do not follow, or are too few for a window.
        """
        self._check_fitted()
        check_tuning(learning_rate, max_epochs)
        series, before = self._joined(X, y, continues)
        if before == 0 and continues is not False:
            raise ValueError("X does not follow the rows that the model knows; continues=False takes another series")
        if len(series) < self._reach:
            raise ValueError(f"X has {len(series)} rows, and a forecast needs {self._reach} before it")
        origins = tunable(self, series, before)
        if len(origins) == 0:
            needed = max(before, self._reach) - before + int(self.horizon)
            raise ValueError(
                f"training needs {needed} rows for a horizon of {self.horizon}, with the values that are ahead in "
                f"them; X has {len(series) - before}"
            )
        gone = np.isnan(series.values[:, self._column])
        self.network_ = tuned(self, self._widened(series), origins, gone, learning_rate, max_epochs)
        self._keep_tail(series)
        return self

    def _restored_widening(self, facts: dict[str, Any]) -> Widened:
        own, cycles = len(self.columns_), len(calendar_names(self.tail_.grid))
        blank = Filling(None, np.zeros(own))
        about = (self._known, self._column, int(self.horizon))
        made = Widened(own, *about, self.calendar_, cycles, self.holidays, blank)
        usual = _saved.numbers(facts.get("usual", [0.0] * (own + made.added)), own + made.added, "its usual values")
        masked = tuple(whole(column, "a column with a mask", 0, own - 1) for column in facts.get("masked", []))
        if masked != tuple(sorted(set(masked))) or (masked and self.fill != "mask"):
            raise ValueError("its columns with masks are damaged")
        return made.filled_by(Filling(self.fill, usual, masked))

    def _evenly(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Returns a series and its target with a row for every step of time, where some may be missing."""
        if self.fill is None or not isinstance(X, (pd.Series, pd.DataFrame)):
            return X, y
        index = as_series(X, freq=self.freq, gaps=True).places()
        if isinstance(y, np.ndarray | list):
            y = pd.Series(np.asarray(y, dtype=float), X.index)
        return X.reindex(index), None if y is None else y.reindex(index)


def drawings_of(
    model: Any, name: str, target: pd.Series, index: pd.Index, where: str, test: Backtest,
    activations: dict[str, np.ndarray], context: np.ndarray, channels: list[str], layer: int,
) -> dict[str, Figure]:  # fmt: skip
    """Draws a forecaster at work on one series: ``forecast`` and ``gates``.

    Args:
        model: the forecaster.
        name: of the series.
        target: the whole of it.
        index: of the rows of ``test``.
        where: these lie, in words.
        test: forecasts.
        activations: before a forecast.
        context: what the network sees there, [L, C].
        channels: its names.
        layer: the layer whose gates are drawn, from 0.
    """
    shown = target.iloc[-model.horizon * (FORECASTS + 4) :]
    report = test.report()
    ours = report.model.method
    # Where the model says what its starting forecast says, the best of the others is beside it.
    same = {other for other, said in test.median.items() if other != ours and np.allclose(said, test.median[ours])}
    others = [score for score in report.scores if score.simple and score.method not in same]
    best = min(others, key=lambda score: score.metrics["MAE"]) if others else report.best_simple
    figures = [f"{each.method} {each.metrics['MAE']:.4g}" for each in (report.model, best)]
    title = f"{name}: forecasts of {model.horizon} steps {where}; MAE: {', '.join(figures)}"
    rivals = [pd.Series(each[0.5], name=best.method) for each in test.last_forecasts(index, FORECASTS, best.method)]
    said = f"{name}: the last {len(context)} steps, before a forecast"
    forecast = pictures.draw_forecast(shown, test.last_forecasts(index, FORECASTS), rivals=rivals, title=title)
    gates = pictures.draw_activations(activations, context, cell=model.cell, channels=channels, layer=layer, title=said)
    return {"forecast": forecast, "gates": gates}
