"""What an estimator of one series makes of X and y."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from carrousel.estimators._base import Trainable
from carrousel.estimators._features import check_features, check_width
from carrousel.estimators._series import Series, as_series, beside, following


class SeriesEstimator(Trainable):
    """An estimator that learns from one series, and goes on from its end or from newer rows.

    ``tail_`` holds the last rows that it learned from, ``apart_`` tells whether the target was given apart from X.
    """

    reads: ClassVar[str] = "series"
    target: Any
    known: tuple[Any, ...]
    tail_: Series
    apart_: bool

    def _begin(self, X: Any, y: Any) -> Series:
        """The series to learn from, the target y as its last column if it is given apart; sets what it has."""
        series = as_series(X)
        if len(series) == 1:
            raise ValueError("X has 1 sample, a series of one row: nothing follows that could be forecast")
        check_features(self, X, reset=True)
        self.apart_ = y is not None
        if self.apart_:
            series = beside(series, y, "y")
        self._set_columns(series)
        return series

    def _set_columns(self, series: Series) -> None:
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

    def _joined(self, X: Any, y: Any, continues: bool | None) -> tuple[Series, int]:
        """X as the fitted columns, after the training data's last rows where it continues them; and their number."""
        tail = self.tail_
        if X is None:
            if continues is not None or y is not None:
                raise ValueError("continues= and y say more of X; give X too")
            return tail, len(tail)
        check_features(self, X, reset=False)
        series = as_series(X)
        check_width(self, series.values.shape[1], np.ndim(X))
        if self.apart_ != (y is not None):
            raise ValueError(
                "the target was given apart in fit: give y= for these rows too, a forecast needs its last values"
                if self.apart_
                else f"the target stood in X in fit, as {self.target_!r}: it does so here, and there is no y"
            )
        if y is not None:
            series = beside(series, y, "y")
        if continues is None:
            # Without two time indexes to compare, newer rows are taken to follow.
            if tail.index is None or series.index is None:
                continues = True
            else:
                continues = bool(following(tail.index, 1)[0] == series.index[0])
        if continues:
            return Series(np.concatenate([tail.values, series.values]), tail.names, series.index), len(tail)
        return series, 0
