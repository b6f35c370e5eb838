"""A table of any format as it is opened, and which of its columns are channels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carrousel.data._columns import is_text, numbers, unfit
from carrousel.data._dialect import decimal_of
from carrousel.data._errors import DataError, DataWarning, listed, option
from carrousel.data._file import File
from carrousel.data._parquet import parquet
from carrousel.data._records import excel, json_records
from carrousel.data._table import Table, delimited
from carrousel.data._time_columns import Times, named, need

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Opened", "opened"]


@dataclass(frozen=True)
class Opened:
    """A table, and what was said of its columns.

    Attributes:
        frame: the columns.
        how: how the file is written.
        typed: whether the file has types for its columns.
        text: the columns that are text.
        path: the file in messages.
    """

    frame: pd.DataFrame
    how: tuple[str, ...]
    typed: bool
    text: tuple[str, ...]
    path: Path

    def with_frame(self, frame: pd.DataFrame, how: str) -> Opened:
        """Returns the table with other columns."""
        return replace(self, frame=frame, how=(*self.how, how))

    def channels(
        self, asked: Sequence[str] | None, taken: set[str], labels: Sequence[str], decimal: str | None
    ) -> tuple[list[str], str]:
        """Returns the columns of the input, and the mark of the decimals.

        Args:
            asked: the columns that are asked for; None takes all that hold numbers.
            taken: columns that are something else.
            labels: those of them that can be numbers.
            decimal: the mark, if it is given.

        Raises:
            DataError: there are none, or the mark cannot be told.
        """
        names = [str(c) for c in self.frame.columns if c not in taken] if asked is None else list(asked)
        if not names:
            raise DataError(f"{self.path}: no channels: there is no column beside the time, id and label "
                            f"({listed(self.frame.columns)})")  # fmt: skip
        mark = self._mark([c for c in names if c not in self.text], labels, decimal)
        if asked is not None:
            return names, mark
        fit = [c for c in names if c not in self.text and not self._left(c, mark)]
        if not fit:
            numbers(self.frame[names[0]], names[0], self.path, decimal=mark, gaps=True)  # says what it holds instead
            raise DataError(f"{self.path}: no channels: no column beside the time, id and label holds numbers "
                            f"({listed(names)})")  # fmt: skip
        return fit, mark

    def _mark(self, names: list[str], labels: Sequence[str], decimal: str | None) -> str:
        if self.typed:
            return decimal_of(self.frame[[]], decimal, str(self.path))
        mark = decimal_of(self.frame[names], decimal, str(self.path))
        if mark == "." and decimal is None and labels:
            try:
                return decimal_of(self.frame[[c for c in labels if c not in self.text]], None, str(self.path))
            except DataError:  # classes may be called anything
                return mark
        return mark

    def _left(self, column: str, mark: str) -> bool:
        values = self.frame[column]
        return unfit(values) or is_text(values, mark) or (not column.strip() and _counts(values))

    def told(self, clock: Times, mark: str, names: Sequence[str], taken: set[str], *, asked: bool) -> tuple[str, ...]:
        """Returns how the table was read, and warns of columns that are left out although nobody chose (``asked``)."""
        left = [str(c) for c in self.frame.columns if c not in taken and c not in names and c not in self.text]
        left = [] if asked else left
        words = [*self.how, *(["decimal comma"] if mark == "," else []), *([clock.how] if clock.how else [])]
        out = [c for c in left if c.strip()]  # the rows' numbers have no name, and nobody misses them
        if out:
            notice = f"left out, for {'it holds' if len(out) == 1 else 'they hold'} no numbers: {listed(out)}"
            words.append(notice)
            warnings.warn(f"{self.path}: {notice}", DataWarning, stacklevel=6)
        return tuple(words)


def opened(
    file: File,
    sep: str | None,
    encoding: str | None,
    max_size: float,
    wanted: Sequence[str],
    where: str | None,
    text: str | Sequence[str] | None,
) -> Opened:
    """Opens a table: the file's format is told by its ending.

    Args:
        file: the file.
        sep: as in ``read_sequences``, as are ``encoding`` and ``max_size``.
        encoding: as there.
        max_size: as there.
        wanted: columns that are asked for.
        where: the rows that are asked for.
        text: the columns that are text.
    """
    table = _table(file, sep, encoding, max_size, wanted)
    frame, how = table.frame, table.how
    for column in named(text):
        need(frame, column, "text", file.path)
    if where is not None:
        column, equals, value = where.partition("=")
        if not equals:
            raise DataError(f"{file.name}: {option('where', where)}: write COLUMN=VALUE")
        need(frame, column, "where", file.path)
        words = frame[column].astype(str)
        rows = (words == value).to_numpy(dtype=bool)
        if not rows.any():
            raise DataError(f"{file.name}: no row has {value!r} in column {column}, which has {listed(words.unique())}")
        frame = frame[rows].reset_index(drop=True).drop(columns=column)
        how = (*how, f"rows with {column} {value}")
    return Opened(frame, how, table.typed, tuple(named(text)), file.path)


def _table(file: File, sep: str | None, encoding: str | None, max_size: float, wanted: Sequence[str]) -> Table:
    lines = file.ending in (".csv", ".tsv", ".txt")
    for name, value in (("sep", sep if not lines else None), ("encoding", encoding if _has_types(file) else None)):
        if value is not None:
            raise DataError(f"{file.name}: {option(name, value)} is for tables of text; this is a {file.ending} file")
    if lines:
        return delimited(file, sep, encoding, max_size, wanted)
    if file.ending == ".parquet":
        return file.once(max_size, lambda: parquet(file, max_size))
    if file.ending == ".xlsx":
        return file.once(max_size, lambda: excel(file, max_size))
    return file.once((encoding, max_size), lambda: json_records(file, encoding, max_size))


def _has_types(file: File) -> bool:
    return file.ending in (".parquet", ".xlsx")


def _counts(values: pd.Series) -> bool:
    """Tells whether a column without a name has the numbers of the rows, from 0 or from 1."""
    try:
        found = values.to_numpy(dtype=np.float64)
    except (ValueError, TypeError):
        return False
    return bool((found == np.arange(len(found)) + found[0]).all() and found[0] in (0, 1))
