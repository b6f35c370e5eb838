"""One long series with its time index, from arrays and data frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from carrousel._format import MOST, whole
from carrousel.estimators._sequences import real

__all__ = [
    "Regular",
    "as_series",
    "beside",
    "following",
    "index_from_json",
    "index_to_json",
    "known_ahead",
    "last_place",
    "season_of",
]

# Steps in a season by the frequency of the index: the next longer natural cycle.
SEASONS = {
    "s": 60, "sec": 60, "min": 60, "h": 24, "D": 7, "B": 5, "W": 52, "SM": 24, "M": 12, "ME": 12, "MS": 12, "BM": 12,
    "BME": 12, "BMS": 12, "Q": 4, "QE": 4, "QS": 4, "BQE": 4, "BQS": 4,
}  # fmt: skip
DAY = pd.Timedelta("1D")
TARGET = "y"  # the name of a target that has none


@dataclass(frozen=True)
class Regular:
    """One series at equal steps of time.

    Attributes:
        values: float64 [T, C].
        names: of the columns, which are numbers for an array.
        index: the times, or None for a plain array.
    """

    values: np.ndarray
    names: tuple[Any, ...]
    index: pd.Index | None

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: Any, what: str) -> int:
        """Returns the number of a column; ValueError for a name that none has."""
        if name in self.names:
            return self.names.index(name)
        known = ", ".join(repr(n) for n in self.names)
        raise ValueError(f"{what} {name!r} is not a column of the series; it has {known}")


def as_series(X: Any, what: str = "X") -> Regular:
    """Checks a series: array ``[T]`` or ``[T, C]``, pandas Series or DataFrame with a regular time index.

    Raises:
        ValueError: there is NaN or infinity (the message names row and column), or the index has gaps, repeats or
            disorder.
    """
    index = getattr(X, "index", None) if isinstance(X, (pd.Series, pd.DataFrame)) else None
    if isinstance(X, pd.Series):
        X = X.to_frame(X.name if X.name is not None else 0)
    names = tuple(X.columns) if isinstance(X, pd.DataFrame) else None
    if isinstance(X, pd.DataFrame):
        for name in X.columns:
            if not pd.api.types.is_numeric_dtype(X[name]):
                raise ValueError(f"column {name!r} of {what} holds {X[name].dtype}, not numbers; drop or encode it")
    values = real(X, what)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2:
        raise ValueError(f"{what} must be one series, [T] or [T, C]; it has the shape {values.shape}")
    for axis, kind in ((1, "feature"), (0, "sample")):
        if values.shape[axis] == 0:
            fault = f"Found array with 0 {kind}(s) (shape={values.shape})"
            raise ValueError(f"{what} is empty. {fault} while a minimum of 1 is required.")
    names = names if names is not None else tuple(range(values.shape[1]))
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = (int(k[0]) for k in np.nonzero(bad))
        value = "NaN" if np.isnan(values[row, column]) else "inf"
        at = f"row {row}" if index is None else f"row {row} ({index[row]})"
        raise ValueError(f"{what} contains {value} at {at}, column {names[column]!r}; fill it first")
    return Regular(values, names, None if index is None else regular(index, what))


def beside(series: Regular, y: Any, what: str) -> Regular:
    """Returns the series with the target y ``[T]``, given apart, as its last column.

    Raises:
        ValueError: y has another number of rows, other times, or a name that a column has.
    """
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    name = getattr(y, "name", None) if isinstance(y, pd.Series) else None
    name = TARGET if name is None else name
    target = as_series(y, what)
    if target.values.shape[1] != 1:
        raise ValueError(f"{what} must be the one series to forecast, [T]; it has the shape {target.values.shape}")
    if len(target) != len(series):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{len(series)}, {len(target)}]")
    if target.index is not None and series.index is not None and not target.index.equals(series.index):
        raise ValueError(f"{what} has other times than X")
    if name in series.names:
        raise ValueError(f"X has a column {name!r}, and so is {what} called; give it another name")
    index = target.index if series.index is None else series.index
    return Regular(np.concatenate([series.values, target.values], axis=1), (*series.names, name), index)


def known_ahead(future: Any, names: list[Any], horizon: int) -> np.ndarray:
    """Returns the known covariates of the steps ahead, ``[horizon, len(names)]``, after checking them."""
    if future is None:
        if names:
            raise ValueError(f"give future=, the next {horizon} rows of the known covariates {names}")
        return np.zeros((horizon, 0))
    if not names:
        raise ValueError("future= was given, but no column was named in known=")
    if isinstance(future, pd.DataFrame):
        missing = [name for name in names if name not in future.columns]
        if missing:
            raise ValueError(f"future lacks the known covariate {missing[0]!r}")
        future = future[names]
    ahead = real(future, "future")
    ahead = ahead[:, None] if ahead.ndim == 1 else ahead
    if ahead.shape != (horizon, len(names)):
        raise ValueError(f"future must be [{horizon}, {len(names)}] (horizon, known), got {ahead.shape}")
    if not np.isfinite(ahead).all():
        raise ValueError(f"future contains NaN or infinity at row {int(np.argwhere(~np.isfinite(ahead))[0, 0])}")
    return ahead


def regular(index: pd.Index, what: str) -> pd.Index:
    """Returns the index with its frequency, and refuses one that is not one step after another."""
    if isinstance(index, pd.PeriodIndex):
        steps = np.diff(index.asi8)
        _refuse_irregular(index, steps == 1, what)
        return index
    if isinstance(index, pd.DatetimeIndex):
        if index.freq is not None or len(index) < 3:
            return index
        frequency = pd.infer_freq(index)
        if frequency is not None and not frequency.startswith("-"):
            return pd.DatetimeIndex(index, freq=frequency)
        steps = np.diff(index.asi8)
        _refuse_irregular(index, (steps > 0) & (steps == np.median(steps)), what)
        raise ValueError(f"no frequency fits the time index of {what}; it must be regular")
    if pd.api.types.is_integer_dtype(index.dtype):
        steps = np.diff(np.asarray(index))
        step = steps[0] if len(steps) else 1
        _refuse_irregular(index, (steps > 0) & (steps == step), what)
        return pd.RangeIndex(int(index[0]), int(index[0]) + int(step) * len(index), int(step))
    raise ValueError(f"the index of {what} holds {index.dtype}; it must be times, periods or integers")


def _refuse_irregular(index: pd.Index, good: np.ndarray, what: str) -> None:
    if not good.all():
        row = int(np.flatnonzero(~good)[0]) + 1
        raise ValueError(
            f"the time index of {what} is not regular: row {row} ({index[row]}) follows {index[row - 1]}. "
            "Sort it, drop repeats, and fill gaps first"
        )


def following(index: pd.Index, steps: int) -> pd.Index:
    """Returns the next ``steps`` places after a regular index."""
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(index[-1] + 1, periods=steps, freq=index.freq)
    if isinstance(index, pd.DatetimeIndex):
        if index.freq is None:
            raise ValueError("the time index is too short to tell its frequency; give it one")
        return pd.date_range(index[-1], periods=steps + 1, freq=index.freq, name=index.name)[1:]
    step = index.step if isinstance(index, pd.RangeIndex) else 1
    first = int(index[-1]) + step
    return pd.RangeIndex(first, first + step * steps, step, name=index.name)


def season_of(index: pd.Index | None) -> int:
    """Returns the steps in a season by the index's frequency: 24 for hours, 7 for days, 12 for months; 1 if unknown."""
    frequency = getattr(index, "freq", None)
    if frequency is None:
        return 1
    try:
        step = pd.Timedelta(frequency)
    except (ValueError, TypeError):
        step = None
    if step is not None and frequency.n > 1:
        # Several minutes or hours: the steps in a day, if they fill it.
        return int(DAY / step) if step < DAY and DAY % step == pd.Timedelta(0) else 1
    name = frequency.name.split("-")[0]
    return SEASONS.get(name, 1) if frequency.n == 1 else 1


