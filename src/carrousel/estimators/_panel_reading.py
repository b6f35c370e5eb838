"""What a forecaster of many series makes of files: it reads, reports, predicts and draws a ``Panel``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carrousel.data import DataError, File, Panel, load_panel, load_series
from carrousel.data._errors import nearest
from carrousel.estimators._panel_series import PanelSeries
from carrousel.estimators._report import Report
from carrousel.estimators._series_estimator import SeriesEstimator, drawings_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ReadsPanels"]


class ReadsPanels(PanelSeries):
    """Takes many series as ``carrousel.data`` reads them."""

    def read(self, source: str | Path | File, **options: Any) -> Panel:  # type: ignore[override]
        """Reads many series.

        Args:
            source: a name or a file, as ``carrousel.data.load_panel`` takes it.
            **options: as ``load_panel`` takes them; by default ``id`` and the static columns are those of the model.

        Raises:
            DataError: the data cannot be read.
        """
        if self._targets:
            return load_panel(source, target=self._targets, **options)
        self._check_fitted()
        worded = [str(n) for n, words in zip(self._static.names, self._static.words, strict=True) if words]
        text = options.get("text") or []
        options["text"] = [*([text] if isinstance(text, str) else text), *worded] or None
        # Static columns are those of the model; they are no channels, whatever they hold.
        return load_panel(source, **{"id": self.id, "static": [str(n) for n in self._static.names] or None, **options})

    def read_future(
        self, source: str | Path | File, *, id: str | None = None, **options: Any
    ) -> dict[Any, pd.DataFrame | np.ndarray]:
        """Reads the known columns of the steps ahead of each series; the arguments are those of ``read``.

        Returns:
            The columns under their times, by id; ``[horizon, K]`` from a file without times.

        Raises:
            DataError: the data cannot be read, or lack one.
        """
        names = [str(self.columns_[k]) for k in self._own_known]
        options["channels"] = names
        if self._targets:
            frame = load_series(source, **options).frame
            frames: dict[Any, pd.DataFrame] = dict.fromkeys(self._targets, frame)
        else:
            frames = load_panel(source, id=id or self.id, **options).frames
        return {self._key(key): _numbered(each) for key, each in frames.items()}

    def fit_on(self, data: Panel, **run: Any) -> Any:  # type: ignore[override]
        """Trains on series as ``carrousel.data`` reads them; ``run`` as in ``fit``."""
        return self.fit(data.frames, **run)

    def unseen(self, data: Panel) -> Panel:  # type: ignore[override]
        """Returns the rows of each series after the last one that the model knows of it.

        Raises:
            DataError: no series has as many as a forecast has steps.
        """
        frames = {key: self._later(self._key(key), frame) for key, frame in data.frames.items()}
        if max(len(frame) for frame in frames.values()) < self.horizon:
            raise DataError(
                f"{data.name}: at most {max(len(frame) for frame in frames.values())} of the rows of a series come "
                f"after the training data; a forecast of {self.horizon} steps needs as many to be compared with"
            )
        return replace(data, frames={key: frame for key, frame in frames.items() if len(frame)})

    def report_on(self, data: Panel) -> Report:  # type: ignore[override]
        """Returns ``report`` on series as ``carrousel.data`` reads them."""
        return self.report(self._frames(data))

    def table(self, data: Panel, *, future: Any = None) -> pd.DataFrame:
        """Returns a row for each step after each series: its id and time, and every quantile.

        Args:
            data: series as ``carrousel.data`` reads them.
            future: the known columns of the steps ahead, as in ``predict``.
        """
        quantiles = self.predict_quantiles(self._frames(data), future=future)
        quantiles.columns = pd.Index([f"quantile {level}" for level in self.levels_])
        return quantiles.reset_index()

    def drawings(  # type: ignore[override]
        self, data: Panel, *, layer: int = 0, sequence: str | None = None
    ) -> dict[str, Figure]:
        """Draws the model at work on one of the series, as a forecaster of one series does.

        Args:
            data: series as ``carrousel.data`` reads them.
            layer: the layer whose gates are drawn, from 0.
            sequence: the id of the series; by default the first that is long enough.

        Raises:
            DataError: there is no series of that id.
        """
        frames = self._frames(data)
        named = {str(key): key for key in frames}
        if sequence is not None and sequence not in named:
            raise DataError(f"{data.name}: there is no series {sequence!r}{nearest(sequence, named)}")
        long = (key for key, frame in frames.items() if len(frame) >= self._reach + self.horizon)
        key = named[sequence] if sequence is not None else next(long, next(iter(frames)))
        whole = frames[key]
        frame, where = self._later(key, whole), "after the training data"
        if len(frame) < self.horizon:
            frame, where = whole, "within the training data"
        elif len(frame) == len(whole):
            where = "of another series"
        try:
            test = self._alone({key: frame})
        except ValueError as error:
            raise DataError(f"{data.name}: series {key}: {error}") from None
        own = [name for name in self.columns_ if name not in self._static.columns]
        seen = whole[own].to_numpy(np.float64)[-self.context_ :]
        drawn = drawings_of(
            self, f"{data.name}, {key}", whole[self.target_], frame.index, where, test,
            self.activations({key: whole}), seen, [str(name) for name in own], layer,
        )  # fmt: skip
        return {**drawn, **super(SeriesEstimator, self).drawings(data, layer=layer)}

    def _alone(self, X: dict[Any, Any]) -> Any:
        """Returns the backtest of one series in its own units, its origins as rows of it."""
        raise NotImplementedError

    def _frames(self, data: Panel) -> dict[Any, pd.DataFrame]:
        """Returns the series in the model's columns, under the ids that it knows them by."""
        static = [str(name) for name in self._static.names]
        wanted = [*(n for n in self.columns_ if n not in self._static.columns), *static]
        frames = {}
        for key, frame in data.frames.items():
            there = set(wanted) <= set(frame.columns)
            frames[self._key(key)] = frame[wanted] if there else frame  # the method that takes it says what is lacking
        return frames

    def _key(self, key: Any) -> Any:
        """Returns an id as the model has it, for a file may have as text what was a number."""
        if key in self.tails_:
            return key
        return {str(known): known for known in self.tails_}.get(str(key), key)

    def _later(self, key: Any, frame: pd.DataFrame) -> pd.DataFrame:
        """Returns the rows after the last one that is known of a series, or all where it is not among them."""
        tail = self.tails_.get(key)
        last = None if tail is None else tail.places(len(tail) - 1, 1)
        if last is None or last[0] not in frame.index:
            return frame
        return frame.iloc[int(frame.index.get_indexer(last)[0]) + 1 :]


def _numbered(frame: pd.DataFrame) -> pd.DataFrame | np.ndarray:
    """Returns rows as an array, which is taken in its order, where the file has no times but numbers of rows."""
    no_times = frame.index.dtype.kind == "i" and frame.index.name in (None, "row")
    return frame.to_numpy() if no_times else frame
