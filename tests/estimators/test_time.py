"""Every later frame is placed on the model's own grid of time, by its times and never by its position."""

import json
from datetime import timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pandas.tseries import offsets
from pandas.tseries.holiday import USFederalHolidayCalendar

from carrousel.estimators import LSTMForecaster, load
from carrousel.estimators._frequency import grid_of
from carrousel.estimators._offsets import offset_from_json, offset_to_json
from carrousel.estimators._series import Regular, as_series, known_ahead, placed, rows_of
from carrousel.estimators._stored_grid import grid_from_json, grid_to_json

from .conftest import QUICK, fresh, wave

SUN_TO_THU = offsets.CustomBusinessDay(weekmask="Sun Mon Tue Wed Thu")
HOLIDAYS = offsets.CustomBusinessDay(calendar=USFederalHolidayCalendar())
FREQUENCIES = [
    "s", "15min", "h", "6h", "D", "2D", "W", "W-WED", "2W", "B", "MS", "ME", "QS", "QE", "YS", "BME", "SMS", "WOM-2TUE",
    SUN_TO_THU, offsets.CustomBusinessDay(holidays=["2024-12-25"]), HOLIDAYS,
    offsets.BusinessHour(start="10:00", end="16:00"), offsets.BusinessDay(2), pd.DateOffset(days=3),
    offsets.MonthBegin(2), offsets.LastWeekOfMonth(weekday=4), offsets.FY5253(weekday=4),
]  # fmt: skip
TOLD = ["s", "15min", "h", "6h", "D", "2D", "W", "W-WED", "2W", "B", "MS", "ME", "QS", "QE", "YS", "BME", "SMS", "SME",
        SUN_TO_THU]  # fmt: skip
ZONES = [None, "UTC", "Europe/Vienna", "America/St_Johns", "+05:30"]

starts = st.datetimes(pd.Timestamp("1980-01-01"), pd.Timestamp("2030-01-01")).map(lambda t: pd.Timestamp(t).floor("s"))


@st.composite
def indexes(draw, frequencies=FREQUENCIES, rows=40):
    """An index that pandas makes, of any frequency, zone and unit; its first time anywhere."""
    freq, zone = draw(st.sampled_from(frequencies)), draw(st.sampled_from(ZONES))
    start, unit = draw(starts), draw(st.sampled_from(["s", "us", "ns"]))
    if freq not in ("s", "15min", "h", "6h"):
        start = start.normalize() + pd.Timedelta(hours=draw(st.integers(4, 23)))
    try:
        return pd.date_range(start, periods=rows, freq=freq, tz=zone, unit=unit)
    except (NotImplementedError, ValueError):  # a first time that daylight saving left out, and the like
        assume(False)


# ---- the grid ----


@settings(deadline=None, max_examples=25)
@given(indexes(), st.integers(0, 30))
def test_a_grid_s_steps_are_those_of_pandas(index, behind):
    known, ahead = index[:30], index[30:]
    grid, numbers = grid_of(known, "X")
    assert numbers.tolist() == list(range(30))
    assert grid.places(0, 30).equals(known)
    assert grid.places(30, 10).equals(ahead)
    assert grid.places(30, 10).freq == index.freq or isinstance(index.freq, pd.DateOffset)
    assert grid.moved(behind).places(-behind, 40).equals(index)
    assert grid.moved(35).numbers(index[30 - behind : 33], "X").tolist() == list(range(-5 - behind, -2))


@pytest.mark.parametrize("hour", [10, 15, 16])
@pytest.mark.parametrize("behind", [0, 1, 9])
def test_times_may_begin_at_the_closing_hour(hour, behind):
    """Forward one comes to the opening hour of the next day, which is the same moment of business."""
    index = pd.date_range(f"2024-03-01 {hour}:00", periods=40, freq=offsets.BusinessHour(start="10:00", end="16:00"))
    grid, numbers = grid_of(index[:30], "X")
    assert numbers.tolist() == list(range(30))
    moved = grid.moved(behind)
    again = grid_from_json(json.loads(json.dumps(grid_to_json(moved, steps=20))))
    for each in (moved, again):
        assert each.places(-behind, 40).equals(index)
        assert each.numbers(index, "X").tolist() == list(range(-behind, 40 - behind))
    assert grid.elsewhere(index[1:], "X").places(0, 39).equals(index[1:])


