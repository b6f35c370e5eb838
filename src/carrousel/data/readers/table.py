"""``.csv`` and ``.parquet``: sequences in long format (a row is a step of a sequence), or one series."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._check import make_sequences, make_series
from .._errors import DataError, listed, nearest
from .._registry import reads_file
from .._types import Sequences, Series

if TYPE_CHECKING:
    import pandas as pd

TIME_NAMES = ("time", "date", "datetime", "timestamp", "ds")


@reads_file("sequences", ".csv", ".parquet")
def read_sequences(
    path: Path,
    *,
    id: str | None = None,
    time: str | None = None,
    label: str | Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
) -> Sequences:
    """Sequences from a table in long format.

    ``id`` (default ``"id"``) tells the sequences apart; the rows of one need not stand together. ``time`` (default
    ``"time"``) ascends from row to row within a sequence. ``label`` (default ``"label"``; several for several
    values) is the same in all rows of a sequence; a table may be without. All other columns are channels unless
    ``channels`` names them.
    """
    frame = _read(path)
    id, time = id or "id", time or "time"
    for column, what in ((id, "id"), (time, "time")):
        _need(frame, column, what, path)
    labels = ["label"] if label is None else [label] if isinstance(label, str) else list(label)
    if label is None and "label" not in frame:
        labels = []
    for column in labels:
        _need(frame, column, "label", path)
    taken = {id, time, *labels}
    names = [str(c) for c in frame.columns if c not in taken] if channels is None else list(channels)
    for column in names:
        _need(frame, column, "channels", path)
        if column in taken:
            raise DataError(f"{path}: column {column!r} is a channel and also the id, time or label")
    if not names:
        raise DataError(f"{path}: no channels: every column ({listed(frame.columns)}) is the id, time or label")

    for column in (id, *labels):
        _no_gaps(frame[column], column, path)
    values = np.stack([_numbers(frame[c], c, path) for c in names], axis=1)  # [rows, C]
    ticks = _times(frame[time], time, path).to_numpy()
    codes, keys = _factorise(frame[id])
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order])) + 1
    X, groups = [], np.split(order, starts)
    for key, rows in zip(keys, groups, strict=True):
        late = np.flatnonzero(ticks[rows][1:] <= ticks[rows][:-1])
        if len(late):
            before, row = int(rows[late[0]]), int(rows[late[0] + 1])
            word = "the time of" if ticks[row] == ticks[before] else "an earlier time than"
            raise DataError(
                f"{path}: row {row + 1}, column {time}: {word} row {before + 1} of the same sequence ({id} {key!s})\n"
                "the rows of a sequence are in the order of time, one row for each step"
            )
        X.append(values[rows])
    y = [_of_sequence(frame[c], c, groups, keys, id, path) for c in labels]
    target = None if not y else y[0] if len(y) == 1 else np.stack(y, axis=1)
    return make_sequences(X, target, name=str(path), ids=keys, channels=names)


@reads_file("series", ".csv", ".parquet")
def read_series(path: Path, *, time: str | None = None, channels: Sequence[str] | None = None) -> Series:
    """One series: a row for each step.

    ``time`` names the column of times: whole numbers, or dates as in ISO 8601 (with an offset they become UTC).
    Without it, the column called time, date, datetime, timestamp or ds is taken. ``channels`` chooses columns.
    """
    frame = _read(path)
    if time is None:
        lower = {str(c).lower(): str(c) for c in reversed(frame.columns)}
        time = next((lower[n] for n in TIME_NAMES if n in lower), None)
        if time is None:
            raise DataError(f"{path}: no column of times; say which one it is ({listed(frame.columns)})")
    _need(frame, time, "time", path)
    names = [str(c) for c in frame.columns if c != time] if channels is None else list(channels)
    for column in names:
        _need(frame, column, "channels", path)
    index = _times(frame[time], time, path)
    import pandas as pd

    data = {c: _numbers(frame[c], c, path) for c in names}
    return make_series(pd.DataFrame(data, index=pd.Index(index, name=time)), name=str(path))


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        if path.suffix.lower() == ".parquet":
            frame = pd.read_parquet(path, engine="pyarrow")
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # the faulty value is named below
                frame = pd.read_csv(path)
                if not isinstance(frame.index, pd.RangeIndex):  # pandas took the surplus for row names
                    raise ValueError("the rows have more fields than the header")
                # pandas renames a repeated column; as the file writes them:
                frame.columns = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0]
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty") from None
    except Exception as error:  # ParserError, ArrowInvalid, UnicodeDecodeError, OSError: the libraries' own
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise DataError(f"{path}: cannot be read: {reason}") from error
    if any(frame.index.names):
        frame = frame.reset_index()
    frame.columns = [str(c) for c in frame.columns]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise DataError(f"{path}: there are two columns {twice[0]!r}")
    if len(frame) == 0:
        raise DataError(f"{path}: there are no rows")
    return frame


def _need(frame: pd.DataFrame, column: str, what: str, path: Path) -> None:
    if column not in frame.columns:
        raise DataError(
            f"{path}: no column {column!r} ({what}){nearest(column, frame.columns)}\n"
            f"the file has {listed(frame.columns)}"
        )


def _no_gaps(column: pd.Series, name: str, path: Path) -> None:
    gaps = column.isna().to_numpy()
    if gaps.any():
        raise DataError(f"{path}: row {int(gaps.argmax()) + 1}, column {name}: the value is missing or NaN")


def _numbers(column: pd.Series, name: str, path: Path) -> np.ndarray:
    """A channel as float64 ``[rows]``, every value finite."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_complex_dtype(column):
        raise DataError(f"{path}: column {name} holds {column.dtype} values; a channel holds numbers")
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = ~np.isfinite(numbers)
    if bad.any():
        row = int(bad.argmax())
        value = column.iloc[row]
        fault = (
            "the value is missing or NaN"
            if pd.isna(value)
            else f"the value is {value!s}; a channel holds finite numbers"
        )
        raise DataError(f"{path}: row {row + 1}, column {name}: {fault}")
    return numbers


