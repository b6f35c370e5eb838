"""Offsets of pandas as JSON, whole: their names alone lose weekmasks, holidays and hours."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries import offsets
from pandas.tseries.offsets import BaseOffset

__all__ = ["offset_from_json", "offset_to_json"]

KNOWN = frozenset(offsets.__all__) - {"BaseOffset", "Tick"}
MOST_HOLIDAYS = 100_000


def offset_to_json(offset: BaseOffset) -> dict[str, Any]:
    """Returns an offset with all its choices.

    Raises:
        ValueError: it is none of pandas, or a choice is of a kind that JSON cannot hold.
    """
    name = type(offset).__name__
    if name not in KNOWN or type(offset) is not getattr(offsets, name):
        raise ValueError(f"the offset {offset!r} is a class of its own, which a saved model cannot bring back")
    choices = dict(offset.kwds)
    calendar = choices.pop("calendar", None)
    if isinstance(calendar, np.busdaycalendar):  # with whatever gave the holidays
        choices["weekmask"] = "".join("01"[int(day)] for day in calendar.weekmask)
        choices["holidays"] = tuple(calendar.holidays)
    words = {key: _encode(value, offset) for key, value in choices.items()}
    return {"name": name, "n": int(offset.n), "normalize": bool(offset.normalize), "choices": words}


def offset_from_json(facts: Any) -> BaseOffset:
    """Returns the offset of what ``offset_to_json`` returned.

    Raises:
        ValueError: it can have returned nothing like it.
    """
    name, choices = facts["name"], facts["choices"]
    if name not in KNOWN or not isinstance(choices, dict):
        raise ValueError(f"unknown offset {name!r}")
    if type(facts["n"]) is not int or not 1 <= facts["n"] <= 10**6:
        raise ValueError(f"an offset of {facts['n']!r} steps")
    known = {key: _decode(value) for key, value in choices.items()}
    return getattr(offsets, name)(facts["n"], normalize=bool(facts["normalize"]), **known)


def _encode(value: Any, offset: BaseOffset) -> Any:
    if isinstance(value, datetime.timedelta):  # a Timedelta of pandas too
        return {"nanoseconds": int(pd.Timedelta(value).as_unit("ns").value)}
    if isinstance(value, datetime.time):
        return {"clock": value.isoformat()}
    if isinstance(value, (np.datetime64, datetime.date)):
        return {"date": pd.Timestamp(value).isoformat()}
    if isinstance(value, (list, tuple)):
        return [_encode(item, offset) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"the offset {offset!r} has {value!r}, which a saved model cannot hold")


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        if len(value) > MOST_HOLIDAYS:
            raise ValueError(f"{len(value):,} holidays are beyond reason")
        return tuple(_decode(item) for item in value)
    if isinstance(value, dict):
        if len(value) != 1:
            raise ValueError(f"unexpected fields {sorted(value)}")
        ((kind, word),) = value.items()
        if kind == "nanoseconds":
            return pd.Timedelta(int(word), "ns").to_pytimedelta()
        if kind == "clock":
            return datetime.time.fromisoformat(word)
        if kind == "date":
            return np.datetime64(pd.Timestamp(word).to_datetime64())
        raise ValueError(f"unexpected field {kind!r}")
    return value
