"""A table of random ids, labels, dates and numbers, written in a random dialect, reads back equal."""

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from damage import one_more, rounds
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from carrousel.data import DataError, load_sequences, load_series

WORDS = st.one_of(
    st.sampled_from(["1", "01", "7", "07", "007", "NA", "nan", "None", "null", "inf", "True", "1e3", "1.50"]),
    st.sampled_from(["-0", "+1", "2020-01-31", "é", "日本", "O'Hara"]),
    st.sampled_from(["Jan 1 2000", "a b", " a", "a,b", "a;b", "a|b", 'a"b', "a\nb"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6),
)  # fmt: skip
NUMBERS = st.one_of(st.integers(-(10**6), 10**6).map(float), st.floats(-1e6, 1e6).map(lambda v: round(v, 4)))
PACKED = {
    "": lambda b: b,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda b: pa.Codec("zstd").compress(b).to_pybytes(),
    ".zip": lambda b: zipped(b),
}


def zipped(content):
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("in.csv", content)
    return file.getvalue()


def thorough(count):
    return settings(max_examples=rounds(count), derandomize=True, database=None, deadline=None,
                    suppress_health_check=list(HealthCheck))  # fmt: skip


@st.composite
def dialect(draw):
    sep = draw(st.sampled_from([",", ";", "\t", "|"]))
    decimal = draw(st.sampled_from([".", ","])) if sep != "," else "."
    return {
        "sep": sep,
        "decimal": decimal,
        "end": draw(st.sampled_from(["\n", "\r\n"])),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])),
        "packed": draw(st.sampled_from(list(PACKED))),
        "quoted": draw(st.booleans()),
    }


def written(rows, how):
    """The bytes of rows of text in a dialect."""

    def field(word):
        marks = how["sep"] + '"\n\r'
        quoted = how["quoted"] or any(mark in word for mark in marks)
        return '"' + word.replace('"', '""') + '"' if quoted else word

    text = how["end"].join(how["sep"].join(field(word) for word in row) for row in rows) + how["end"]
    return PACKED[how["packed"]](text.encode(how["encoding"]))


def shown(value, decimal):
    return (str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)).replace(".", decimal)


@pytest.mark.filterwarnings("ignore::carrousel.data.DataWarning")
@pytest.mark.fuzz
def test_sequences_read_back_equal(tmp_path):
    @thorough(150)
    @given(
        st.dictionaries(WORDS, WORDS, min_size=1, max_size=4),
        st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=5),
        dialect(),
        st.sampled_from([".csv", ".tsv", ".txt"]),
        st.sampled_from([None, "%Y-%m-%d", "%d.%m.%Y", "%b %d, %Y", "%Y-%m-%dT%H:%M:%S"]),
        st.dates(dt.date(1900, 1, 13), dt.date(2100, 1, 1)),
    )
    def run(labels, values, how, ending, form, first):
        one_more()
        values = [(x + 0.5, y) for x, y in values]  # one column has decimals
        assume(all(abs(x) < 1e6 for x, _ in values))
        rows = [["id", "time", "x", "y", "label"]]
        for name, label in labels.items():
            for t, (x, y) in enumerate(values):
                when = str(t) if form is None else (first.replace(day=13) + dt.timedelta(t)).strftime(form)
                rows.append([name, when, shown(x, how["decimal"]), shown(y, how["decimal"]), label])
        path = tmp_path / f"data{ending}{how['packed']}"
        path.write_bytes(written(rows, how))
        data = load_sequences(path)
        assert [str(i) for i in data.ids] == list(labels)
        assert [str(y) for y in data.y] == list(labels.values())
        assert data.channels == ("x", "y")
        for x in data.X:
            np.testing.assert_array_equal(x, np.array(values, "f"))

    run()


def series_or_refusal(path, options):
    try:
        return load_series(path, **options), ""
    except DataError as error:
        return None, str(error)


DATES = ["%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%b %d %Y", "%d %B %Y", "%Y-%m-%dT%H:%M:%S",
         "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%Y%m%d", "%d-%b-%Y", "%B %d, %Y", "%d.%m.%Y, %H:%M"]  # fmt: skip


