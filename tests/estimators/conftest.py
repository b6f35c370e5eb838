"""Small problems that an LSTM learns in a second, and one fitted estimator of each kind."""

import numpy as np
import pytest
import torch

from carrousel.estimators import LSTMClassifier, LSTMForecaster, LSTMRegressor, LSTMTagger, LSTMTranscriber

QUICK = {"hidden_size": 8, "max_epochs": 8, "batch_size": 16, "learning_rate": 0.03}
QUICK |= {"dropout": 0.0, "input_noise": 0.0}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pulses(count=60, channels=2, seed=0):
    """Ragged sequences with a pulse early, in the middle or late in the first channel, and where it was."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, size=count)
    X = [random.normal(scale=0.3, size=(n, channels)) + 5 for n in random.integers(6, 15, size=count)]
    for x, place in zip(X, y, strict=True):
        x[(1, len(x) // 2, -2)[place], 0] += 3
    return X, np.array(["early", "late", "middle"])[[0, 2, 1]][y]


def tags_of(X):
    """The tags of steps: whether the pulse is over."""
    return [np.where(np.arange(len(x)) < x[:, 0].argmax(), "before", "after") for x in X]


def wave(rows=260, season=12, seed=0):
    """A season, a slow drift and noise."""
    random = np.random.default_rng(seed)
    steps = np.arange(rows)
    return np.sin(2 * np.pi * steps / season) + 0.01 * steps + 0.1 * random.normal(size=rows)


def fresh(kind, **options):
    """A quick estimator of a kind, what it is fitted on, and what it predicts from."""
    if kind is LSTMForecaster:
        settings = {"horizon": 4, "context": 16, "season": 12, "batches_per_epoch": 4} | QUICK
        return kind(**settings | options), (wave()[:200],), (wave()[200:],)
    X, y = pulses()
    if kind is LSTMTagger:
        y = tags_of(X)
    if kind is LSTMTranscriber:
        y, options = [("first", str(place), "last") for place in y], {"num_layers": 1} | options
    if kind is LSTMRegressor:
        y = np.array([[x[:, 0].max(), float(len(x))] for x in X])
    return kind(**QUICK | {"validation": 0.1} | options), (X, y), (X[::-1],)


def outputs(estimator, data):
    """All that an estimator says about data, as one array."""
    if isinstance(estimator, LSTMClassifier):
        return estimator.predict_proba(*data)
    if isinstance(estimator, (LSTMTagger, LSTMTranscriber)):
        return np.concatenate(estimator.predict_proba(*data))
    if isinstance(estimator, LSTMForecaster):
        return estimator.predict_quantiles(*data)
    return estimator.predict(*data)