def _times(column: pd.Series, name: str, path: Path) -> pd.Index:
    """Times as numbers or as dates."""
    import pandas as pd

    _no_gaps(column, name, path)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        bad = ~np.isfinite(column.to_numpy(dtype=np.float64))
        if bad.any():
            raise DataError(f"{path}: row {int(bad.argmax()) + 1}, column {name}: the time is infinite")
        return pd.Index(column.to_numpy())
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.DatetimeIndex(column)
    parsed: Any = pd.to_datetime(column.astype(str), format="ISO8601", errors="coerce", utc=True)
    bad = parsed.isna().to_numpy()
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{path}: row {row + 1}, column {name}: {str(column.iloc[row])!r} is neither a number "
            "nor a date such as 2024-01-31 or 2024-01-31T12:00"
        )
    return pd.DatetimeIndex(parsed).tz_localize(None)


def _factorise(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Number of each row's sequence, and the sequences' names in the order of their first rows."""
    import pandas as pd

    codes, keys = pd.factorize(column)
    return np.asarray(codes), np.asarray(keys)


def _of_sequence(
    column: pd.Series, name: str, groups: list[np.ndarray], keys: np.ndarray, id: str, path: Path
) -> np.ndarray:
    """The one label of each sequence, ``[N]``."""
    codes, values = _factorise(column)
    for key, rows in zip(keys, groups, strict=True):
        other = np.flatnonzero(codes[rows] != codes[rows[0]])
        if len(other):
            row = int(rows[other[0]])
            raise DataError(
                f"{path}: row {row + 1}, column {name}: sequence {id} {key!s} is {values[codes[row]]!s}, "
                f"but {values[codes[rows[0]]]!s} in row {int(rows[0]) + 1}; a sequence has one label"
            )
    chosen = values[codes[[rows[0] for rows in groups]]]
    return chosen.astype(str) if chosen.dtype == object else chosen
