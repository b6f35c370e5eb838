"""Dates as people write them, in a column that is found by what stands in it."""

import numpy as np
import pandas as pd
import pytest

from carrousel.data import DataError, load_sequences, load_series

WRITTEN = {  # rows of the time, the first day and the frequency that they are
    "names of months": (["Jan 1 2000", "Feb 1 2000", "Mar 1 2000", "Apr 1 2000"], "2000-01-01", "MS"),
    "long names": (["1 January 2000", "1 February 2000", "1 March 2000"], "2000-01-01", "MS"),
    "weekdays": (["Sat, 1 Jan 2000", "Sun, 2 Jan 2000", "Mon, 3 Jan 2000"], "2000-01-01", "D"),
    "quarters": (["1970 Q1", "1970 Q2", "1970 Q3", "1970 Q4"], "1970-01-01", "QS-OCT"),
    "quarters first": (["Q3 1970", "Q4 1970", "Q1 1971"], "1970-07-01", "QS-OCT"),
    "year and month": (["1991 Jul", "1991 Aug", "1991 Sep"], "1991-07-01", "MS"),
    "month and year": (["Jul-91", "Aug-91", "Sep-91"], "1991-07-01", "MS"),
    "months by number": (["2020-01", "2020-02", "2020-03"], "2020-01-01", "MS"),
    "weeks": (["2020-W02", "2020-W03", "2020-W04"], "2020-01-06", "W-MON"),
    "day first": (["13/02/2020", "14/02/2020", "15/02/2020"], "2020-02-13", "D"),
    "month first": (["02/13/2020", "02/14/2020", "02/15/2020"], "2020-02-13", "D"),
    "proved far below": ([f"{k:02d}/03/2020" for k in range(1, 20)], "2020-03-01", "D"),
    "by equal steps": (["01/02/2020", "02/02/2020", "03/02/2020", "04/02/2020", "05/02/2020"], None, None),
    "the 15th": ([f"2020-{k:02d}-15" for k in range(1, 13)], "2020-01-15", None),
    "points": (["28.02.2020", "29.02.2020", "01.03.2020"], "2020-02-28", "D"),
    "two digits": (["13.02.20", "14.02.20", "15.02.20"], "2020-02-13", "D"),
    "eight digits": (["20200131", "20200229", "20200331"], "2020-01-31", "ME"),
    "clock": (["13/02/2020 22:00", "13/02/2020 23:00", "14/02/2020 00:00"], "2020-02-13 22:00", "h"),
    "afternoon": (["2/13/2020 11:00 AM", "2/13/2020 12:00 PM", "2/13/2020 1:00 PM"], "2020-02-13 11:00", "h"),
    "offsets": (["2020-03-29 01:00+01:00", "2020-03-29 03:00+02:00", "2020-03-29 04:00+02:00"], "2020-03-29", "h"),
    "business days": (["2020-02-13", "2020-02-14", "2020-02-17", "2020-02-18"], "2020-02-13", "B"),
    "long ago": (["1700-01-01", "1701-01-01", "1702-01-01"], "1700-01-01", "YS-JAN"),
}


@pytest.mark.parametrize("case", WRITTEN)
@pytest.mark.parametrize("name", ["date", "wann", "x1"])
def test_dates(tmp_path, case, name):
    rows, first, freq = WRITTEN[case]
    path = tmp_path / "data.csv"
    path.write_text(f"y;{name}\n" + "".join(f"{k};{row}\n" for k, row in enumerate(rows)))
    if first is None:
        with pytest.raises(DataError, match=r"(?s)can be 2020-0.*date_format='%d/%m/%Y'"):
            load_series(path)
        days, months = (load_series(path, date_format=f"%{form}/%Y").frame.index for form in ("d/%m", "m/%d"))
        assert (days.freqstr, months.freq) == ("D", None)
        return
    series = load_series(path)
    assert series.columns == ("y",)
    assert series.frame.index[0] == pd.Timestamp(first)
    assert series.frame.index.freqstr == freq
    assert any(f"times in column {name}" in word for word in series.how) or name == "date"


