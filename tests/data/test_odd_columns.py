"""Columns of every type in a parquet file, and fields of every kind in a csv file: data, or one DataError."""

import contextlib
import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from damage import one_more, rounds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carrousel.data import DataError, DataWarning, load_sequences, load_series

from .samples import outcome

ROWS = 6
DAY = dt.datetime(2024, 1, 31, 12)
TYPES = [  # a type and values that a column of it is made of
    (pa.float16(), [np.float16(k) for k in range(6)]),
    (pa.float32(), [0.5, -1.5, float("nan"), float("inf"), 3e38]),
    (pa.float64(), [0.0, 1.0, 2.0, 1e300, -1e300, float("nan"), float("-inf")]),
    (pa.int8(), [-128, 127, 0, 1]),
    (pa.uint64(), [0, 1, 2, 2**63, 2**64 - 1]),
    (pa.int64(), [0, 1, 2, 3, -(2**63), 2**63 - 1]),
    (pa.bool_(), [True, False]),
    (pa.string(), ["a", "b", "", "1.5", "nan", "1e999", "2024-01-31", "\x00", "a\nb", "é", "x" * 3000]),
    (pa.large_string(), ["a", "b"]),
    (pa.binary(), [b"a", b"\xff", b"1"]),
    (pa.binary(2), [b"ab", b"12"]),
    (pa.date32(), [DAY.date(), dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
    (pa.date64(), [DAY.date()]),
    (pa.timestamp("s"), [DAY, DAY + dt.timedelta(1), dt.datetime(1, 1, 1), dt.datetime(9999, 1, 1)]),
    (pa.timestamp("ns"), [DAY, DAY + dt.timedelta(1)]),
    (pa.timestamp("ms", "Europe/Vienna"), [DAY.astimezone(dt.UTC), DAY.astimezone(dt.UTC) + dt.timedelta(1)]),
    (pa.time32("s"), [dt.time(1, 2, 3)]),
    (pa.duration("us"), [dt.timedelta(1), dt.timedelta(2)]),
    (pa.decimal128(38, 2), [decimal.Decimal("1.50"), decimal.Decimal("2.25"), decimal.Decimal(10) ** 30]),
    (pa.list_(pa.float64()), [[1.0], [], [1.0, 2.0]]),
    (pa.list_(pa.float64(), 2), [[1.0, 2.0]]),
    (pa.struct([("a", pa.int64()), ("b", pa.string())]), [{"a": 1, "b": "c"}]),
    (pa.map_(pa.string(), pa.int64()), [[("a", 1)], []]),
    (pa.dictionary(pa.int8(), pa.string()), ["a", "b", "1.5", "2024-01-31"]),
    (pa.dictionary(pa.int32(), pa.int64()), [1, 2]),
    (pa.null(), [None]),
]
NAMES = ["id", "time", "label", "x", "", "a.b", "index", "__index_level_0__", "two\nlines", "x\x1b[2J"]
FIELDS = [
    *("", "a", "b", "0", "1", "2.5", "-1", "nan", "NaN", "inf", "-Infinity", "1e999", "9" * 400, "1e-999", "0x1f"),
    *("1_000", "１", "TRUE", "2024-01-31", "2024-02-01T00:00+01:00", "0000-00-00", "99999-01-01", "9999-12-31"),
    *("NULL", '"a,b"', '"a\nb"', '"', "'", " 1", "é", "\x01", "\ufeff", "x" * 5000, "18446744073709551616"),
]


def quiet(test):
    return settings(max_examples=rounds(60), derandomize=True, database=None, deadline=None,
                    suppress_health_check=list(HealthCheck))(test)  # fmt: skip


@st.composite
def column(draw):
    kind, values = draw(st.sampled_from(TYPES))
    gaps = [None] if draw(st.integers(0, 4)) == 0 else []
    picked = [draw(st.sampled_from(values + gaps)) for _ in range(ROWS)]
    if pa.types.is_dictionary(kind):
        return pa.array(picked, kind.value_type).dictionary_encode()
    return pa.array(picked, kind)


def good(kind):
    columns = {"x": pa.array([0.5] * ROWS)}
    if kind == "series":
        return {"time": pa.array(range(ROWS)), **columns}
    ids = pa.array(["a", "a", "b", "b", "c", "c"])
    return {"id": ids, "time": pa.array([0, 1] * 3), "label": pa.array(list("ppqqqq")), **columns}


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", ["sequences", "series"])
def test_odd_columns(tmp_path, kind):
    @quiet
    @given(st.dictionaries(st.sampled_from(NAMES), column(), min_size=1, max_size=2), st.booleans())
    def run(columns, index):
        one_more()
        table = pa.table({**good(kind), **columns})
        path = tmp_path / "odd.parquet"
        pq.write_table(table, path)
        if index:
            with contextlib.suppress(Exception):  # not every column can be an index
                table.to_pandas().set_index(list(columns)).to_parquet(path)
        outcome(kind, path)

    run()


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", ["sequences", "series"])
def test_odd_fields(tmp_path, kind):
    heads = st.sampled_from(["id", "time", "label", "x", "y", "date", "", '"a\nb"', "\x1b[2J", "x" * 2000])

    @quiet
    @given(
        st.lists(heads, min_size=1, max_size=5),
        st.lists(st.lists(st.sampled_from(FIELDS), min_size=0, max_size=6), max_size=6),
        st.sampled_from(["\n", "\r\n", "\r"]),
    )
    def run(head, rows, end):
        one_more()
        path = tmp_path / "odd.csv"
        path.write_bytes(end.join(",".join(row) for row in [head, *rows]).encode())
        outcome(kind, path)

    run()


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", ["sequences", "series"])
def test_odd_fields_in_a_good_table(tmp_path, kind):
    plain = [
        [str(value) for value in pylist] for pylist in zip(*(c.to_pylist() for c in good(kind).values()), strict=True)
    ]

    @quiet
    @given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.sampled_from(FIELDS)), max_size=3))
    def run(changes):
        one_more()
        rows = [list(row) for row in plain]
        for row, place, field in changes:
            rows[row][place % len(rows[row])] = field
        path = tmp_path / "odd.csv"
        path.write_text("\n".join(",".join(row) for row in [list(good(kind)), *rows]))
        outcome(kind, path)

    run()


