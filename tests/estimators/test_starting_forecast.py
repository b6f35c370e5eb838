"""Where a forecast starts from, what the network may add, whether intervals hold, and how sure a verdict is."""

import importlib.util
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel.estimators import LSTMForecaster, LSTMPanelForecaster, _candidates, _simple_forecasts, load
from carrousel.estimators._conformal import offsets_of, ordered
from carrousel.estimators._correction import share_of
from carrousel.estimators._doubt import standard_error
from carrousel.estimators._frequency import grid_of
from carrousel.estimators._gauge import Gauge, likeliest_power
from carrousel.estimators._grid import season_of
from carrousel.estimators._linear import Form, Shape, drift, naive, ridge
from carrousel.estimators._seasons import plausible_seasons
from carrousel.estimators._smoothing import Smoothing, fit_smoothing, windowed
from carrousel.estimators._theta import Theta, fit_theta, theta_of_window

from .conftest import QUICK, fresh, wave

FEW = QUICK | {"max_epochs": 1, "hidden_size": 4}


def rising(rows=150, seed=0):
    """Exponential growth with a season that grows along."""
    random, steps = np.random.default_rng(seed), np.arange(rows)
    return np.exp(3 + 0.01 * steps + 0.2 * np.sin(2 * np.pi * steps / 12) + 0.02 * random.normal(size=rows))


# ---- the start ----


@pytest.mark.parametrize("wander", [0.0, 500.0])
def test_a_series_that_leaves_its_range_is_followed(wander):
    random = np.random.default_rng(1)
    series = wander + np.cumsum(1 + 0.1 * random.normal(size=160))  # never where it was before
    model = LSTMForecaster(horizon=6, random_state=0, **FEW).fit(series[:120])
    report = model.report(series[120:])
    naive = next(score for score in report.scores if score.method == "naive")
    assert report.model.metrics["MAE"] < 0.3 * naive.metrics["MAE"]


def test_growth_is_seen_in_logarithms():
    series = rising()
    model = LSTMForecaster(horizon=12, season=12, random_state=0, **FEW).fit(series[:120])
    assert model.simple_.start.gauge.power == 0
    assert "logarithms" in str(model.simple_.start)
    assert model.report(series[120:]).model.metrics["MAE"] < 0.05 * series[120:].mean()


SIZES = st.floats(1e-6, 1e6)


@settings(max_examples=50)
@given(
    values=st.lists(SIZES, min_size=24, max_size=40),
    power=st.none() | st.just(0.0) | st.floats(0.1, 1.0),
)
def test_a_gauge_is_reversible(values, power):
    """Whatever is positive comes back as it was, and what no power has, or no number, is finite."""
    column = np.array(values)[:, None]
    gauge = Gauge.fit(column, np.arange(10, len(values)), 10, 0, power)
    assert np.allclose(gauge.down(gauge.up(column)), np.maximum(column, gauge.least), rtol=1e-13, atol=0)
    assert (np.diff(gauge.down(np.linspace(-1e3, 1e3, 99))) >= 0).all()  # it goes up all the way
    assert (gauge.scales(np.ones((3, 10))) == gauge.floor).all()
    assert np.isfinite(gauge.up(np.array([0.0, -5.0]))).all()
    assert np.isfinite(gauge.down(np.array([-1e6, 1e6]))).all()
    assert power is None or gauge.down(np.array([-1e6]))[0] >= 0
    small = 1e-6 * column
    slope = (gauge.up(column + small) - gauge.up(column - small)) / (2 * small)
    inside = column - small > gauge.least
    assert np.allclose((gauge.worth(column) * slope)[inside], 1, rtol=1e-3)


@pytest.mark.parametrize(
    ("make", "power"), [(np.exp, 0.0), (np.square, 0.5), (lambda x: x, 1.0), (lambda x: x**4, 0.25)]
)
def test_the_likeliest_power_is_that_which_made_the_series(make, power):
    random = np.random.default_rng(0)
    straight = 3 + 0.01 * np.arange(600) + 0.1 * random.normal(size=600)
    series = make(straight)
    assert likeliest_power(series[1:], series[:-1]) == pytest.approx(power, abs=0.08)
    assert likeliest_power(1e3 * series[1:], 1e3 * series[:-1]) == pytest.approx(power, abs=0.08)
    assert 0 <= likeliest_power(np.ones(5), np.ones(5)) <= 1