@settings(deadline=None, max_examples=25)
@given(indexes(TOLD), st.sampled_from([3, 30]))
def test_a_frequency_is_told_from_the_times_alone(index, rows):
    rows = 30 if index.freq.name in ("SMS", "SMS-15", "SME-15", "C") else rows
    bare = pd.DatetimeIndex(index[:rows], freq=None)
    grid, numbers = grid_of(bare, "X")
    assert numbers.tolist() == list(range(rows))
    if rows == 30:  # of three daily rows of a working week nobody knows the week
        assert grid.places(rows, 10).equals(index[rows : rows + 10])


@settings(deadline=None, max_examples=25)
@given(starts, st.integers(1, 31), st.sampled_from([1, 2, 3, 12]), st.sampled_from(ZONES))
def test_months_on_any_day(start, day, months, zone):
    first = start.normalize() + pd.Timedelta(hours=12)
    firsts = [first.replace(day=1) + pd.DateOffset(months=months * k) for k in range(60)]
    index = pd.DatetimeIndex([t.replace(day=min(day, t.days_in_month)) for t in firsts], tz=zone)
    assume(day < 29 or months == 1)  # where the longest month is never seen, its day is not known
    grid, numbers = grid_of(index[:40], "X")
    assert numbers.tolist() == list(range(40))
    assert grid.places(40, 20).equals(index[40:])
    assert grid.moved(25).numbers(index, "X").tolist() == list(range(-25, 35))
    again = grid_from_json(json.loads(json.dumps(grid_to_json(grid))))
    assert again.places(40, 20).equals(index[40:])


@settings(deadline=None, max_examples=25)
@given(st.integers(-(10**6), 10**6), st.integers(1, 1000), st.integers(2, 20))
def test_whole_numbers(first, step, rows):
    index = pd.Index(first + step * np.arange(rows + 3))
    grid, _ = grid_of(index[:rows], "X")
    assert grid.places(rows, 3).tolist() == index[rows:].tolist()
    assert grid_from_json(grid_to_json(grid)) == grid


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(["s", "15min", "30min", "h", "D", "W", "W-WED", "M", "Q", "Q-NOV", "Y", "3M"]), starts)
def test_periods(freq, start):
    index = pd.period_range(start, periods=23, freq=freq)
    grid, numbers = grid_of(index[:20], "X")
    assert numbers.tolist() == list(range(20))
    assert grid.places(20, 3).equals(index[20:])
    assert grid.places(20, 3).freq == index.freq
    again = grid_from_json(json.loads(json.dumps(grid_to_json(grid))))
    assert again.places(20, 3).equals(index[20:])


def test_daylight_saving_moves_no_step():
    hours = pd.date_range("2024-03-30", periods=5000, freq="h", tz="Europe/Vienna")
    for index in (hours, pd.DatetimeIndex(hours, freq=None)):
        grid, numbers = grid_of(index, "X")
        assert (np.diff(numbers) == 1).all()
        assert grid.places(0, 5000).equals(hours)
    # An hour that is left out is the next that there is, and one that comes twice the first.
    days = pd.DatetimeIndex(
        ["2024-03-30 01:30", "2024-03-31 01:00", "2024-04-01 00:30", "2024-04-02 00:30"], tz="UTC"
    ).tz_convert("Europe/Vienna")
    grid, numbers = grid_of(days, "X", freq="D")
    assert numbers.tolist() == [0, 1, 2, 3]
    assert grid.places(0, 4).equals(days)
    assert str(grid.places(211, 1)[0]) == "2024-10-27 02:30:00+02:00"
    # The same moments in another zone are the same steps.
    assert grid.numbers(days.tz_convert("Asia/Tokyo"), "X").tolist() == [0, 1, 2, 3]


