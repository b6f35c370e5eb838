"""Tables: sequences in long format (a row is a step of a sequence), or one series.

Text with separators (``.csv``, ``.tsv``, ``.txt``), JSON (``.jsonl``, ``.ndjson``, ``.json``), Excel (``.xlsx``) and
Parquet. Text may be packed: ``.csv.gz``, ``.csv.zst``, ``.csv.zip`` and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carrousel.data._check import make_sequences, make_series
from carrousel.data._columns import names_of, numbers, typed_labels
from carrousel.data._errors import DataError, listed, option
from carrousel.data._file import File
from carrousel.data._limit import MAX_SIZE
from carrousel.data._opened import Opened, opened
from carrousel.data._order import clock_changed
from carrousel.data._registry import reads_file
from carrousel.data._time_columns import Times, find_times, months_across, named, need
from carrousel.data._types import Sequences, Series

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ENDINGS", "in_sequences", "look", "of_sequence", "read_sequences", "read_series"]

ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".xlsx", ".parquet")


def look(
    file: File,
    *,
    text: str | Sequence[str] | None = None,
    where: str | None = None,
    sep: str | None = None,
    encoding: str | None = None,
    max_size: float = MAX_SIZE,
) -> None:
    """Divides a table into its fields."""
    opened(file, sep, encoding, max_size, [], where, text)


@reads_file("sequences", *ENDINGS, look=look)
def read_sequences(
    file: File,
    *,
    id: str | None = None,
    time: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    channels: str | Sequence[str] | None = None,
    group: str | None = None,
    sample_weight: str | None = None,
    text: str | Sequence[str] | None = None,
    where: str | None = None,
    sep: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    date_format: str | None = None,
    fill: str | None = None,
    max_size: float = MAX_SIZE,
) -> Sequences:
    """Reads sequences from a table in long format.

    Ids and labels are text as it is written. Labels become numbers only if each of them, written again, is the same.

    Args:
        file: the file.
        id: the column that tells the sequences apart, by default ``"id"``; the rows of one need not stand together.
        time: the column that ascends from row to row within a sequence, several that say parts of the time, or
            ``"none"``: then rows stand in the order of time. By default it is found by name, else by content.
        label: the column, or several for several values, that is the same in all rows of a sequence; by default
            ``"label"`` if the table has it.
        channels: the columns of the input; by default all others that hold numbers.
        group: the column of what sequences have in common, such as a person, the same in all rows of one.
        sample_weight: the column of how much a sequence counts in training, the same in all rows of one.
        text: columns that are text: no channels, and as labels no numbers.
        where: ``"COLUMN=VALUE"`` takes the rows that have this text in a column.
        sep: what separates the fields: one sign, ``"tab"`` or ``"space"``; by default it is told from the text.
        decimal: ``"."`` or ``","``, the mark of the decimals; by default it is told from the numbers.
        encoding: of the text; by default it is told: UTF-8, what a byte order mark says, or windows-1252.
        date_format: how dates are written (``"%d/%m/%Y"``); by default it is told from them.
        fill: what stands for missing values: ``"interpolate"`` a line between the neighbours in the sequence (at its
            ends the nearest value), ``"last"`` the value before, ``"mask"`` NaN; by default they are refused.
        max_size: bytes that a packed file may unpack to.
    """
    labels = ["label"] if label is None else named(label)
    table = opened(file, sep, encoding, max_size, [id or "id", *named(time), *labels], where, text)
    frame, path = table.frame, file.path
    id = id or "id"
    need(frame, id, "id", path)
    if label is None and "label" not in frame:
        labels = []
    for column in labels:
        need(frame, column, "label", path)
    for column in named(channels):
        need(frame, column, "channels", path)
    beside = {what: c for what, c in (("group", group), ("sample_weight", sample_weight)) if c is not None}
    for what, column in beside.items():
        need(frame, column, what, path)
    codes, keys = names_of(frame[id], id, path)
    others = [id, *labels, *beside.values()]
    clock = find_times(frame, time, date_format, path, [*others, *named(channels), *table.text], codes)
    taken = {*others, *clock.columns}
    for column in named(channels):
        if column in taken:
            raise DataError(f"{path}: column {column!r} is a channel and also the id, time, label, group or weight")
    asked = None if channels is None else named(channels)
    names, mark = table.channels(asked, taken, labels, decimal)
    labelled = [names_of(frame[c], c, path) for c in labels]
    values = np.stack([numbers(frame[c], c, path, decimal=mark, gaps=fill is not None) for c in names], axis=1)
    groups = in_sequences(codes, keys, clock, id, path)
    X = [values[rows] for rows in groups]
    y = [of_sequence(*each, c, groups, keys, id, path) for c, each in zip(labels, labelled, strict=True)]
    if not table.typed:
        y = [each if c in table.text else typed_labels(each) for c, each in zip(labels, y, strict=True)]
    target = None if not y else y[0] if len(y) == 1 else _beside(y, mark, labels, path)
    how = table.told(clock, mark, names, taken, asked=channels is not None)
    persons = None
    if group is not None:
        persons = of_sequence(*names_of(frame[group], group, path), group, groups, keys, id, path)
        if len(set(persons.tolist())) < 2:
            raise DataError(f"{path}: column {group}: all {len(X)} sequences are of one group ({persons[0]!s}); two "
                            "are needed to hold one out")  # fmt: skip
    weights = None
    if sample_weight is not None:
        weights = _weights(frame[sample_weight], sample_weight, groups, keys, id, mark, path)
    made = make_sequences(
        X, target, name=str(path), ids=keys, channels=names, fill=fill, how=how, decimal=mark, groups=persons
    )
    return replace(made, weights=weights)


def in_sequences(codes: np.ndarray, keys: np.ndarray, clock: Times, id: str, path: Path) -> list[np.ndarray]:
    """Returns the rows of each sequence.

    Args:
        codes: the number of every row's sequence.
        keys: the names of the sequences.
        clock: the times.
        id: the column of the names, in messages.
        path: the file, in messages.

    Raises:
        DataError: the rows of a sequence are not in the order of time.
    """
    ticks, order = clock.values, np.argsort(codes, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    for key, rows in zip(keys, groups, strict=True):
        late = _late(ticks[rows])
        if len(late):  # unless a clock was changed meanwhile
            late = _late(clock_changed(ticks[rows])[0])
        if len(late):
            before, row = int(rows[late[0]]), int(rows[late[0] + 1])
            word = "the time of" if ticks[row] == ticks[before] else "an earlier time than"
            of = " and ".join(clock.columns)
            raise DataError(
                f"{path}: row {row + 1}, column {of}: {word} row {before + 1} of the same sequence ({id} {key!s})\n"
                "the rows of a sequence are in the order of time, one row for each step"
            )
    return groups


@reads_file("series", *ENDINGS, look=look)
def read_series(
    file: File,
    *,
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
) -> Series:
    """Reads one series: a row for each step, or a row for each year and a column for each of its months.

    Args:
        file: the file.
        time: the column of times, which are whole numbers, or dates as people write them (with an offset they become
            UTC); several that say parts of the time (``["year", "quarter"]``); ``"none"`` for the numbers of the rows.
            By default it is the one called time, date, datetime, timestamp or ds, else it is found by its content.
        channels: the columns of the series; by default all others that hold numbers.
        text: columns that are text, and so none of the series.
        where: as in ``read_sequences``, as are sep, decimal, encoding, date_format and max_size.
        sep: as there.
        decimal: as there.
        encoding: as there.
        date_format: as there.
        fill: what stands for missing values and rows, as in ``read_sequences``.
        freq: the step of time as pandas names it (``"h"``, ``"MS"``); by default it is told from the times.
        max_size: as there.
    """
    import pandas as pd

    table = opened(file, sep, encoding, max_size, [*named(time), *named(channels)], where, text)
    path = file.path
    for column in named(channels):
        need(table.frame, column, "channels", path)
    across = months_across(table.frame, time) if channels is None else None
    if across is not None:
        table, time = _months_down(table, *across), "time"
    frame = table.frame
    clock = find_times(frame, time, date_format, path, [*named(channels), *table.text])
    taken = set(clock.columns)
    asked = None if channels is None else [c for c in named(channels) if c not in taken]
    names, mark = table.channels(asked, taken, [], decimal)
    _refuse_several(frame, clock.values, taken, names, path)
    data = {c: numbers(frame[c], c, path, decimal=mark, gaps=True) for c in names}
    index = pd.Index(clock.values, name=" ".join(clock.columns) or "row")
    how = table.told(clock, mark, names, taken, asked=channels is not None)
    return make_series(pd.DataFrame(data, index=index), name=str(path), fill=fill, freq=freq, how=how)


def _refuse_several(frame: pd.DataFrame, times: np.ndarray, taken: set[str], names: list[str], path: Path) -> None:
    """Refuses several series in one file, told apart by a column, and says how one is taken."""
    late = _late(times)
    if not len(late) or not len(_late(clock_changed(times)[0])) or not len(_late(clock_changed(times[::-1])[0])):
        return
    rest = [str(c) for c in frame.columns if c not in taken]
    for column in sorted(rest, key=lambda c: c in names):  # columns of text first
        words = frame[column].astype(str)
        parts = words.unique()
        if 1 < len(parts) <= len(frame) // 2 and not any(
            len(_late(times[(words == part).to_numpy()])) for part in parts[:100]
        ):
            row, said = int(late[0]) + 1, f"column {column} ({listed(parts)})"
            raise DataError(
                f"{path}: row {row + 1} is not later than row {row}: the file holds {len(parts)} series, told apart by "
                f"{said}\n{option('where', f'{column}={parts[0]}')} takes one of them; {option('id', column)} takes "
                "them all, for one forecaster of many series"
            )


def _late(times: np.ndarray) -> np.ndarray:
    """Returns the places of times that are followed by none that is later."""
    return np.flatnonzero(times[1:] <= times[:-1])


def _months_down(table: Opened, year: str, months: list[str]) -> Opened:
    """Returns a table of one row a year as one of a row for each month."""
    import pandas as pd

    frame = table.frame
    years = np.repeat(frame[year].astype(str).to_numpy(), 12)
    values = frame[months].to_numpy(dtype=object).ravel()
    kept = slice(0, len(values) - int(np.argmax(~pd.isna(values[::-1]))))  # the last year may not be over
    when = [f"{y}-{m:02d}" for y, m in zip(years, np.tile(np.arange(1, 13), len(frame)), strict=True)]
    long = pd.DataFrame({"time": pd.Series(when[kept], dtype="str"), "value": pd.Series(list(values[kept]))})
    if not table.typed:
        long["value"] = long["value"].astype("str").where(long["value"].notna())
    return table.with_frame(long, "a row a year, a column for each month")


def _beside(y: list[np.ndarray], mark: str, labels: list[str], path: Path) -> np.ndarray:
    """Returns the labels of several columns side by side, ``[N, K]``; numbers and words have no common form."""
    if len({each.dtype.kind in "US" for each in y}) == 1:
        return np.stack(y, axis=1)
    import pandas as pd

    from carrousel.data._columns import as_numbers

    made = [as_numbers(pd.Series(each.astype(str)), mark) if each.dtype.kind == "U" else each for each in y]
    for name, each in zip(labels, made, strict=True):
        if np.isnan(each.astype(np.float64)).any():
            raise DataError(f"{path}: column {name}: several labels are all numbers, or all words\n"
                            f"{option('text', listed(labels))} takes them all for words")  # fmt: skip
    return np.stack(made, axis=1)


def of_sequence(
    codes: np.ndarray,
    values: np.ndarray,
    name: str,
    groups: list[np.ndarray],
    keys: np.ndarray,
    id: str,
    path: Path,
) -> np.ndarray:
    """Returns the one label, or whatever is the same in all its rows, of each sequence; DataError where rows differ.

    Args:
        codes: the number of every row's label.
        values: the labels, by their numbers.
        name: the column of the labels, in messages.
        groups: the rows of each sequence.
        keys: the names of the sequences.
        id: their column, in messages.
        path: the file, in messages.
    """
    for key, rows in zip(keys, groups, strict=True):
        other = np.flatnonzero(codes[rows] != codes[rows[0]])
        if len(other):
            row = int(rows[other[0]])
            raise DataError(
                f"{path}: row {row + 1}, column {name}: sequence {id} {key!s} is {values[codes[row]]!s}, "
                f"but {values[codes[rows[0]]]!s} in row {int(rows[0]) + 1}; a sequence has one value there"
            )
    return values[codes[[rows[0] for rows in groups]]]


def _weights(
    column: pd.Series, name: str, groups: list[np.ndarray], keys: np.ndarray, id: str, mark: str, path: Path
) -> np.ndarray:
    """Returns how much each sequence counts, ``[N]``."""
    values = numbers(column, name, path, decimal=mark)
    distinct, codes = np.unique(values, return_inverse=True)
    found = of_sequence(codes, distinct, name, groups, keys, id, path)
    if (found < 0).any():
        row = int(groups[int((found < 0).argmax())][0])
        raise DataError(f"{path}: row {row + 1}, column {name}: the weight is {values[row]:g}; weights are 0 or more")
    if not found.any():
        raise DataError(f"{path}: column {name}: every sequence has the weight 0; there is none to learn from")
    return found
