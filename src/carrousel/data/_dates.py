"""Dates as people write them: ISO 8601, numbers in any order, names of months, quarters and weeks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.data._errors import DataError, option
from carrousel.data._languages import (
    LACKING,
    LANGUAGES,
    divided,
    english,
    has_names,
    letters_in,
    plain_form,
    skeleton,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ISO", "TIME_NAMES", "Dates", "dates_of", "fitting", "is_date", "looks_dated", "one_time"]

TIME_NAMES = ("time", "date", "datetime", "timestamp", "ds")
"""What a column of times is called."""
ISO, QUARTERS, WEEKS = "ISO 8601", "year and quarter", "year and week"
_NUMBERS = [
    f"{a}{sign}{b}{sign}{c}"
    for a, b, c in (("%d", "%m", "%Y"), ("%m", "%d", "%Y"), ("%d", "%m", "%y"), ("%m", "%d", "%y"), ("%Y", "%m", "%d"))
    for sign in "/.-"
]
_NAMES = [
    f"{weekday}{form.format(month)}"
    for month in ("%b", "%B")
    for weekday in ("", "%a ", "%a, ", "%A, ")
    for form in ("{} %d %Y", "{} %d, %Y", "%d {} %Y", "%d. {} %Y", "%d-{}-%Y", "%d-{}-%y", "{}-%d-%Y", "%Y-{}-%d",
                 "%d/{}/%Y", "%Y {} %d")
]  # fmt: skip
_MONTHS = ["%Y %b", "%b %Y", "%b-%Y", "%Y-%b", "%b-%y", "%b %y", "%Y %B", "%B %Y", "%B-%Y", "%m/%Y", "%m-%Y", "%Y/%m",
           "%Y%m", "%b. %Y", "%b, %Y", "%B, %Y", "%YM%m", "%Y-M%m", "%Y M%m"]  # fmt: skip
_CLOCKS = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S", "T%H:%M",
           "T%H:%M:%S", " %H", " %H:%M %z", " %H:%M:%S %z", " %H:%M%z", " %H:%M:%S%z"]  # fmt: skip
FORMATS = [day + clock for day, clock in itertools.product([*_NUMBERS, *_NAMES, "%Y%m%d"], _CLOCKS)] + _MONTHS
SHAPES: dict[str, list[str]] = {}  # of what a format writes: the formats


def _shape(word: str) -> str:
    """Returns a text with N for each number and A for each word: only formats of its shape can fit it."""
    return re.sub(r"[^\W\d_]+", "A", re.sub(r"\d+", "N", word.strip()))


for _form in FORMATS:
    for _zone in ("+N", "+N:N", "-N", "-N:N", "A") if "%z" in _form else ("",):
        _written = re.sub(r"%[bBaAp]", "x", re.sub(r"%[dmYyHMSfI]", "1", _form.replace("%z", _zone)))
        SHAPES.setdefault(_shape(_written.replace("N", "1")), []).append(_form)
QUARTER = re.compile(r"^(?:(?P<y>\d{4})[ -]?[Qq](?P<q>[1-4])|[Qq](?P<q2>[1-4])[ /-]?(?P<y2>\d{4}))$")
WEEK = re.compile(r"^(?P<y>\d{4})[ -]?[Ww](?P<w>\d{1,2})$")


@dataclass(frozen=True)
class Dates:
    """Times and how they were written.

    Attributes:
        times: datetime64 [rows]; those with an offset from UTC are UTC.
        form: how they were written, ``"%d/%m/%Y"`` or in words.
    """

    times: np.ndarray
    form: str


def dates_of(text: pd.Series, date_format: str | None, where: str) -> Dates:
    """Returns the times of a column of text.

    Where a day and a month could be either of two numbers, the order is taken that some row proves, or by which all
    rows follow one another at equal steps; where both orders would do, nothing is guessed.

    Args:
        text: the column, no field missing.
        date_format: how they are written, as ``datetime.strptime`` has it, after the language and a colon if that is
            not English (``"de:%d. %B %Y"``); None tells it.
        where: begins messages, its ``{row}`` replaced by the row at fault, counted from 1.

    Raises:
        DataError: a field is no date, or two readings of the dates are alike good.
    """
    if date_format is not None:
        times = _parsed(text, date_format, strict=where)
        return Dates(_refuse_gaps(times, text, where, f"written as {option('date_format', date_format)} says"), "")
    iso = _parsed(text, ISO)
    if not np.isnat(iso).any():
        return Dates(iso, "")
    for read in (_quarters, _weeks):
        found = read(text)
        if found is not None:
            return found
    forms = [form for form in _fitting(str(text.iloc[0])) if not np.isnat(_parsed(text, form)).any()]
    if not forms:  # the first month may have the same name in English: 3. April 2024
        forms = [form for form in _abroad(str(text.iloc[0])) if not np.isnat(_parsed(text, form)).any()]
    readings: list[tuple[str, np.ndarray]] = []
    for form in forms:
        times = _parsed(text, form)
        if not any(np.array_equal(times, other) for _, other in readings):
            readings.append((form, times))
    if len(readings) > 1:
        even = [reading for reading in readings if _even(reading[1])]
        readings = even if len(even) == 1 else readings
    if len(readings) > 1:
        (one, first), (other, second) = readings[:2]
        row = int((first != second).argmax())
        raise DataError(
            f"{where.format(row=row + 1)}{str(text.iloc[row])!r} can be {first[row].astype('M8[D]')} or "
            f"{second[row].astype('M8[D]')}\n{option('date_format', one)} or {option('date_format', other)} says which"
        )
    if readings:
        return Dates(readings[0][1], readings[0][0])
    return Dates(
        _refuse_gaps(_best(text, iso), text, where, "a date such as 2024-01-31, 31/01/2024 or Jan 31 2024"), ""
    )


def looks_dated(text: pd.Series) -> bool:
    """Tells whether most fields of a column of text are dates, by its first rows."""
    some = text.dropna().iloc[:50]
    return len(some) > 0 and sum(is_date(str(word)) for word in some) > 0.5 * len(some)


def is_date(word: str) -> bool:
    """Tells whether a text is a date by itself; a whole number is one only as year, month and day in eight digits."""
    if re.fullmatch(r"\s*[+-]?\d+(\.\d*)?\s*", word):
        return bool(re.fullmatch(r"(1[89]|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", word.strip()))
    if len(word) < 6 or not re.search(r"\d", word):
        return False
    if QUARTER.match(word) or WEEK.match(word) or next(iter(_fitting(word)), None):
        return True
    try:
        datetime.fromisoformat(word.strip())
    except ValueError:
        return bool(re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", word))
    return True


def fitting(word: str) -> list[str]:
    """Returns all formats that a single text fits, those of ``one_time``: none if it is no date."""
    found = [ISO] if one_time(word, ISO) is not None else []
    found += [form for form in (QUARTERS, WEEKS) if one_time(word, form) is not None]
    return found + _in_english(word) + _abroad(word)


def one_time(word: str, form: str) -> datetime | None:
    """Returns the time that a text says in a format, in UTC and without a zone; None if it is none.

    >>> one_time("31/01/2024 12:30", "%d/%m/%Y %H:%M"), one_time("2024-02", ISO), one_time("31/01/2024", "%m/%d/%Y")
    (datetime.datetime(2024, 1, 31, 12, 30), datetime.datetime(2024, 2, 1, 0, 0), None)
    """
    word = word.strip()
    try:
        if form in (QUARTERS, WEEKS):
            found = (_quarters if form == QUARTERS else _weeks)([word])
            return None if found is None else found.times[0].item()
        if form == ISO:
            time = datetime.fromisoformat(f"{word}-01" if re.fullmatch(r"\d{4}-\d\d", word) else word)
        else:
            language, form = divided(form)
            if language is not None:
                word, form = english(word, language) or "", plain_form(form)
            time = datetime.strptime(word, form)
    except (ValueError, OverflowError, re.error):
        return None
    if time.tzinfo is not None:
        time = time.astimezone(UTC).replace(tzinfo=None)
    if "%y" in form and time.year > datetime.now().year + 1:
        time = time.replace(year=time.year - 100)
    return time


def _parsed(text: pd.Series, form: str, strict: str | None = None) -> np.ndarray:
    """Returns the times of a column by one format, NaT where a field is none."""
    import pandas as pd

    language, form = divided(form)
    words = text.astype(str)
    try:
        if language is not None:
            form = plain_form(form)
            words = words.map(lambda word: english(word, language) or "")
        times = pd.to_datetime(words.str.strip(), format="ISO8601" if form == ISO else form,
                               errors="coerce", utc=True)  # fmt: skip
        found = times.dt.tz_localize(None).to_numpy()
        return _past(found) if "%y" in form else found
    except (ValueError, TypeError, OverflowError, re.error) as error:
        if strict is None:
            return np.full(len(text), np.datetime64("NaT"), dtype="M8[us]")
        raise DataError(f"{strict.split(':')[0]}: {option('date_format', form)}: {error}") from None


def _past(times: np.ndarray) -> np.ndarray:
    """Returns times of two-digit years: none lies beyond next year."""
    late = times > np.datetime64(f"{datetime.now().year + 2:04d}", "Y")
    months = times.astype("M8[M]")
    return np.where(late, (months - 1200).astype(times.dtype) + (times - months), times)


def _fitting(word: str) -> list[str]:
    """Returns the formats that a text fits: those in English, else those in other languages."""
    return _in_english(word) or _abroad(word)


def _abroad(word: str) -> list[str]:
    """Returns the formats that a text fits in other languages than English."""
    if not letters_in(word) or _shape(skeleton(word)) not in SHAPES or not has_names():
        return []
    written = {language: english(word, language) for language in LANGUAGES}
    return [f"{language}:{form}" for language, text in written.items() if text for form in _in_english(text)]


def _in_english(word: str) -> list[str]:
    found = []
    for form in dict.fromkeys(SHAPES.get(_shape(word), ())):
        try:
            datetime.strptime(word.strip(), form)
        except ValueError:
            continue
        found.append(form)
    return found


def _best(text: pd.Series, iso: np.ndarray) -> np.ndarray:
    """Returns the times of the reading with the fewest faults: it names the row that is at fault."""
    words = dict.fromkeys(str(word) for word in text.iloc[[0, len(text) // 2, -1]])
    tried = [_parsed(text, form) for word in words for form in _fitting(word)[:3]]
    return min([iso, *tried], key=lambda times: int(np.isnat(times).sum()))


def _even(times: np.ndarray) -> bool:
    import pandas as pd

    steps = np.diff(times.astype("M8[us]").view(np.int64))
    if len(steps) == 0 or (steps <= 0).any():
        return False
    if (steps == steps[0]).all():
        return True
    months = times.astype("M8[M]")
    if len(set((times - months).tolist())) == 1 and len(set(np.diff(months.view(np.int64)).tolist())) == 1:
        return True  # the same day of every month
    return len(times) > 2 and pd.infer_freq(pd.DatetimeIndex(times)) is not None


def _quarters(text: Iterable[Any]) -> Dates | None:
    found = [QUARTER.match(str(word).strip()) for word in text]
    if not all(found):
        return None
    months = [f"{m['y'] or m['y2']}-{3 * int(m['q'] or m['q2']) - 2:02d}" for m in found if m]
    return Dates(np.array(months, dtype="M8[M]").astype("M8[us]"), QUARTERS)


def _weeks(text: Iterable[Any]) -> Dates | None:
    found = [WEEK.match(str(word).strip()) for word in text]
    if not all(found):
        return None
    try:
        days = [datetime.fromisocalendar(int(m["y"]), int(m["w"]), 1) for m in found if m]
    except ValueError:
        return None
    return Dates(np.array(days, dtype="M8[us]"), WEEKS)


def _refuse_gaps(times: np.ndarray, text: pd.Series, where: str, wanted: str) -> np.ndarray:
    bad = np.isnat(times)
    if bad.any():
        row = int(bad.argmax())
        word = str(text.iloc[row])
        says = f"{option('date_format')} says how dates are written, as in {option('date_format', '%d/%m/%Y')}"
        if letters_in(word) and not has_names():
            says = LACKING
        raise DataError(f"{where.format(row=row + 1)}{word!r} is neither a number nor {wanted}\n{says}")
    return times