COLUMNS = {  # header and rows, the first time and the frequency, the columns that are left
    "year and month": ("year,month,x", "2000,{k},1", "2000-01-01", "MS"),
    "year and quarter": ("Year,Quarter,x", "200{k},1,1", "2001-01-01", "YS-JAN"),
    "three parts": ("x,yyyy,mm,dd", "1,2020,2,{k}", "2020-02-01", "D"),
    "with hours": ("year,month,day,hour,x", "2020,2,28,{k},1", "2020-02-28 01:00", "h"),
    "date and time": ("Date,Time,x", "13/02/2020,0{k}:00,1", "2020-02-13 01:00", "h"),
    "a column of times": ("k,stamp,x", "7,2020-02-0{k},1", "2020-02-01", "D"),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_columns_of_times(tmp_path, case):
    head, row, first, freq = COLUMNS[case]
    path = tmp_path / "data.csv"
    path.write_text("\n".join([head, *(row.format(k=k) for k in range(1, 6))]))
    series = load_series(path)
    assert "x" in series.columns
    assert series.frame.index[0] == pd.Timestamp(first)
    assert series.frame.index.freqstr == freq
    assert any(word.startswith("times in column") for word in series.how)


def test_parts_of_a_time_that_are_named(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b,x\n2000,11,1\n2000,12,2\n2001,1,3\n")
    series = load_series(path, time=["a", "b"])
    assert series.frame.index.tolist() == pd.date_range("2000-11-01", periods=3, freq="MS").tolist()
    path.write_text("a,b,x\n2000,11,1\n2000,13,2\n2001,1,3\n")
    with pytest.raises(DataError, match="row 2, column b: 13 is no month"):
        load_series(path, time=["a", "b"])


def test_months_side_by_side(tmp_path):
    path = tmp_path / "data.csv"
    names = pd.date_range("2000-01-01", periods=12, freq="MS").strftime("%b")
    path.write_text(f"YEAR,{','.join(names)}\n2000,{','.join(map(str, range(12)))}\n2001,12,13{',' * 10}\n")
    series = load_series(path)
    assert series.frame["value"].tolist() == list(range(14))
    assert series.frame.index.tolist() == pd.date_range("2000-01-01", periods=14, freq="MS").tolist()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("step", ["h", "30min", "15min"])
def test_the_clock_is_changed(tmp_path, zone, step):
    """Local times without their offset: an hour stands twice in autumn, and one is left out in spring."""
    path = tmp_path / "data.csv"
    times = pd.date_range("2020-10-20", "2021-04-10", freq=step, tz=zone)
    frame = pd.DataFrame({"time": times.tz_localize(None), "x": np.arange(len(times))})
    frame.to_csv(path, index=False)
    series = load_series(path)
    assert len(series) == len(times)
    assert series.frame.index.freqstr == step
    assert series.frame.index[0] == pd.Timestamp("2020-10-20")
    assert "the clock is changed at row" in " ".join(series.how)
    frame.assign(id="a").to_csv(path, index=False)
    assert len(load_sequences(path).X[0]) == len(times)


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M"])
def test_the_newest_row_may_be_the_first(tmp_path, form):
    path = tmp_path / "data.csv"
    times = pd.date_range("2020-10-20", "2020-11-10", freq="h", tz="Europe/Berlin").tz_localize(None)
    frame = pd.DataFrame({"date": times.strftime(form), "x": np.arange(len(times))})[::-1]
    frame.to_csv(path, index=False)
    series = load_series(path)
    assert series.frame["x"].tolist() == list(range(len(times)))
    assert "the newest row is the first" in series.how
    frame[400:].drop(index=len(times) - 403).to_csv(path, index=False)  # rows are counted in the file
    with pytest.raises(DataError, match=r"step from row 3 \(2020-10-24 06:00:00\) to row 2 \(2020-10-24 08:00:00\)"):
        load_series(path)
    path.write_text("year,x\n2003,3\n2002,2\n2000,0\n")
    assert load_series(path, fill="interpolate").frame["x"].tolist() == [0, 1, 2, 3]


def test_a_row_that_is_there_twice_is_no_change_of_the_clock(tmp_path):
    path = tmp_path / "data.csv"
    for day in ("2020-10-25 12:00", "2020-07-01 02:00"):  # by day, and in summer
        times = pd.date_range(pd.Timestamp(day) - pd.Timedelta("5h"), periods=10, freq="h")
        times = times.append(times[5:6]).sort_values()
        pd.DataFrame({"time": times, "x": 1.0}).to_csv(path, index=False)
        with pytest.raises(DataError, match="row 7 has the same time as row 6"):
            load_series(path)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["2020-01-01", "2020-01-02", "2020-01-32"], ["row 3", "2020-01-32", "date_format="]),
        (["13/02/2020", "14/02/2020", "soon"], ["row 3", "'soon'", "date_format="]),
        (["2020-01-01", "", "2020-01-03"], ["row 2", "missing"]),
        (["30/02/2020", "31/02/2020", "32/02/2020"], ["row 1", "date_format="]),
        (["9999999-01-01", "2020-01-02", "2020-01-03"], ["row 1", "date_format="]),
    ],
)
def test_dates_that_are_none(tmp_path, rows, says):
    path = tmp_path / "data.csv"
    path.write_text("date,x\n" + "".join(f"{row},1\n" for row in rows))
    with pytest.raises(DataError) as caught:
        load_series(path)
    for word in says:
        assert word in str(caught.value)


def test_ts_with_times(tmp_path):
    """Times in brackets may be dates, with the signs that divide values and channels."""
    path = tmp_path / "data.ts"
    path.write_text(
        "\ufeff@timestamps true\n@targetLabel true\n@data\n"
        "(2017-01-01 00:00:00,1.5),(2017-01-01 00:30:00,?):(2017-01-01 00:00:00,3),(2017-01-01 00:30:00,4):0.25\n"
        "(2017-01-02 00:00:00,5):(2017-01-02 00:00:00,6):-1e-3\n",
        encoding="utf-8",
    )
    data = load_sequences(path, fill="last")
    assert [x.tolist() for x in data.X] == [[[1.5, 3], [1.5, 4]], [[5, 6]]]
    assert data.y.tolist() == [0.25, -0.001]
