"""One long series with its grid of time, from arrays and data frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from carrousel.estimators._frequency import grid_of
from carrousel.estimators._grid import Grid, refuse_disorder
from carrousel.estimators._sequences import real

__all__ = ["Regular", "Rows", "as_series", "known_ahead", "placed", "rows_of"]

MOST_ROWS = 10_000_000  # of a series with gaps: a wrong year makes any number of them
TARGET = "y"  # the name of a target that has none


@dataclass(frozen=True)
class Regular:
    """One series at equal steps of time.

    Attributes:
        values: float64 [T, C]; NaN where one is missing, if it may be.
        names: of the columns, which are numbers for an array.
        grid: of the times, numbered from 0 at the first row; None for a plain array.
    """

    values: np.ndarray
    names: tuple[Any, ...]
    grid: Grid | None

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: Any, what: str) -> int:
        """Returns the number of a column; ValueError for a name that none has."""
        if name in self.names:
            return self.names.index(name)
        known = ", ".join(repr(n) for n in self.names)
        raise ValueError(f"{what} {name!r} is not a column of the series; it has {known}")

    def places(self, first: int = 0, count: int | None = None) -> pd.Index | None:
        """Returns the times of ``count`` rows from the one numbered ``first``, which may lie ahead; None for none."""
        count = len(self) - first if count is None else count
        return None if self.grid is None else self.grid.places(first, count)

    def last(self, rows: int) -> Regular:
        """Returns the last rows."""
        first = len(self) - rows
        return Regular(self.values[first:].copy(), self.names, None if self.grid is None else self.grid.moved(first))


@dataclass(frozen=True)
class Rows:
    """Rows as they were given: float64 [T, C], names, and an index or none."""

    values: np.ndarray
    names: tuple[Any, ...]
    index: pd.Index | None


def rows_of(X: Any, y: Any = None, what: str = "X", *, gaps: bool = False) -> Rows:
    """Returns the rows of X, with a target y, given apart, as the last column, after checking them.

    Raises:
        ValueError: there is NaN or infinity (the message names row and column), or y has another number of rows, other
            times, or a name that a column has.
    """
    rows = _checked(X, what, gaps)
    if y is None:
        return rows
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    name = getattr(y, "name", None) if isinstance(y, pd.Series) else None
    name = TARGET if name is None else name
    target = _checked(y, "y", gaps)
    if target.values.shape[1] != 1:
        raise ValueError(f"y must be the one series to forecast, [T]; it has the shape {target.values.shape}")
    if len(target.values) != len(rows.values):
        counts = [len(rows.values), len(target.values)]
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {counts}")
    if target.index is not None and rows.index is not None and not target.index.equals(rows.index):
        raise ValueError(f"y has other times than {what}")
    if name in rows.names:
        raise ValueError(f"{what} has a column {name!r}, and so is y called; give it another name")
    index = target.index if rows.index is None else rows.index
    return Rows(np.concatenate([rows.values, target.values], axis=1), (*rows.names, name), index)


def as_series(X: Any, y: Any = None, *, what: str = "X", freq: Any = None, gaps: bool = False) -> Regular:
    """Checks a series: array ``[T]`` or ``[T, C]``, pandas Series or DataFrame with a regular time index.

    Args:
        X: the series.
        y: a target given apart, ``[T]``, which becomes the last column.
        what: what X is called in messages.
        freq: the frequency; None tells it from the index.
        gaps: whether values may be missing, and steps of time, which become rows of NaN.

    Raises:
        ValueError: as ``rows_of``, or the index has gaps, repeats or disorder.
    """
    rows = rows_of(X, y, what, gaps=gaps)
    if rows.index is None:
        return Regular(rows.values, rows.names, None)
    grid, numbers = grid_of(rows.index, what, freq, gaps)
    return Regular(_spread(rows, numbers, what), rows.names, grid)


def placed(
    rows: Rows, tail: Regular, *, freq: Any = None, continues: bool | None = None, gaps: bool = False
) -> tuple[Regular, int]:
    """Places newer rows on the grid of a series' last rows, and returns both together where one follows the other.

    Args:
        rows: what ``rows_of`` returned of X.
        tail: the last rows of the series that a model knows.
        freq: the frequency, for a tail without times.
        continues: whether the rows follow the tail; None tells it from their times, and takes those without to do so.
        gaps: whether steps may be missing within the rows, and between the tail and them.

    Returns:
        The rows of X after those of the tail that stand directly before them, and how many of the tail these are.

    Raises:
        ValueError: the rows have another frequency or zone, gaps, repeats or disorder, or are no steps of the grid, or
            do not follow the tail though it was said that they do.
    """
    if rows.index is None or tail.grid is None:
        given = None
        if rows.index is not None:
            given, numbers = grid_of(rows.index, "X", freq, gaps)
            rows = Rows(_spread(rows, numbers, "X"), rows.names, None)
        if continues is False:
            return Regular(rows.values, rows.names, given), 0
        grid = tail.grid if given is None else given.moved(-len(tail))
        return Regular(np.concatenate([tail.values, rows.values]), tail.names, grid), len(tail)
    refuse_disorder(rows.index, "X")
    grid = tail.grid.elsewhere(rows.index, "X") if continues is False else tail.grid
    try:
        numbers = grid.numbers(rows.index, "X")
    except ValueError as error:
        shifted = grid.fits_elsewhere(rows.index, "X")
        hint = "; its steps are as long, but begin elsewhere. continues=False takes it for another series" * shifted
        raise ValueError(f"{error}{hint}") from None
    late = np.flatnonzero(np.diff(numbers) != 1)
    if len(late) and not gaps:
        row = int(late[0]) + 1
        raise ValueError(
            f"the time index of X is not regular: row {row} ({rows.index[row]}) follows {rows.index[row - 1]}, and the "
            f"steps are those of {grid}"
        )
    first = 0 if continues is False else int(numbers[0])
    if continues and not (first == len(tail) or (gaps and first > len(tail))):
        raise ValueError(
            f"X begins at {rows.index[0]}, and what follows the training data is {grid.places(len(tail), 1)[0]}: "
            "continues=True contradicts its times"
        )
    values = _spread(rows, numbers - numbers[0], "X")
    between = first - len(tail)
    if continues is not False and gaps and 0 < between < (MOST_ROWS if continues else len(tail)):
        values = np.concatenate([np.full((between, values.shape[1]), np.nan), values])
        first = len(tail)
    if continues is False or not 0 < first <= len(tail):
        return Regular(values, rows.names, grid.moved(first)), 0
    return Regular(np.concatenate([tail.values[:first], values]), tail.names, grid), first


def _spread(rows: Rows, numbers: np.ndarray, what: str) -> np.ndarray:
    """Returns rows at their steps, [last step + 1, C], NaN between them."""
    count = int(numbers[-1]) + 1
    if count == len(rows.values):
        return rows.values
    if count > MOST_ROWS:
        raise ValueError(f"{what} would have {count:,} rows at steps of one length; is a time of it wrong?")
    values = np.full((count, rows.values.shape[1]), np.nan)
    values[numbers] = rows.values
    return values


def known_ahead(future: Any, names: list[Any], horizon: int, series: Regular) -> np.ndarray:
    """Returns the known covariates of the steps after a series, ``[horizon, len(names)]``.

    Rows that have times are taken by them, in whatever order they stand; an array is taken by position.

    Raises:
        ValueError: there are none, a column or a step lacks, or a value is not finite.
    """
    if future is None:
        if names:
            raise ValueError(f"give future=, the next {horizon} rows of the known covariates {names}")
        return np.zeros((horizon, 0))
    if not names:
        raise ValueError("future= was given, but no column was named in known=")
    index = future.index if isinstance(future, (pd.Series, pd.DataFrame)) else None
    if isinstance(future, pd.DataFrame):
        missing = [name for name in names if name not in future.columns]
        if missing:
            raise ValueError(f"future lacks the known covariate {missing[0]!r}")
        future = future[names]
    ahead = real(future, "future")
    ahead = ahead[:, None] if ahead.ndim == 1 else ahead
    if index is not None and series.grid is not None and ahead.ndim == 2 and ahead.shape[1] == len(names):
        ahead = ahead[_rows_ahead(index, len(series), horizon, series.grid)]
    if ahead.shape != (horizon, len(names)):
        raise ValueError(f"future must be [{horizon}, {len(names)}] (horizon, known), got {ahead.shape}")
    if not np.isfinite(ahead).all():
        raise ValueError(f"future contains NaN or infinity at row {int(np.argwhere(~np.isfinite(ahead))[0, 0])}")
    return ahead


def _rows_ahead(index: pd.Index, first: int, horizon: int, grid: Grid) -> np.ndarray:
    """Returns the rows of an index at the ``horizon`` steps from the one numbered ``first``."""
    numbers = grid.numbers(index, "future")
    order = np.argsort(numbers, kind="stable")
    twice = np.flatnonzero(np.diff(numbers[order]) == 0)
    if len(twice):
        raise ValueError(f"the time index of future has {index[order[twice[0]]]} twice")
    wanted = first + np.arange(horizon)
    lacking = ~np.isin(wanted, numbers)
    if lacking.any():
        step = grid.places(int(wanted[lacking.argmax()]), 1)[0]
        span = f"; it reaches from {index[order[0]]} to {index[order[-1]]}" if len(index) else ""
        raise ValueError(
            f"future lacks the row of {step}, one of the {horizon} steps ahead{span}. Rows are taken by their times; "
            "an array (.to_numpy()) is taken by position"
        )
    return order[np.searchsorted(numbers[order], wanted)]


def _checked(X: Any, what: str, gaps: bool) -> Rows:
    index = X.index if isinstance(X, (pd.Series, pd.DataFrame)) else None
    if isinstance(X, pd.Series):
        X = X.to_frame(X.name if X.name is not None else 0)
    names = tuple(X.columns) if isinstance(X, pd.DataFrame) else None
    if isinstance(X, pd.DataFrame):
        for name in X.columns:
            if not pd.api.types.is_numeric_dtype(X[name]):
                raise ValueError(f"column {name!r} of {what} holds {X[name].dtype}, not numbers; drop or encode it")
        X = X.to_numpy(dtype=np.float64, na_value=np.nan)  # whole numbers with gaps too
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
    bad = np.isinf(values) if gaps else ~np.isfinite(values)
    if bad.any():
        row, column = (int(k[0]) for k in np.nonzero(bad))
        value = "NaN" if np.isnan(values[row, column]) else "inf"
        at = f"row {row}" if index is None else f"row {row} ({index[row]})"
        hint = 'fill="mask", "interpolate" or "last" takes series with gaps' if value == "NaN" else "it is no number"
        raise ValueError(f"{what} contains {value} at {at}, column {names[column]!r}; {hint}")
    return Rows(values, names, index)
