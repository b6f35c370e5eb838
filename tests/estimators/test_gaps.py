"""Missing values: no forecast sees what came after it, and none is counted."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel.estimators import LSTMForecaster, load
from carrousel.estimators._series import as_series, placed, rows_of
from carrousel.estimators._series_gaps import FILLS, Filling
from carrousel.estimators._widened import worthwhile
from carrousel.nets._losses import PinballLoss

from .conftest import QUICK, wave

EVERY = pytest.mark.parametrize("fill", FILLS)


@st.composite
def broken(draw, rows=30):
    """A series of two columns with gaps, each column with a value somewhere."""
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    values = random.normal(size=(rows, 2))
    values[random.random((rows, 2)) < draw(st.sampled_from([0.05, 0.4, 0.8]))] = np.nan
    values[random.integers(rows), :] = 1.0
    return values


@settings(deadline=None)
@given(broken(), st.sampled_from(FILLS), st.integers(6, 25), st.integers(1, 6))
def test_what_stands_before_an_origin_does_not_depend_on_what_comes_after(values, fill, origin, reach):
    filling, horizon, origins = Filling.fit(values, fill), 3, np.array([origin, 26])
    changed = values.copy()
    changed[origin:] = np.where(np.isnan(changed[origin:]), 7.0, np.nan)
    seen = []
    for each in (values, changed):
        filled, places = filling.contexts(each, origins, reach, horizon)
        seen.append(filled[places[0] - reach : places[0]])
        assert not np.isnan(filled).any()
    assert np.array_equal(*seen)


@settings(deadline=None)
@given(broken(), st.sampled_from(FILLS))
def test_what_is_there_stays(values, fill):
    filling, gone = Filling.fit(values, fill), np.isnan(values)
    filled = filling(values)
    assert np.array_equal(filled[:, :2][~gone], values[~gone])
    if fill == "mask":
        assert filling.masked == tuple(np.flatnonzero(gone.any(axis=0)))
        assert [pair[1] for pair in filling.masks] == list(range(2, 2 + len(filling.masked)))
        assert np.array_equal(filled[:, 2:], gone[:, list(filling.masked)])
    else:
        assert filled.shape == values.shape


def test_filled_by_hand():
    values = np.array([[np.nan, 1.0, np.nan, np.nan, 4.0, np.nan]]).T
    assert Filling.fit(values, "last")(values)[:, 0].tolist() == [2.5, 1, 1, 1, 4, 4]
    line = Filling.fit(values, "interpolate")
    assert line(values)[:, 0].tolist() == [2.5, 1, 2, 3, 4, 4]
    filled, places = line.contexts(values, np.array([3, 5]), 2, 1)
    assert filled[places[0] - 2 : places[0], 0].tolist() == [1, 1]  # the 4 is not known yet
    assert filled[places[1] - 2 : places[1], 0].tolist() == [3, 4]
    assert line.open_ended(values, np.array([1, 2, 3, 4, 5])).tolist() == [True, False, True, True, False]


def test_a_missing_target_counts_in_no_loss():
    loss, forecast = PinballLoss((0.1, 0.5)), torch.randn(2, 4, 2, requires_grad=True)
    actual = torch.tensor([[1.0, torch.nan, -1.0, torch.nan], [0.0, 1.0, 2.0, 3.0]])
    each = loss.each(forecast, actual)
    assert torch.allclose(each[0], loss.each(forecast[:1, ::2], actual[:1, ::2])[0])
    each.sum().backward()
    assert (forecast.grad[0, 1::2] == 0).all()
    assert forecast.grad.isfinite().all()


def test_windows_to_learn_from():
    gone = np.zeros(60, dtype=bool)
    gone[30:40] = True
    assert worthwhile(gone, np.arange(55), 5).tolist() == [*range(26), *range(40, 55)]
    gone[::2] = True
    found = worthwhile(gone, np.arange(20), 4)  # all lack a step: those that lack half of them are taken
    assert found.tolist() == list(range(20))
    assert len(worthwhile(np.ones(60, dtype=bool), np.arange(20), 4)) == 0


def test_missing_steps_become_rows():
    index = pd.date_range("2024", periods=30, freq="h")
    frame = pd.DataFrame({"a": np.arange(30.0)}, index=index)
    kept = frame.drop(index[[3, 4, 20]])
    series = as_series(kept, gaps=True)
    assert series.places().equals(index)
    assert np.flatnonzero(np.isnan(series.values[:, 0])).tolist() == [3, 4, 20]
    with pytest.raises(ValueError, match=r"row 3 .* follows .*fill=\"mask\""):
        as_series(kept)
    tail = as_series(frame[:20]).last(10)
    for rows in (frame[20:].drop(index[25]), frame[23:], frame[23:24]):
        joined, before = placed(rows_of(rows), tail, gaps=True)
        assert before == 10
        assert joined.places()[-1] == rows.index[-1]
        assert np.isnan(joined.values[:, 0]).sum() == len(joined) - 10 - len(rows)
    assert placed(rows_of(frame[23:]), tail)[1] == 0
    with pytest.raises(ValueError, match="at steps of one length; is a time of it wrong"):
        as_series(pd.Series(1.0, index[:5].union(pd.DatetimeIndex(["9000-01-01"]))), gaps=True)


@pytest.mark.parametrize(("value", "hint"), [(np.nan, "takes series with gaps"), (np.inf, "no number")])
def test_what_is_missing_is_refused_by_row_and_column(value, hint):
    frame = pd.DataFrame({"x": [1.0, 2.0, value, 4.0]}, pd.date_range("2024", periods=4))
    word = "NaN" if np.isnan(value) else "inf"
    with pytest.raises(ValueError, match=rf"{word} at row 2 \(2024-01-03 00:00:00\), column 'x'; .*{hint}"):
        LSTMForecaster(horizon=1).fit(frame)


def test_refused():
    with pytest.raises(ValueError, match="fill must be one of None, 'mask', 'interpolate', 'last', got 'zero'"):
        LSTMForecaster(fill="zero").fit(wave())
    with pytest.raises(ValueError, match="inf at row 3"):
        LSTMForecaster(fill="mask").fit(np.where(np.arange(200) == 3, np.inf, wave()[:200]))
    with pytest.raises(ValueError, match="column 1 of X has no value at all"):
        LSTMForecaster(0, fill="mask").fit(np.column_stack([wave(), np.full(260, np.nan)]))
    with pytest.raises(ValueError, match="too many values are missing"):
        LSTMForecaster(horizon=4, context=16, fill="mask").fit(np.where(np.arange(260) % 9 == 0, wave(), np.nan))


def gapped(gaps=40):
    """Hours with steps that are missing, alone and for half a day, and values that are missing beside."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"load": wave(), "heat": wave(seed=1)}, pd.date_range("2024", periods=260, freq="h", name="at")
    )
    frame.iloc[random.choice(200, gaps, replace=False), 0] = np.nan
    frame.iloc[random.choice(255, gaps, replace=False), 1] = np.nan
    frame.iloc[230:233, 0] = np.nan
    return frame.drop(frame.index[[20, 21, *range(100, 112), 240]])


