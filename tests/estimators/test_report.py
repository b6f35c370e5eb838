"""The plain word on which method wins."""

import json

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score, mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from carrousel.estimators import LSTMClassifier, LSTMRegressor, Report, Score
from carrousel.estimators._baselines import ALPHAS

from .conftest import QUICK, pulses


def summary(X):
    return np.array([np.r_[x.mean(axis=0), x.std(axis=0)] for x in X])


def test_classifier_beside_an_independent_logistic_regression():
    X, y = pulses(80)
    model = LSTMClassifier(**QUICK, random_state=0).fit(X[:50], y[:50])
    report = model.report(X[50:], y[50:])
    simple = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(summary(X[:50]), y[:50])
    common = DummyClassifier().fit(X[:50], y[:50])
    for score, guess in zip(
        report.scores, (model.predict(X[50:]), simple.predict(summary(X[50:])), common.predict(X[50:])), strict=True
    ):
        assert score.metrics["accuracy"] == pytest.approx((guess == y[50:]).mean())
        assert score.metrics["balanced accuracy"] == pytest.approx(balanced_accuracy_score(y[50:], guess))
    assert [score.method for score in report.scores] == [
        "LSTM", "logistic regression on mean and deviation", "most frequent class",
    ]  # fmt: skip
    assert report.count == 30
    assert not report.simpler_wins  # when a pulse came is not in mean and deviation
    assert report.verdict.startswith("LSTM wins: accuracy")


def test_two_classes():
    X, y = pulses(60)
    model = LSTMClassifier(**QUICK | {"max_epochs": 1}, class_weight="balanced").fit(X, y == "late")
    score = model.report(X, y == "late").scores[1]
    simple = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000))
    assert score.metrics["accuracy"] == pytest.approx(
        simple.fit(summary(X), y == "late").score(summary(X), y == "late")
    )


def test_where_mean_and_deviation_are_all_the_simple_method_wins():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, size=150)
    X = [random.normal(0.5 * k, 1, size=(12, 3)) for k in y]
    report = LSTMClassifier(**QUICK | {"max_epochs": 3}, random_state=0).fit(X[:50], y[:50]).report(X[50:], y[50:])
    assert report.simpler_wins
    assert report.winner.method == "logistic regression on mean and deviation"
    assert "a simpler method" in report.verdict


def test_regressor_beside_an_independent_ridge():
    X, _ = pulses(80)
    Y = np.array([[x[:, 0].max(), 1e3 * len(x)] for x in X])
    for y in (Y, Y[:, 0]):
        model = LSTMRegressor(**QUICK, random_state=0).fit(X[:50], y[:50])
        report = model.report(X[50:], y[50:])
        simple = make_pipeline(StandardScaler(), RidgeCV(ALPHAS)).fit(summary(X[:50]), y[:50])
        mean = np.broadcast_to(y[:50].mean(axis=0), y[50:].shape)
        guesses = model.predict(X[50:]), simple.predict(summary(X[50:])), mean
        for score, guess in zip(report.scores, guesses, strict=True):
            assert score.metrics["MAE"] == pytest.approx(mean_absolute_error(y[50:], guess))
            assert score.metrics["RMSE"] == pytest.approx(np.sqrt(((y[50:] - guess) ** 2).mean()))
            assert score.metrics["R2"] == pytest.approx(r2_score(y[50:], guess))
        assert not report.higher_is_better
        assert report.best_simple.method in ("ridge on mean and deviation", "mean")


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
