"""The future of many series, by one model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from carrousel._format import fitted, whole
from carrousel.data import DataError
from carrousel.estimators import _saved
from carrousel.estimators._backtest import Backtest
from carrousel.estimators._candidates import extent_of, of_many
from carrousel.estimators._panel import Stack, Static, frames_of
from carrousel.estimators._panel_reading import ReadsPanels
from carrousel.estimators._panel_series import Taken
from carrousel.estimators._params import integer
from carrousel.estimators._seasons import seasons_of
from carrousel.estimators._series import Regular, known_ahead
from carrousel.estimators._stored_grid import grid_from_json, grid_to_json
from carrousel.estimators._tuning import check_tuning, tunable, tuned
from carrousel.estimators._widened import Widened, calendar_helps, worthwhile
from carrousel.estimators.forecast import LSTMForecaster
from carrousel.training._progress import ProgressCallback

__all__ = ["LSTMPanelForecaster"]


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMPanelForecaster(ReadsPanels, LSTMForecaster):  # type: ignore[misc]
    """Forecasts many series with one network, and series that it was not trained on from their own last rows.

    It is an ``LSTMForecaster`` that learns from the windows of all series. Each series is brought to its own scale: the
    mean absolute change of the target in a season, the unit of MASE, and the mean absolute deviation from their mean of
    its covariates, but for those known ahead; over its training rows, or over those that are given of a series that was
    not trained on. A report is in these units. All series have the same columns and the same frequency.

    Args:
        id: the column of a long DataFrame that tells series apart; None takes a dict of series, or several targets.
        static: columns that are constant in each series, numbers or words: they are known ahead by themselves.
        target: the column to forecast; or several, of a DataFrame without ``id``: each is then a series of its own,
            beside which all other columns stand.
        embedding: numbers that the network learns of each series and sees beside its windows; None for none, then it
            knows a series by its windows alone. A series that was not trained on has the mean of all.

    All other parameters are those of ``LSTMForecaster``.

    Attributes:
        ids_: the series of the training data.
        tails_: the last rows of each, by its id.
        scales_: of the columns of each, [C], by its id.

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
    embedding: int | None = None

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
        self.seasons_ = seasons_of(self.season, first.grid, usual, int(self.horizon))
        self.season_ = self.seasons_[0] if self.seasons_ else 1
        self.context_ = int(self.context) if self.context is not None else self._context(usual)
        extent = extent_of(usual, horizon, self.seasons_, self.context_, self.context is not None)
        extent = of_many(extent, self.context_)
        reach = extent.reach
        seed = self._draw_seed(checkpoint, resume)
        facts = [repr(list(panel)), repr(first.names), repr([series.grid for series in panel.values()])]
        identity = self._identity(seed, [*(series.values for series in panel.values()), *facts])

        stack = Stack.fit(lengths, reach, horizon, self.validation)
        self.scales_ = {key: self._scales(series.values) for key, series in panel.items()}
        scaled = [Taken(series, 0, self.scales_[key]).scaled for key, series in panel.items()]
        gone = np.isnan(stack.of([series.values[:, self._column] for series in scaled]))
        training, valid = worthwhile(gone, stack.training, horizon), worthwhile(gone, stack.valid, horizon)
        pooled = Regular(np.concatenate([series.values for series in scaled]), first.names, first.grid)
        values, training, valid = self._widen_all(pooled, scaled, stack, training, valid)
        season, targets = self.season_, [series.values[:, self._column] for series in scaled]
        moves = [np.abs(target[season:] - target[:-season]) for target in targets]
        moved = np.concatenate(moves)
        self.mase_unit_ = float(np.nanmean(moved)) if np.isfinite(moved).any() else 0.0
        run = {"identity": identity, "checkpoint": checkpoint, "resume": resume, "progress": progress}
        self._count = len(panel)
        ages = stack.of([np.arange(rows)[::-1] for rows in lengths])
        self._learn(values, gone, training, valid, extent, seed, run, self._owners(stack, lengths), ages)
        self.ids_ = list(panel)
        self.tails_ = {key: self._tail_of(series, self.scales_[key]) for key, series in panel.items()}
        return self

    def _check_options(self) -> None:
        super()._check_options()
        integer(self, "embedding", none=True)

    def _owners(self, stack: Stack, lengths: list[int]) -> np.ndarray | None:
        """Returns the number of each row's series, where the network tells them apart."""
        if self.embedding is None:
            return None
        return stack.of([np.full(rows, number, dtype=np.int64) for number, rows in enumerate(lengths)])

    @property
    def _told_apart(self) -> dict[str, int]:
        return {} if self.embedding is None else {"series": self._count, "embedding": int(self.embedding)}

    def _number(self, key: Any) -> int:
        """Returns the number by which the network knows a series, -1 for one that was not trained on."""
        if self.embedding is None:
            return -1
        return {known: k for k, known in enumerate(self.ids_[: self._count])}.get(key, -1)

    def _whose(self, keys: list[Any], counts: list[int]) -> np.ndarray | None:
        """Returns the number of each window's series, of so many windows each."""
        if self.embedding is None:
            return None
        return np.repeat(np.array([self._number(key) for key in keys], dtype=np.int64), counts)

    def _context(self, rows: int) -> int:
        # Many series make up for the windows that one of them lacks: half of them need have no more than one.
        return max(super()._context(rows), min(super()._context(4 * rows), rows - int(self.horizon)))

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

    def _ahead_of_all(self, X: Any, future: Any, continues: bool | None) -> tuple[np.ndarray, pd.MultiIndex]:
        panel, horizon = self._each(X, continues), int(self.horizon)
        rows_ahead = {} if future is None else frames_of(future, self.id, ())
        names = [self.columns_[k] for k in self._own_known]
        pieces, origins, scales, places, begin = [], [], [], [], 0
        for key, taken in panel.items():
            series = taken.series
            frame = rows_ahead.get(key)
            if isinstance(frame, pd.DataFrame):
                frame = frame[[name for name in names if name in frame.columns]]
            try:
                own = known_ahead(frame, names, horizon, series)
            except ValueError as error:
                raise ValueError(f"series {key!r}: {error}") from None
            still = np.tile(series.values[-1, len(self.columns_) - len(self._static.columns) :], (horizon, 1))
            piece = self._widened(taken.scaled, np.concatenate([own, still], axis=1))[-self._reach - horizon :]
            pieces.append(piece)
            origins.append(begin + self._reach)
            begin += len(piece)
            scales.append(taken.scales[self._column])
            index = series.places(len(series), horizon)
            places += [(key, place) for place in (range(1, horizon + 1) if index is None else index)]
        values = np.concatenate(pieces)
        whose = self._whose(list(panel), [1] * len(panel))
        found = self._outputs(values, np.array(origins), whose) * np.array(scales)[:, None, None]
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
        parts = [part for part in self._tested(self._each(X, continues), stride) if len(part.places)]
        if not parts:
            raise ValueError(f"a backtest needs {self.horizon} rows after those that a forecast looks back at")
        begins = np.cumsum([0, *(len(part.values) for part in parts[:-1])])
        places = np.concatenate([part.places + begin for part, begin in zip(parts, begins, strict=True)])
        values, actual = (np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "actual"))
        whose = self._whose([part.key for part in parts], [len(part.places) for part in parts])
        return self._backtested(values, places, actual, places, None, whose)

    def _alone(self, X: dict[Any, Any]) -> Backtest:
        (part,) = self._tested(self._each(X, None), 1)
        (given,) = X.values()
        if not len(part.places):
            raise ValueError(
                f"a forecast of {self.horizon} steps is drawn beside what came, and needs {self._reach} rows before"
            )
        whose = self._whose([part.key], [len(part.places)])
        made = self._backtested(part.values, part.places, part.actual, part.origins, given.index, whose)
        quantiles = {method: found * part.scale for method, found in made.quantiles.items()}
        return replace(made, actual=made.actual * part.scale, quantiles=quantiles)

    def activations(self, X: Any = None, y: Any = None, *, continues: bool | None = None) -> dict[str, np.ndarray]:
        """Returns every state, gate and candidate over the ``context_`` rows before the forecast of one series.

        Args:
            X: that series, in a form that ``fit`` takes.
            y: None.
            continues: as in LSTMForecaster.

        Returns:
            As LSTMClassifier's.
        """
        panel = {} if X is None else self._each(X, continues)
        if len(panel) != 1:
            raise ValueError(f"activations are those over one series, X has {len(panel)}")
        (taken,) = panel.values()
        rows = self._widened(taken.scaled, np.zeros((int(self.horizon), len(self._known))))
        return self._activations(rows, len(taken.series))

    def update(self, X: Any, y: Any = None) -> LSTMPanelForecaster:
        """Goes on from newer rows without learning from them; new series are taken up.

        Args:
            X: rows that came after those the model knows, or all rows of series that are new.
            y: None.

        Raises:
            ValueError: rows do not follow.
        """
        self._take_up(self._followed(X, None))
        return self

    def fine_tune(
        self, X: Any, y: Any = None, *, learning_rate: float | None = None, max_epochs: int = 5,
        continues: bool | None = None,
    ) -> Any:  # fmt: skip
        """Trains the network further from its present weights, on newer rows of series and on new series.

        Then it goes on from their end, as ``update`` does. All else is as in LSTMForecaster; what the network has
        learned of each series changes too, and a new one has the mean of all.

        Args:
            X: rows that came after those the model knows, or all rows of series that are new.
            y: None.
            learning_rate: as in LSTMForecaster, as are ``max_epochs`` and ``continues``.
            max_epochs: as there.
            continues: as there.

        Raises:
            ValueError: rows do not follow, or no series has enough of them for a window.
        """
        check_tuning(learning_rate, max_epochs)
        panel, begin, pieces, gone, origins = self._followed(X, continues), 0, [], [], []
        for taken in panel.values():
            pieces.append(self._widened(taken.scaled))
            gone.append(np.isnan(taken.series.values[:, self._column]))
            origins.append(tunable(self, taken.series, taken.before) + begin)
            begin += len(taken.series)
        chosen = np.concatenate(origins)
        if len(chosen) == 0:
            raise ValueError(
                f"training needs {self.horizon} new rows of a series, with the values that are ahead in them"
            )
        whose = self._whose(list(panel), [len(own) for own in origins])
        about = (np.concatenate(pieces), chosen, np.concatenate(gone), learning_rate, max_epochs, whose)
        self.network_ = tuned(self, *about)
        self._take_up(panel)
        return self

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
        return {**super()._facts(), "ids": ids, "grids": grids, "static": static, "trained": self._count}

    def _arrays(self) -> dict[str, np.ndarray]:
        self.tail_ = next(iter(self.tails_.values()))
        tails = np.stack([tail.values for tail in self.tails_.values()])
        gone = np.isnan(tails)
        scales = np.stack([self.scales_[key] for key in self.tails_])
        arrays = {**super()._arrays(), "series.tails": np.where(gone, 0.0, tails), "series.scales": scales}
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
        scales = _saved.array(arrays, "series.scales", (len(ids), len(self.columns_)))
        if not (scales > 0).all():
            raise ValueError("a scale of its series is not positive")
        self.scales_ = dict(zip(ids, scales, strict=True))
        self.ids_ = ids
        # Models that were saved before series could be told apart do not say how many were trained on.
        self._count = whole(facts.get("trained", len(ids)), "the number of its series", 1, len(ids))
        integer(self, "embedding", none=True)
