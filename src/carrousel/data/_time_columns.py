"""Which columns of a table say the time: one, or several that say parts of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from carrousel.data._columns import times
from carrousel.data._dates import TIME_NAMES, looks_dated
from carrousel.data._epoch import epoch_of
from carrousel.data._errors import DataError, listed, nearest, option
from carrousel.data._times import plain_times

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NONE", "Times", "find_times", "months_across", "named", "need"]

NONE = "none"
NUMBERED = re.compile(
    r"(?i)(^|[_\W])(year|yr|jahr|date|time|day|hour|month|week|step|index|t)($|[_\W])|^$|^Unnamed: 0$"
)
WANTED = {"id": ", which tells sequences apart: a row is a step of one", "label": ""}
"""What columns of the usual names are for."""
YEARS = ("year", "yr", "jahr", "yyyy")
PARTS = (("year", YEARS), ("quarter", ("quarter", "qtr", "quartal")),
         ("month", ("month", "mon", "monat", "mm", "mo")), ("day", ("day", "tag", "dd", "dom")),
         ("hour", ("hour", "hr", "stunde", "hh")), ("minute", ("minute", "min")))  # fmt: skip
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
CLOCK = re.compile(r"\s*\d{1,2}[:.]\d{2}([:.]\d{2}(\.\d+)?)?(\s*[AaPp][Mm])?\s*")


@dataclass(frozen=True)
class Times:
    """The times of the rows.

    Attributes:
        values: int64, float64 or datetime64 [rows].
        columns: the columns that say them; none for the rows' numbers.
        how: how they are written, for people.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    how: str = ""


def named(names: str | Sequence[str] | None) -> list[str]:
    """Returns names as a list."""
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def need(frame: pd.DataFrame, column: str, what: str, path: Path) -> None:
    """Refuses a column that the table does not have."""
    if column not in frame.columns:
        said = WANTED.get(what, f" ({what})") if column == what else f" ({what})"
        raise DataError(
            f"{path}: no column {column!r}{said}{nearest(column, frame.columns)}\n"
            f"the file has {listed(frame.columns)}; {option(what)} names another"
        )


def find_times(
    frame: pd.DataFrame,
    time: str | Sequence[str] | None,
    date_format: str | None,
    path: Path,
    others: Sequence[str] = (),
    sequences: np.ndarray | None = None,
) -> Times:
    """Returns the times of a table's rows.

    Args:
        frame: the table.
        time: the column; several that say parts of the time (year, month; or date, time of day); ``"none"`` for the
            numbers of the rows; None finds them by name and content.
        date_format: as in ``dates_of``.
        path: the file in messages.
        others: columns that are something else.
        sequences: the number of each row's sequence, within which times ascend; None for a single series.

    Raises:
        DataError: there are none, or several columns could be the times.
    """
    columns = named(time)
    if columns == [NONE] and NONE not in frame.columns:
        return Times(np.arange(len(frame)), ())
    for column in columns:
        need(frame, column, "time", path)
    free = frame[[c for c in frame.columns if c not in others]]
    expected = bool(columns)
    columns = columns or _found(free, path, sequences)
    if len(columns) == 1:
        dates = times(frame[columns[0]], columns[0], path, date_format)
        values = dates.times
    else:
        values, dates_form = _joined(frame, columns, date_format, path)
        return Times(values, tuple(columns), f"times in columns {', '.join(columns)}{dates_form}")
    expected = expected or columns[0].lower() in TIME_NAMES
    form = f", written as {dates.form}" if dates.form else ""
    of = f"column {columns[0]}" if columns[0] else "the column without a name"
    return Times(values, tuple(columns), "" if expected and not form else f"times in {of}{form}")


def _found(frame: pd.DataFrame, path: Path, sequences: np.ndarray | None) -> list[str]:
    """Returns the columns of the times."""
    lower = {str(c).strip().lower(): str(c) for c in reversed(frame.columns)}
    if "date" in lower and "time" in lower and _clocked(frame[lower["time"]]):
        return [lower["date"], lower["time"]]
    by_name = next((lower[n] for n in TIME_NAMES if n in lower), None)
    if by_name is not None:
        return [by_name]
    parts = _parts(lower)
    if len(parts) > 1 and all(_whole(frame[c]) is not None for c in parts):
        return parts
    dated = [str(c) for c in frame.columns if _dated(frame[c])]
    if len(dated) > 1:
        raise DataError(
            f"{path}: several columns hold dates ({listed(dated)})\n{option('time', dated[0])} names the one "
            "of the times"
        )
    if dated:
        return dated
    counted_from_1970 = [str(c) for c in frame.columns if _ascends(frame[c], sequences) and _since_1970(frame[c])]
    if len(counted_from_1970) == 1:
        return counted_from_1970
    counted = [str(c) for c in frame.columns if NUMBERED.search(str(c)) and _ascends(frame[c], sequences)]
    # Years that go back belong to several series in one file, which is said when the order is looked at.
    years = [str(c) for c in frame.columns if str(c).strip().lower() in YEARS and _whole(frame[c]) is not None]
    named_ones = [c for c in counted if c and not c.startswith("Unnamed")]
    if years or counted:
        return [(years or named_ones or counted)[0]]
    raise DataError(
        f"{path}: no column of times ({listed(frame.columns)}){nearest('time', frame.columns)}; "
        f"{option('time')} names it\n"
        f"without one, {option('time', NONE)} numbers the rows from 0"
    )