REFUSED = {  # a column of a good table, words of the message
    "lists": ("x", pa.array([[1.0]] * ROWS), ["column x", "list<", "channel holds numbers"]),
    "records": ("label", pa.array([{"a": 1}] * ROWS), ["column label", "struct<a: int64>", "words or numbers"]),
    "maps": ("id", pa.array([[("a", 1)]] * ROWS, pa.map_(pa.string(), pa.int64())), ["column id", "map<", "words"]),
    "bytes": ("x", pa.array([b"1"] * ROWS), ["column x", "channel holds numbers"]),
    "durations": ("x", pa.array([dt.timedelta(1)] * ROWS), ["column x", "timedelta64", "channel holds numbers"]),
    "dates": ("x", pa.array([DAY] * ROWS), ["column x", "datetime64", "channel holds numbers"]),
    "zones": ("x", pa.array([DAY] * ROWS, pa.timestamp("us", "UTC")), ["column x", "UTC", "channel holds numbers"]),
    "words": ("x", pa.array(["1.5", "b"] * 3).dictionary_encode(), ["row 2", "column x", "b"]),
    "gap": ("x", pa.array(["1.5", None] * 3).dictionary_encode(), ["row 2", "column x", "missing"]),
    "infinite label": ("label", pa.array([1.0, 1.0, np.inf, np.inf, 2.0, 2.0]), ["row 3", "column label", "infinite"]),
    "no time": ("time", pa.array([DAY, None] * 3), ["row 2", "column time", "missing"]),
    "durations for times": ("time", pa.array([dt.timedelta(1)] * ROWS), ["column time", "timedelta64", "dates"]),
    "infinite time": ("time", pa.array([0.0, np.inf] * 3), ["row 2", "column time", "infinite"]),
    "time": ("time", pa.array([dt.time(1)] * ROWS), ["column time", "numbers or dates"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_columns(tmp_path, case):
    name, array, words = REFUSED[case]
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table({**good("sequences"), name: array}), path)
    with pytest.raises(DataError) as caught:
        load_sequences(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)


SERVE = {  # a column that is taken, and what it becomes
    "half": ("x", pa.array(np.arange(6, dtype="f2")), [0, 1, 2, 3, 4, 5]),
    "decimals": ("x", pa.array([decimal.Decimal(f"{k}.5") for k in range(6)]), [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]),
    "booleans": ("x", pa.array([True, False] * 3), [1, 0, 1, 0, 1, 0]),
    "digits": ("x", pa.array(["1", "2.5"] * 3).dictionary_encode(), [1, 2.5, 1, 2.5, 1, 2.5]),
    "codes": ("x", pa.array([7, 9] * 3).dictionary_encode(), [7, 9, 7, 9, 7, 9]),
    "half label": ("label", pa.array(np.repeat([0.5, 1.5, 2.5], 2).astype("f2")), [0.5, 1.5, 2.5]),
    "decimal label": ("label", pa.array([decimal.Decimal(k // 2) for k in range(6)]), [0.0, 1.0, 2.0]),
    "coded label": ("label", pa.array(list("qqrrqq")).dictionary_encode(), ["q", "r", "q"]),
    "label of days": ("label", pa.array([DAY.date()] * 6), ["2024-01-31"] * 3),
    "half times": ("time", pa.array(np.arange(6, dtype="f2")), None),
    "coded times": ("time", pa.array(["2024-01-30", "2024-01-31"] * 3).dictionary_encode(), None),
    "decimal times": ("time", pa.array([decimal.Decimal(k) for k in range(6)]), None),
}


@pytest.mark.parametrize("case", SERVE)
def test_columns_that_serve(tmp_path, case):
    name, array, wanted = SERVE[case]
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table({**good("sequences"), name: array}), path)
    data = load_sequences(path)
    found = {"x": np.concatenate(data.X)[:, 0], "label": data.y, "time": None}[name]
    if wanted is not None:
        assert found.tolist() == wanted


def test_times_of_a_series_are_numbers_or_utc(tmp_path):
    path = tmp_path / "odd.parquet"
    zoned = pd.date_range("2024-03-30", periods=ROWS, freq="D", tz="UTC").tz_convert("Europe/Vienna")
    pq.write_table(pa.table({"time": pa.array(zoned), "x": pa.array([0.5] * ROWS)}), path)
    index = load_series(path).frame.index
    assert (index.tz, index.freqstr, str(index[0])) == (None, "D", "2024-03-30 00:00:00")
    pq.write_table(pa.table({"time": pa.array(np.arange(6, dtype="f2")), "x": pa.array([0.5] * ROWS)}), path)
    assert load_series(path).frame.index.tolist() == list(range(6))
    (tmp_path / "old.csv").write_text("time,x\n" + "".join(f"{year}-01-01,1\n" for year in range(1500, 1506)))
    assert load_series(tmp_path / "old.csv").frame.index.freqstr == "YS-JAN"


def test_nested_columns_that_are_not_asked_for_are_left(tmp_path):
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table({**good("sequences"), "a.b": pa.array([0.5] * 6), "tags": pa.array([["a"]] * 6)}), path)
    assert load_sequences(path, channels=["x", "a.b"]).channels == ("x", "a.b")
    with pytest.warns(DataWarning, match="left out, for it holds no numbers: tags"):
        assert load_sequences(path).channels == ("x", "a.b")
    with pytest.raises(DataError, match="column tags holds list"):
        load_sequences(path, channels="tags")


def test_the_folders_of_a_file_are_no_columns(tmp_path):
    folder = tmp_path / "id=7" / "label=q"
    folder.mkdir(parents=True)
    pq.write_table(pa.table(good("sequences")), folder / "odd.parquet")
    data = load_sequences(folder / "odd.parquet")
    assert (list(data.ids), data.channels) == (["a", "b", "c"], ("x",))


def test_a_name_is_the_same_in_every_part_of_a_file(tmp_path):
    """Pandas reads a file in parts, and a column of digits can be numbers in one and words in the next."""
    path = tmp_path / "long.csv"
    rows = 400_000
    ids = ["7"] * (rows - 1) + ["word"]
    ids[rows // 2] = "7"
    path.write_text("id,time,x\n" + "".join(f"{name},{k},0\n" for k, name in enumerate(ids)))
    assert list(load_sequences(path).ids) == ["7", "word"]


def test_names_of_many_digits_are_told_apart(tmp_path):
    path = tmp_path / "long.csv"
    one, two = "9" * 24, "9" * 23 + "8"
    path.write_text(f"id,time,x,label\n{one},0,1,{one}\n{two},0,1,{two}\n")
    data = load_sequences(path)
    assert (list(data.ids), list(data.classes())) == ([one, two], [two, one])