def squares(rows=170, seed=0):
    """A season that grows, but less than what it is about."""
    random, steps = np.random.default_rng(seed), np.arange(rows)
    return (4 + 0.12 * steps + np.sin(2 * np.pi * steps / 12) + 0.1 * random.normal(size=rows)) ** 2


@pytest.mark.parametrize("many", [False, True])
def test_a_power_is_chosen_said_and_saved(many, tmp_path):
    series = squares()
    if many:
        train, test = ({k: squares(seed=k)[part] for k in range(3)} for part in (slice(120), slice(170)))
        model = LSTMPanelForecaster(horizon=12, season=12, random_state=0, **FEW).fit(train)
    else:
        train, test = series[:120], series[120:]
        model = LSTMForecaster(horizon=12, season=12, random_state=0, **FEW).fit(train)
    powers = {part.form.gauge.power for method in model.simple_.methods for part in method.parts}
    (power,) = powers - {None, 0.0}
    assert 0.3 < power < 0.7
    assert 0 < model.simple_.start.gauge.power < 1
    assert f"Box-Cox transforms of power {power:.2g}" in model.report(test).notes[0]
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").report(test) == model.report(test)


@pytest.mark.parametrize("relative", ["none", "mean", "last"])
@pytest.mark.parametrize("scaled", [False, True])
def test_ridge_finds_a_line_through_the_past(relative, scaled):
    random = np.random.default_rng(0)
    values = np.zeros((300, 1))
    for t in range(2, 300):
        values[t] = 1.6 * values[t - 1] - 0.8 * values[t - 2] + random.normal()
    shape, origins = Shape(1, 0, (), 1), np.arange(10, 299)
    form = Form(Gauge(8, 0, None, 0.0, 1.0), (), relative, scaled, beside=True)
    model = ridge(values, origins, shape, form)
    off = values[origins, 0] - model(values, origins)[:, 0]
    assert off.std() == pytest.approx(1.0, abs=0.15)
    if relative == "none":
        assert model.weight[0, -2:] / model.scaler.scale[-2:] == pytest.approx([-0.8, 1.6], abs=0.2)


def test_drift_by_hand():
    values = np.arange(20.0)[:, None]
    assert drift(values, np.arange(3, 18), Shape(3, 0, (), 1), None)(values, np.array([10])).tolist() == [[10, 11, 12]]
    doubling = 2.0 ** np.arange(20)[:, None]
    found = drift(doubling, np.arange(3, 18), Shape(3, 0, (), 1), 0.0)(doubling, np.array([10]))
    assert np.allclose(found, [[1024, 2048, 4096]])


@pytest.mark.parametrize("season", [1, 12])
@pytest.mark.parametrize(("trend", "damped"), [(False, False), (True, False), (True, True)])
def test_smoothing_from_a_window_is_that_of_statsmodels(season, trend, damped):
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    series = wave(240)
    found = fit_smoothing(series, season, trend, damped)
    assert (found.damping > 0) == trend
    kind = {"trend": "add" if trend else None, "damped_trend": damped, "seasonal": "add" if season > 1 else None}
    model = ETSModel(series, **kind, seasonal_periods=season if season > 1 else None, initialization_method="heuristic")
    wanted = model.smooth([
        value
        for value in (found.level, found.trend if trend else None, found.seasonal if season > 1 else None,
                      found.damping if damped else None)
        if value is not None
    ]).forecast(8)  # fmt: skip
    assert np.allclose(windowed(found, 240, 8) @ series, wanted, atol=0.05)


def test_smoothing_goes_on_along_a_line():
    line = 5 + 2.0 * np.arange(24)
    weights = windowed(Smoothing(1, 0.5, 0.1, 0.0, 1.0), 24, 3)
    assert np.allclose(weights @ line, 5 + 2.0 * np.arange(24, 27))
    seasonal = np.tile([1.0, 4.0, 2.0], 8)
    assert np.allclose(windowed(Smoothing(3, 0.3, 0.0, 0.2, 0.0), 24, 4) @ seasonal, [1, 4, 2, 1])


