"""What forecasts know of the calendar, and going on from newer rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from carrousel.estimators import LSTMForecaster, load
from carrousel.estimators._calendar import calendar_names, calendar_of, holidays_of
from carrousel.estimators._frequency import grid_of
from carrousel.estimators._series import Regular

from .conftest import QUICK, fresh, wave


def grid(freq, start="2024-01-01", **kwargs):
    return grid_of(pd.date_range(start, periods=10, freq=freq, **kwargs), "X")[0]


@pytest.mark.parametrize(
    ("freq", "names"),
    [
        ("15min", ("hour of day", "day of week", "day of year")), ("h", ("hour of day", "day of week", "day of year")),
        ("D", ("day of week", "day of year")), ("B", ("day of week", "day of year")), ("W", ("day of year",)),
        ("MS", ("month",)), ("ME", ("month",)), ("QS", ("month",)), ("YS", ()), (pd.DateOffset(months=1), ("month",)),
    ],
)  # fmt: skip
def test_cycles_by_frequency(freq, names):
    assert calendar_names(grid(freq)) == names
    assert calendar_of(grid(freq), 0, 5).shape == (5, 2 * len(names))


def test_cycles_return():
    assert calendar_names(grid_of(pd.RangeIndex(9), "X")[0]) == calendar_names(None) == ()
    assert calendar_names(grid_of(pd.period_range("2024", periods=9, freq="M"), "X")[0]) == ("month",)
    hours = calendar_of(grid("h", tz="Europe/Vienna"), 0, 24 * 400)
    assert np.allclose(hours[: 24 * 7, 2:4], hours[24 * 7 : 24 * 14, 2:4])  # a week later
    for midnight in (24 * 180 - 1, 24 * 320):  # by the clock on the wall, in summer and in winter
        assert np.allclose(hours[:24, :2], hours[midnight : midnight + 24, :2])
    months = calendar_of(grid("MS"), -12, 36)
    assert np.allclose(months[:12], months[12:24])
    assert np.allclose(np.hypot(months[:, 0], months[:, 1]), 1)


def test_holidays_by_hand():
    days = grid("D", "2024-12-20")
    known = holidays_of("DE", days, 0, 20)
    assert (np.flatnonzero(known) + 20).tolist() == [25, 26, 32]
    hours = grid("h", "2024-12-25", tz="Europe/Berlin")
    assert holidays_of("DE", hours, 0, 72).tolist() == [1.0] * 48 + [0.0] * 24
    assert holidays_of("DE-BY", grid("D", "2025-01-06"), 0, 1).tolist() == [1.0]  # and not in all of Germany
    assert holidays_of("DE", grid("D", "2025-01-06"), 0, 1).tolist() == [0.0]


def weekly(rows=400):
    """Days whose level is another on every weekday, and lower on holidays."""
    random, index = np.random.default_rng(0), pd.date_range("2022-01-03", periods=rows, freq="D")
    levels = np.array([0.0, 3.0, -2.0, 4.0, 1.0, -4.0, -5.0])
    holiday = holidays_of("DE", grid("D", "2022-01-03"), 0, rows)
    return pd.Series(levels[index.dayofweek] - 8 * holiday + 0.3 * random.normal(size=rows), index, name="load")


OPTIONS = {"horizon": 3, "context": 4, "season": 1, "random_state": 0, **QUICK, "max_epochs": 2}


def test_the_calendar_is_known_where_it_helps(tmp_path):
    series = weekly()
    model = LSTMForecaster(**OPTIONS).fit(series[:300])
    assert model.calendar_
    blind = LSTMForecaster(calendar=False, **OPTIONS).fit(series[:300])
    assert not blind.calendar_
    mine, other = (one.report(series[300:]).model.metrics["MAE"] for one in (model, blind))
    assert mine < other
    model.save(tmp_path / "model")
    pd.testing.assert_frame_equal(load(tmp_path / "model").predict_quantiles(), model.predict_quantiles())
    noise = pd.Series(np.random.default_rng(1).normal(size=300).cumsum(), series.index[:300])
    assert not LSTMForecaster(**OPTIONS).fit(noise).calendar_
    assert LSTMForecaster(calendar=True, **OPTIONS).fit(noise).calendar_
    assert not LSTMForecaster(**OPTIONS).fit(noise.to_numpy()).calendar_


def test_holidays_help(tmp_path):
    series = weekly()
    errors = {}
    for holidays in (None, "DE"):
        model = LSTMForecaster(calendar=True, holidays=holidays, **OPTIONS).fit(series[:300])
        test = model.backtest(series[300:], stride=1)
        errors[holidays] = np.abs(test.actual - test.median["LSTM"])[np.isin(test.origins, [54, 55, 56])].mean()
    assert errors["DE"] < errors[None]  # around Christmas
    model.save(tmp_path / "model")
    pd.testing.assert_series_equal(load(tmp_path / "model").predict(), model.predict())


@pytest.mark.parametrize(
    ("options", "series", "message"),
    [
        ({"calendar": True}, wave(), "needs a time index"),
        ({"calendar": True}, pd.Series(wave(), pd.date_range("1700", periods=260, freq="YS")), "needs a time index"),
        ({"calendar": "yes"}, wave(), "must be True, False or None, got 'yes'"),
        ({"holidays": "DE"}, pd.Series(wave(), pd.date_range("2000", periods=260, freq="MS")), "days or shorter steps"),
        ({"holidays": "Atlantis"}, weekly()[:100], "must be a country such as 'DE'"),
        ({"holidays": "DE-Atlantis"}, weekly()[:100], "must be a country such as 'DE'"),
        ({"holidays": 7}, weekly()[:100], "must be a country such as 'DE'"),
    ],
    ids=range(7),
)
def test_refused(options, series, message):
    with pytest.raises(ValueError, match=message):
        LSTMForecaster(**OPTIONS | options).fit(series)


def test_an_array_has_no_calendar():
    model = LSTMForecaster(calendar=True, **OPTIONS).fit(weekly()[:100])
    assert model.predict(weekly().to_numpy()[100:110]).index[0] == weekly().index[110]  # it follows
    with pytest.raises(ValueError, match="X has no times, which the calendar needs"):
        model.predict(weekly().to_numpy()[100:140], continues=False)


# ---- going on ----


@pytest.mark.parametrize("indexed", [True, False])
def test_update_goes_on(indexed, tmp_path):
    values = pd.Series(wave(), pd.date_range("2024", periods=260, freq="h")) if indexed else wave()
    model, _, _ = fresh(LSTMForecaster, max_epochs=1)
    model.fit(values[:200]).save(tmp_path / "model")
    expected = np.asarray(model.predict_quantiles(values[200:230]))
    weights = {name: value.clone() for name, value in model.network_.state_dict().items()}
    assert model.update(values[200:230]) is model
    assert np.array_equal(model.predict_quantiles(), expected)
    assert all((value == weights[name]).all() for name, value in model.network_.state_dict().items())
    one_by_one = load(tmp_path / "model")
    for k in range(200, 230):
        one_by_one.update(values[k : k + 1])
    assert np.array_equal(one_by_one.predict_quantiles(), expected)
    one_by_one.save(tmp_path / "later")
    later = load(tmp_path / "later")
    assert np.array_equal(later.predict_quantiles(), expected)
    if indexed:
        assert later.predict().index[0] == values.index[230]
        for late in (values[235:], values[:100]):
            with pytest.raises(ValueError, match="X does not follow"):
                later.update(late)
        later.update(values[220:231])  # rows that it knows are taken again
        assert later.predict().index[0] == values.index[231]


@pytest.mark.parametrize("fill", [None, "interpolate"])
def test_fine_tuning_goes_on_from_the_weights(fill, tmp_path):
    """A chaotic map that turns upside down: what was learned is wrong, until some newer rows are learned from."""
    values = np.full(600, 0.3)
    for t in range(1, 600):
        values[t] = 3.8 * values[t - 1] * (1 - values[t - 1])
    values[400:] = 1 - values[400:]
    if fill is not None:
        values[[450, 470, 471]] = np.nan
    model = LSTMForecaster(horizon=1, context=4, season=1, fill=fill, random_state=0, **QUICK).fit(values[:400])
    model.save(tmp_path / "model")
    tuned = load(tmp_path / "model")
    assert tuned.fine_tune(values[400:500], learning_rate=0.03, max_epochs=10) is tuned
    same, again = load(tmp_path / "model"), load(tmp_path / "model")
    again.fine_tune(values[400:500], learning_rate=0.03, max_epochs=10)
    same.update(values[400:500])
    state, other = tuned.network_.state_dict(), again.network_.state_dict()
    assert all((state[name] == other[name]).all() for name in state)
    assert not all((state[name] == value).all() for name, value in same.network_.state_dict().items())
    assert np.array_equal(tuned.tail_.values, same.tail_.values, equal_nan=True)
    errors = [loss_of(one, values) for one in (tuned, same)]
    assert errors[0] < errors[1]
    tuned.save(tmp_path / "tuned")
    assert np.array_equal(load(tmp_path / "tuned").predict_quantiles(), tuned.predict_quantiles())
    gentle = load(tmp_path / "model").fine_tune(values[400:500], max_epochs=1)
    far, near = (moved(one, same) for one in (tuned, gentle))
    assert 0 < near < far


def moved(model, other):
    """How far weights are apart."""
    state, before = model.network_.state_dict(), other.network_.state_dict()
    return sum(float((state[name] - before[name]).abs().sum()) for name in state)


def loss_of(model, values):
    """The mean absolute error of the network's own corrections on the rows after 500."""
    series = Regular(values[:, None], (0,), None)
    filled, origins = model._widened(series), np.arange(500, 599)
    starts, correction = model.simple_.start(filled, origins), replace(model.correction_, share=1.0)
    said = correction.relative(model.network_, filled, origins, starts)[:, :, model.levels_.index(0.5)]
    return np.abs(said - correction.window.targets(filled, origins, starts)).mean()


def test_refused_fine_tuning():
    model, data, _ = fresh(LSTMForecaster, max_epochs=1)
    model.fit(*data)
    for options, message in (
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"max_epochs": 0}, "max_epochs must be an integer of at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fine_tune(wave()[200:], **options)
    with pytest.raises(ValueError, match="training needs 4 rows for a horizon of 4"):
        model.fine_tune(wave()[200:203])
    with pytest.raises(ValueError, match="X has 5 rows, and a forecast needs"):
        model.fine_tune(wave()[200:205], continues=False)
    assert model.fine_tune(wave(seed=3), continues=False, max_epochs=1).predict().shape == (4,)