@settings(deadline=None, max_examples=25)
@given(indexes(rows=30), st.randoms(use_true_random=False))
def test_what_lies_between_two_steps_is_refused(index, random):
    grid, _ = grid_of(index[:20], "X")
    row = random.randrange(1, 30)
    fine = index.as_unit("ns")
    wrong = pd.DatetimeIndex([*fine[20:row], fine[row - 1] + (fine[row] - fine[row - 1]) / 3])
    with pytest.raises(ValueError, match=r"does not fit: row \d+ \(.*(is no step of|is finer than)"):
        grid.numbers(wrong, "X")


@pytest.mark.parametrize(
    ("freq", "message"),
    [
        ("-1h", "goes backward"),
        ("nonsense", "freq must be a frequency of pandas"),
        (7, "freq must be"),
        (None, "too few"),
    ],
)
def test_refused_frequencies(freq, message):
    with pytest.raises(ValueError, match=message):
        grid_of(pd.DatetimeIndex(["2024-01-01", "2024-01-02"]), "X", freq=freq)


def test_a_frequency_that_the_index_does_not_have_is_refused():
    days = pd.date_range("2024-01-01", periods=9)
    for freq, message in (
        ("2D", "row 1 .* follows"),
        ("MS", "row 1 .* follows"),
        ("ME", "is no time of"),
        ("B", "row 5 .* follows"),
    ):
        with pytest.raises(ValueError, match=message):
            grid_of(days, "X", freq=freq)
    with pytest.raises(ValueError, match="does not fit the index of X, which holds whole numbers"):
        grid_of(pd.RangeIndex(9), "X", freq="D")
    assert grid_of(days[::2], "X", freq="2D")[1].tolist() == [0, 1, 2, 3, 4]


# ---- stored ----


@settings(deadline=None, max_examples=25)
@given(indexes())
def test_a_grid_comes_back_from_json(index):
    grid, _ = grid_of(index[:30], "X")
    again = grid_from_json(json.loads(json.dumps(grid_to_json(grid))))
    assert again.places(-30, 200).equals(grid.places(-30, 200))
    assert again.places(0, 3).freqstr == grid.places(0, 3).freqstr
    assert again.numbers(index, "X").tolist() == list(range(40))


@pytest.mark.parametrize("offset", [f for f in FREQUENCIES if not isinstance(f, str)], ids=repr)
def test_an_offset_comes_back_from_json(offset):
    again = offset_from_json(json.loads(json.dumps(offset_to_json(offset))))
    days = pd.date_range("2023-12-01", periods=800)
    assert [day + again for day in days] == [day + offset for day in days]
    assert again.freqstr == offset.freqstr


class Mine(offsets.BusinessDay):
    pass


MINE = timezone(timedelta(hours=1), "Mine")


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (
            pd.date_range("2024", periods=80, freq="D", tz=timezone(timedelta(hours=1), "Mine")),
            "has no name that brings it back",
        ),
        (pd.date_range("2024-01-01", periods=80, freq=Mine()), "a class of its own"),
    ],
)
def test_times_that_a_saved_model_cannot_bring_back_are_refused_before_training(index, message):
    with pytest.raises(ValueError, match=message):
        LSTMForecaster(horizon=4, **QUICK).fit(pd.Series(wave()[:80], index))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "spirals"}, {"unit": "h"}, {"first": "1"}, {"first": 2**70}, {"zone": 7}, {"zone": "Atlantis/City"},
        {"frequency": "often", "kind": "periods"}, {"rule": {"kind": "fixed", "step": 0}}, {"rule": {"kind": "fixed"}},
        {"rule": {"kind": "months", "months": 0, "day": 1}}, {"rule": {"kind": "whatever"}},
        {"rule": {"kind": "offset", "name": "system", "n": 1, "normalize": False, "choices": {}}},
        {"rule": {"kind": "offset", "name": "BaseOffset", "n": 1, "normalize": False, "choices": {}}},
        {"rule": {"kind": "offset", "name": "Week", "n": -1, "normalize": False, "choices": {}}},
        {"rule": {"kind": "offset", "name": "Week", "n": 1, "normalize": False, "choices": {"weekday": {"call": "x"}}}},
        {"rule": {"kind": "offset", "name": "Week", "n": 1, "normalize": False, "choices": {"surprise": 1}}},
    ],
)  # fmt: skip
def test_tampered_grids(change):
    facts = grid_to_json(grid_of(pd.date_range("2024", periods=9), "X")[0])
    with pytest.raises((ValueError, TypeError, KeyError)):
        grid_from_json({**facts, **change})


