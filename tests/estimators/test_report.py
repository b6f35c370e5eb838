"""The plain word on which method wins."""

import json
import math
import sys
import types

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV, RidgeCV
from sklearn.metrics import balanced_accuracy_score, log_loss, mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from carrousel.estimators import LSTMClassifier, LSTMRegressor, Report, Score
from carrousel.estimators._baselines import ALPHAS

from .conftest import QUICK, pulses


def summary(X):
    """Summary features by another way."""
    rows = []
    for x in X:
        change = np.abs(x[1:] - x[:-1]).mean(axis=0)
        rows.append(np.r_[x.mean(0), x.std(0), x.min(0), x.max(0), x[0], x[-1], change, np.log(len(x))])
    return np.array(rows)


def steps(X, count):
    """Sequences at equally spaced times, by another way."""
    return np.array(
        [
            np.ravel([[np.interp(p, range(len(x)), c) for c in x.T] for p in np.linspace(0, len(x) - 1, count)])
            for x in X
        ]
    )


def test_classifier_beside_an_independent_logistic_regression():
    X, y = pulses(80)
    model = LSTMClassifier(**QUICK, random_state=0).fit(X[:50], y[:50])
    report = model.report(X[50:], y[50:])
    longest = max(len(x) for x in X[:50])
    makers = {"raw steps": lambda X: steps(X, longest), "summary features": summary}
    said = {"LSTM": (model.predict(X[50:]), model.predict_proba(X[50:]))}
    for features, make in makers.items():
        simple = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(make(X[:50]), y[:50])
        said[f"logistic regression on {features}"] = simple.predict(make(X[50:])), simple.predict_proba(make(X[50:]))
    common = DummyClassifier().fit(X[:50], y[:50])
    said["most frequent class"] = common.predict(X[50:]), np.tile(model.prior_, (30, 1))
    scores = {score.method: score.metrics for score in report.scores}
    assert list(scores) == [*list(said)[:3], "1-nearest neighbour", "most frequent class"]
    for method, (guess, probable) in said.items():
        assert scores[method]["accuracy"] == pytest.approx((guess == y[50:]).mean())
        assert scores[method]["balanced accuracy"] == pytest.approx(balanced_accuracy_score(y[50:], guess))
        assert scores[method]["log loss"] == pytest.approx(log_loss(y[50:], probable, labels=model.classes_), rel=1e-3)
    assert math.isnan(scores["1-nearest neighbour"]["log loss"])
    assert report.count == 30
    assert report.verdict.startswith(report.winner.method)


def nearest(known, targets, asked):
    """The targets of the nearest of known sequences [M, R·C], by hand."""
    return targets[((asked[:, None] - known[None]) ** 2).sum(axis=2).argmin(axis=1)]


@pytest.mark.parametrize("shifted", [False, True])
def test_the_nearest_neighbour_by_hand(shifted):
    """Where a sequence's level says nothing, the distances that leave it out are taken."""
    X, y = pulses(80)
    rng = np.random.default_rng(1)
    X = [x + shifted * 50 * rng.normal(size=2) for x in X]
    model = LSTMClassifier(**QUICK | {"max_epochs": 1}, random_state=0).fit(X[:50], y[:50])
    score = next(s for s in model.report(X[50:], y[50:]).scores if s.method == "1-nearest neighbour")
    longest = max(len(x) for x in X[:50])
    found = []
    for normalised in (False, True):
        rows = steps(X, longest).reshape(80, longest, 2)
        rows = (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True) if normalised else rows
        rows = rows.reshape(80, -1) if normalised else (rows / model.scaler_.scale).reshape(80, -1)
        among = [nearest(np.delete(rows[:50], k, 0), np.delete(y[:50], k), rows[k : k + 1])[0] for k in range(50)]
        guess = nearest(rows[:50], y[:50], rows[50:])
        found.append(((np.array(among) == y[:50]).mean(), (guess == y[50:]).mean()))
    assert score.metrics["accuracy"] == pytest.approx(found[int(found[1][0] > found[0][0])][1])
    assert not shifted or found[1][0] > found[0][0]


def test_rivals_that_keep_no_sequence():
    X, y = pulses(40)
    model = LSTMClassifier(**QUICK | {"max_epochs": 1}, rivals="linear").fit(X, y)
    assert model.rivals_.examples is None
    assert not [name for name in model._arrays() if name.startswith("examples")]
    assert len(model.report(X, y).scores) == 4


@pytest.mark.parametrize("kind", [LSTMClassifier, LSTMRegressor])
def test_random_convolutions_where_sktime_has_them(kind, monkeypatch):
    X, y = pulses(40)
    y = y if kind is LSTMClassifier else np.array([x[:, 0].max() for x in X])
    model = kind(**QUICK | {"max_epochs": 1}, rivals="all", random_state=0).fit(X, y)
    monkeypatch.setitem(sys.modules, "sktime.transformations.panel.rocket", None)
    report = model.report(X, y)
    assert "Not compared: random convolutions (MiniRocket)" in str(report)
    assert len(report.scores) == 5

    class Kernels:
        """In place of sktime's, which takes a minute when it is first compiled: the values themselves."""

        def __init__(self, random_state):
            assert random_state == model.seed_

        def fit(self, X):
            assert X.shape == (40, 2, 14)
            return self

        def transform(self, X):
            return pd.DataFrame(X.reshape(len(X), -1))

    module = types.SimpleNamespace(MiniRocketMultivariate=Kernels)
    monkeypatch.setitem(sys.modules, "sktime.transformations.panel.rocket", module)
    scores = {score.method: score.metrics for score in model.report(X, y).scores}
    rows = steps(X, 14)
    ridge = RidgeClassifierCV if kind is LSTMClassifier else RidgeCV
    want = make_pipeline(StandardScaler(), ridge(ALPHAS)).fit(rows, y).predict(rows)
    found = scores["random convolutions (MiniRocket)"]
    if kind is LSTMClassifier:
        assert found["accuracy"] == (want == y).mean()
    else:
        assert found["MAE"] == pytest.approx(np.abs(want - y).mean(), rel=1e-3)


