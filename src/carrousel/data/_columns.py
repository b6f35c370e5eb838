"""Columns of a table: numbers, times, and names of sequences or classes, whatever types a file has for them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.data._dates import Dates, dates_of
from carrousel.data._dialect import MARKED
from carrousel.data._epoch import EPOCHS, NUMBERS, epoch_of, since_epoch
from carrousel.data._errors import DataError, option
from carrousel.data._fill import fill_hint
from carrousel.data._times import plain_times
from carrousel.data._words import plain_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GROUPS", "as_numbers", "is_text", "names_of", "numbers", "times", "typed_labels", "unfit"]

MISSING = ("NA", "na", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "None", "?", ".", "..", "-", "--", "")
"""What stands for a missing value among numbers; among words only an empty field is missing."""
GROUPS = ("group", "speaker", "writer", "person")
"""Columns of what sequences have in common, if they are there."""
SIMPLE = (str, bool, int, float, Decimal, np.generic)


def numbers(column: pd.Series, name: str, path: Path, *, decimal: str = ".", gaps: bool = False) -> np.ndarray:
    """Returns a channel as float64 ``[rows]``, every value finite; NaN where one is missing, if there may be ``gaps``.

    ``decimal`` is the mark of the decimals in text; the other one may stand between thousands.
    """
    import pandas as pd

    kind = _kind(column)
    if kind not in ("numbers", "words"):
        raise DataError(f"{path}: column {name} holds {column.dtype} values; a channel holds numbers")
    values, codes = _distinct(column)
    if values.dtype == object and kind == "numbers":
        numeric = _floats(values)
    elif kind == "words":
        numeric = as_numbers(values, decimal)
    else:
        numeric = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    missing = column.isna().to_numpy()
    if codes is not None:
        numeric = np.append(numeric, np.nan)[codes]  # -1, the last, is what is missing
    if kind == "words":
        missing = missing | column.isin(MISSING).to_numpy(dtype=bool)
    elif kind == "numbers":
        missing = missing | np.isnan(numeric)
    bad = ~np.isfinite(numeric) & ~(missing & gaps)
    if bad.any():
        row = int(bad.argmax())
        value = column.iloc[row]
        if missing[row]:
            written = "" if pd.isna(value) else f" ({value!s})"
            fault = f"the value is missing or NaN{written}{fill_hint()}"
        else:
            fault = f"the value is {value!s}; a channel holds finite numbers"
            if kind == "words" and not np.isinf(numeric[row]):
                fault += f"\n{option('text', name)} leaves the column out"
        raise DataError(f"{path}: row {row + 1}, column {name}: {fault}")
    return np.where(missing, np.nan, numeric) if gaps else numeric


def as_numbers(text: pd.Series, decimal: str = ".") -> np.ndarray:
    """Returns the numbers of a column of text, float64 ``[rows]``, NaN for what is none; true and false are 1 and 0."""
    import pandas as pd

    words = text.astype(str) if text.dtype == object else text
    if decimal == "," or words.str.contains(",", regex=False).any():
        grouped = words.str.match(MARKED[decimal]).fillna(False).astype(bool)
        other = "," if decimal == "." else "."
        plain = words.str.replace(other, "", regex=False).str.replace(decimal, ".", regex=False)
        words = plain.where(grouped, words if decimal == "." else "")
    numeric = pd.to_numeric(words, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isnan(numeric).all() and len(numeric):
        lower = text.astype(str).str.lower().where(text.notna().to_numpy())
        if lower.dropna().isin(["true", "false"]).all():
            numeric = np.where(lower == "true", 1.0, np.where(lower == "false", 0.0, np.nan))
    return numeric


def is_text(column: pd.Series, decimal: str = ".") -> bool:
    """Tells whether a column of text is one of words: most of its fields, if it has any, are no numbers."""
    if _kind(column) != "words":
        return False
    filled = column[column.notna() & ~column.isin(MISSING)]
    if len(filled) == 0:
        return True
    return bool(np.isnan(as_numbers(_distinct(filled)[0], decimal)).mean() > 0.5)


def unfit(column: pd.Series) -> bool:
    """Tells whether a column holds neither numbers nor text: dates, lists, bytes."""
    return _kind(column) not in ("numbers", "words")


def times(column: pd.Series, name: str, path: Path, date_format: str | None = None) -> Dates:
    """Returns times ``[rows]`` as numbers or as dates; those with an offset from UTC become UTC."""
    import pandas as pd

    kind, where = _kind(column), f"{path}: row {{row}}, column {name}: "
    if kind == "other":
        raise DataError(f"{path}: column {name} holds {column.dtype} values; times are numbers or dates")
    _refuse_gaps(column, name, path)
    values, codes = _distinct(column)
    if kind == "dates":
        values = values.dt.tz_convert(None) if values.dt.tz is not None else values
        return Dates(plain_times(_of_rows(values.to_numpy(), codes), where), "")
    if kind == "numbers" and not pd.api.types.is_bool_dtype(values):
        dtype = getattr(values.dtype, "numpy_dtype", values.dtype)  # of a column that may have gaps, and has none
        numeric = _floats(values) if values.dtype == object else values.to_numpy(dtype=dtype)
        return _numbered(_of_rows(numeric, codes), date_format, where)
    text = column.astype(str)
    if date_format is None or date_format in (NUMBERS, *EPOCHS):
        whole = text.str.match(r"^\s*[+-]?\d{1,18}\s*$")
        eight = text.str.match(r"^\s*(1[789]|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\s*$")
        if whole.all() and (not eight.all() or date_format is not None):
            return _numbered(text.astype("int64").to_numpy(), date_format, where)
        numeric = as_numbers(text)
        if not np.isnan(numeric).any() and (not eight.all() or date_format is not None):
            return _numbered(numeric, date_format, where)
        if date_format is not None:
            row = int(np.isnan(numeric).argmax())
            raise DataError(
                f"{where.format(row=row + 1)}{text.iloc[row]!r} is no number, as {option('date_format', date_format)} "
                "says"
            )
    found = dates_of(text, date_format, where)
    return Dates(plain_times(found.times, where), found.form)


def _numbered(values: np.ndarray, date_format: str | None, where: str) -> Dates:
    """Returns numbers as times: whole numbers as they are, or dates where they count from 1970."""
    if date_format is not None and date_format not in (NUMBERS, *EPOCHS):
        return Dates(plain_times(values, where), "")
    form = epoch_of(values) if date_format is None else date_format
    if form is None or form == NUMBERS:
        return Dates(plain_times(values, where), "")
    seconds = values.astype(np.float64) / EPOCHS[form][1]
    bad = ~np.isfinite(seconds) | (np.abs(seconds) >= 2**63 / 10**9)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{where.format(row=row + 1)}{values[row]!s} {EPOCHS[form][0]} since 1970 are no date that can be held\n"
            f"{option('date_format')} says how dates are written"
        )
    return Dates(plain_times(since_epoch(values, form), where), f"{EPOCHS[form][0]} since 1970")


def names_of(column: pd.Series, name: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number ``[rows]`` of each row's name, and the names ``[N]`` in the order of their first rows.

    Names are those of sequences or classes, or values: text, numbers and booleans; dates become text.
    """
    import pandas as pd

    if _kind(column) == "other":
        raise DataError(f"{path}: column {name} holds {column.dtype} values; words or numbers are needed")
    _refuse_gaps(column, name, path)
    codes, distinct = pd.factorize(column)
    keys = np.asarray(distinct)
    if keys.dtype.kind == "M":
        keys = np.asarray(pd.Index(distinct).astype(str))
    if keys.dtype == object:
        decimals = all(isinstance(key, Decimal) for key in keys)
        keys = np.array([float(key) for key in keys]) if decimals else np.array([str(key) for key in keys])
    if keys.dtype.kind == "f" and not np.isfinite(keys).all():
        row = int((codes == np.isfinite(keys).argmin()).argmax())
        raise DataError(f"{path}: row {row + 1}, column {name}: the value is infinite")
    return np.asarray(codes), plain_names(keys, f"{path}: column {name}")