# ---- later rows ----


def tail(index, rows=20):
    """The last rows that a model knows of a series under this index."""
    return as_series(pd.DataFrame({"a": np.arange(len(index), dtype=float), "b": 0.0}, index=index)).last(rows)


def later(index, **kwargs):
    return rows_of(pd.DataFrame({"a": 100.0 + np.arange(len(index)), "b": 0.0}, index=index), **kwargs)


@settings(deadline=None, max_examples=25)
@given(indexes(), st.integers(1, 10), st.integers(-9, 0), st.booleans())
def test_rows_are_joined_by_their_times(index, count, early, bare):
    known = tail(index[:30])
    new = index[30 + early : 30 + early + count]
    joined, before = placed(later(pd.DatetimeIndex(new, freq=None) if bare else new), known)
    assert before == 20 + early  # also one or two rows: the model knows its frequency
    assert joined.places().equals(index[10 : 30 + early + count])
    assert joined.values[:before, 0].tolist() == list(range(10, 30 + early))
    assert joined.values[before:, 0].tolist() == [100.0 + k for k in range(count)]


def test_rows_that_do_not_follow_stand_alone():
    index = pd.date_range("2024", periods=60, freq="h")
    known = tail(index[:30])
    for new in (index[31:40], index[:5], index[2:10]):
        joined, before = placed(later(new), known)
        assert (len(joined), before) == (len(new), 0)
        assert joined.places().equals(new)
        with pytest.raises(ValueError, match="continues=True contradicts its times"):
            placed(later(new), known, continues=True)
    assert placed(later(index[30:40]), known, continues=False)[1] == 0


@pytest.mark.parametrize("freq", ["15min", "h", "D", "B", "MS", "QE", SUN_TO_THU], ids=str)
@pytest.mark.parametrize("other", ["1min", "h", "7h", "D", "2D", "W", "MS", "ME", "YS"])
@pytest.mark.parametrize("count", [1, 2, 9])
@pytest.mark.parametrize("bare", [False, True])
def test_rows_of_another_frequency_are_refused(freq, other, count, bare):
    index = pd.date_range("2024-01-01", periods=61, freq=freq)
    new = pd.date_range(index[60], periods=count, freq=other)
    if bare:
        new = pd.DatetimeIndex(new, freq=None)
        own = pd.date_range(index[60], periods=count, freq=freq)
        steps = pd.date_range(index[0], new[-1], freq=freq)
        if new.equals(own):  # nothing tells them from the model's own
            assert placed(later(new), tail(index[:60]))[1] == 20
            return
        if len(new) == 1 and new[0] in steps:
            assert placed(later(new), tail(index[:60]))[1] == 0  # a later row, which does not follow
            return
    elif new[-1] + new.freq == new[-1] + index.freq:  # as far as anybody can tell, the model's own
        return
    with pytest.raises(ValueError, match=r"the (rows|time index) of X"):
        placed(later(new), tail(index[:60]))


