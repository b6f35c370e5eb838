"""Lines of comment before a header, and times as numbers since 1970."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrousel.data import DataError, load_sequences, load_series
from carrousel.data._epoch import EPOCHS, epoch_of, since_epoch

ROWS = "1,2.5\n2,3\n3,4\n"


@pytest.mark.parametrize(
    ("head", "how"),
    [
        ("# made by a logger\ntime,x\n", "1 line of comment"),
        ("# a, b\r\n#c\r\n\r\ntime,x\r\n", "2 lines of comment"),
        ("#time,x\n", None),
        ("# a\n# time,x\n", "1 line of comment"),
        ("sep=,\n# a\ntime,x\n", "1 line of comment"),
    ],
    ids=range(5),
)
def test_lines_before_the_header(tmp_path, head, how):
    path = tmp_path / "data.csv"
    path.write_bytes((head + ROWS).encode())
    series = load_series(path)
    assert series.frame["x"].tolist() == [2.5, 3, 4]
    assert series.frame.index.tolist() == [1, 2, 3]
    assert (how in series.how) if how else not any("comment" in said for said in series.how)


def test_a_column_may_be_called_by_the_sign(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("#,time,x\n7,1,2\n8,2,3\n9,3,4\n")
    assert load_series(path).columns == ("#", "x")
    path.write_text("#id;time;x;label\na;0;1;p\nb;0;2;q\n")
    assert load_sequences(path).ids.tolist() == ["a", "b"]
    path.write_text("# nothing\n# else\n")
    with pytest.raises(DataError, match="there are no rows: all lines begin with #"):
        load_series(path)


@given(st.sampled_from(sorted(EPOCHS)), st.integers(631_152_000, 1_899_999_000), st.integers(1, 100))
def test_numbers_of_these_years_are_told(name, first, step):
    per = EPOCHS[name][1]
    values = np.array([first, first + step, first + 2 * step]) * per
    assert epoch_of(values) == name
    wanted = pd.to_datetime(values // per, unit="s").to_numpy()
    assert (since_epoch(values, name) == wanted).all()


@pytest.mark.parametrize("word", [None, "epoch-s"])
def test_seconds_since_1970_are_dates(tmp_path, word):
    path = tmp_path / "data.csv"
    path.write_text("stamp,x\n" + "".join(f"{1_700_000_000 + 900 * k},{k}\n" for k in range(5)))
    series = load_series(path, date_format=word, time="stamp" if word else None)
    assert series.frame.index[0] == pd.Timestamp("2023-11-14 22:13:20")
    assert series.frame.index.freqstr == "15min"
    assert series.how == ("times in column stamp, written as seconds since 1970",)
    plain = load_series(path, date_format="numbers", time="stamp")
    assert plain.frame.index[0] == 1_700_000_000


def test_other_numbers_stay_numbers(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("time,x\n100,1\n160,2\n220,3\n")
    assert load_series(path).frame.index[0] == 100
    assert load_series(path, date_format="epoch-s").frame.index[0] == pd.Timestamp("1970-01-01 00:01:40")
    for text, message in (("2024-01-31", "row 1, column time: '2024-01-31' is no number"),
                          ("1e30", "row 1, column time: 1e[+]30 seconds since 1970 are no date")):  # fmt: skip
        path.write_text(f"time,x\n{text},1\n5,2\n")
        with pytest.raises(DataError, match=message):
            load_series(path, date_format="epoch-s")