def last_place(index: pd.Index | None) -> pd.Index | None:
    """Returns the last place of an index, with its frequency."""
    if index is None or isinstance(index, pd.RangeIndex | pd.PeriodIndex):
        return None if index is None else index[-1:]
    return index[-1:] if index.freq is None else pd.DatetimeIndex(index[-1:], freq=index.freq)


def index_to_json(index: pd.Index | None) -> dict[str, Any] | None:
    """Returns the last place of an index in JSON."""
    if index is None:
        return None
    if isinstance(index, pd.RangeIndex):
        return {"kind": "integers", "last": int(index[-1]), "step": int(index.step)}
    kind = "periods" if isinstance(index, pd.PeriodIndex) else "times"
    zone = str(index.tz) if kind == "times" and index.tz is not None else None
    return {"kind": kind, "last": str(index[-1]), "frequency": getattr(index, "freqstr", None), "zone": zone}


def index_from_json(facts: dict[str, Any] | None) -> pd.Index | None:
    """Returns the place of what ``index_to_json`` returned."""
    if facts is None:
        return None
    if facts["kind"] == "integers":
        last = whole(facts["last"], "its last place", -MOST)
        step = whole(facts["step"], "the step of its places", 1)
        return pd.RangeIndex(last, last + step, step)
    if facts["kind"] == "periods":
        return pd.PeriodIndex([facts["last"]], freq=facts["frequency"])
    if facts["kind"] != "times":
        raise ValueError(f"unknown kind of time index {facts['kind']!r}")
    time = pd.Timestamp(facts["last"])
    if facts["zone"] is not None:
        time = time.tz_convert(facts["zone"])
    return pd.DatetimeIndex([time], freq=facts["frequency"])