@settings(deadline=None, max_examples=25)
@given(indexes(TOLD, rows=30))
def test_the_newest_row_first_is_refused(index):
    for frame in (pd.DatetimeIndex(index[::-1], freq=None), index[::-1]):
        with pytest.raises(ValueError, match="sort_index"):
            as_series(pd.Series(np.ones(30), frame))
        with pytest.raises(ValueError, match="sort_index"):
            placed(later(frame), tail(index[:20]))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.date_range("2024-03-01", periods=4, freq="h", tz="UTC"), "have the zone UTC, and the model's no zone"),
        (pd.period_range("2024-03-01", periods=4, freq="h"), "holds periods, and the model's times"),
        (pd.RangeIndex(4), "holds integers, and the model's times"),
        (pd.Index(list("abcd")), "must be times, periods or integers"),
        (pd.DatetimeIndex(["2024-03-01", None]), "has no time in row 1"),
        (pd.date_range("2024-03-01 00:30", periods=4, freq="h"), "begin elsewhere. continues=False"),
        (pd.date_range("2024-03-01", periods=4, freq="h").delete(1), "row 1 .* follows"),
        (pd.DatetimeIndex(["2024-03-01"] * 2), "comes twice"),
        (pd.date_range("2024-03-01", periods=4, freq="h") + pd.Timedelta(1, "ns"), "finer than"),
    ],
    ids=range(9),
)
def test_rows_that_do_not_fit_are_refused(index, message):
    known = tail(pd.date_range("2024-01-01", periods=60, freq="h"))
    with pytest.raises(ValueError, match=message):
        placed(later(index), known)


def test_another_series_may_begin_elsewhere_but_has_the_same_frequency():
    known = tail(pd.date_range("2024-01-31", periods=60, freq=pd.DateOffset(months=1)))
    moved = pd.date_range("2031-05-12 07:00", periods=9, freq=pd.DateOffset(months=1))
    assert placed(later(moved), known, continues=False)[0].places().equals(moved)
    hours = tail(pd.date_range("2024", periods=60, freq="h", tz="Europe/Vienna"))
    tokyo = pd.date_range("2020-05-12 07:31", periods=9, freq="h", tz="Asia/Tokyo")
    assert placed(later(tokyo), hours, continues=False)[0].places().equals(tokyo)
    for other in (pd.date_range("2031", periods=9, freq="D"), pd.date_range("2031", periods=9, freq="QS")):
        with pytest.raises(ValueError, match=r"no step of|another frequency"):
            placed(later(other), known, continues=False)


def test_arrays_are_taken_to_follow():
    index = pd.date_range("2024", periods=60, freq="h")
    joined, before = placed(rows_of(np.ones((3, 2))), tail(index[:30]))
    assert before == 20
    assert joined.places(before, 4).equals(index[30:34])
    plain = as_series(np.ones((30, 2)))
    assert placed(rows_of(np.ones((3, 2))), plain)[0].grid is None
    assert placed(later(index[:9]), plain)[0].places(30).equals(index[:9])
    with pytest.raises(ValueError, match="give freq="):
        placed(later(pd.DatetimeIndex(index[:1], freq=None)), plain)
    assert placed(later(pd.DatetimeIndex(index[:1], freq=None)), plain, freq="h")[0].places(30, 2).equals(index[:2])


# ---- rows known ahead ----