def typed_labels(labels: np.ndarray) -> np.ndarray:
    """Returns labels of text as whole numbers or numbers if each, written again, is the same text; else as they are.

    >>> typed_labels(np.array(["1", "20"])), typed_labels(np.array(["07", "7"])), typed_labels(np.array(["0.5", "1.0"]))
    (array([ 1, 20]), array(['07', '7'], dtype='<U2'), array([0.5, 1. ]))
    """
    words = labels.tolist()
    for kind, dtype in ((int, np.int64), (float, np.float64)):
        try:
            values = [kind(word) for word in words]
            if all(str(value) == word for value, word in zip(values, words, strict=True)) and np.isfinite(values).all():
                return np.array(values, dtype=dtype)
        except (ValueError, OverflowError, TypeError):
            continue
    return labels


def _refuse_gaps(column: pd.Series, name: str, path: Path) -> None:
    gaps = column.isna().to_numpy()
    if gaps.any():
        raise DataError(f"{path}: row {int(gaps.argmax()) + 1}, column {name}: the value is missing or NaN")


def _kind(column: pd.Series) -> str:
    """Returns ``"numbers"``, ``"words"``, ``"dates"``, or ``"other"``, such as bytes, lists and complex numbers."""
    import pandas as pd

    dtype = column.dtype.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M":
        return "dates"
    if pd.api.types.is_numeric_dtype(dtype):
        return "other" if dtype.kind == "c" else "numbers"
    if isinstance(dtype, pd.StringDtype):
        return "words"
    if not pd.api.types.is_object_dtype(dtype):
        return "other"
    values, _ = _distinct(column)
    kinds = {type(value) for value in values[values.notna()]}
    if all(issubclass(kind, SIMPLE) for kind in kinds):
        return "words" if any(issubclass(kind, str) for kind in kinds) else "numbers"
    from datetime import date

    return "words" if all(issubclass(kind, date) for kind in kinds) else "other"


def _distinct(column: pd.Series) -> tuple[pd.Series, np.ndarray | None]:
    """Returns the values of a column; of a categorical one each once, and the number of each row's (-1: missing)."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(column.cat.categories), column.cat.codes.to_numpy()
    return column, None


def _of_rows(values: np.ndarray, codes: np.ndarray | None) -> np.ndarray:
    """Returns the value of each row of what ``_distinct`` returned."""
    return values if codes is None else values[codes]


def _floats(values: pd.Series) -> np.ndarray:
    return np.array([_float(value) for value in values], dtype=np.float64)


def _float(value: Any) -> float:
    """Returns a number as a float: NaN where it is missing, infinite where it is too large."""
    try:
        return float(value)
    except OverflowError:
        return np.inf
    except (TypeError, ValueError):
        return np.nan