@pytest.mark.parametrize("season", [1, 12])
@pytest.mark.parametrize("fixed", [True, False])
def test_theta_from_a_window_is_that_of_statsmodels(season, fixed):
    from statsmodels.tsa.forecasting.theta import ThetaModel

    series = rising(90)
    about = {"deseasonalize": False} if season == 1 else {"period": season, "use_test": False, "method": "add"}
    wanted = ThetaModel(series, **about).fit().forecast(20)
    found = fit_theta(series, season)
    weight, bias = theta_of_window(found if fixed else replace(found, slope=None), 90, 20)
    assert np.allclose(weight @ series + bias, wanted)
    assert fit_theta(np.ones(90), season) is None
    assert fit_theta(series[:9], season) is None
    assert np.allclose(theta_of_window(Theta(1, 0.5), 1, 2)[0], 1)  # a window of one row has no slope


def test_without_statsmodels_the_rest_is_there_and_a_note(monkeypatch, tmp_path):
    series = rising()
    with_it = LSTMForecaster(horizon=4, season=12, random_state=0, **FEW).fit(series[:120])
    with_it.save(tmp_path / "model")
    assert {"exponential smoothing", "theta"} < set(with_it.backtest(series[120:]).quantiles)
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "statsmodels" else real(name, *a))
    report = LSTMForecaster(horizon=4, season=12, random_state=0, **FEW).fit(series[:120]).report(series[120:])
    assert not {"exponential smoothing", "theta"} & {score.method for score in report.scores}
    assert any("pip install 'carrousel[forecast]'" in note for note in report.notes)
    loaded = load(tmp_path / "model")
    assert loaded.report(series[120:]) == with_it.report(series[120:])


@pytest.mark.parametrize(
    ("frequency", "season", "seasons"),
    [("h", 24, (24, 168)), ("30min", 48, (48, 336)), ("D", 7, (7, 365)), ("min", 60, (60, 1440)), ("MS", 12, (12,)),
     ("W", 52, (52,)), ("YS", 1, ())],
)  # fmt: skip
def test_plausible_seasons(frequency, season, seasons):
    grid, _ = grid_of(pd.date_range("2024", periods=9, freq=frequency), "X")
    assert season_of(grid) == season
    assert plausible_seasons(grid) == seasons
    assert plausible_seasons(None) == ()


def test_every_plausible_season_is_a_rival():
    hours = pd.Series(wave(600, season=24), pd.date_range("2024", periods=600, freq="h"))
    model = LSTMForecaster(horizon=6, random_state=0, **FEW).fit(hours[:550])
    names = list(model.backtest(hours[550:]).quantiles)
    assert {"naive", "seasonal naive (24)", "seasonal naive (168)", "drift", "ridge on a window"} <= set(names)
    assert model.seasons_ == (24, 168)
    several = LSTMForecaster(horizon=4, season=(5, 9), random_state=0, **FEW).fit(wave())
    assert several.seasons_ == (5, 9)
    with pytest.raises(ValueError, match="season must be"):
        LSTMForecaster(horizon=4, season=("a",), **FEW).fit(wave())


# ---- the correction ----


def test_an_untrained_network_says_the_start():
    model, data, _ = fresh(LSTMForecaster, max_epochs=1, random_state=0)
    model.fit(*data)
    fresh_network = model._build()
    values, origins = data[0][:, None], np.arange(60, 80)
    starts = model.simple_.start(values, origins)
    whole = replace(model.correction_, share=1.0, offsets=np.zeros((4, 3)))
    found = whole.quantiles(fresh_network, values, origins, starts, 1)
    assert np.allclose(found[:, :, 1], starts)
    assert (np.diff(found, axis=2) > 0).all()


def test_a_correction_is_taken_where_it_surely_helps():
    random = np.random.default_rng(0)
    wanted, worth = random.normal(size=(200, 3)), np.ones(200)
    assert share_of(wanted, wanted, worth) == 1.0
    assert share_of(2 * wanted, wanted, worth) == 0.5
    assert share_of(random.normal(size=(200, 3)), wanted, worth) == 0.0
    one_part = np.where(np.arange(200)[:, None] < 40, wanted, 0.2 * random.normal(size=(200, 3)))
    assert share_of(one_part, wanted, worth) == 0.0  # what helps in one part alone is chance
    assert share_of(wanted[:3], wanted[:3], worth[:3]) == 0.0


