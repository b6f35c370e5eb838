"""The future of many series, by one model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from carrousel._format import fitted
from carrousel.data import DataError
from carrousel.estimators import _saved
from carrousel.estimators._backtest import Backtest
from carrousel.estimators._candidates import extent_of
from carrousel.estimators._panel import Stack, Static, frames_of, padded, regular_of, scales_of
from carrousel.estimators._series import Regular, known_ahead, placed, rows_of
from carrousel.estimators._stored_grid import grid_from_json, grid_to_json
from carrousel.estimators._widened import Widened, calendar_helps, worthwhile
from carrousel.estimators.forecast import LSTMForecaster
from carrousel.training._progress import ProgressCallback

__all__ = ["LSTMPanelForecaster"]


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMPanelForecaster(LSTMForecaster):
    """Forecasts many series with one network, and series that it was not trained on from their own last rows.

    It is an ``LSTMForecaster`` that learns from the windows of all series. Each series is brought to its own scale, the
    mean absolute deviation from its mean over the rows that a forecast looks back at; so are its covariates, but for
    those known ahead. A report is in these units. All series have the same columns and the same frequency.

    Args:
        id: the column of a long DataFrame that tells series apart; None takes a dict of series, or several targets.
        static: columns that are constant in each series, numbers or words: they are known ahead by themselves.
        target: the column to forecast; or several, of a DataFrame without ``id``: each is then a series of its own,
            beside which all other columns stand.

    All other parameters are those of ``LSTMForecaster``.

    Attributes:
        ids_: the series of the training data.
        tails_: the last rows of each, by its id.

    >>> import numpy as np
    >>> from carrousel.estimators import LSTMPanelForecaster
    >>> waves = {k: k * np.sin(np.arange(60) * 2 * np.pi / 6) for k in range(1, 9)}
    >>> model = LSTMPanelForecaster(horizon=3, season=6, max_epochs=1, random_state=0).fit(waves)
    >>> model.predict().groupby(level=0).size().tolist()
    [3, 3, 3, 3, 3, 3, 3, 3]
    >>> new = model.predict({"never seen": 100 * waves[1]})
    >>> bool(np.abs(new.to_numpy() - 100 * waves[1][:3]).max() < 20)
    True
    """

    id: Any = None
    static: tuple[Any, ...] = ()

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> LSTMPanelForecaster:
        """Trains on many series.

        Args:
            X: a long DataFrame with the column ``id`` whose index is the time, a dict of series as LSTMForecaster takes
                them, or a DataFrame with several targets.
            y: None: the target stands in X.
            checkpoint: as in LSTMClassifier.fit.
            resume: as there.
            progress: as there.
        """
        if y is not None:
            raise ValueError("the target of many series stands in X, and there is no y")
        self._check_options()
        frames = frames_of(X, self.id, self._targets)
        static = (self.static,) if isinstance(self.static, str) else tuple(self.static)
        self._static = Static.fit(frames, static)
        panel = {key: self._regular(frame, key) for key, frame in frames.items()}
        first = next(iter(panel.values()))
        for key, series in panel.items():
            if series.names != first.names:
                raise ValueError(f"series {key!r} has the columns {series.names}, the first one has {first.names}")
            if (series.grid is None) != (first.grid is None) or (
                series.grid is not None and first.grid is not None and series.grid.offset != first.grid.offset
            ):
                raise ValueError(f"series {key!r} has another frequency than the first one, {first.grid}")
            grid_to_json(series.grid, steps=1)
        grid_to_json(first.grid)
        self.apart_ = False
        self._set_columns(first)
        horizon, lengths = int(self.horizon), [len(series) for series in panel.values()]
        usual = int(np.median(lengths))
        self.seasons_ = self._seasons(first.grid, usual)
        self.season_ = self.seasons_[0] if self.seasons_ else 1
        self.context_ = int(self.context) if self.context is not None else self._context(usual)
        extent = extent_of(usual, horizon, self.seasons_, self.context_, self.context is not None)
        # Exponential smoothing has the parameters of one series.
        reach = max(self.context_, *extent.lags, *extent.seasons, 1)
        extent = replace(extent, smoothing=0, reach=reach)
        seed = self._draw_seed(checkpoint, resume)
        facts = [repr(list(panel)), repr(first.names), repr([series.grid for series in panel.values()])]
        identity = self._identity(seed, [*(series.values for series in panel.values()), *facts])

        stack = Stack.fit(lengths, reach, horizon, self.validation)
        scaled = [self._scaled(series, reach)[0] for series in panel.values()]
        gone = np.isnan(stack.of([series.values[:, self._column] for series in scaled]))
        training, valid = worthwhile(gone, stack.training, horizon), worthwhile(gone, stack.valid, horizon)
        pooled = Regular(np.concatenate([series.values for series in scaled]), first.names, first.grid)
        values, training, valid = self._widen_all(pooled, scaled, stack, training, valid)
        season, targets = self.season_, [series.values[:, self._column] for series in scaled]
        moves = [np.abs(target[season:] - target[:-season]) for target in targets]
        self.mase_unit_ = float(np.nanmean(np.concatenate(moves)))
        run = {"identity": identity, "checkpoint": checkpoint, "resume": resume, "progress": progress}
        self._learn(values, gone, training, valid, extent, seed, run)
        self.ids_ = list(panel)
        self.tails_ = {key: self._tail_of(series) for key, series in panel.items()}
        return self

    @property
    def _targets(self) -> tuple[Any, ...]:
        return tuple(self.target) if isinstance(self.target, (tuple, list)) else ()

    def _context(self, rows: int) -> int:
        # Many series make up for the windows that one of them lacks: half of them need have no more than one.
        return max(super()._context(rows), min(super()._context(4 * rows), rows - int(self.horizon)))

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

    def _scaled(self, series: Regular, reach: int) -> tuple[Regular, np.ndarray]:
        """Returns a series in its own scale, and that scale, [C]."""
        scales = scales_of(series.values[-reach:], self._known)
        return Regular(series.values / scales, series.names, series.grid), scales

    def _widen_all(
        self, pooled: Regular, scaled: list[Regular], stack: Stack, training: np.ndarray, valid: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Chooses the calendar, and returns the stack in all columns with the origins that may be learned from."""
        if self.calendar not in (None, True, False):
            raise ValueError(f"calendar must be True, False or None, got {self.calendar!r}")
        about = (self._known, self._column, int(self.horizon))
        made: list[tuple[Widened, np.ndarray]] = []
        for calendar in (False, True) if self.calendar is None else (bool(self.calendar),):
            if calendar and self.calendar is None and not made[0][0].cycles:
                continue
            wide = Widened.fit(pooled, *about, calendar, self.holidays, self.fill)
            made.append((wide, stack.of([wide(series) for series in scaled])))
        rows = stack.of([series.values for series in scaled])
        open_ended = made[0][0].filling.open_ended
        training, valid = (part[~open_ended(rows, part)] if len(part) else part for part in (training, valid))
        if len(training) == 0:
            raise ValueError("too many values are missing: no window is left to learn from")
        helps = len(made) == 2 and calendar_helps(made[0], made[1], training, valid, self.context_)
        self._widened, values = made[1] if helps else made[0]
        self.calendar_ = self._widened.calendar
        return values, training, valid

    def _tail_of(self, series: Regular) -> Regular:
        tail = padded(series, self._reach).last(self._reach)
        known = self._widened.filling.usual[: self._widened.own]
        scale = scales_of(tail.values, self._known)
        first = tail.values[0]
        tail.values[0] = np.where(np.isnan(first), known * scale, first)
        return tail

    def _each(self, X: Any, continues: bool | None) -> dict[Any, tuple[Regular, int]]:
        """Returns the series to forecast, and how many rows of each were known before."""
        self._check_fitted()
        if X is None:
            return {key: (tail, len(tail)) for key, tail in self.tails_.items()}
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
            joined[key] = (padded(series, self._reach), before + (lacking if before else 0))
        return joined

    def _ahead_of_all(self, X: Any, future: Any, continues: bool | None) -> tuple[np.ndarray, pd.MultiIndex]:
        panel, horizon = self._each(X, continues), int(self.horizon)
        rows_ahead = {} if future is None else frames_of(future, self.id, ())
        names = [self.columns_[k] for k in self._own_known]
        pieces, origins, scales, places, begin = [], [], [], [], 0
        for key, (series, _) in panel.items():
            frame = rows_ahead.get(key)
            if isinstance(frame, pd.DataFrame):
                frame = frame[[name for name in names if name in frame.columns]]
            try:
                own = known_ahead(frame, names, horizon, series)
            except ValueError as error:
                raise ValueError(f"series {key!r}: {error}") from None
            still = np.tile(series.values[-1, len(self.columns_) - len(self._static.columns) :], (horizon, 1))
            scaled, scale = self._scaled(series, self._reach)
            piece = self._widened(scaled, np.concatenate([own, still], axis=1))[-self._reach - horizon :]
            pieces.append(piece)
            origins.append(begin + self._reach)
            begin += len(piece)
            scales.append(scale[self._column])
            index = series.places(len(series), horizon)
            places += [(key, place) for place in (range(1, horizon + 1) if index is None else index)]
        values = np.concatenate(pieces)
        found = self._outputs(values, np.array(origins)) * np.array(scales)[:, None, None]
        return found.reshape(-1, len(self.levels_)), pd.MultiIndex.from_tuples(places, names=["id", "time"])

    def predict(self, X: Any = None, y: Any = None, *, future: Any = None, continues: bool | None = None) -> Any:
        """Returns the median forecast of the ``horizon`` steps after each series: a Series under its id and time.

        Args:
            X: series, in a form that ``fit`` takes: newer rows of those it was trained on, or others from whose last
                rows it forecasts; None forecasts all series of the training data.
            y: None.
            future: the known covariates of the steps ahead: a long DataFrame with the column ``id``, or a dict.
            continues: as in LSTMForecaster.
        """
        quantiles, index = self._ahead_of_all(X, future, continues)
        return pd.Series(quantiles[:, self.levels_.index(0.5)], index, name=self.target_)

    def predict_quantiles(
        self, X: Any = None, y: Any = None, *, future: Any = None, continues: bool | None = None
    ) -> pd.DataFrame:
        """Returns the quantiles of ``levels_``, a DataFrame with a column each; as ``predict``."""
        quantiles, index = self._ahead_of_all(X, future, continues)
        return pd.DataFrame(quantiles, index, columns=list(self.levels_))

    def backtest(  # type: ignore[override]
        self, X: Any, y: Any = None, *, stride: int = 1, continues: bool | None = None
    ) -> Backtest:
        """Forecasts from every ``stride``-th row of each series, by the model and by the simple methods.

        Values and forecasts are in each series' own scale over the rows before the first forecast.
        """
        if not isinstance(stride, int) or stride < 1:
            raise ValueError(f"stride must be an integer of at least 1, got {stride!r}")
        horizon, pieces, chosen, targets, begin = int(self.horizon), [], [], [], 0
        for series, before in self._each(X, continues).values():
            first = max(before, self._reach)
            origins = np.arange(first, len(series) - horizon + 1, stride)
            if len(origins) == 0:
                continue
            scales = scales_of(series.values[first - self._reach : first], self._known)
            scaled = Regular(series.values / scales, series.names, series.grid)
            actual = scaled.values[origins[:, None] + np.arange(horizon), self._column]
            known = ~np.isnan(actual).all(axis=1)
            values, places = self._widened.contexts(scaled, origins[known], self._reach)
            pieces.append(values)
            chosen.append(places + begin)
            targets.append(actual[known])
            begin += len(values)
        if not chosen:
            raise ValueError(f"a backtest needs {horizon} rows after those that a forecast looks back at")
        places = np.concatenate(chosen)
        return self._backtested(np.concatenate(pieces), places, np.concatenate(targets), places, None)

    def update(self, X: Any, y: Any = None) -> LSTMPanelForecaster:
        """Goes on from newer rows without learning from them; new series are taken up.

        Args:
            X: rows that came after those the model knows, or all rows of series that are new.
            y: None.

        Raises:
            ValueError: rows do not follow.
        """
        found = self._each(X, None)
        for key, (_, before) in found.items():
            if before == 0 and key in self.tails_:
                raise ValueError(f"series {key!r}: X does not follow the rows that the model knows")
        self.tails_ = {**self.tails_, **{key: self._tail_of(series) for key, (series, _) in found.items()}}
        self.ids_ = list(self.tails_)
        return self

    def fine_tune(self, X: Any, y: Any = None, **options: Any) -> Any:
        """Is not offered for many series: ``fit`` them all."""
        raise NotImplementedError("many series are trained by fit; update goes on from newer rows")

    def items_on(self, data: Any) -> Any:
        """Refuses: the windows of many series are in units of their own.

        Raises:
            DataError: always; the message says what to do.
        """
        raise DataError("error is followed through a panel in Python: carrousel.nets.error_flow(model.network_, ...)")

    def _facts(self) -> dict[str, Any]:
        self.tail_ = next(iter(self.tails_.values()))
        ids = [key.item() if isinstance(key, np.generic) else key for key in self.tails_]
        if not all(type(key) in (str, int) for key in ids):
            raise TypeError("ids of series must be text or whole numbers to be stored with a model")
        static = {"names": [str(name) for name in self._static.names], "words": [list(w) for w in self._static.words]}
        grids = [grid_to_json(tail.grid, steps=1) for tail in self.tails_.values()]
        return {**super()._facts(), "ids": ids, "grids": grids, "static": static}

    def _arrays(self) -> dict[str, np.ndarray]:
        self.tail_ = next(iter(self.tails_.values()))
        tails = np.stack([tail.values for tail in self.tails_.values()])
        gone = np.isnan(tails)
        arrays = {**super()._arrays(), "series.tails": np.where(gone, 0.0, tails)}
        return {**arrays, "series.tails.gone": gone} if self.fill is not None else arrays

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        static = facts["static"]
        words = tuple(tuple(_saved.words(each, "static words")) if each else () for each in static["words"])
        names = tuple(_saved.words(static["names"], "static columns")) if static["names"] else ()
        if len(words) != len(names):
            raise ValueError("its static columns are damaged")
        self._static = Static(names, words)
        super()._restore(facts, arrays)
        ids = _saved.words(facts["ids"], "its series", (str, int))
        grids = [grid_from_json(grid) for grid in facts["grids"]]
        if len(set(ids)) != len(ids) or len(grids) != len(ids):
            raise ValueError("its series are damaged")
        tails = _saved.array(arrays, "series.tails", (len(ids), self._reach, len(self.columns_)))
        if self.fill is not None:
            gone = fitted({"gone": arrays["series.tails.gone"]}, {"gone": (tails.shape, np.bool_)})["gone"]
            tails = np.where(gone, np.nan, tails)
        pairs = zip(ids, tails, grids, strict=True)
        self.tails_ = {key: Regular(tail, self.tail_.names, grid) for key, tail, grid in pairs}
        self.ids_ = ids
