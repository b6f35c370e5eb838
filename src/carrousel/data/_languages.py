"""Names of months and days of the week in other languages than English, as babel has them from Unicode's CLDR."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from carrousel.data._errors import DataError, option

__all__ = ["LACKING", "LANGUAGES", "divided", "english", "has_names", "letters_in", "plain_form", "skeleton"]

LANGUAGES = ("de", "fr", "es", "it", "pt", "nl")
"""The languages that are told by themselves; any that babel knows can be named."""
LACKING = "names of months in other languages than English are read by babel: pip install 'carrousel[dates]'"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BETWEEN = {"de", "del", "den", "d", "le", "el", "il", "o", "dia"}  # 3 de mayo de 2024, le 3 mai 2024
KEPT = {"am", "pm", "t", "z", "utc"}  # of a time of day
LETTERS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*\.?")
ORDINAL = re.compile(r"(?<=\d)(?:er|re|e|[ºª°])(?=\W|$)")  # 1er mars, 1º de maio
NAMED = re.compile(r"^([a-z]{2,3}):(.*)$", re.DOTALL)


def has_names() -> bool:
    """Tells whether babel is installed."""
    return find_spec("babel") is not None


def letters_in(word: str) -> bool:
    """Tells whether a text has a word beside its numbers."""
    return re.search(r"\d", word) is not None and LETTERS.search(word) is not None


def skeleton(word: str) -> str:
    """Returns a text with A for every name, and nothing for what may stand between the parts of a date.

    >>> skeleton("segunda-feira, 1º de maio de 2024"), skeleton("walk 12")
    ('A, 1 A 2024', 'A 12')
    """
    word = ORDINAL.sub("", word)
    return _tidy(LETTERS.sub(lambda found: "" if _folded(found[0]) in BETWEEN else "A", word))


def divided(form: str) -> tuple[str | None, str]:
    """Returns the language of a format, or None for English, and the format.

    >>> divided("de:%d. %b %Y"), divided("%H:%M")
    (('de', '%d. %b %Y'), (None, '%H:%M'))
    """
    found = NAMED.match(form)
    return (found[1], found[2]) if found else (None, form)


def plain_form(form: str) -> str:
    """Returns a format for texts that ``english`` has written: with short names, and nothing between their parts.

    >>> plain_form("%A, %d de %B de %Y"), plain_form("%d. %b. %Y")
    ('%a, %d %b %Y', '%d. %b %Y')
    """
    form = form.replace("%B", "%b").replace("%A", "%a").replace("%b.", "%b").replace("%a.", "%a")
    return _tidy(re.sub(rf"(?<![%\w])({'|'.join(BETWEEN)})(?!\w)", "", form))


def english(word: str, language: str) -> str | None:
    """Returns a date with the short English names of its month and day of the week; None where it has no such month.

    >>> english("Mo., 3. März 2024", "de"), english("3 de mayo de 2024 14:30", "es"), english("walk 12", "de")
    ('Mon, 3. Mar 2024', '3 May 2024 14:30', None)
    """
    months, days = _names(language)
    word = ORDINAL.sub("", word)
    keys = [_folded(found) for found in LETTERS.findall(word)]
    known = [key for key in keys if key not in BETWEEN | KEPT or key in months]
    # Short names of both can be the same: the first of two is the day's.
    day = len(known) > 1 and known[0] in days
    if len(known) != 1 + day or known[-1] not in months:
        return None
    places = {keys.index(known[0]): DAYS[days[known[0]]]} if day else {}
    places[len(keys) - 1 - keys[::-1].index(known[-1])] = MONTHS[months[known[-1]]]
    numbers = iter(range(len(keys)))

    def written(found: re.Match[str]) -> str:
        place = next(numbers)
        return places.get(place, found[0] if keys[place] in KEPT else "")

    return _tidy(LETTERS.sub(written, word))


@lru_cache(maxsize=32)
def _names(language: str) -> tuple[dict[str, int], dict[str, int]]:
    """Returns the numbers of months and of days of the week, from 0, by their names, long and short."""
    if not has_names():
        raise DataError(f"{option('date_format', language + ':')}…: {LACKING}")
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        raise DataError(f"{option('date_format', language + ':')}…: no language is called {language!r}") from None
    return _numbers(locale.months, 1), _numbers(locale.days, 0)


def _numbers(names: Any, first: int) -> dict[str, int]:
    found: dict[str, int] = {}
    short: dict[str, set[int]] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in names[context][width].items():
                key = _folded(name)
                found.setdefault(key, number - first)
                short.setdefault(key[:3], set()).add(number - first)
    # Three letters are a name where they can be no other's; they may be an own name too.
    return {key: min(numbers) for key, numbers in short.items() if len(numbers) == 1} | found


def _folded(name: str) -> str:
    """Returns a name in small letters without accents and dots: as people without the keys write it too."""
    plain = unicodedata.normalize("NFD", name.strip().rstrip(".").casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def _tidy(text: str) -> str:
    return re.sub(r"\s+(?=,)", "", re.sub(r"\s+", " ", text)).strip()