def test_where_the_network_adds_nothing_the_start_alone_remains():
    random = np.random.default_rng(0)
    walk = np.cumsum(random.normal(size=400))
    model = LSTMForecaster(horizon=3, random_state=0, **FEW).fit(walk[:300])
    assert model.correction_.share == 0
    test = model.backtest(walk[300:])
    assert np.array_equal(test.median["LSTM"], test.median[model.simple_.start.name])
    report = test.report()
    assert report.notes[0].startswith("The network adds nothing to its starting forecast")
    assert 0 < model.simple_.skill <= 1  # naive methods are among those that are tried
    assert report.simpler_wins


# ---- intervals ----


@pytest.mark.parametrize(("count", "most"), [(25, 0.88), (200, 0.83)])
def test_offsets_make_quantiles_hold(count, most):
    """Few windows make them wider, as if the steps of one window were off together."""
    random, levels, inside = np.random.default_rng(0), (0.1, 0.5, 0.9), []
    for _ in range(60):
        errors = random.standard_t(3, size=(count + 50, 6)) * np.linspace(1, 3, 6)
        offsets = offsets_of(np.repeat(errors[:count, :, None], 3, axis=2), levels)
        later = errors[count:]
        inside.append(((offsets[:, 0] <= later) & (later <= offsets[:, 2])).mean())
        assert (offsets[:, 1] == 0).all()
    assert 0.79 < np.mean(inside) < most


def test_ordered_quantiles_do_not_cross():
    found = ordered(np.array([[3.0, 1.0, 2.0, 2.5, 0.0]]), 2)
    assert found.tolist() == [[1.0, 1.0, 2.0, 2.5, 2.5]]


@pytest.mark.parametrize("log", [False, True])
def test_intervals_cover_what_they_say(log):
    random, steps = np.random.default_rng(5), np.arange(1600)
    noise = np.zeros(1600)
    for t in range(1, 1600):
        noise[t] = 0.7 * noise[t - 1] + random.normal()
    series = np.sin(2 * np.pi * steps / 12) + 0.5 * noise
    series = np.exp(0.3 * series) if log else series
    model = LSTMForecaster(horizon=6, season=12, random_state=0, **FEW).fit(series[:1000])
    for score in model.report(series[1000:]).scores:
        assert 0.74 < score.metrics["coverage of 80%"] < 0.87, score.method


# ---- doubt ----


def test_the_standard_error_of_origins_that_do_not_overlap_is_the_usual_one():
    figures = np.random.default_rng(0).normal(size=400)
    assert standard_error(figures, 1) == pytest.approx(figures.std() / np.sqrt(399))
    assert standard_error(figures[:1], 1) is None
    assert standard_error(figures[:10], 12) is None
    assert standard_error(np.zeros(50), 4) == 0.0


def test_overlapping_origins_are_less_sure():
    random, claims = np.random.default_rng(0), {1: [], 8: []}
    for _ in range(300):
        figures = np.convolve(random.normal(size=207), np.ones(8) / 8, "valid")  # as forecasts of 8 steps overlap
        for overlap, found in claims.items():
            found.append(abs(figures.mean()) > 2 * standard_error(figures, overlap))
    assert np.mean(claims[8]) < 0.12
    assert np.mean(claims[1]) > 0.3


def test_seeds_add_to_doubt_and_a_verdict_over_them_is_their_mean():
    series, tests = wave(), []
    for seed in range(3):
        model, data, _ = fresh(LSTMForecaster, max_epochs=3, random_state=seed)
        test = model.fit(*data).backtest(series[200:])
        shifted = test.quantiles["LSTM"] + 0.1 * seed  # as networks of different seeds would differ
        tests.append(replace(test, quantiles={**test.quantiles, "LSTM": shifted}))
    one, all_ = tests[0].report(), tests[0].report(*tests[1:])
    assert all_.model.metrics["MAE"] == pytest.approx(np.mean([t.report().model.metrics["MAE"] for t in tests]))
    assert all_.uncertainty > one.uncertainty
    assert all_.scores[1].metrics == pytest.approx(one.scores[1].metrics)
    with pytest.raises(ValueError, match="same origins and methods"):
        tests[0].report(fresh(LSTMForecaster)[0].fit(series[:200]).backtest(series[201:]))