@pytest.mark.filterwarnings("ignore::carrousel.data.DataWarning")
@pytest.mark.fuzz
def test_series_read_back_equal(tmp_path):
    @thorough(150)
    @given(
        st.dates(dt.date(1800, 1, 1), dt.date(2100, 1, 1)),
        st.sampled_from([("D", DATES), ("MS", [*DATES, "%Y %b", "%b %Y", "%Y-%m", "%m/%Y"]), ("YS", DATES),
                         ("h", [form for form in DATES if "%H" in form or "%I" in form])]),
        st.data(),
        st.lists(NUMBERS, min_size=16, max_size=40),
        dialect(),
        st.sampled_from(["when", "Datum", "time", "x"]),
        st.booleans(),
    )  # fmt: skip
    def run(first, steps, data, values, how, name, told):
        one_more()
        freq, forms = steps
        form = data.draw(st.sampled_from(forms))
        times = pd.date_range(first, periods=len(values), freq=freq)
        assume(any(value % 1 for value in values))
        rows = [[name, "value", "city"]]
        rows += [[when.strftime(form), shown(v, how["decimal"]), "Wien"] for when, v in zip(times, values, strict=True)]
        path = tmp_path / f"data.csv{how['packed']}"
        path.write_bytes(written(rows, how))
        options = {"date_format": form} if told else {}
        series, refusal = series_or_refusal(path, options)
        if series is None:  # days and months that could be either are refused by naming both readings
            assert not told
            assert "can be" in refusal
            assert f"date_format={form!r}" in refusal
            return
        assert series.columns == ("value",)
        assert any("city" in word for word in series.how)
        np.testing.assert_array_equal(series.frame["value"], values)
        np.testing.assert_array_equal(series.frame.index.to_numpy().astype("M8[s]"), times.to_numpy().astype("M8[s]"))
        assert series.frame.index.freq == times.freq

    run()


@pytest.mark.fuzz
def test_json_reads_back_equal(tmp_path):
    @thorough(60)
    @given(st.dictionaries(WORDS, WORDS, min_size=1, max_size=4), st.booleans(), st.booleans())
    def run(labels, listed, packed):
        one_more()
        rows = [
            {"id": name, "time": t, "x": t + 0.5, "label": label} for name, label in labels.items() for t in range(2)
        ]
        text = json.dumps(rows) if listed else "\n".join(json.dumps(row) for row in rows)
        path = tmp_path / f"data.jsonl{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
        data = load_sequences(path)
        assert [str(i) for i in data.ids] == list(labels)
        assert [str(y) for y in data.y] == list(labels.values())
        assert [x.ravel().tolist() for x in data.X] == [[0.5, 1.5]] * len(labels)

    run()


