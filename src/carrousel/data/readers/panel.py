"""Tables of several series in long format: an id and a time in each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.data._check import regular
from carrousel.data._columns import as_numbers, names_of, numbers
from carrousel.data._errors import DataError, listed
from carrousel.data._file import File
from carrousel.data._fill import missing_words
from carrousel.data._limit import MAX_SIZE
from carrousel.data._opened import Opened, opened
from carrousel.data._registry import reads_file
from carrousel.data._time_columns import find_times, named, need
from carrousel.data._types import Panel
from carrousel.data.readers.table import ENDINGS, look

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_panel"]


@reads_file("panel", *ENDINGS, look=look)
def read_panel(
    file: File,
    *,
    id: str | None = None,
    static: str | Sequence[str] | None = None,
    time: str | Sequence[str] | None = None,
    channels: str | Sequence[str] | None = None,
    text: str | Sequence[str] | None = None,
    where: str | None = None,
    sep: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    date_format: str | None = None,
    fill: str | None = None,
    freq: str | None = None,
    max_size: float = MAX_SIZE,
) -> Panel:
    """Reads several series.

    Args:
        file: the file.
        id: the column that tells the series apart, by default ``"id"``; ids are text as it is written. The rows of one
            need not stand together.
        static: columns that are the same in all rows of a series, numbers or words.
        time: as in ``read_series``, within each series.
        channels: the columns of the series; by default all others that hold numbers.
        text: columns that are text; a static one among them is one of words, even if these look like numbers.
        where: as in ``read_sequences``, as are sep, decimal, encoding, date_format and max_size.
        sep: as there.
        decimal: as there.
        encoding: as there.
        date_format: as there.
        fill: what stands for missing values and rows of each series, as in ``read_sequences``.
        freq: the step of time; by default it is that of the longest series.
        max_size: as there.
    """
    still = named(static)
    words = named(text)
    rest = [column for column in words if column not in still]
    table = opened(file, sep, encoding, max_size, [id or "id", *named(time), *still, *named(channels)], where, rest)
    frame, path, id = table.frame, file.path, id or "id"
    for what, columns in (("id", [id]), ("static", still), ("channels", named(channels))):
        for column in columns:
            need(frame, column, what, path)
    twice = [column for column in named(channels) if column == id or column in still]
    if id in still:
        raise DataError(f"{path}: column {id!r} is the id and also static")
    if twice:
        raise DataError(f"{path}: column {twice[0]!r} is a channel and also the id or static")
    codes, keys = names_of(frame[id], id, path)
    clock = find_times(frame, time, date_format, path, [id, *still, *named(channels), *table.text], codes)
    taken = {id, *clock.columns, *still}
    names, mark = table.channels(None if channels is None else named(channels), taken, still, decimal)
    values = np.stack([numbers(frame[c], c, path, decimal=mark, gaps=True) for c in names], axis=1)
    order = np.argsort(codes, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    constant = {column: _constant(table, column, column in words, mark, groups, keys, id) for column in still}
    index = " ".join(clock.columns) or "row"
    frames, how = _regular(values, clock.values, index, names, groups, keys, f"{path}: series {id}", fill, freq)
    for column, each in constant.items():
        for key, value in zip(frames, each, strict=True):
            frames[key][column] = value
    told = table.told(clock, mark, names, taken, asked=channels is not None)
    return Panel(frames, tuple(still), str(path), (*told, *how))


def _regular(
    values: np.ndarray, times: np.ndarray, index: str, names: list[str], groups: list[np.ndarray], keys: np.ndarray,
    name: str, fill: str | None, freq: str | None,
) -> tuple[dict[Any, pd.DataFrame], tuple[str, ...]]:  # fmt: skip
    """Returns each series at equal steps, the longest of which tells them, and how that was done."""
    import pandas as pd

    made = {}
    for k in sorted(range(len(groups)), key=lambda k: -len(groups[k])):
        rows = groups[k]
        frame = pd.DataFrame(values[rows], index=pd.Index(times[rows], name=index), columns=names)
        made[k] = regular(frame, name=f"{name} {keys[k]!s}", fill=fill, freq=freq, numbers=rows + 1)
        found = getattr(made[k].frame.index, "freq", None)
        freq = found.freqstr if freq is None and found is not None else freq
    done = [made[k] for k in range(len(groups))]
    turned = list(dict.fromkeys(said for each in done for said in each.how))
    lacking = missing_words(sum(each.rows for each in done), sum(each.values for each in done), fill)
    frames = {_plain(key): each.frame for key, each in zip(keys, done, strict=True)}
    return frames, (*([listed(turned, 3)] if turned else []), *lacking)


def _constant(
    table: Opened, column: str, text: bool, mark: str, groups: list[np.ndarray], keys: np.ndarray, id: str
) -> list[Any]:
    """Returns the one value of each series: numbers if all are, unless they are said to be text."""
    codes, values = names_of(table.frame[column], column, table.path)
    for key, rows in zip(keys, groups, strict=True):
        other = np.flatnonzero(codes[rows] != codes[rows[0]])
        if len(other):
            row = int(rows[other[0]])
            raise DataError(
                f"{table.path}: row {row + 1}, column {column}: series {id} {key!s} has {values[codes[row]]!s}, but "
                f"{values[codes[rows[0]]]!s} in row {int(rows[0]) + 1}; a static column has one value in a series"
            )
    if values.dtype.kind in "US" and not text:
        import pandas as pd

        numeric = as_numbers(pd.Series(values), mark)
        values = values if np.isnan(numeric).any() else numeric
    return [_plain(values[codes[rows[0]]]) for rows in groups]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
