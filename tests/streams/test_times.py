"""Streams whose lines have times: the season that these tell, and lines that are lost."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel.data import DataError
from carrousel.data._line_clock import LineClock, step_named
from carrousel.estimators._frequency import grid_of
from carrousel.estimators._seasons import plausible_seasons
from carrousel.streams import Follower, Step, StreamRegressor, step_of

BEGIN = datetime(2024, 3, 4)
STEPS = {
    "s": ("every second", (60, 86400)), "min": ("every minute", (60, 1440)), "15min": ("every 15 minutes", (96, 672)),
    "h": ("hourly", (24, 168)), "6h": ("every 6 hours", (4, 28)), "D": ("daily", (7, 365)), "B": ("daily", (7, 365)),
    "W": ("weekly", (52,)), "MS": ("monthly", (12,)), "ME": ("monthly", (12,)), "QS": ("quarterly", (4,)),
    "YS": ("yearly", ()), "7min": ("every 7 minutes", ()),
}  # fmt: skip


def microseconds(times):
    return pd.DatetimeIndex(times).as_unit("us").asi8.tolist()


@pytest.mark.parametrize("freq", STEPS)
@pytest.mark.parametrize("lost", [(), (2,), (3, 4)])
def test_a_step_and_its_seasons_are_told_by_ten_times(freq, lost):
    times = pd.date_range(BEGIN, periods=10, freq=freq).delete(list(lost))
    step = step_of(microseconds(times))
    assert (step.words, step.seasons) == STEPS[freq]
    assert step_named(freq, "data.csv") == step
    if freq != "B":  # of which a forecast takes five days for a week
        grid, _ = grid_of(pd.date_range(BEGIN, periods=20, freq=freq), "y")
        assert plausible_seasons(grid) == step.seasons


def test_times_that_jitter_have_a_step_and_events_have_none():
    rng = np.random.default_rng(0)
    beats = BEGIN + 600 * np.arange(10) * timedelta(seconds=1) + rng.uniform(0, 9, 10) * timedelta(seconds=1)
    assert step_of(microseconds(beats)) == Step(600_000_000)
    for seed in range(20):
        events = np.random.default_rng(seed).exponential(100, 10).cumsum()
        assert step_of(microseconds([BEGIN + timedelta(seconds=float(each)) for each in events])) is None
    assert step_of(microseconds([BEGIN] * 10)) is None


def stream(times, values, name="time"):
    return (f"{name},y\n" + "".join(f"{t},{y}\n" for t, y in zip(times, values, strict=True))).encode()


def followed(content, model=None, **options):
    said = []
    follower = Follower(model or StreamRegressor(hidden_size=2, rate=0.01), "y", say=said.append, **options)
    return list(follower.follow(io.BytesIO(content))), follower, said


@settings(max_examples=5, deadline=None)
@given(lost=st.sets(st.integers(1, 38), max_size=20), freq=st.sampled_from(["h", "D", "MS"]))
def test_a_line_that_is_lost_is_a_line_of_which_nothing_is_known(lost, freq):
    """The same is said of all lines that are there, whatever was lost between them, beyond the first ten."""
    times = pd.date_range(BEGIN.replace(day=1), periods=40, freq=freq).strftime("%Y-%m-%d %H:%M")
    values = [f"{np.sin(0.7 * t) + t % 7:.4f}" for t in range(40)]
    there = [t for t in range(40) if t not in lost]
    if step_of(microseconds(times[there[:10]])) != step_of(microseconds(times[:10])):
        return  # more is lost of the first ten than is there
    model = {"model": StreamRegressor(hidden_size=2, rate=0.01, season=5)}
    whole, _, _ = followed(stream(times, [y if t in there else "" for t, y in enumerate(values)]), clock=None,
                           ignore=["time"], **model)  # fmt: skip
    part, follower, said = followed(
        stream(times[there], [values[t] for t in there]), clock=LineClock(),
        model=StreamRegressor(hidden_size=2, rate=0.01, season=5),
    )  # fmt: skip
    assert [line.prediction for line in part[10:]] == [whole[t].prediction for t in there[10:]]
    assert follower.model.seasons == (5,)
    assert said == [f"times in field time{follower.clock.told.removeprefix('times in field time')}"]


def test_the_season_before_is_that_of_the_clock_and_not_of_the_line():
    hours = np.arange(24 * 9)
    kept = np.flatnonzero((hours % 24 < 20) | (hours < 30))
    times = [(BEGIN + timedelta(hours=int(hour))).isoformat() for hour in kept]
    _, follower, said = followed(stream(times, [f"{(hour % 24) ** 2}" for hour in kept]), clock=LineClock())
    assert said == ["times in field time, hourly: seasons of 24 and 168 lines (--season sets others)"]
    assert follower.rivals == ["persistence", "season 24", "season 168", "linear"]
    errors = follower.tally.recent.rivals
    assert errors["season 24"] < 0.2 * errors["persistence"]  # the first day alone, and nothing after


MONTHS = ["Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"]
DAYS = [BEGIN + timedelta(days=k) for k in range(12)]


@pytest.mark.parametrize(
    ("times", "options", "says", "season"),
    [
        (
            [f"{k}.05.2024" for k in range(3, 15)],
            {"date_format": "%d.%m.%Y"},
            "%d.%m.%Y, daily: seasons",
            [7, 365],
        ),
        ([f"{k}.05.2024" for k in range(11, 23)], {}, "written as %d.%m.%Y, daily: seasons of 7 and 365", [7, 365]),
        ([f"{k}.05.24 1:30 PM" for k in range(11, 23)], {}, "written as %d.%m.%y %I:%M %p, daily", [7, 365]),
        ([f"{m} {y}" for y in (2024, 2025) for m in MONTHS], {}, "as de:%b %Y, monthly: season of 12 lines", [12]),
        ([1_700_000_000 + 3600 * k for k in range(12)], {}, "as epoch-s, hourly: seasons of 24 and 168", [24, 168]),
        ([f"2024-W{k:02}" for k in range(1, 13)], {}, "times in field time, weekly: season of 52", [52]),
        ([f"{2020 + k // 4} Q{k % 4 + 1}" for k in range(12)], {}, "year and quarter, quarterly: season of 4", [4]),
        ([f"{day:%Y%m%d}" for day in DAYS], {}, "written as %Y%m%d, daily", [7, 365]),
        ([f"{day:%Y-%m-%d}" for day in DAYS], {"seasons": (3,)}, "times in field time, daily", [3]),
        ([f"{day:%Y-%m-%d}" for day in DAYS], {"seasons": ()}, "times in field time", None),
        ([f"{day:%Y-%m-%d}" for day in DAYS], {"step": Step(12, "months")}, "field time, yearly: no season", None),
        (range(12), {"column": "time"}, "numbers in field time, each 1 after the one before", None),
        (range(12), {}, None, None),
    ],
)
def test_what_was_found_is_said_in_a_line(times, options, says, season):
    _, follower, said = followed(stream(times, range(len(times))), clock=LineClock(**options))
    assert said == [] if says is None else says in said[0]
    assert len(said) <= 1
    assert follower.model.season == season


def test_an_order_of_day_and_month_that_nothing_proves_is_asked_for():
    content = stream([f"{k:02}.05.2024" for k in range(1, 13)], range(12))
    with pytest.raises(ValueError, match=r"line 11: .* can be read as %d.%m.%Y, daily, or as %m.%d.%Y, monthly"):
        followed(content, clock=LineClock())
    said = followed(stream([f"05.04.2024 {k:02}:00" for k in range(12)], range(12)), clock=LineClock())[2]
    assert "hourly" in said[0]  # by either


def test_a_clock_that_is_set_back_goes_on_and_a_missing_time_too():
    hours = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 12, 13]
    times = [(BEGIN + timedelta(hours=hour)).isoformat() for hour in hours]
    times[13] = ""
    said, follower, notes = followed(stream(times, range(15)), clock=LineClock())
    assert len(said) == 15
    assert notes[1:] == ["line 13: its time is not after that of the line before; it is the next step"]
    assert int(follower.model._known.arrays["counts"][0]) == 15  # no step was lost


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (b"a,b,y\n2024-01-01,2024-01-02,1\n", {}, r"several fields hold dates \(a, b\); column='a'|time='a' names"),
        (b"a,y\n2024-01-01,1\n", {"column": "b"}, "no field 'b'"),
        (b"time,y\n2024-01-01,1\nsoon,2\n", {}, "line 2: 'soon' in field time is no time written as ISO 8601"),
        (b"time,y\n2024-01-01,1\n", {"date_format": "%d/%m/%Y"}, "'2024-01-01' in field time is no time written as %d"),
        (b"time,y\nsoon,1\n", {"column": "time"}, "line 1: 'soon' in field time is no time"),
    ],
)
def test_times_that_are_none_are_refused(content, options, says):
    with pytest.raises(ValueError, match=says):
        followed(content, clock=LineClock(**options))


def test_a_stream_that_begins_with_the_newest_line_is_refused():
    times = [f"{day:%d-%b-%y}" for day in DAYS][::-1]
    with pytest.raises(ValueError, match="line 11: the times in field time go back from line to line"):
        followed(stream(times, range(12)), clock=LineClock())
    assert len(followed(stream(times, range(12)))[0]) == 12


def test_a_step_that_is_none_is_refused():
    with pytest.raises(DataError, match="no step"):
        step_named("soon", "data.csv")
    with pytest.raises(DataError, match="no step of a stream"):
        step_named("SME", "data.csv")
