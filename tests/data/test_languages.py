"""Dates with names of months in other languages than English."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel.data import DataError, _dates, _languages, load_series
from carrousel.data._dates import dates_of
from carrousel.data._languages import LANGUAGES

babel = pytest.importorskip("babel")
WHERE = "a.csv: row {row}, column t: "
FORMS = ("{d}. {m} {y}", "{d} {m} {y}", "{d}-{m}-{y}", "{d} de {m} de {y}", "{w}, {d} {m} {y}", "{d}. {m} {y} 14:30")


def names(language, what, width):
    locale = babel.Locale.parse(language)
    return [name for _, name in sorted(getattr(locale, what)["format"][width].items())]


@settings(max_examples=60, deadline=None)
@given(
    language=st.sampled_from(LANGUAGES),
    width=st.sampled_from(["wide", "abbreviated"]),
    dot=st.sampled_from(["", "."]),
    plain=st.booleans(),
    form=st.sampled_from(FORMS),
    days=st.lists(st.dates(date(1971, 1, 1), date(2029, 12, 31)), min_size=1, max_size=12),
    told=st.booleans(),
)
def test_a_date_comes_out_as_it_was_written(language, width, dot, plain, form, days, told):
    """Long or short, with a dot or without, with accents or without: told from the rows, or by the option."""
    months, weekdays = names(language, "months", width), names(language, "days", width)

    def written(day):
        month = months[day.month - 1].rstrip(".") + (dot if width == "abbreviated" else "")
        text = form.format(d=day.day, m=month, y=day.year, w=weekdays[day.weekday()])
        return _languages._folded(text.replace(".", "•")).replace("•", ".") if plain else text

    text = pd.Series([written(day) for day in days])
    option = form.format(d="%d", m="%B", y="%Y", w="%A").replace("14:30", "%H:%M")
    found = dates_of(text, None if told else f"{language}:{option}", WHERE)
    wanted = pd.to_datetime(pd.Series(days)) + (pd.Timedelta("14:30:00") if "14:30" in form else pd.Timedelta(0))
    np.testing.assert_array_equal(found.times.astype("M8[m]"), wanted.to_numpy().astype("M8[m]"))
    if told and found.form.partition(":")[0] in LANGUAGES:  # what is told can be given
        again = dates_of(text, found.form, WHERE)
        np.testing.assert_array_equal(again.times, found.times)


def test_no_name_is_another_month_in_another_language():
    """So that what is told is told without doubt."""
    found = {}
    for language in LANGUAGES:
        for name, month in _languages._names(language)[0].items():
            found.setdefault(name, set()).add(month)
    for month, name in enumerate(_languages.MONTHS):
        found.setdefault(name.lower(), set()).add(month)
    assert {name: months for name, months in found.items() if len(months) > 1} == {}


def test_a_column_is_read_as_a_whole(tmp_path):
    """The first month may have the same name in English; what is found is told in the line on the file."""
    path = tmp_path / "a.csv"
    days = [date(2024, 4, 29) + timedelta(days=k) for k in range(4)]
    months = {4: "April", 5: "Mai"}
    path.write_text("Tag;Last\n" + "".join(f"{d.day}. {months[d.month]} {d.year};{d.day},5\n" for d in days))
    series = load_series(path)
    assert [time.date() for time in series.frame.index] == days
    assert "times in column Tag, written as de:%d. %b %Y" in series.how


def test_any_language_can_be_named():
    polish = pd.Series(["3 stycznia 2024", "4 lutego 2024"])
    assert dates_of(polish, "pl:%d %B %Y", WHERE).times.astype("M8[D]").tolist() == [date(2024, 1, 3), date(2024, 2, 4)]
    with pytest.raises(DataError, match="'3 stycznia 2024' is neither a number nor a date"):
        dates_of(polish, None, WHERE)
    for wrong in ("xx", "zzz"):
        with pytest.raises(DataError, match=f"no language is called '{wrong}'"):
            dates_of(polish, f"{wrong}:%d %B %Y", WHERE)
    with pytest.raises(DataError, match="row 2, column t: '4 lutego 2024'"):
        dates_of(pd.Series(["3 mai 2024", "4 lutego 2024"]), "de:%d %B %Y", WHERE)


@pytest.mark.parametrize("word", ["walk-01", "Mai", "3. Foo 2024", "mars rover 12", "s12", "Mo 3 Di 2024"])
def test_a_word_with_numbers_is_no_date(word):
    assert not _dates.is_date(word)


def test_without_babel_the_refusal_says_what_mends_it(monkeypatch):
    for room in (_dates, _languages):
        monkeypatch.setattr(room, "has_names", lambda: False)
    german = pd.Series(["3. März 2024"])
    _languages._names.cache_clear()
    for form in (None, "de:%d. %B %Y"):
        with pytest.raises(DataError, match=r"other languages than English are read by babel: pip install"):
            dates_of(german, form, WHERE)
    assert dates_of(pd.Series(["3. May 2024"]), None, WHERE).form == "%d. %b %Y"
    _languages._names.cache_clear()
