"""The default learners: simple forecasts, what networks add to them, how both are weighed, and how rare an error is."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel._format import Format
from carrousel.streams import Follower, StreamClassifier, StreamRegressor, _stream
from carrousel.streams._mixture import KEPT, Mixture, Ranks, Weighing
from carrousel.streams._past import Past
from carrousel.streams._standardise import Standardiser


def said_of(model, targets, records=None):
    """What a model says of each target before it learns it."""
    said = []
    for x, y in zip(records or [{}] * len(targets), targets, strict=True):
        said.append(model.predict_one(x))
        model.learn_one(x, y)
    return np.array(said)


def mean_error(said, targets, first=500):
    return np.abs(said - targets)[first:].mean()


@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("seasons", [(), (2,), (5,), (2, 5), (3, 4, 7)])
def test_simple_forecasts_are_what_they_are_called(used, seasons):
    """Against lists: at any gap the last target that is known stands for one that is not."""
    rng = np.random.default_rng(len(seasons))
    targets = np.where(rng.random(60) < 0.2, np.nan, rng.normal(size=60))
    targets[0], targets[20:31] = 1.0, np.nan
    known = Past(used, seasons)
    ahead = known.learn(targets)
    for t in range(1, 60):
        when = np.flatnonzero(~np.isnan(targets[:t]))[-1]
        last = targets[when]
        if used:
            assert ahead.simple[t, 1] == last
        for k, season in enumerate(seasons if used else ()):
            then = [targets[at - season] if at >= season else np.nan for at in (t, when)]
            assert ahead.simple[t, 2 + 2 * k] == (last if np.isnan(then[0]) else then[0])
            change = then[0] - then[1]
            assert ahead.simple[t, 3 + 2 * k] == pytest.approx(last if np.isnan(change) else last + change)
        assert np.isnan(ahead.goals[t]).all() == (np.isnan(targets[t]) or not ahead.scales[t].all())
    assert known.simple == (2 + 2 * len(seasons) if used else 1)
    before = {name: array.copy() for name, array in known.arrays.items()}
    assert known.look(3).simple.shape == (3, known.simple)
    assert all(np.array_equal(before[name], array) for name, array in known.arrays.items())


def test_a_scale_forgets_and_an_outlier_hardly_moves_it():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3000, 1))
    clean, dirty = Standardiser(1), Standardiser(1)
    clean.learn(values)
    values[2900] = 1e90
    dirty.learn(values)
    assert dirty.spread == pytest.approx(clean.spread, rel=0.02)
    assert dirty.mean == pytest.approx(clean.mean, abs=0.02)
    dirty.learn(100 * rng.normal(size=(6000, 1)))  # another world
    assert dirty.spread == pytest.approx(100 * clean.spread, rel=0.1)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([1e-9, 1.0, 1e9]),
    better=st.integers(0, 4),
    later=st.integers(0, 4),
)
def test_the_mixture_follows_the_best_forecast_of_any_scale(seed, scale, better, later):
    """It loses little to the best one, also when that is another one from the middle on."""
    rng = np.random.default_rng(seed)
    targets = scale * rng.normal(size=1000)
    forecasts = targets[:, None] + scale * rng.normal(size=(1000, 5))
    for begin, best in ((0, better), (500, later)):
        forecasts[begin : begin + 500, best] = targets[begin : begin + 500] + 0.3 * scale * rng.normal(size=500)
    mixture = Mixture(5)
    off = np.abs(mixture.learn(forecasts, targets) - targets)
    for part, best in ((slice(100, 500), better), (slice(800, None), later)):
        assert off[part].mean() < 1.05 * np.abs(forecasts[part, best] - targets[part]).mean()
    assert mixture.weights.sum() == pytest.approx(1)
    assert mixture.weights.argmax() == later


def test_a_forecast_that_is_not_finite_gets_no_weight():
    mixture, targets = Mixture(2), np.arange(50.0)
    forecasts = np.stack([targets + 1, np.full(50, 1e30)], 1)
    mixture.learn(forecasts, targets)
    assert mixture.weights[0] == pytest.approx(1)
    perfect = Mixture(2)
    perfect.learn(np.stack([targets, targets + 1], 1), targets)
    assert np.array_equal(perfect.weights, [1, 0])


def test_probabilities_are_weighed_by_what_they_gave_to_the_class_that_came():
    weighing = Weighing(2)
    assert np.array_equal(weighing.look(np.array([[1.0, 0.0], [0.0, 1.0]])), [0.5, 0.5])
    weighing.learn(np.array([[0.8, 0.2], [0.4, 0.6]]), 0)
    assert weighing.weights == pytest.approx([2 / 3, 1 / 3])
    for _ in range(2000):
        weighing.learn(np.array([[0.0, 1.0], [0.5, 0.5]]), 0)
    assert weighing.weights[1] > 0.999
    assert np.isfinite(weighing.losses).all()


@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_can_be_learned_persistence_is_hardly_missed(seed):
    walk = np.cumsum(np.random.default_rng(seed).normal(size=1500))
    said = said_of(StreamRegressor(hidden_size=4, seed=seed), walk)
    assert mean_error(said, walk) < 1.02 * np.abs(np.diff(walk))[499:].mean()


def test_what_can_be_learned_is():
    t = np.arange(1500)
    rng = np.random.default_rng(0)
    season = 100 + 10 * np.sin(2 * np.pi * t / 24) + 3 * np.sin(4 * np.pi * t / 24 + 1) + rng.normal(size=1500)
    season[::97] += 8  # outliers
    error = mean_error(said_of(StreamRegressor(hidden_size=8, season=24), season), season)
    rivals = [np.abs(season[lag:] - season[:-lag])[500 - lag :].mean() for lag in (1, 24)]
    assert error < 0.95 * min(rivals)
    independent = rng.normal(size=1500)  # targets that do not follow one another, but from a feature
    records = [{"u": u} for u in independent]
    for past in (True, False):
        said = said_of(StreamRegressor(hidden_size=8, past=past), 5 + 2 * independent, records)
        assert mean_error(said, 5 + 2 * independent, 1000) < 0.5  # of 1.6 that the mean would leave


def test_the_weights_are_named_and_the_simple_forecasts_can_be_asked_for():
    model = StreamRegressor(hidden_size=2, rate=(0.01, 0.1), season=2)
    assert model.simple == {}
    said_of(model, [1.0, 4.0, 2.0])
    assert model.simple == {"mean": pytest.approx(7 / 3), "last": 2.0, "season": 4.0, "last and seasonal change": 5.0}
    assert sum(model.weights.values()) == pytest.approx(1)
    assert list(model.weights)[3:6] == [
        "last and seasonal change",
        "last, corrected at 0.01",
        "last, corrected at 0.1",
    ]
    assert len(model.weights) == 4 + 3 * 2


@pytest.mark.parametrize("kind", [StreamRegressor, StreamClassifier])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rate": ()}, "1 to 16"),
        ({"rate": "fast"}, "rate must be a number"),
        ({"rate": -1.0}, "rate must be a number not negative"),
        ({"optimiser": "magic"}, "optimiser must be one of"),
        ({"missing": "guess"}, "missing must be one of mean, mask, last"),
    ],
)
def test_arguments_that_are_none_are_refused(kind, given, message):
    with pytest.raises(ValueError, match=message):
        kind(**given).learn_one({"u": 1.0}, 1.0)


@pytest.mark.parametrize("season", [1, -3, 2.5, 10**9, "day"])
def test_a_season_is_a_number_of_records(season):
    with pytest.raises(ValueError, match=r"season is .*, and should be a whole number from 2"):
        StreamRegressor(season=season).learn_one({}, 1.0)


@pytest.mark.parametrize("kind", [StreamRegressor, StreamClassifier])
@pytest.mark.parametrize("missing", ["mask", "last"])
def test_missing_features_are_taken_as_was_asked(kind, missing, tmp_path):
    """One by one, in arrays with NaN, and after loading; which of them is missing tells the target."""
    rng = np.random.default_rng(0)
    u = rng.normal(size=400)
    gone = rng.random(400) < 0.4
    gone[0] = False
    filled = [u[: t + 1][~gone[: t + 1]][-1] for t in range(400)]
    tells = gone if missing == "mask" else np.array(filled) > 0
    targets = tells.astype(float) if kind is StreamRegressor else ["no" if each == 0 else "yes" for each in tells]
    seen = np.where(gone, np.nan, u)
    model, many = (kind(hidden_size=4, missing=missing, past=False) for _ in range(2))
    said = []
    for t, y in enumerate(targets):
        x = {} if gone[t] and t % 3 == 0 else {0: None if gone[t] and t % 3 == 1 else float(seen[t])}
        if t == 200:
            model.save(tmp_path / "state")
            model = kind.load(tmp_path / "state")
        said.append(model.predict_one(x))
        model.learn_one(x, y)
    for begin, end in ((0, 1), (1, 150), (150, 400)):
        many.learn_many(seen[begin:end, None], targets[begin:end])
    assert many.predict_one({0: None}) == model.predict_one({}) == model.predict_one({0: float("nan")})
    right = [(a > 0.5) == (b > 0.5) if kind is StreamRegressor else a == b for a, b in zip(said, targets, strict=True)]
    assert np.mean(right[200:]) > 0.9
    plain = kind(missing="mean")
    with pytest.raises(ValueError, match="is nan"):
        plain.learn_one({0: float("nan")}, targets[0])


def test_ranks_are_shares_of_the_last_errors():
    rng = np.random.default_rng(0)
    errors = np.round(rng.random(KEPT + 300), 2)
    ranks = Ranks()
    assert ranks.rank(1.0) == 0.5
    for begin in range(0, len(errors), 13):
        ranks.learn(errors[begin : begin + 13])
    kept = errors[-KEPT:]
    for error in (-1.0, 0.0, 0.5, 0.503, 2.0):
        assert ranks.rank(error) == pytest.approx(((kept < error).sum() + 0.5 * (kept == error).sum()) / KEPT)


@pytest.mark.parametrize("kind", [StreamRegressor, StreamClassifier])
def test_scores_are_high_where_a_record_is_unusual(kind):
    rng = np.random.default_rng(1)
    t = np.arange(700)
    if kind is StreamRegressor:
        targets = list(np.sin(0.3 * t) + 0.1 * rng.normal(size=700))
        targets[600] += 3
    else:
        targets = ["abc"[k % 3] for k in t]
        targets[600] = "d"
    model, scores = kind(hidden_size=6), []
    for y in targets:
        before = model.predict_one({})
        scores.append(model.score_one({}, y))
        assert model.predict_one({}) == before
        model.learn_one({}, y)
    assert 0 <= min(scores) <= max(scores) <= 1
    assert scores[600] > 0.99
    assert np.mean(np.array(scores[300:600]) > 0.95) < 0.15


def test_a_follower_says_what_is_unusual_and_who_was_right_of_late():
    rng = np.random.default_rng(0)
    lines = [f"{10 * (t % 4) + rng.normal():.3f}" for t in range(300)]
    lines[50] = "NA"
    follower = Follower(StreamRegressor(hidden_size=3, season=4, missing="last"), "y", anomaly=True)
    said = []
    for each in follower.follow(io.BytesIO(("y,\n" + "".join(f"{y},\n" for y in lines)).encode())):
        said.append(each)
        if each.line == 200:
            follower.tally.forget()
    assert said[50].target is None
    assert said[50].anomaly is None
    assert all(0 <= each.anomaly <= 1 for each in said if each.target is not None)
    targets = np.array([float(y) for y in lines[200:]])
    late = np.array([each.prediction for each in said[200:]])
    recent = follower.tally.recent
    assert recent.lines == 100
    assert recent.mean_error == pytest.approx(np.abs(late - targets).mean())
    rivals = recent.mean_rivals
    assert list(rivals) == ["persistence", "season", "linear"] == follower.rivals
    for name, lag in (("persistence", 1), ("season", 4)):
        before = np.array([float(y) for y in lines[200 - lag : 300 - lag]])
        assert rivals[name] == pytest.approx(np.abs(targets - before).mean())
    assert recent.mean_error < 1.1 * rivals["season"] < 0.2 * rivals["persistence"]
    assert follower.tally.lines == 298


def test_a_state_of_an_earlier_version_is_refused_in_clear_words(tmp_path):
    assert _stream.FORMAT.version == 5
    Format("carrousel-stream", 4, "a state").write(tmp_path / "state", {"kind": "StreamRegressor"}, {})
    with pytest.raises(ValueError, match=r"state cannot be read.* number 4, and this version of carrousel reads 5"):
        StreamRegressor.load(tmp_path / "state")