def test_a_space_after_each_separator_belongs_to_no_field(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text('id, time, x, label\na, 0, 1.5, "up, or so"\na, 1, 2.5, "up, or so"\n')
    data = load_sequences(path)
    assert (data.channels, data.y.tolist()) == (("x",), ["up, or so"])
    path.write_text("year   value\n2000   1\n2001    2\n2002  4\n")
    assert load_series(path).frame["value"].tolist() == [1, 2, 4]


def test_a_table_as_r_writes_it_has_no_name_above_the_names_of_its_rows(tmp_path):
    path = tmp_path / "data.txt"
    path.write_text('"year" "x"\n"1" 1990 0.5\n"2" 1991 1.5\n"3" 1992 2.5\n')
    assert load_series(path).frame["x"].to_dict() == {1990: 0.5, 1991: 1.5, 1992: 2.5}


def test_a_first_line_may_say_the_separator(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("sep=|\r\ntime|x,y\r\n0|1\r\n1|2\r\n", encoding="utf-16")
    series = load_series(path)
    assert series.columns == ("x,y",)
    assert series.how == ("separated by bars", "utf-16-le")


def test_what_was_told_is_said_in_words(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("Datum;Wert;Ort\n13.02.2020;1,5;Köln\n14.02.2020;2;Köln\n15.02.2020;3;Köln\n", encoding="cp1252")
    with pytest.warns(UserWarning, match="left out, for it holds no numbers: Ort"):
        series = load_series(path)
    assert series.how == (
        "separated by semicolons", "windows-1252", "decimal comma",
        "times in column Datum, written as %d.%m.%Y", "left out, for it holds no numbers: Ort",
    )  # fmt: skip
    assert load_series(path, text="Ort").how == series.how[:4]
    (tmp_path / "plain.csv").write_text("time,x\n0,1\n1,2\n2,3\n")
    assert load_series(tmp_path / "plain.csv").how == ()


NUMBERS_WRITTEN = {  # fields, options, values or words of a refusal
    "thousands": (['"1,234.5"', '"12,345.0"', "1.5"], {}, [1234.5, 12345, 1.5]),
    "comma": (['"1,5"', '"2,25"', "3"], {}, [1.5, 2.25, 3]),
    "points between thousands": (['"1.234,5"', '"2"', "3"], {}, [1234.5, 2, 3]),
    "either": (['"1,234"', '"2,345"', "3"], {}, ["1,234 can be 1234 or 1.234", "decimal='.'"]),
    "said": (['"1,234"', '"2,345"', "3"], {"decimal": "."}, [1234, 2345, 3]),
    "said otherwise": (['"1,234"', '"2,345"', "3"], {"decimal": ","}, [1.234, 2.345, 3]),
    "millions": (['"1,234,567"', '"2,345"', "3"], {}, [1234567, 2345, 3]),
    "truth": (["TRUE", "False", "true"], {}, [1, 0, 1]),
    "no number": (["1.5", "much", "3"], {}, ["row 2, column x", "much", "text='x'"]),
    "missing": (["1.5", "NA", "3"], {}, ["row 2, column x", "missing", "fill="]),
    "filled": (["1", "NA", "3"], {"fill": "interpolate"}, [1, 2, 3]),
    "last": (["1", "", "3"], {"fill": "last"}, [1, 1, 3]),
    "not filled": (["", "2", "3"], {"fill": "last"}, ["column x has no value", "fill='last'"]),
    "infinite": (["1", "inf", "3"], {"fill": "last"}, ["row 2, column x", "inf"]),
}


@pytest.mark.parametrize("case", NUMBERS_WRITTEN)
def test_numbers(tmp_path, case):
    fields, options, wanted = NUMBERS_WRITTEN[case]
    path = tmp_path / "data.csv"
    path.write_text("time,x\n" + "".join(f"{k},{field}\n" for k, field in enumerate(fields)))
    if isinstance(wanted[0], str):
        with pytest.raises(DataError) as caught:
            load_series(path, **options)
        for word in wanted:
            assert word in str(caught.value)
    else:
        assert load_series(path, **options).frame["x"].tolist() == wanted


def test_marks_that_contradict_each_other(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("time;x;y\n0;1,5;2.5\n1;2,5;3.5\n2;2,5;3.5\n")
    with pytest.raises(DataError, match=r"column y is 2.5, and row 1, column x is 1,5"):
        load_series(path)
    with pytest.warns(UserWarning, match="left out, for it holds no numbers: y"):
        assert load_series(path, decimal=",").columns == ("x",)


def test_options_that_cannot_be(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("time,x\n0,1\n1,2\n2,3\n")
    for options, word in (
        ({"sep": ";;"}, "one sign is needed"),
        ({"decimal": "'"}, "the mark is . or ,"),
        ({"encoding": "utf-9"}, "no encoding"),
        ({"fill": "zero"}, "interpolate, last, mask"),
        ({"freq": "fortnight"}, "no step of time"),
        ({"freq": "D"}, "whole numbers"),
        ({"text": "y"}, "no column 'y' (text)"),
        ({"where": "x"}, "COLUMN=VALUE"),
        ({"where": "x=9"}, "which has 1, 2, 3"),
        ({"date_format": "%Q"}, "date_format='%Q'"),
    ):
        with pytest.raises(DataError) as caught:
            load_series(path, **options)
        assert word in str(caught.value)
    with pytest.raises(DataError, match=r"sep=';' its header is one field, 'time,x'; sep=',' makes 2 of it"):
        load_series(path, sep=";")
