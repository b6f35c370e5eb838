"""Time windows: baselines to all their digits, and how a forecast goes on from itself."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel import papers
from carrousel.learning.online import Learner
from carrousel.papers.gers2001 import _windows as windows
from carrousel.papers.gers2001 import _windows_models as models
from carrousel.papers.gers2001._windows import TIME_WINDOWS
from carrousel.tasks import mackey_glass

# Computed apart from this code, from the series as the paper has it: NRMSE of the methods for T = 1, 6, 84.
NRMSE = {
    "persistence": (0.146, 0.820, 1.605),
    "linear": (0.066, 0.425, 0.546),
    "polynomial": (0.0015, 0.0046, 0.072),
}
# NMSE of the laser, one step ahead and 100 steps alone.
NMSE = {"persistence": (0.95, None), "linear-5": (0.53, None), "linear-10": (0.36, 0.72), "linear-40": (0.32, None)}


def measured(name, **changes):
    config = TIME_WINDOWS.config(name).changed(**changes)
    return TIME_WINDOWS.trial(config, TIME_WINDOWS.choose({}), 0, 0)


@pytest.mark.parametrize("method", NRMSE)
@pytest.mark.parametrize(("place", "ahead"), [(0, 1), (1, 6), (2, 84)])
def test_the_baselines_are_exact(method, place, ahead):
    found = measured(f"{method}-{ahead}", further=())["nrmse"]
    digits = 4 if NRMSE[method][place] < 0.01 else 3
    assert round(found, digits) == NRMSE[method][place]
    if f"{method}-{ahead}" in windows.EXACT:
        assert round(found, 4) == windows.EXACT[f"{method}-{ahead}"]


@pytest.mark.parametrize("method", NMSE)
def test_the_baselines_of_the_laser_are_exact(method):
    pytest.importorskip("reservoirpy")
    found = measured(f"laser-{method}")
    one, alone = NMSE[method]
    assert round(found["nmse"], 2) == one
    assert alone is None or round(found["own_nmse"], 2) == alone


def test_the_series_is_that_of_a_finer_computation():
    """Shorter steps of another method; from 17 on the jump from 0 to 1.2 comes back, which a step makes a slope."""
    fine, delay, many = 200, 17, 60
    values = np.zeros((delay + many) * fine + 1)
    values[delay * fine] = 1.2
    for t in range(delay * fine, len(values) - 1):
        slope = [0.2 * was / (1 + was**10) for was in values[t - delay * fine : t - delay * fine + 2]]
        first = slope[0] - 0.1 * values[t]
        second = slope[1] - 0.1 * (values[t] + first / fine)
        values[t + 1] = values[t] + (first + second) / 2 / fine
    np.testing.assert_allclose(mackey_glass(many), values[delay * fine :: fine][:many], atol=0.01)
    np.testing.assert_allclose(mackey_glass(17), 1.2 * np.exp(-0.1 * np.arange(17)), rtol=1e-6)
    with pytest.raises(ValueError, match="steps must be"):
        mackey_glass(0)
    with pytest.raises(ValueError, match="first must be a finite number above 0"):
        mackey_glass(5, first=float("nan"))


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_forecast_goes_on_from_what_it_said(ahead):
    """Of values that double, whoever multiplies by 2 to the power of his steps ahead is right at all steps."""
    values = 2.0 ** np.arange(12)
    model = models.Window(ahead, (0, 2), 0, lambda seen: 2.0**ahead * seen[:, 0])
    said = models.forecast(model, values[:8], np.array([3, 5, 7]), 4)
    np.testing.assert_array_equal(said, values[np.array([[4, 5, 6, 7], [6, 7, 8, 9], [8, 9, 10, 11]])])
    with pytest.raises(ValueError, match="a forecast from step 1 wants 2 values before it"):
        models.forecast(model, values, np.array([1, 5]), 1)


def test_a_forecast_that_runs_away_stays_a_number():
    model = models.Window(1, (0,), 0, lambda seen: seen[:, 0] ** 5)
    assert np.abs(models.forecast(model, np.full(5, 9.0), np.array([4]), 60)).max() == models.FAR


def test_copies_of_lstm_say_what_the_network_does():
    rng = np.random.default_rng(0)
    values = rng.normal(size=260).cumsum()
    scale = models.Scale(values, np.arange(250), 2)
    learner = Learner(models.network(), dtype=np.float64, seed=1)
    assert learner.weight_count == 113
    model = models.LSTM(learner, scale, 2)
    origins = np.array([230, 240])
    outputs = learner.sequence_outputs([scale.inward(values[30:241, None])])[:, 0]
    told = models.forecast(model, values, origins, 2)[:, -1]
    np.testing.assert_allclose(told, values[origins] + scale.most * outputs[origins - 30])
    own = models.forecast(model, values, origins[:1], 3)[
        0
    ]  # step 231 is not given: what was said two before stands for it
    again = np.append(values[30:231], values[229] + scale.most * outputs[199])
    outputs = learner.sequence_outputs([scale.inward(again[:, None])])[:, 0]
    np.testing.assert_allclose(own[-1], again[-1] + scale.most * outputs[-1])


def test_only_what_is_learned_from_is_fitted():
    """Values of the test part change nothing of what is learned."""
    setting = papers.Setting.of(TIME_WINDOWS.config("linear-6"), {}, 0, 0)
    prepared = TIME_WINDOWS.prepare(setting)
    before = windows.fitted(prepared, setting)[0].answer(np.ones((1, 4)))
    prepared.sets.values[3_207:] = 9.0
    assert windows.fitted(prepared, setting)[0].answer(np.ones((1, 4))) == before
    prepared.sets.values[3_206] = 9.0  # the target of step 3,200
    assert windows.fitted(prepared, setting)[0].answer(np.ones((1, 4))) != before


def test_lstm_is_asked_for_nothing_at_the_beginning_of_a_piece(monkeypatch):
    told = []
    monkeypatch.setattr(Learner, "learn_sequences", lambda self, *given: told.append(given))
    found = measured("lstm-6", further=(), sequences=203, length=60, unasked=50)
    assert found["steps"] == 203 * 60
    inputs, targets, spans = (np.concatenate([given[k] for given in told]) for k in range(3))
    assert inputs.shape == targets.shape == (203 * 60, 1)
    assert (np.diff(spans) == 60).all()
    assert len(spans) == 203
    asked = ~np.isnan(targets.reshape(203, 60))
    assert not asked[:, :50].any()
    assert asked[:, 50:].all()
    values, scale = mackey_glass(5_585), models.Scale(mackey_glass(5_585), np.arange(200, 3_201), 6)
    seen = inputs[:60, 0] * scale.deviation + scale.mean
    begin = int(np.argmin(np.abs(values[:3_201] - seen[0]) + np.abs(values[59:3_260] - seen[59])))
    np.testing.assert_allclose(seen, values[begin : begin + 60])
    at = np.arange(begin + 50, begin + 60)
    np.testing.assert_allclose(targets[50:60, 0], (values[at + 6] - values[at]) / scale.most)


def test_weights_of_the_net_are_counted_as_it_has_them():
    values = mackey_glass(400)
    net = models.WindowNet(values, np.arange(20, 300), 6, (0, 6), 0, hidden=3, decay=1e-3, iterations=5)
    assert net.weights == 3 * 2 + 3 + 3 + 1


def test_figures_of_a_row():
    trials = [{"nrmse": 0.1, "own_6": 1.0}, {"nrmse": 0.3, "own_6": 2.0}, {"nrmse": 0.2, "own_6": 9.0}]
    assert windows.summary(trials) == {"nrmse": 0.2, "least": 0.1, "most": 0.3, "own_6": 2.0}
    assert windows.summary([{"nmse": 0.5, "own_nmse": 2.0}]) == {
        "nmse": 0.5,
        "least": 0.5,
        "most": 0.5,
        "own_nmse": 2.0,
    }