@settings(deadline=None, max_examples=25)
@given(indexes(rows=30), st.integers(0, 5), st.randoms(use_true_random=False))
def test_known_rows_are_taken_by_their_times(index, more, random):
    known, horizon = tail(index[:20]), 5
    order = list(range(20 - more, 20 + horizon + more))  # with rows before and after, in any order
    random.shuffle(order)
    future = pd.DataFrame({"b": np.arange(30.0), "c": 1.0}, index=pd.DatetimeIndex(index, freq=None)).iloc[order]
    assert known_ahead(future, ["b"], horizon, known)[:, 0].tolist() == [20.0, 21.0, 22.0, 23.0, 24.0]
    assert known_ahead(future["b"], ["b"], horizon, known)[:, 0].tolist() == [20.0, 21.0, 22.0, 23.0, 24.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.iloc[5:], "lacks the row of 2024-01-31"),  # late
        (lambda rows: rows.iloc[[0, 1, 3, 4]], "lacks the row of 2024-02-02"),
        (lambda rows: rows.iloc[:0], "lacks the row of 2024-01-31"),
        (lambda rows: pd.concat([rows, rows.iloc[:1]]), "has 2024-01-31 00:00:00 twice"),
        (lambda rows: rows.set_index(rows.index + pd.Timedelta(hours=6)), "is no step of"),
        (lambda rows: rows.tz_localize("UTC"), "have the zone UTC"),
        (lambda rows: rows.reset_index(drop=True), "holds integers, and the model's times"),
        (lambda rows: rows.to_period("D"), "holds periods, and the model's times"),
        (lambda rows: rows.iloc[::2].asfreq("2D"), "another frequency"),
        (lambda rows: rows.mask(np.arange(9)[:, None] == 1), "NaN or infinity at row 1"),
        (lambda rows: rows.to_numpy(), r"must be \[5, 1\] \(horizon, known\), got \(9, 1\)"),
    ],
    ids=range(11),
)
def test_known_rows_that_do_not_fit_are_refused(change, message):
    index = pd.date_range("2024-01-01", periods=39)
    future = pd.DataFrame({"b": np.arange(9.0)}, index=index[30:])
    known_ahead(future, ["b"], 5, tail(index[:30]))
    with pytest.raises(ValueError, match=message):
        known_ahead(change(future), ["b"], 5, tail(index[:30]))


# ---- a whole model ----


@pytest.fixture(scope="module")
def weekly(tmp_path_factory):
    """A model of a custom business week, its times, and the model as it was saved and loaded."""
    index = pd.date_range(
        "2024-01-01", periods=260, freq=offsets.CustomBusinessDay(weekmask="1111001", holidays=["2024-05-01"])
    )
    frame = pd.DataFrame({"load": wave(), "price": wave(seed=1)}, index=index)
    model = LSTMForecaster("load", 4, known="price", context=16, random_state=0, **QUICK | {"max_epochs": 1})
    path = tmp_path_factory.mktemp("weekly") / "model"
    model.fit(frame[:200]).save(path)
    return frame, model, load(path)


def test_a_custom_week_is_saved_whole(weekly):
    frame, model, loaded = weekly
    for one in (model, loaded):
        said = one.predict(future=frame[195:230].sample(frac=1.0, random_state=0))
        assert said.index.equals(frame.index[200:204])
        assert said.index.freq == frame.index.freq
        assert one.predict(frame[200:201], future=frame).index.equals(frame.index[201:205])
        assert one.report(frame[200:]).count == 57
    pd.testing.assert_series_equal(model.predict(future=frame), loaded.predict(future=frame))


def test_backtests_have_the_times_of_the_rows_given(weekly):
    frame, model, _ = weekly
    assert model.backtest(frame[200:]).index.equals(frame.index[200:])
    assert model.backtest(frame[190:]).index.equals(frame.index[190:])
    with pytest.raises(ValueError, match="is no step of"):
        model.backtest(frame[200:].set_index(pd.date_range(frame.index[200], periods=60, freq="D")))


@pytest.mark.parametrize("freq", ["h", offsets.BusinessDay(2)], ids=str)
def test_a_frequency_that_the_index_does_not_tell(freq, tmp_path):
    index = pd.DatetimeIndex(pd.date_range("2024-01-01", periods=204, freq=freq), freq=None)
    model, (values,), _ = fresh(LSTMForecaster, max_epochs=1, freq=freq)
    model.fit(pd.Series(values, index[:200])).save(tmp_path / "model")
    assert load(tmp_path / "model").freq == freq
    assert load(tmp_path / "model").predict().index.equals(index[200:])


def test_a_regular_series_knows_its_places():
    index = pd.date_range("2024", periods=9, freq="h")
    series = as_series(pd.Series(np.arange(9.0), index))
    assert series.last(4).places().equals(index[5:])
    assert series.last(4).places(4, 2).equals(pd.date_range("2024-01-01 09:00", periods=2, freq="h"))
    assert Regular(np.ones((3, 1)), (0,), None).places() is None
