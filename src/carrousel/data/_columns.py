"""Columns of a table: numbers, times, and names of sequences or classes, whatever types a file has for them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.data._errors import DataError, reading
from carrousel.data._times import plain_times
from carrousel.data._words import plain_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["names_of", "numbers", "times"]

SIMPLE = (str, bool, int, float, Decimal, np.generic)


def numbers(column: pd.Series, name: str, path: Path) -> np.ndarray:
    """Returns a channel as float64 ``[rows]``, every value finite."""
    import pandas as pd

    kind = _kind(column)
    if kind not in ("numbers", "words"):
        raise DataError(f"{path}: column {name} holds {column.dtype} values; a channel holds numbers")
    values, codes = _distinct(column)
    if values.dtype == object and kind == "numbers":
        numeric = _floats(values)
    else:
        text = values.astype(str) if values.dtype == object else values
        numeric = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if codes is not None:
        numeric = np.append(numeric, np.nan)[codes]  # -1, the last, is what is missing
    bad = ~np.isfinite(numeric)
    if bad.any():
        row = int(bad.argmax())
        value = column.iloc[row]
        fault = (
            "the value is missing or NaN"
            if pd.isna(value)
            else f"the value is {value!s}; a channel holds finite numbers"
        )
        raise DataError(f"{path}: row {row + 1}, column {name}: {fault}")
    return numeric


def times(column: pd.Series, name: str, path: Path) -> np.ndarray:
    """Returns times ``[rows]`` as numbers or as dates; those with an offset from UTC become UTC."""
    import pandas as pd

    kind, where = _kind(column), f"{path}: row {{row}}, column {name}: "
    if kind == "other":
        raise DataError(f"{path}: column {name} holds {column.dtype} values; times are numbers or dates")
    _refuse_gaps(column, name, path)
    values, codes = _distinct(column)
    if kind == "dates":
        values = values.dt.tz_convert(None) if values.dt.tz is not None else values
        return plain_times(_of_rows(values.to_numpy(), codes), where)
    if kind == "numbers" and not pd.api.types.is_bool_dtype(values):
        dtype = getattr(values.dtype, "numpy_dtype", values.dtype)  # of a column that may have gaps, and has none
        numeric = _floats(values) if values.dtype == object else values.to_numpy(dtype=dtype)
        return plain_times(_of_rows(numeric, codes), where)
    with reading(path):
        parsed: Any = pd.to_datetime(values.astype(str), format="ISO8601", errors="coerce", utc=True)
    bad = _of_rows(parsed.isna().to_numpy(), codes)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{path}: row {row + 1}, column {name}: {str(column.iloc[row])!r} is neither a number "
            "nor a date such as 2024-01-31 or 2024-01-31T12:00"
        )
    return plain_times(_of_rows(parsed.dt.tz_localize(None).to_numpy(), codes), where)


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
