"""How much a sequence counts."""

import numpy as np
import pytest
import torch

from carrousel.estimators import LSTMClassifier, LSTMRegressor
from carrousel.estimators._baselines import fit_logistic, fit_ridge
from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequences import as_sequences
from carrousel.estimators._weights import mean_one
from carrousel.nets._losses import SquaredError, WeightedCrossEntropy

from .conftest import QUICK, outputs, pulses

KINDS = pytest.mark.parametrize("kind", [LSTMClassifier, LSTMRegressor], ids=lambda kind: kind.__name__)
# Nothing is drawn: one batch of everything, nothing kept aside.
STILL = QUICK | {"batch_size": 1000, "validation": None, "max_epochs": 12, "random_state": 0}


def problem(kind, count=30):
    X, y = pulses(count)
    if kind is LSTMRegressor:
        y = np.array([[x[:, 0].max(), float(len(x))] for x in X])
    return X, y, np.random.default_rng(1).integers(0, 4, count)


def repeated(X, y, weights):
    places = np.repeat(np.arange(len(X)), weights)
    return [X[k] for k in places], y[places]


@KINDS
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_a_weight_is_a_number_of_copies(kind, class_weight):
    if kind is LSTMRegressor and class_weight:
        pytest.skip("only a classifier has classes")
    X, y, weights = problem(kind)
    options = STILL | ({"class_weight": class_weight} if class_weight else {})
    one, other = kind(**options).fit(X, y, weights), kind(**options).fit(*repeated(X, y, weights))
    for mine, theirs in zip(one.history_, other.history_, strict=True):
        assert mine["train_loss"] == pytest.approx(theirs["train_loss"], rel=1e-4)
    np.testing.assert_allclose(outputs(one, (X,)), outputs(other, (X,)), rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(one.scaler_.mean, other.scaler_.mean, rtol=1e-12)
    np.testing.assert_allclose(one.scaler_.scale, other.scaler_.scale, rtol=1e-12)
    same = ("prior_",) if kind is LSTMClassifier else ("mean_",)
    for name in same:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12)
    alike = kind(**options).fit(X, y)
    assert np.abs(outputs(alike, (X,)) - outputs(one, (X,))).max() > 0.01
    # Only their proportions count.
    np.testing.assert_allclose(outputs(kind(**options).fit(X, y, weights / 7), (X,)), outputs(one, (X,)), atol=2e-3)


@KINDS
def test_what_counts_nothing_is_not_there(kind):
    """To the bit, whatever is drawn, and whatever it says."""
    X, y, weights = problem(kind)
    options = QUICK | {"validation": 0.2, "random_state": 0, "dropout": 0.2}
    kept = np.flatnonzero(weights)
    want = kind(**options).fit([X[k] for k in kept], y[kept], weights[kept])
    wild = [x if w else 1e6 * x for x, w in zip(X, weights, strict=True)]
    found = kind(**options).fit(wild, y, weights)
    assert np.array_equal(outputs(want, (X,)), outputs(found, (X,)))
    assert want.history_ == found.history_
    if kind is LSTMClassifier:
        with pytest.raises(ValueError, match="one class only: 'early'"):
            kind(**options).fit(X, y, (y == "early").astype(float))
        assert kind(**options).fit(X, y, y != "early").classes_.tolist() == ["late", "middle"]


@KINDS
def test_weights_of_validation_data(kind):
    X, y, weights = problem(kind, 40)
    train, valid = (X[:30], y[:30], weights[:30]), (X[30:], y[30:], weights[30:])
    one = kind(**QUICK, random_state=0).fit(*train, validation_data=valid)
    other = kind(**QUICK, random_state=0).fit(*train, validation_data=repeated(*valid))
    plain = kind(**QUICK, random_state=0).fit(*train, validation_data=valid[:2])
    name = "accuracy" if kind is LSTMClassifier else "MAE"
    for mine, theirs in zip(one.history_, other.history_, strict=True):
        assert mine["valid_loss"] == pytest.approx(theirs["valid_loss"], rel=1e-5)
        assert mine[name] == pytest.approx(theirs[name], rel=1e-5)
    assert one.history_[0]["valid_loss"] != pytest.approx(plain.history_[0]["valid_loss"], rel=1e-3)


def test_losses_of_weighted_batches_add_up_to_that_of_copies():
    random = torch.Generator().manual_seed(0)
    weights = np.array([3, 1, 2, 2, 4, 1])
    places = np.repeat(np.arange(6), weights)
    for loss, predicted, actual in (
        (SquaredError(), torch.randn(6, 2, generator=random), torch.randn(6, 2, generator=random)),
        (WeightedCrossEntropy(torch.tensor([0.5, 2.0])), torch.randn(6, 2, generator=random), torch.arange(6) % 2),
    ):
        in_units = torch.from_numpy(mean_one(weights.astype(float)))
        batches = [slice(0, 3), slice(3, 6)]
        found = sum(loss(predicted[b], (actual[b], in_units[b])) for b in batches) / 2
        assert float(found) == pytest.approx(float(loss(predicted[places], actual[places])), rel=1e-6)


def test_baselines_and_scales_count_copies():
    X, y, weights = problem(LSTMRegressor)
    classes = (y[:, 0] > np.median(y[:, 0])).astype(int)
    kept = np.flatnonzero(weights)
    sequences, copies = as_sequences(X).take(kept), as_sequences(repeated(X, y, weights)[0])
    places = np.repeat(kept, weights[kept])
    for one, other in (
        (
            fit_logistic(sequences, "raw steps", 5, classes[kept], 2, None, weights[kept]),
            fit_logistic(copies, "raw steps", 5, classes[places], 2, None, None),
        ),
        (
            fit_logistic(sequences, "summary features", 1, classes[kept], 2, None, weights[kept]),
            fit_logistic(copies, "summary features", 1, classes[places], 2, None, None),
        ),
        (Scaler.fit(sequences.values, np.repeat(weights[kept], sequences.lengths)), Scaler.fit(copies.values)),
    ):
        for name, value in vars(one).items():
            if isinstance(value, np.ndarray):
                np.testing.assert_allclose(value, getattr(other, name), rtol=1e-3, atol=1e-3, err_msg=name)
    for features, wide in (("raw steps", 10), ("summary features", 15)):
        assert fit_ridge(sequences, features, 5, y[kept], weights[kept].astype(float)).weight.shape == (2, wide)


@KINDS
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(29), "inconsistent numbers of samples"),
        (np.ones((30, 2)), "one number for each sequence"),
        (-np.ones(30), "Negative values"),
        (np.zeros(30), "zero for every sequence"),
        (np.r_[np.nan, np.ones(29)], "sample_weight contains NaN"),
        (["heavy"] * 30, "could not convert"),
    ],
    ids=["too few", "matrix", "negative", "zero", "nan", "text"],
)
def test_refused(kind, weights, message):
    X, y, _ = problem(kind)
    with pytest.raises(ValueError, match=message):
        kind(**QUICK).fit(X, y, weights)


def test_a_checkpoint_of_other_weights_is_refused(tmp_path):
    from carrousel.estimators import ModelError

    X, y, weights = problem(LSTMClassifier)
    model = LSTMClassifier(**QUICK | {"max_epochs": 1}, random_state=0)
    model.fit(X, y, weights, checkpoint=tmp_path / "run")
    model.fit(X, y, weights, checkpoint=tmp_path / "run", resume=True)
    with pytest.raises(ModelError, match="other data"):
        model.fit(X, y, weights + 1, checkpoint=tmp_path / "run", resume=True)