def test_the_report_says_when_intervals_are_off():
    model, data, _ = fresh(LSTMForecaster, max_epochs=1, random_state=0)
    test = model.fit(*data).backtest(wave()[200:])
    narrow = np.repeat(test.quantiles["LSTM"][:, :, 1:2], 3, axis=2)
    report = replace(test, quantiles={**test.quantiles, "LSTM": narrow}).report()
    assert report.notes[-1].startswith("LSTM's intervals of 80 % hold 0 % of the values")
    assert report.notes[-1].endswith("they are too narrow.")
    few = model.backtest(wave()[200:206]).report()
    assert few.uncertainty is None
    assert not few.clear
    assert "so few origins do not tell" in few.notes[-1]


# ---- refitting ----


def test_a_backtest_that_refits_is_that_of_the_models_it_fits():
    series = wave(180)
    model, _, _ = fresh(LSTMForecaster, max_epochs=1, random_state=0)
    test = model.backtest(series, refit=20, first=140, stride=5)
    assert test.origins.tolist() == list(range(140, 177, 5))
    first, second = (fresh(LSTMForecaster, max_epochs=1, random_state=0)[0].fit(series[:n]) for n in (140, 160))
    assert np.allclose(test.median["LSTM"][0], first.predict())
    assert np.allclose(test.median["LSTM"][4], second.predict())
    assert np.array_equal(test.actual[4], series[160:164])
    every = model.backtest(series, refit=True, first=165, stride=6)
    assert len(every.origins) == 2
    index = pd.date_range("2024", periods=180, freq="D")
    frame = pd.DataFrame({"x": series}, index=index)
    same = model.backtest(frame, refit=20, first=140, stride=5)
    assert np.array_equal(same.actual, test.actual)
    for wrong, message in (({"refit": 0}, "refit must be"), ({"refit": 5, "first": 2}, "first must be")):
        with pytest.raises(ValueError, match=message):
            model.backtest(series, **wrong)
    with pytest.raises(ValueError, match="give refit= too"):
        first.backtest(series[140:], first=3)


def test_later_folds_count_more_and_a_wild_member_moves_the_start_little():
    def one(name, *ratios):
        return _candidates.Candidate(name, None, None, ratios)

    early, late = one("early", 0.0, 0.0, 0.0, 0.0, 0.9), one("late", 0.9, 0.2, 0.2, 0.1, 0.0)
    assert np.mean(early.ratios) < np.mean(late.ratios)
    assert late.score < early.score
    assert [each.name for each in _candidates.nearly_best([early, late], 9)] == ["late", "early"]
    twin = one("twin", *(ratio + 0.01 for ratio in late.ratios))
    assert [each.name for each in _candidates.nearly_best([twin, late], 9)] == ["late"]  # the same forecast counts once
    far = one("far", *(ratio + 0.5 for ratio in late.ratios))
    assert [each.name for each in _candidates.nearly_best([far, late], 9)] == ["late"]
    alone = one("alone", 0.4)
    assert alone.score == pytest.approx(0.4)
    assert [each.name for each in _candidates.nearly_best([alone, one("other", 0.0)], 9)] == ["other"]

    shape, values = Shape(2, 0, (), 1), np.ones((9, 1))
    parts = tuple(replace(naive(values, np.arange(3, 8), shape), bias=np.full(2, bias)) for bias in (0.0, 0.1, 50.0))
    start = _simple_forecasts.Calibrated("median of the best", parts, parts[0].form.gauge, np.zeros((2, 3)))
    assert start(values, np.array([5])).tolist() == [[1.1, 1.1]]


def test_variants_are_judged_on_windows_they_did_not_learn_from():
    values = np.random.default_rng(0).normal(size=(120, 1))
    shape, every = Shape(3, 0, (), 1), np.arange(20, 118)
    extent = _candidates.extent_of(120, 3, (), 16, False)
    found = _candidates.judged(values, every, shape, extent)
    before = {(one.name, k): one.score for k, one in enumerate(found)}
    last = [one.build(every)(values, np.array([100])) for one in found]
    assert min(before.values()) < 0  # the mean is better than the last value
    assert all(forecast.shape == (1, 3) for forecast in last)
    assert _simple_forecasts.MEDIAN not in {name for name, _ in before}