@EVERY
def test_a_model_of_a_series_with_gaps(fill, tmp_path):
    frame = gapped()
    model = LSTMForecaster("load", 4, known="heat", context=16, fill=fill, random_state=0, **QUICK | {"max_epochs": 2})
    first = frame[frame.index < "2024-01-09 08:00"]
    model.fit(first)
    future = pd.DataFrame({"heat": 1.0}, pd.date_range("2024-01-09 08:00", periods=4, freq="h"))
    said = model.predict_quantiles(future=future)
    assert said.index.equals(future.index)
    assert np.isfinite(said.to_numpy()).all()
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict_quantiles(future=future), said)
    rest = frame[frame.index >= "2024-01-09 08:00"]
    test = model.backtest(rest)
    assert np.isnan(test.actual).sum() >= 4
    assert not np.isnan(test.actual).all(axis=1).any()
    for method in test.quantiles:
        assert np.isfinite(test.quantiles[method]).all(), method
    assert all(np.isfinite(list(score.metrics.values())).all() for score in test.report().scores)
    assert loaded.report(rest) == model.report(rest)
    assert all(np.isfinite(values).all() for values in model.activations(rest).values())
    anew = model.backtest(frame.assign(heat=frame["heat"].ffill()), refit=30, first=200)
    assert anew.origins[0] == 200
    assert anew.origins[-1] == 256
    assert anew.index.equals(pd.date_range("2024", periods=260, freq="h"))
    # What comes later does not change a forecast.
    place = int(np.flatnonzero(np.isnan(test.actual).any(axis=1))[0])
    later = rest.copy()
    later.iloc[int(test.origins[place]) :, 0] = 5.0
    again = model.backtest(later)
    assert np.array_equal(again.quantiles["LSTM"][: place + 1], test.quantiles["LSTM"][: place + 1])


def test_what_is_masked_enters_as_zero_with_a_mask_beside():
    model = LSTMForecaster("load", 4, context=16, fill="mask", **QUICK | {"max_epochs": 1}).fit(gapped())
    series = as_series(gapped(), gaps=True)
    window, origin = model.correction_.window, 50
    inputs = window.inputs(model._widened(series), np.array([origin]), np.ones((1, 4)))[0][0]
    gone = np.isnan(series.values[origin - 16 : origin])
    assert gone.any(axis=0).all()
    assert (inputs[:, :2][gone] == 0).all()
    assert (inputs[:, :2][~gone] != 0).all()
    assert np.array_equal(inputs[:, 2:], gone)


def test_tampered_gaps(tmp_path):
    from tampering import close, opened

    from carrousel.estimators import ModelError
    from carrousel.estimators._saved import FORMAT

    LSTMForecaster("load", 4, context=16, fill="mask", **QUICK | {"max_epochs": 1}).fit(gapped()).save(tmp_path / "m")
    facts, arrays = opened(tmp_path / "m")
    for change in (
        {"masked": [0, 5]}, {"masked": [1, 0]}, {"masked": "0"}, {"usual": [0.0]}, {"usual": None}, {"calendar": 1},
        {"params": {**facts["params"], "fill": "magic"}}, {"params": {**facts["params"], "fill": "last"}},
    ):  # fmt: skip
        close(tmp_path / "m", FORMAT, {**facts, **change}, arrays)
        with pytest.raises(ModelError):
            load(tmp_path / "m")
    close(tmp_path / "m", FORMAT, facts, {n: a for n, a in arrays.items() if n != "series.gone"})
    with pytest.raises(ModelError):
        load(tmp_path / "m")
