"""The future of a series."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from carrousel.data import Series
from carrousel.estimators._backtest import Backtest
from carrousel.estimators._base import activations_of
from carrousel.estimators._candidates import Extent, extent_of
from carrousel.estimators._correction import Correction, gaps_of
from carrousel.estimators._params import check_memory, choice, integer, lstm_options, training_options
from carrousel.estimators._rolling import refitted
from carrousel.estimators._seasons import levels_of, seasons_of
from carrousel.estimators._series import known_ahead
from carrousel.estimators._series_estimator import SeriesEstimator
from carrousel.estimators._series_gaps import FILLS
from carrousel.estimators._simple_forecasts import SimpleForecasts
from carrousel.estimators._stored_forecaster import arrays_of, facts_of, restore
from carrousel.estimators._widened import worthwhile
from carrousel.estimators._windows import Window, WindowDataset, split_origins
from carrousel.nets.forecaster import ForecastNet
from carrousel.training._loop import Job, train
from carrousel.training._progress import ProgressCallback

__all__ = ["LSTMForecaster"]

VALIDATION_WINDOWS = 1000  # the most, evenly spaced: an epoch's validation stays cheap on a long series
SHORTEST, LONGEST = 16, 512  # of a context that is chosen here


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMForecaster(SeriesEstimator):
    """Forecasts a series with an LSTM or any other cell of the family: the median and quantiles of every step ahead.

    A forecast begins with a simple one: the last value, the value a season before, drift, ridge regressions on values,
    their logarithms or Box-Cox transforms, as they are or relative to where the series stands, exponential smoothing
    and theta (if statsmodels is installed) are judged on folds of the training data, and the best, or the median of
    those that do nearly as well, is the start. The network reads the last ``context`` rows and corrects all ``horizon``
    steps of it at once, in units of the window's spread. It learns from all windows of the series but the last. On
    those training is stopped early, and it is decided how much of the corrections is taken: nothing where they do not
    surely help. Intervals are made to hold on them too (Romano et al. 2019), for each step ahead. ``report`` sets the
    model beside all simple methods.

    Args:
        target: the column to forecast (a name, or a number for an array); None if there is only one, or if it is given
            apart, as y.
        horizon: steps ahead.
        context: rows that the network sees; None takes two seasons or two horizons, whichever is longer, within 16 to
            512 and a quarter of the series.
        known: columns known ahead (prices, holidays, the hour): their future is given to ``predict``. All other columns
            are seen up to the present.
        quantiles: levels in (0, 1) for the intervals; 0.5 is always added.
        season: steps in a season, or in several; None tells them from the frequency of a time index (24 and 168 for
            hours, 7 and 365 for days, 12 for months ...), as far as the series holds three; 1 is none.
        freq: the frequency of the times, an offset of pandas or its name such as ``"h"`` or ``"2B"``; None tells it
            from the index, which must then be long and regular enough.
        fill: what stands for missing values, and for steps that the time index lacks. ``"last"`` carries the last value
            on; ``"interpolate"`` draws a line, but to the end of what a forecast sees, where it carries on;
            ``"mask"`` lets the network see zero and that it is missing, and carries on for the simple methods. Missing
            values of the target count in no loss and no figure. None refuses them.
        calendar: let all methods know sine and cosine of the hour of the day, the day of the week, the day of the year
            or the month, as the frequency says; None does where it helps a ridge regression on the validation windows.
        holidays: a country such as ``"DE"``, or a part of it such as ``"DE-BY"``, whose holidays all methods know; for
            days and shorter steps, by the package ``holidays``.
        batches_per_epoch: the most batches in an epoch, of windows drawn at random; None takes all windows.
        highway: add a linear autoregression on the target's window to the network's correction (Lai et al. 2018); it
            begins at zero and is trained with the rest.
        validation: share of the windows, the last in time, set aside to stop early; None sets none aside.

    All other parameters are those of the room's recipe: the options of ``carrousel.LSTM``, under their names there, and
    of the training (learning_rate, batch_size, max_epochs, patience, ...); see ``carrousel.estimators.Recipe``.

    Attributes:
        target_, columns_: the target's column and all columns, the last of which is a target apart.
        n_features_in_: columns of X.
        feature_names_in_: their names, if X was a DataFrame with columns of text: then DataFrames with other columns,
            or these in another order, are refused.
        context_: the parameter, or what None chose.
        calendar_: whether the calendar is known beside the series.
        seasons_, season_: the seasons, and the shortest of them, the unit of MASE (1 if there is none).
        simple_: the simple methods; ``simple_.start`` is the starting forecast.
        correction_: what is taken of the network's corrections, ``correction_.share``, and how they become quantiles.
        history_: one dict per epoch: epoch, learning_rate, train_loss, valid_loss (pinball, scaled), MAE (validation).
        best_epoch_, network_, fit_seconds_: as in LSTMClassifier.

    Raises:
        ValueError: NaN or infinity (the message names row and column), gaps in the time index, a horizon longer than
            the series, unknown columns, unknown cell.

    >>> import numpy as np
    >>> from carrousel.estimators import LSTMForecaster
    >>> wave = np.sin(np.arange(400) * 2 * np.pi / 20)
    >>> model = LSTMForecaster(horizon=10, season=20, max_epochs=10, random_state=0).fit(wave[:300])
    >>> model.predict().shape
    (10,)
    >>> bool(np.abs(model.predict() - wave[300:310]).max() < 0.2)
    True
    >>> report = model.report(wave[300:])
    >>> [score.method for score in report.scores][:4]
    ['LSTM', 'naive', 'seasonal naive (20)', 'drift']
    >>> report.notes[0].split(":")[0]  # nothing beats last season's values on a pure wave
    'The network adds nothing to its starting forecast, seasonal naive (20)'
    """

    target: Any = field(default=None, kw_only=False)
    horizon: int = field(default=12, kw_only=False)
    context: int | None = None
    known: tuple[Any, ...] = ()
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)
    season: Any = None
    freq: Any = None
    fill: str | None = None
    calendar: bool | None = None
    holidays: str | None = None
    batches_per_epoch: int | None = 100
    highway: bool = True
    patience: int | None = 8
    validation: float | None = 0.2

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> LSTMForecaster:
        """Trains on one series.

        Args:
            X: array ``[T]`` or ``[T, C]``, pandas Series, or DataFrame of numbers whose index is the time (dates,
                periods or integers, one regular step after another).
            y: the series to forecast, ``[T]``, where it does not stand in X: the columns of X are then what is seen
                beside it, and ``predict``, ``score`` and all others want y too wherever they are given newer rows. So a
                step of a Pipeline before this one works on X and leaves the target alone. None: the target is the
                column ``target`` of X.
            checkpoint: as in LSTMClassifier.fit.
            resume: as there.
            progress: as there.
        """
        self._check_options()
        series = self._begin(X, y)
        self.seasons_ = seasons_of(self.season, series.grid, len(series), int(self.horizon))
        self.season_ = self.seasons_[0] if self.seasons_ else 1
        self.context_ = int(self.context) if self.context is not None else self._context(len(series))
        horizon = int(self.horizon)
        seed = self._draw_seed(checkpoint, resume)
        identity = self._identity(seed, [series.values, repr(series.names), repr(series.grid)])

        extent = extent_of(len(series), horizon, self.seasons_, self.context_, self.context is not None)
        training, valid = split_origins(len(series), extent.reach, horizon, self.validation)
        target, season = series.values[:, self._column], self.season_
        gone = np.isnan(target)
        training, valid = worthwhile(gone, training, horizon), worthwhile(gone, valid, horizon)
        values, training, valid = self._widen(series, training, valid)
        moves = np.abs(target[season:] - target[:-season])
        self.mase_unit_ = float(np.nanmean(moves)) if np.isfinite(moves).any() else 0.0
        run = {"identity": identity, "checkpoint": checkpoint, "resume": resume, "progress": progress}
        self._learn(values, gone, training, valid, extent, seed, run)
        self._keep_tail(series)
        return self

    def _check_options(self) -> None:
        training_options(self)
        check_memory(self)
        integer(self, "horizon")
        integer(self, "context", none=True)
        integer(self, "batches_per_epoch", none=True)
        self.levels_ = levels_of(self.quantiles)
        choice(self, "fill", (None, *FILLS))

    def _learn(
        self, values: np.ndarray, gone: np.ndarray, training: np.ndarray, valid: np.ndarray, extent: Extent, seed: int,
        run: dict[str, Any], owners: np.ndarray | None = None, ages: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        """Fits the simple methods, and the network to correct the best of them.

        Args:
            values: the series in all its columns, [T, W].
            gone: whether the target is missing, [T].
            training: origins to learn from.
            valid: later ones.
            extent: how far back to look.
            seed: of the network.
            run: what ``train`` is told of checkpoints and progress.
            owners: the number of each row's series, [T], for a network that knows series apart.
            ages: the steps from each row of many series to the last of its own, [T].
        """
        middle, context = self.levels_.index(0.5), self.context_
        shape = self._widened.shape
        of_windows = None if ages is None else ages[np.concatenate([training, valid])]
        about = (shape, extent, context, self.levels_, of_windows)
        self.simple_, starts = SimpleForecasts.fit(values, training, valid, *about)
        power = self.simple_.start.gauge.power
        window = Window.fit(values, training, starts.training, shape, context, power, self._widened.filling.masks)
        self._gaps = gaps_of(window.targets(values, training, starts.training), self.levels_)
        chosen = np.unique(np.linspace(0, max(0, len(valid) - 1), VALIDATION_WINDOWS).astype(int))[: len(valid)]
        some, late = valid[chosen], starts.valid[chosen]
        worth = [window.worth(values, *part) for part in ((training, starts.training), (some, late))]
        unit = float(np.concatenate(worth).mean())
        weights = [(part / unit).astype(np.float32) for part in worth]

        whose = [None if owners is None else owners[part] for part in (training, some)]

        def mean_absolute_error(forecast: np.ndarray, actual: np.ndarray, weights: np.ndarray | None) -> float:
            assert weights is not None
            return float((np.nanmean(np.abs(forecast[:, :, middle] - actual), axis=1) * weights).mean() * unit)

        job = Job(
            build=self._build,
            train=WindowDataset(values, training, starts.training, window, weights[0], gone, whose[0]),
            valid=WindowDataset(values, some, late, window, weights[1], gone, whose[1]) if len(some) else None,
            metric_name="MAE",
            metric=mean_absolute_error,
            batches=self.batches_per_epoch,
        )
        trained = train(job, training_options(self), seed, **run)
        self.correction_ = Correction.fit(trained.network, window, values, some, late, self.levels_, whose[1])
        self._keep(trained, seed)

    def _context(self, rows: int) -> int:
        wanted = min(max(2 * self.season_, 2 * self.horizon, SHORTEST), LONGEST)
        return max(1, min(wanted, rows // 4))

    @property
    def _needs(self) -> int:
        """Rows that a forecast needs before it."""
        return max(self.context_, *(part.form.reach for part in self.simple_.start.parts))

    @property
    def _reach(self) -> int:
        """Rows that must stand before an origin where the simple methods forecast too."""
        return max(self.context_, self.simple_.reach)

    @property
    def _told_apart(self) -> dict[str, int]:
        """What the network is told of the series that it knows apart."""
        return {}

    def _build(self) -> nn.Module:
        network = ForecastNet(
            self._widened.shape.columns,
            len(self._widened.shape.known) + 1,
            int(self.horizon),
            self._column if self.highway else None,
            self.context_,
            self.levels_,
            dropout=float(self.dropout),
            noise=float(self.input_noise),
            lstm=lstm_options(self),
            **self._told_apart,
        )
        network.gaps.copy_(torch.from_numpy(self._gaps))
        return network

    def _outputs(self, values: np.ndarray, origins: np.ndarray, owners: np.ndarray | None = None) -> np.ndarray:
        """Returns quantiles in the target's units, [N, H, Q]; ``owners``, [N], are the windows' series."""
        starts, middle = self.simple_.start(values, origins), self.levels_.index(0.5)
        return self.correction_.quantiles(self.network_, values, origins, starts, middle, owners)

    def predict(self, X: Any = None, y: Any = None, *, future: Any = None, continues: bool | None = None) -> Any:
        """Returns the median forecast of the ``horizon`` steps after the training data, or after a newer series X.

        Args:
            X: rows that came after the training data, or another series of the same columns; None forecasts from the
                end of the training data.
            y: the target in these rows, if it was given apart in ``fit``.
            future: the known covariates of the steps ahead, ``[horizon, K]`` in the order of ``known``, or a DataFrame
                with those columns. Needed if there are any.
            continues: whether X's first row follows the training data's last; None tells it from the time index, and
                takes an array to continue. A series that does not continue needs as many
                rows as the starting forecast and the network look back.

        Returns:
            ``[horizon]``; a pandas Series under the coming times where the data has a time index.
        """
        quantiles, index = self._ahead(X, y, future, continues)
        median = quantiles[:, self.levels_.index(0.5)]
        return median if index is None else pd.Series(median, index=index, name=self.target_)

    def predict_quantiles(
        self, X: Any = None, y: Any = None, *, future: Any = None, continues: bool | None = None
    ) -> Any:
        """Returns the quantiles of ``levels_``, ``[horizon, Q]`` or a DataFrame with a column each; as ``predict``."""
        quantiles, index = self._ahead(X, y, future, continues)
        return quantiles if index is None else pd.DataFrame(quantiles, index=index, columns=list(self.levels_))

    def table(self, data: Series, *, future: Any = None) -> pd.DataFrame:
        """Returns a row for each step after a series as ``carrousel.data`` reads it: its time, and every quantile.

        Args:
            data: the series.
            future: the known columns of the steps ahead, as in ``predict``.
        """
        quantiles = pd.DataFrame(self.predict_quantiles(*self._arguments(data.frame), future=future))
        quantiles.columns = pd.Index([f"quantile {level}" for level in self.levels_])
        return quantiles.rename_axis("time").reset_index()

    def _ahead(self, X: Any, y: Any, future: Any, continues: bool | None) -> tuple[np.ndarray, pd.Index | None]:
        self._check_fitted()
        series, _ = self._joined(X, y, continues)
        if len(series) < self._needs:
            raise ValueError(f"X has {len(series)} rows, and a forecast needs {self._needs} before it")
        names = [self.columns_[k] for k in self._known]
        values = self._widened(series, known_ahead(future, names, int(self.horizon), series))
        ahead = series.places(len(series), int(self.horizon))
        return self._outputs(values, np.array([len(series)]))[0], ahead

    def backtest(
        self,
        X: Any,
        y: Any = None,
        *,
        stride: int = 1,
        continues: bool | None = None,
        refit: bool | int = False,
        first: int | None = None,
    ) -> Backtest:
        """Forecasts from every ``stride``-th row of X, by the model and by the simple methods.

        X must be data that was not trained on. Where it continues the training data, the first forecast starts at its
        first row; else its first rows are context only.

        Args:
            X: the rows.
            y: the target in these rows, if it was given apart in ``fit``.
            stride: rows from one origin to the next.
            continues: as in ``predict``.
            refit: False forecasts with this model. Else X is the whole series, the rows to learn from among them, and
                new models with the parameters of this one are fitted to all rows before: at every origin (True), or
                anew after so many rows (a number).
            first: with ``refit``, the first origin; None takes the row after four fifths.
        """
        if not isinstance(stride, int) or stride < 1:
            raise ValueError(f"stride must be an integer of at least 1, got {stride!r}")
        if refit is not False:
            X, y = self._evenly(X, y)
            return refitted(self, X, y, stride=stride, refit=refit, first=first)
        if first is not None:
            raise ValueError("first= says from which row on to refit; give refit= too")
        self._check_fitted()
        series, before = self._joined(X, y, continues)
        rows = len(series) - before
        origins = np.arange(max(before, self._reach), len(series) - self.horizon + 1, stride)
        if len(origins) == 0:
            needed = self.horizon + max(0, self._reach - before)
            raise ValueError(f"a backtest needs {needed} rows for a horizon of {self.horizon}, X has {rows}")
        actual = series.values[origins[:, None] + np.arange(self.horizon), self._column]
        known = ~np.isnan(actual).all(axis=1)
        if not known.any():
            raise ValueError("a backtest needs values of the target, and all of them are missing")
        origins, actual = origins[known], actual[known]
        values, places = self._widened.contexts(series, origins, self._reach)
        return self._backtested(values, places, actual, origins - before, series.places(before))

    def _backtested(
        self, values: np.ndarray, places: np.ndarray, actual: np.ndarray, origins: np.ndarray, index: pd.Index | None,
        owners: np.ndarray | None = None,
    ) -> Backtest:  # fmt: skip
        """Forecasts from ``places`` in widened values, by the model and by the simple methods."""
        simple = self.simple_.quantiles(values, places, self.levels_.index(0.5))
        quantiles = {self._method: self._outputs(values, places, owners), **simple}
        notes = self.simple_.notes(self._method, self.correction_.share)
        return Backtest(origins, actual, quantiles, self.levels_, index, self.mase_unit_, notes)

    def activations(self, X: Any = None, y: Any = None, *, continues: bool | None = None) -> dict[str, np.ndarray]:
        """Returns every state, gate and candidate over the ``context_`` rows before a forecast; as LSTMClassifier's."""
        self._check_fitted()
        series, _ = self._joined(X, y, continues)
        if len(series) < self.context_:
            raise ValueError(f"X has {len(series)} rows, and the context is {self.context_} long")
        rows = self._widened(series, np.zeros((int(self.horizon), len(self._known))))
        return self._activations(rows, len(series))

    def _activations(self, rows: np.ndarray, origin: int) -> dict[str, np.ndarray]:
        """Returns those over the rows before one of a series in all its columns."""
        anywhere = np.ones((1, int(self.horizon)))  # what the LSTM does is before the starting forecast comes in
        inputs = self.correction_.window.inputs(rows, np.array([origin]), anywhere)
        return activations_of(self.network_, inputs[0][0])

    def _facts(self) -> dict[str, Any]:
        return facts_of(self)

    def _arrays(self) -> dict[str, np.ndarray]:
        return arrays_of(self)

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        restore(self, facts, arrays)
