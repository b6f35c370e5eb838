"""Tables with a label for every step: a row is a step of a sequence, and one of its columns is the label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carrousel.data._columns import GROUPS, is_text, names_of, numbers, typed_labels
from carrousel.data._errors import DataError, option
from carrousel.data._file import File
from carrousel.data._labelled import Tagged
from carrousel.data._limit import MAX_SIZE
from carrousel.data._make_labelled import make_tagged
from carrousel.data._opened import Opened, opened
from carrousel.data._registry import reads_file
from carrousel.data._time_columns import find_times, named, need
from carrousel.data.readers.table import ENDINGS, in_sequences, look, of_sequence

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read"]


@reads_file("tags", *ENDINGS, look=look)
def read(
    file: File,
    *,
    id: str | None = None,
    time: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    channels: str | Sequence[str] | None = None,
    group: str | None = None,
    text: str | Sequence[str] | None = None,
    where: str | None = None,
    sep: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    date_format: str | None = None,
    fill: str | None = None,
    max_size: float = MAX_SIZE,
) -> Tagged:
    """Reads sequences whose steps have a label each from a table in long format.

    Args:
        file: the file.
        id: the column that tells the sequences apart, by default ``"id"``; without it all rows are one sequence.
        time: as in tables of sequences, as are text, where, sep, decimal, encoding, date_format, fill and max_size.
        label: the column of the labels, by default ``"label"`` if the table has it. An empty field is a step without a
            label.
        channels: the columns of the input, numbers, or one column of symbols or words; by default all others that hold
            numbers, or, where none does, the one that holds words.
        group: the column of what sequences have in common, the same in all rows of one; by default one called group,
            speaker, writer or person.
        text: as there.
        where: as there.
        sep: as there.
        decimal: as there.
        encoding: as there.
        date_format: as there.
        fill: as there.
        max_size: as there.
    """
    table = opened(file, sep, encoding, max_size, [id or "id", *named(time), *(named(label) or ["label"])], where, text)
    frame, path = table.frame, file.path
    tags = _one(label, path)
    for column, what in ((id, "id"), (tags, "label"), (group, "group"), *((c, "channels") for c in named(channels))):
        if column is not None:
            need(frame, column, what, path)
    tags = tags or ("label" if "label" in frame else None)
    id = id or ("id" if "id" in frame else None)
    group = group or next((column for column in GROUPS if column in frame and column not in named(channels)), None)
    of = [column for column in (id, tags, group) if column is not None]
    codes, keys = (np.zeros(len(frame), int), np.arange(1)) if id is None else names_of(frame[id], id, path)
    clock = find_times(frame, time, date_format, path, [*of, *named(channels), *table.text], codes)
    taken = {*clock.columns, *of}
    for column in named(channels):
        if column in taken:
            raise DataError(f"{path}: column {column!r} is a channel and also the id, time, group or label")
    word = _symbols(table, named(channels), taken)
    rows = in_sequences(codes, keys, clock, id or "row", path)
    if word is not None:
        names, mark = [word], "."
        numbered, symbols = names_of(frame[word], word, path)
        X = [symbols.astype(str)[numbered[steps]] for steps in rows]
    else:
        names, mark = table.channels(named(channels) or None, taken, [], decimal)
        values = [numbers(frame[c], c, path, decimal=mark, gaps=fill is not None) for c in names]
        X = [np.stack(values, axis=1)[steps] for steps in rows]
    y = None if tags is None else _labels(frame[tags], tags, path)
    persons = None
    if group is not None:
        persons = of_sequence(*names_of(frame[group], group, path), group, rows, keys, id or "", path)
    how = table.told(clock, mark, names, taken, asked=channels is not None or word is not None)
    if id is None:
        how = (*how, "all rows are one sequence, for there is no column id")
    return make_tagged(
        X, None if y is None else [y[steps] for steps in rows], name=str(path), ids=keys, channels=names,
        groups=persons, fill=None if word is not None else fill, how=how,
    )  # fmt: skip


def _one(label: str | Sequence[str] | None, path: Path) -> str | None:
    """Returns the one column of labels that is asked for."""
    columns = named(label)
    if len(columns) > 1:
        raise DataError(f"{path}: {option('label', ','.join(columns))}: one column has the labels of the steps")
    return columns[0] if columns else None


def _symbols(table: Opened, asked: list[str], taken: set[str]) -> str | None:
    """Returns the column of symbols that is the input; None where the input are numbers."""
    others = asked or [str(c) for c in table.frame.columns if c not in taken]
    words = [c for c in others if c in table.text or is_text(table.frame[c])]
    if asked and words and len(asked) > 1:
        raise DataError(
            f"{table.path}: column {words[0]} holds words; the input is one column of words, or columns of numbers"
        )
    return words[0] if len(words) == 1 and (asked or len(others) == 1) else None


def _labels(column: pd.Series, name: str, path: Path) -> np.ndarray:
    """Returns the label of every row, ``""`` where it has none."""
    there = column.notna().to_numpy()
    found = np.full(len(column), "", dtype=object)
    if there.any():
        codes, labels = names_of(column[there], name, path)
        typed = typed_labels(labels) if labels.dtype.kind == "U" else labels
        if typed.dtype.kind == "f" and (typed != np.round(typed)).any():
            value = typed[typed != np.round(typed)][0]
            raise DataError(f"{path}: column {name}: the labels are values such as {value:g}, no classes of steps")
        found[there] = labels.astype(str)[codes]
    return found