def _parts(lower: dict[str, str]) -> list[str]:
    """Returns the columns that are called year, month and so on, largest part first, without a gap between."""
    there = {part: next((lower[n] for n in names if n in lower), None) for part, names in PARTS}
    if there["year"] is None:
        return []
    found = [there["year"]]
    if there["quarter"] is not None and there["month"] is None:
        return [*found, there["quarter"]]
    for part in ("month", "day", "hour", "minute"):
        column = there[part]
        if column is None:
            break
        found.append(column)
    return found


def _joined(frame: pd.DataFrame, columns: list[str], date_format: str | None, path: Path) -> tuple[np.ndarray, str]:
    """Returns the times that several columns say together."""
    import pandas as pd

    whole = [_whole(frame[c]) for c in columns]
    if date_format is None and all(w is not None for w in whole):
        known = dict(zip(_roles(columns), (w for w in whole if w is not None), strict=True))
        if "quarter" in known:
            known["month"] = 3 * known.pop("quarter") - 2
        for role, (low, high) in {"year": (1, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 23),
                                  "minute": (0, 59)}.items():  # fmt: skip
            bad = ~np.isin(known[role], np.arange(low, high + 1)) if role in known else np.zeros(0, dtype=bool)
            if bad.any():
                row = int(bad.argmax())
                of = columns[min(list(known).index(role), len(columns) - 1)]
                raise DataError(f"{path}: row {row + 1}, column {of}: {frame[of].iloc[row]!s} is no {role}")
        size = len(frame)
        parts: dict[str, np.ndarray] = {
            role: known.get(role, np.ones(size, dtype=np.int64)) for role in ("year", "month", "day")
        }
        clock = {role: known[role] for role in ("hour", "minute") if role in known}
        times_ = pd.to_datetime(pd.DataFrame(parts | clock), errors="coerce")
        if times_.isna().any():
            row = int(times_.isna().to_numpy().argmax())
            raise DataError(f"{path}: row {row + 1}: columns {', '.join(columns)} say no date")
        return plain_times(times_.to_numpy(), f"{path}: row {{row}}: "), ""
    for column in columns:
        gaps = frame[column].isna().to_numpy()
        if gaps.any():
            raise DataError(f"{path}: row {int(gaps.argmax()) + 1}, column {column}: the value is missing or NaN")
    text = frame[columns[0]].astype(str)
    for column in columns[1:]:
        text = text + " " + frame[column].astype(str)
    dates = times(text, " and ".join(columns), path, date_format)
    return dates.times, f", written as {dates.form}" if dates.form else ""


def _roles(columns: list[str]) -> list[str]:
    """Returns which part of the time each column says: by its name, else by its place."""
    order = [part for part, _ in PARTS if part != "quarter"]
    found = [next((part for part, names in PARTS if c.strip().lower() in names), None) for c in columns]
    if None not in found and len(set(found)) == len(found) and "year" in found:
        return [str(part) for part in found]
    second = "quarter" if len(columns) == 2 and columns[1].strip().lower().startswith("q") else "month"
    return [order[0], second, *order[2:]][: len(columns)]


def months_across(frame: pd.DataFrame, time: str | Sequence[str] | None) -> tuple[str, list[str]] | None:
    """Returns the column of years and those of the months, of a table with a row a year and a column for each month."""
    columns = [str(c) for c in frame.columns]
    short = {c.strip().lower()[:3]: c for c in columns if re.fullmatch(r"[A-Za-z]{3,9}\.?", c.strip())}
    if not all(month in short for month in MONTHS):
        return None
    months = [short[month] for month in MONTHS]
    rest = [c for c in columns if c not in months]
    chosen = named(time) or [c for c in rest if c.strip().lower() in (*YEARS, "date", "")]
    if len(chosen) != 1 or chosen[0] not in rest or _whole(frame[chosen[0]]) is None:
        return None
    return chosen[0], months


def _whole(column: pd.Series) -> np.ndarray | None:
    """Returns a column of whole numbers as int64, or None."""
    if column.isna().any():
        return None
    if column.dtype.kind in "iu":
        return column.to_numpy(dtype=np.int64)
    if column.dtype.kind == "f":
        values = column.to_numpy()
        return (
            values.astype(np.int64) if (np.abs(values) < 2**53).all() and (values == np.round(values)).all() else None
        )
    text = column.astype(str)
    return (
        text.astype("int64").to_numpy()
        if text.str.match(r"^\s*[+-]?\d{1,18}(\.0*)?\s*$").all() and not (text.str.contains(".", regex=False).any())
        else None
    )


def _ascends(column: pd.Series, sequences: np.ndarray | None) -> bool:
    if column.dtype.kind not in "iufOU" and str(column.dtype) not in ("str", "string"):
        return False
    values = _whole(column)
    if values is None:
        return False
    if sequences is None:
        return bool((np.diff(values) > 0).all() or (np.diff(values) < 0).all())
    order = np.argsort(sequences, kind="stable")
    return bool(((np.diff(values[order]) > 0) | (np.diff(sequences[order]) > 0)).all())


def _since_1970(column: pd.Series) -> bool:
    values = _whole(column)
    return values is not None and epoch_of(values) is not None


def _dated(column: pd.Series) -> bool:
    if column.dtype.kind == "M" or str(column.dtype).startswith("datetime64"):
        return True
    words = column.dropna()
    if column.dtype.kind in "iufbcm" or len(words) == 0 or not isinstance(words.iloc[0], str):
        return False
    return looks_dated(words)


def _clocked(column: pd.Series) -> bool:
    words = column.dropna()
    return len(words) > 0 and isinstance(words.iloc[0], str) and all(CLOCK.fullmatch(w) for w in words.iloc[:50])
