"""``.csv`` and ``.parquet``: sequences in long format (a row is a step of a sequence), or one series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carrousel.data._check import make_sequences, make_series
from carrousel.data._columns import names_of, numbers, times
from carrousel.data._errors import DataError, listed, nearest, reading
from carrousel.data._limit import MAX_SIZE, check_size
from carrousel.data._registry import reads_file
from carrousel.data._text import check_text
from carrousel.data._types import Sequences, Series
from carrousel.data._words import refuse_twice

__all__ = ["read_sequences", "read_series"]

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
    channels: str | Sequence[str] | None = None,
    max_size: float = MAX_SIZE,
) -> Sequences:
    """Reads sequences from a table in long format.

    Args:
        path: the file.
        id: the column that tells the sequences apart, by default ``"id"``; the rows of one need not stand together.
        time: the column that ascends from row to row within a sequence, by default ``"time"``.
        label: the column, or several for several values, that is the same in all rows of a sequence; by default
            ``"label"`` if the table has it.
        channels: the columns of the input; by default all others.
        max_size: bytes that a compressed file may unpack to.
    """
    frame = _read(path, max_size)
    id, time = id or "id", time or "time"
    for column, what in ((id, "id"), (time, "time")):
        _need(frame, column, what, path)
    labels = ["label"] if label is None else _names(label)
    if label is None and "label" not in frame:
        labels = []
    for column in labels:
        _need(frame, column, "label", path)
    taken = {id, time, *labels}
    names = [str(c) for c in frame.columns if c not in taken] if channels is None else _names(channels)
    for column in names:
        _need(frame, column, "channels", path)
        if column in taken:
            raise DataError(f"{path}: column {column!r} is a channel and also the id, time or label")
    if not names:
        raise DataError(f"{path}: no channels: every column ({listed(frame.columns)}) is the id, time or label")

    codes, keys = names_of(frame[id], id, path)
    labelled = [names_of(frame[c], c, path) for c in labels]
    values = np.stack([numbers(frame[c], c, path) for c in names], axis=1)  # [rows, C]
    ticks = times(frame[time], time, path)
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
    y = [_of_sequence(*each, c, groups, keys, id, path) for c, each in zip(labels, labelled, strict=True)]
    target = None if not y else y[0] if len(y) == 1 else np.stack(y, axis=1)
    return make_sequences(X, target, name=str(path), ids=keys, channels=names)


@reads_file("series", ".csv", ".parquet")
def read_series(
    path: Path,
    *,
    time: str | None = None,
    channels: str | Sequence[str] | None = None,
    max_size: float = MAX_SIZE,
) -> Series:
    """Reads one series: a row for each step.

    Args:
        path: the file.
        time: the column of times, which are whole numbers, or dates as in ISO 8601 (with an offset they become UTC); by
            default the one called time, date, datetime, timestamp or ds.
        channels: the columns of the series; by default all others.
        max_size: bytes that a compressed file may unpack to.
    """
    frame = _read(path, max_size)
    if time is None:
        lower = {str(c).lower(): str(c) for c in reversed(frame.columns)}
        time = next((lower[n] for n in TIME_NAMES if n in lower), None)
        if time is None:
            raise DataError(f"{path}: no column of times; say which one it is ({listed(frame.columns)})")
    _need(frame, time, "time", path)
    names = [str(c) for c in frame.columns if c != time] if channels is None else _names(channels)
    for column in names:
        _need(frame, column, "channels", path)
    index = times(frame[time], time, path)
    import pandas as pd

    data = {c: numbers(frame[c], c, path) for c in names}
    return make_series(pd.DataFrame(data, index=pd.Index(index, name=time)), name=str(path))


def _read(path: Path, max_size: float) -> pd.DataFrame:
    frame = _parquet(path, max_size) if path.suffix.lower() == ".parquet" else _csv(path, max_size)
    if any(name is not None for name in frame.index.names):
        with reading(path):
            frame = frame.reset_index()
    frame.columns = [str(c) for c in frame.columns]
    refuse_twice(frame.columns, "columns", str(path))
    if len(frame) == 0:
        raise DataError(f"{path}: there are no rows")
    return frame


def _csv(path: Path, max_size: float) -> pd.DataFrame:
    import pandas as pd

    lines = check_text(path)
    try:
        with reading(path):
            # As the file writes them: pandas renames a repeated column.
            columns = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0]
            cells = lines * len(columns)
            if cells > path.stat().st_size:  # the rows are shorter than the header, and pandas fills them up
                check_size(path, cells * 8, max_size)
            # Whole columns, for in parts of a column the same digits can be a number here and a word there.
            frame = pd.read_csv(path, low_memory=False)
            if not isinstance(frame.index, pd.RangeIndex):  # pandas took the surplus for row names
                raise ValueError("the rows have more fields than the header")
            frame.columns = columns
    except DataError as error:
        if isinstance(error.__cause__, pd.errors.EmptyDataError):
            raise DataError(f"{path}: the file is empty") from None
        raise
    return frame


def _parquet(path: Path, max_size: float) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    with reading(path):
        # A file by itself: the names of the folders above are no columns, as they are to a data set.
        with ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            leaves = [file.schema.column(k) for k in range(len(file.schema))]
            # Only figures that are plain fields: Arrow ends the process over some damaged descriptions of columns.
            unpacked = sum(file.metadata.row_group(k).total_byte_size for k in range(file.num_row_groups))
        refuse_twice(schema.names, "columns", str(path))
        widths = [max(8, leaf.length if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0) for leaf in leaves]
        check_size(path, max(unpacked, rows * sum(widths)), max_size)
        # Each text once, as the file has it: copies for every row can be any number of times as large.
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" and not leaf.max_repetition_level]
        # Lists and records are no columns of a table, and can be of any length: they are named, and not read.
        nested = [field for field in schema if pa.types.is_nested(field.type)]
        flat = None if not nested else [name for name in schema.names if name not in {f.name for f in nested}]
        with ParquetFile(path, read_dictionary=texts) as file:
            frame = file.read(columns=flat, use_pandas_metadata=True).to_pandas()
        for field in nested:
            frame[field.name] = pd.Series(pa.nulls(len(frame), field.type), frame.index, pd.ArrowDtype(field.type))
    return frame


def _names(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _need(frame: pd.DataFrame, column: str, what: str, path: Path) -> None:
    if column not in frame.columns:
        raise DataError(
            f"{path}: no column {column!r} ({what}){nearest(column, frame.columns)}\n"
            f"the file has {listed(frame.columns)}"
        )


def _of_sequence(
    codes: np.ndarray,
    values: np.ndarray,
    name: str,
    groups: list[np.ndarray],
    keys: np.ndarray,
    id: str,
    path: Path,
) -> np.ndarray:
    """Returns the one label of each sequence, ``[N]``."""
    for key, rows in zip(keys, groups, strict=True):
        other = np.flatnonzero(codes[rows] != codes[rows[0]])
        if len(other):
            row = int(rows[other[0]])
            raise DataError(
                f"{path}: row {row + 1}, column {name}: sequence {id} {key!s} is {values[codes[row]]!s}, "
                f"but {values[codes[rows[0]]]!s} in row {int(rows[0]) + 1}; a sequence has one label"
            )
    return values[codes[[rows[0] for rows in groups]]]
