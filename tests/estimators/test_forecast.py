"""The forecaster: what it reads, how it forecasts, and who wins the backtest."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from carrousel.estimators import LSTMForecaster
from carrousel.estimators._conformal import offsets_of
from carrousel.estimators._frequency import grid_of
from carrousel.estimators._grid import season_of
from carrousel.estimators._linear import Shape, naive
from carrousel.estimators._series import as_series
from carrousel.estimators._windows import split_origins
from carrousel.nets._losses import PinballLoss

from .conftest import QUICK, fresh, wave


def fitted(**options):
    estimator, data, _ = fresh(LSTMForecaster, **{"max_epochs": 2, "random_state": 0} | options)
    return estimator.fit(*data)


def test_intervals_never_cross():
    model = fitted(quantiles=(0.01, 0.4, 0.45, 0.55, 0.99), max_epochs=1)
    found = model.backtest(wave()[200:]).quantiles["LSTM"]
    assert model.levels_ == (0.01, 0.4, 0.45, 0.5, 0.55, 0.99)
    assert (np.diff(found, axis=2) >= 0).all()
    assert (np.diff(found, axis=2) > 0).mean() > 0.9
    random = torch.randn(50, model.context_, 1) * 100
    raw = model.network_(random, torch.full((50,), model.context_), torch.zeros(50, 4, 1)).detach().numpy()
    assert (np.diff(raw, axis=2) >= 0).all()


def test_pinball_loss_is_least_at_the_quantile():
    sample = torch.randn(4000, 1)
    for level in (0.1, 0.5, 0.9):
        loss = PinballLoss((level,))
        at = [
            loss(torch.full((4000, 1, 1), v), sample).item()
            for v in torch.quantile(sample, level) + torch.tensor([-0.2, 0, 0.2])
        ]
        assert at[1] < min(at[0], at[2])


def test_prediction_goes_on_from_the_training_data_or_from_newer_rows():
    model = fitted()
    new = wave()[200:230]
    assert model.predict().shape == (4,)
    assert np.array_equal(model.predict(), model.backtest(wave()[200:204]).median["LSTM"][0])
    # The last 16 rows are the whole context, whatever came before them.
    assert np.array_equal(model.predict(new), model.predict(new[-16:], continues=False))
    # Fewer rows than the context are completed from the training data.
    joined = np.concatenate([wave()[:200], new[:3]])
    assert np.array_equal(model.predict(new[:3]), model.predict(joined, continues=False))
    with pytest.raises(ValueError, match="X has 3 rows, and a forecast needs 16"):
        model.predict(new[:3], continues=False)


def test_a_time_index_tells_whether_rows_continue():
    index = pd.date_range("2024-01-01", periods=260, freq="D")
    frame = pd.DataFrame({"a": wave(), "b": wave(seed=1)}, index=index)
    model = LSTMForecaster("a", 4, context=16, **QUICK | {"max_epochs": 1}, random_state=0).fit(frame[:200])
    ahead = model.predict()
    assert ahead.name == "a"
    assert ahead.index.equals(index[200:204])
    assert model.predict(frame[200:203]).index.equals(index[203:207])
    pd.testing.assert_series_equal(model.predict(frame[200:203]), model.predict(frame[100:203]))
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        model.predict(frame[["b", "a"]][200:203])
    quantiles = model.predict_quantiles()
    assert list(quantiles.columns) == [0.1, 0.5, 0.9]
    with pytest.raises(ValueError, match="a forecast needs 16"):
        model.predict(frame[210:213])
    assert model.backtest(frame[200:]).origins[0] == 0
    assert model.backtest(frame[210:]).origins[0] == 16
    with pytest.raises(ValueError, match="yet now missing:\n- b"):
        model.predict(frame[["a"]][200:])


def test_the_network_never_sees_the_future():
    model = fitted()
    rows = wave()[200:].copy()
    before = model.backtest(rows).quantiles
    rows[30:] += 100
    after = model.backtest(rows).quantiles
    for method in before:
        assert np.array_equal(before[method][:31], after[method][:31]), method
        assert not np.allclose(before[method][31:], after[method][31:]), method


def test_a_shifted_series_shifts_the_forecast():
    one, other = fitted(), None
    estimator, (series,), _ = fresh(LSTMForecaster, max_epochs=2, random_state=0)
    other = estimator.fit(1000 + 10 * series)
    assert np.allclose(other.predict(), 1000 + 10 * one.predict(), rtol=1e-4)


def test_known_covariates_are_used():
    random = np.random.default_rng(0)
    effect = random.integers(0, 2, size=600).astype(float)
    values = np.column_stack([3 * effect + 0.1 * random.normal(size=600), effect])
    options = {
        "horizon": 3,
        "context": 4,
        "max_epochs": 15,
        "learning_rate": 0.01,
        "hidden_size": 16,
        "random_state": 0,
    }
    blind = LSTMForecaster(0, **options).fit(values[:500])
    seeing = LSTMForecaster(0, known=(1,), **options).fit(values[:500])
    assert seeing.report(values[500:]).model.metrics["MAE"] < 0.5 < blind.report(values[500:]).model.metrics["MAE"]
    up, down = seeing.predict(future=np.ones(3)), seeing.predict(future=np.zeros((3, 1)))
    assert (up - down > 2).all()
    for future, message in (
        (None, "next 3 rows of the known covariates \\[1\\]"),
        (np.ones(2), "must be \\[3, 1\\]"),
        (np.array([1, np.nan, 1]), "NaN or infinity at row 1"),
        (pd.DataFrame({"x": [1, 1, 1]}), "lacks the known covariate 1"),
    ):
        with pytest.raises(ValueError, match=message):
            seeing.predict(future=future)
    with pytest.raises(ValueError, match="no column was named in known="):
        blind.predict(future=np.ones(3))


def test_validation_windows_come_later_and_share_no_target():
    for rows, reach, horizon, share in ((100, 10, 5, 0.2), (50, 3, 12, 0.3), (30, 10, 10, 0.2), (20, 10, 10, None)):
        train, valid = split_origins(rows, reach, horizon, share)
        assert train[0] == reach
        assert max([*train, *valid]) == rows - horizon
        if len(valid):
            assert train[-1] + horizon <= valid[0]
            assert len(valid) == round(share * (rows - horizon - reach + 1))


# ---- the simple methods and the report ----


def test_naive_by_hand():
    values = np.arange(20.0)[:, None]

    def said(origins, horizon, season):
        origins = np.array(origins)
        return naive(values, origins, Shape(horizon, 0, (), 1), season)(values, origins).tolist()

    assert said([5, 9], 3, 1) == [[4, 4, 4], [8, 8, 8]]
    assert said([5], 5, 3) == [[2, 3, 4, 2, 3]]


def test_offsets_are_ordered_about_the_point():
    levels = (0.1, 0.5, 0.9)
    random = np.random.default_rng(0)
    errors = np.repeat(random.normal(size=(2000, 2))[:, :, None], 3, axis=2)
    assert np.allclose(offsets_of(errors, levels), [[-1.28, 0, 1.28]] * 2, atol=0.12)


def test_figures_by_hand():
    model = fitted(quantiles=(0.2, 0.8))
    found = model.backtest(wave()[200:], stride=5)
    series = wave()
    assert found.origins.tolist() == list(range(0, 57, 5))
    assert np.array_equal(found.actual, [series[200 + o : 204 + o] for o in found.origins])
    assert np.array_equal(found.median["naive"], [[series[199 + o]] * 4 for o in found.origins])
    unit = np.abs(series[12:200] - series[:188]).mean()
    for score in found.report().scores:
        error = found.actual - found.median[score.method]
        low, high = found.quantiles[score.method][:, :, 0], found.quantiles[score.method][:, :, -1]
        assert score.metrics["MAE"] == pytest.approx(np.abs(error).mean())
        assert score.metrics["RMSE"] == pytest.approx(np.sqrt((error**2).mean()))
        assert score.metrics["MASE"] == pytest.approx(np.abs(error).mean() / unit)
        assert score.metrics["coverage of 60%"] == pytest.approx(
            ((low <= found.actual) & (found.actual <= high)).mean()
        )
    dense = model.backtest(wave()[200:])
    assert model.score(wave()[200:]) == pytest.approx(
        1 - np.abs(dense.actual - dense.median["LSTM"]).mean() / np.abs(dense.actual - dense.median["naive"]).mean()
    )


def test_where_ridge_wins_the_report_says_so():
    random = np.random.default_rng(0)
    series = np.zeros(400)
    for t in range(2, 400):  # linear, and short: what ridge regression is made for
        series[t] = 1.6 * series[t - 1] - 0.8 * series[t - 2] + random.normal()
    model = LSTMForecaster(horizon=5, context=16, max_epochs=10, highway=False, random_state=0).fit(series[:250])
    report = model.report(series[250:])
    assert report.simpler_wins
    assert report.winner.method == "ridge on a window"
    assert "ridge on a window, a simpler method, does as well" in report.verdict
    assert "The network adds nothing to its starting forecast, ridge on a window (16 lags" in report.notes[0]
    assert model.predict().tolist() == model.simple_.start(model.tail_.values, np.array([len(model.tail_)]))[0].tolist()
    assert "ridge on a window*" in str(report)
    assert report.to_dict()["winner"] == "ridge on a window"


def test_where_the_lstm_wins_it_says_so_too():
    series = np.empty(900)
    series[0] = 0.3
    for t in range(1, 900):  # the logistic map: no line through the past tells the next value
        series[t] = 3.8 * series[t - 1] * (1 - series[t - 1])
    model = LSTMForecaster(horizon=1, context=4, max_epochs=15, learning_rate=0.02, random_state=0).fit(series[:700])
    report = model.report(series[700:])
    assert not report.simpler_wins
    assert report.model.metrics["MAE"] < 0.3 * report.best_simple.metrics["MAE"]
    assert report.verdict.startswith("LSTM wins: MAE ")


# ---- the time index ----


@pytest.mark.parametrize(
    ("frequency", "season"),
    [("h", 24), ("D", 7), ("B", 5), ("W", 52), ("MS", 12), ("ME", 12), ("QS", 4), ("YS", 1), ("min", 60), ("s", 60),
     ("15min", 96), ("30min", 48), ("6h", 4), ("7h", 1), ("2D", 1)],
)  # fmt: skip
def test_season_from_frequency(frequency, season):
    series = as_series(
        pd.Series(np.ones(40), pd.DatetimeIndex(pd.date_range("2024", periods=40, freq=frequency).values))
    )
    assert season_of(series.grid) == season
    assert series.places(40, 3).equals(pd.date_range("2024", periods=43, freq=frequency)[40:])


def test_season_of_periods():
    assert season_of(grid_of(pd.period_range("2000", periods=9, freq="Q"), "X")[0]) == 4
    assert season_of(grid_of(pd.RangeIndex(9), "X")[0]) == season_of(None) == 1


@given(st.integers(3, 40), st.integers(1, 39))
def test_a_gap_in_time_is_found(rows, gap):
    index = pd.date_range("2024", periods=rows + 2, freq="h")
    series = pd.Series(np.ones(rows + 1), index.delete(1 + gap % (rows - 1)))
    with pytest.raises(ValueError, match="not regular: row"):
        as_series(series)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([1.0, np.nan]), "NaN at row 1, column 0"),
        (pd.DataFrame({"x": [1.0, np.inf]}), "inf at row 1 \\(1\\), column 'x'"),
        (pd.Series([1.0, np.nan], pd.date_range("2024", periods=2)), "NaN at row 1 \\(2024-01-02 00:00:00\\)"),
        (pd.DataFrame({"x": ["a", "b"]}), "column 'x' of X holds"),
        (pd.Series([1.0, 2.0], index=["a", "b"]), "must be times, periods or integers"),
        (pd.Series(np.ones(4), pd.DatetimeIndex([f"2024-01-0{d}" for d in (1, 2, 2, 3)])), "row 2 .* follows"),
        (pd.Series(np.ones(3), [5, 4, 3]), "row 1 \\(4\\) follows 5"),
        (np.ones((2, 2, 2)), "shape \\(2, 2, 2\\)"),
        (np.ones(0), "empty"),
        (np.ones((50, 3)), "give target=, one of the columns 0, 1, 2"),
        (np.ones(20), "horizon of 12 is too long for the series"),
    ],
)  # fmt: skip
def test_refused(X, message):
    with pytest.raises(ValueError, match=message):
        LSTMForecaster(context=16).fit(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "load"}, "target 'load' is not a column of the series; it has 0, 1"),
        ({"target": 0, "known": ("holiday",)}, "known covariate 'holiday' is not a column"),
        ({"target": 0, "known": (0,)}, "target 0 cannot be known ahead"),
        ({"target": 0, "quantiles": (0.1, 1.0)}, "between 0 and 1"),
        ({"target": 0, "horizon": 0}, "horizon must be an integer"),
        ({"target": 0, "season": 0}, "season must be an integer"),
        ({"target": 0, "cell": "lsmt"}, "did you mean"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(ValueError, match=message):
        LSTMForecaster(**options).fit(np.random.default_rng(0).normal(size=(100, 2)))


def test_refused_backtests():
    model = fitted()
    with pytest.raises(ValueError, match="a backtest needs 4 rows for a horizon of 4, X has 3"):
        model.backtest(np.ones(3))
    with pytest.raises(ValueError, match="a backtest needs 20 rows"):
        model.backtest(np.ones(19), continues=False)
    with pytest.raises(ValueError, match="stride must be"):
        model.backtest(np.ones(30), stride=0)
    with pytest.raises(ValueError, match="X has 2 features, but LSTMForecaster is expecting 1 features as input"):
        model.predict(np.ones((30, 2)))
    with pytest.raises(ValueError, match="give X too"):
        model.predict(continues=True)


def test_an_unusual_short_series():
    model = LSTMForecaster(horizon=2, max_epochs=1, hidden_size=4).fit(np.arange(12.0))
    assert model.context_ == 3
    assert np.isfinite(model.predict()).all()
    with pytest.raises(ValueError, match="too long for the series"):
        LSTMForecaster(horizon=12).fit(np.arange(12.0))
