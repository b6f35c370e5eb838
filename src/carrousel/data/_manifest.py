"""A table of files with what is in each: a row has the path of a recording, a drawing or a picture, and its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carrousel.data._columns import GROUPS
from carrousel.data._errors import DataError, listed, nearest, option
from carrousel.data._file import File
from carrousel.data._opened import opened
from carrousel.data._time_columns import need

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["UNITS", "Manifest", "check_units", "labels_in", "manifest"]

UNITS = ("letters", "words")


@dataclass(frozen=True)
class Manifest:
    """What a manifest names, a row each.

    Attributes:
        written: the paths as they are written.
        paths: the same where they are: from the folder of the manifest on.
        label: the column of the labels, or None if there is none.
        labels: the field of the labels, or None if there is no such column.
        groups: the field of the group, or None if there is no such column.
        how: how the table is written.
    """

    written: list[str]
    paths: list[Path]
    label: str | None
    labels: list[str] | None
    groups: list[str] | None
    how: tuple[str, ...]

    @property
    def rows(self) -> list[str]:
        """What messages call the rows."""
        return [f"row {k + 1} ({written})" for k, written in enumerate(self.written)]


def manifest(
    file: File, *, path: str | None, label: str | Sequence[str] | None, usual: Sequence[str], group: str | None,
    where: str | None, sep: str | None, encoding: str | None, max_size: float,
) -> Manifest:  # fmt: skip
    """Reads a manifest.

    Args:
        file: the table.
        path: the column of the paths, by default ``"path"``.
        label: the column of the labels.
        usual: the columns of the labels if none is asked for: the first that is there.
        group: the column of the groups; by default one called group, speaker, writer or person.
        where: as for tables, as are ``sep``, ``encoding`` and ``max_size``.
        sep: as there.
        encoding: as there.
        max_size: as there.

    Raises:
        DataError: a column is not there, or a field is empty.
    """
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    if label is not None and not isinstance(label, str):
        raise DataError(f"{file.name}: {option('label', ','.join(label))}: one column has the labels")
    table = opened(file, sep, encoding, max_size, [path or "path", label or usual[0]], where, None)
    frame = table.frame
    need(frame, path or "path", "path", file.path)
    for column, what in ((label, "label"), (group, "group")):
        if column is not None:
            need(frame, column, what, file.path)
    label = label or next((column for column in usual if column in frame), None)
    group = group or next((column for column in GROUPS if column in frame), None)
    written = _fields(frame, path or "path", file)
    folder = file.path.parent
    return Manifest(
        written,
        [folder / each for each in written],
        label,
        None if label is None else _fields(frame, label, file),
        None if group is None else _fields(frame, group, file),
        table.how,
    )


def _fields(frame: pd.DataFrame, column: str, file: File) -> list[str]:
    """Returns a column as text; no field of it is empty."""
    values = frame[column]
    words = [str(value).strip() for value in values.tolist()]
    empty = values.isna().to_numpy() | (np.array([word == "" for word in words]))
    if empty.any():
        raise DataError(f"{file.name}: row {int(empty.argmax()) + 1}, column {column}: the field is empty")
    bad = next((k for k, word in enumerate(words) if "\0" in word), None)
    if bad is not None:
        raise DataError(f"{file.name}: row {bad + 1}, column {column}: it holds a NUL character; text is needed")
    return words


def check_units(units: str, name: str) -> None:
    """Refuses what no label can be."""
    if units not in UNITS:
        raise DataError(f"{name}: {option('units', units)}: it is {listed(UNITS)}{nearest(units, UNITS)}")


def labels_in(text: str, units: str) -> tuple[str, ...]:
    """Returns the labels of a text: its words, or its letters, among which one space stands between two words.

    >>> labels_in("ab  c ", "letters"), labels_in("ab  c ", "words")
    (('a', 'b', ' ', 'c'), ('ab', 'c'))
    """
    words = text.split()
    return tuple(words) if units == "words" else tuple(" ".join(words))