def test_many_training_sequences_are_kept_in_part(monkeypatch):
    monkeypatch.setattr("carrousel.estimators._rivals.MOST_NUMBERS", 14 * 2 * 10)
    X, y = pulses(40)
    model = LSTMClassifier(**QUICK | {"max_epochs": 1}).fit(X, y)
    assert len(model.rivals_.examples.values) == 10
    assert "Of 1-nearest neighbour: learned from 10 of 40 training sequences." in str(model.report(X, y))


def test_two_classes():
    X, y = pulses(60)
    model = LSTMClassifier(**QUICK | {"max_epochs": 1}, class_weight="balanced").fit(X, y == "late")
    score = model.report(X, y == "late").scores[2]
    simple = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000))
    assert score.metrics["accuracy"] == pytest.approx(
        simple.fit(summary(X), y == "late").score(summary(X), y == "late")
    )


def test_where_mean_and_deviation_are_all_the_simple_method_wins():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, size=150)
    X = [random.normal(0.5 * k, 1, size=(12, 3)) for k in y]
    report = LSTMClassifier(**QUICK | {"max_epochs": 1}, random_state=0).fit(X[:50], y[:50]).report(X[50:], y[50:])
    assert report.simpler_wins
    assert report.winner.method.startswith("logistic regression on")
    assert "a simpler method" in report.verdict


def test_regressor_beside_an_independent_ridge():
    X, _ = pulses(80)
    Y = np.array([[x[:, 0].max(), 1e3 * len(x)] for x in X])
    for y in (Y, Y[:, 0]):
        model = LSTMRegressor(**QUICK, random_state=0).fit(X[:50], y[:50])
        report = model.report(X[50:], y[50:])
        longest = max(len(x) for x in X[:50])
        mean = np.broadcast_to(y[:50].mean(axis=0), y[50:].shape)
        guesses = {"LSTM": model.predict(X[50:]), "mean": mean}
        for features, make in {"raw steps": lambda X, n=longest: steps(X, n), "summary features": summary}.items():
            simple = make_pipeline(StandardScaler(), RidgeCV(ALPHAS)).fit(make(X[:50]), y[:50])
            guesses[f"ridge on {features}"] = simple.predict(make(X[50:]))
        assert {score.method for score in report.scores} == {*guesses, "1-nearest neighbour"}
        for score in report.scores:
            if score.method not in guesses:
                continue
            guess = guesses[score.method]
            assert score.metrics["MAE"] == pytest.approx(mean_absolute_error(y[50:], guess))
            assert score.metrics["RMSE"] == pytest.approx(np.sqrt(((y[50:] - guess) ** 2).mean()))
            assert score.metrics["R2"] == pytest.approx(r2_score(y[50:], guess))
        assert not report.higher_is_better
        assert report.best_simple.method == "ridge on summary features"


def test_another_cell_stands_under_its_own_name():
    X, y = pulses(30)
    report = LSTMClassifier(**QUICK | {"max_epochs": 1}, cell="elman(squash=relu)").fit(X, y).report(X, y)
    assert report.model.method == "elman(squash=relu)"


def made(model, simple, higher=True, uncertainty=None):
    scores = (
        Score("LSTM", False, {"m": model}),
        Score("plain", True, {"m": simple}),
        Score("flat", True, {"m": -9.0 if higher else 9.0}),
    )
    return Report("classification", "m", higher, scores, 10, uncertainty)


@pytest.mark.parametrize(
    ("model", "simple", "higher", "winner", "said"),
    [
        (0.9, 0.8, True, "LSTM", "LSTM wins: m 0.9 against 0.8 of plain (10 test sequences)."),
        (0.8, 0.9, True, "plain", "plain, a simpler method, wins: m 0.9 against 0.8 of LSTM (10 test sequences)."),
        (0.8, 0.8, True, "plain", "plain, a simpler method, does as well: m 0.8 (10 test sequences). Use it."),
        (2.0, 1.0, False, "plain", "plain, a simpler method, wins: m 1 against 2 of LSTM (10 test sequences)."),
        (1.0, 2.0, False, "LSTM", "LSTM wins: m 1 against 2 of plain (10 test sequences)."),
    ],
)
def test_verdicts(model, simple, higher, winner, said):
    report = made(model, simple, higher)
    assert report.winner.method == winner
    assert report.simpler_wins == (winner != "LSTM")
    assert report.verdict.startswith(said)
    assert str(report).endswith(report.verdict)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["winner"] == winner


def test_a_small_difference_is_called_small():
    assert not made(0.9, 0.1).clear
    assert "How much of the difference is chance is not known" in made(0.9, 0.1).verdict
    assert "within what chance explains" in made(0.9, 0.88, uncertainty=0.02).verdict
    assert "within what chance explains" not in made(0.9, 0.8, uncertainty=0.02).verdict
    assert "within what chance explains" not in made(0.9, 0.88).verdict


def test_a_figure_that_is_not_there():
    scores = Score("LSTM", False, {"MAE": 1.0, "MASE": float("nan")}), Score("naive", True, {"MAE": 2.0, "MASE": 1.0})
    report = Report("forecast", "MAE", False, scores, 3)
    assert report.to_dict()["scores"][0]["metrics"]["MASE"] is None
    assert str(report).splitlines()[1].split() == ["LSTM*", "1", "-"]
