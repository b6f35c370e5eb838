"""The simple methods that a model has to beat: linear in each channel's mean and deviation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV

from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequences import Ragged

__all__ = ["ALPHAS", "LinearBaseline", "fit_logistic", "fit_ridge"]

ALPHAS = np.logspace(-3, 5, 17)


@dataclass(frozen=True)
class LinearBaseline:
    """``features @ weight.T + bias`` on standardised features; weight [K, 2·C], bias [K]."""

    scaler: Scaler
    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, sequences: Ragged) -> np.ndarray:  # [N, K]
        features = (mean_and_deviation(sequences) - self.scaler.mean) / self.scaler.scale
        return features @ self.weight.T + self.bias

    def tensors(self) -> dict[str, np.ndarray]:
        """Returns its arrays by name."""
        return {"mean": self.scaler.mean, "scale": self.scaler.scale, "weight": self.weight, "bias": self.bias}

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray]) -> LinearBaseline:
        """Returns the baseline of what ``tensors`` returned."""
        return cls(Scaler(tensors["mean"], tensors["scale"]), tensors["weight"], tensors["bias"])


def mean_and_deviation(sequences: Ragged) -> np.ndarray:
    """Returns each channel's mean and standard deviation over a sequence's steps, [N, 2·C]."""
    starts, lengths = sequences.starts, sequences.lengths[:, None]
    mean = np.add.reduceat(sequences.values, starts) / lengths
    centred = sequences.values - np.repeat(mean, sequences.lengths, axis=0)
    return np.hstack([mean, np.sqrt(np.add.reduceat(centred**2, starts) / lengths)])


def fit_logistic(
    sequences: Ragged, classes: np.ndarray, count: int, class_weight: object, weights: np.ndarray | None
) -> LinearBaseline:
    """Fits a logistic regression; ``classes`` [N] numbers below ``count``, ``weights`` [N] of the sequences."""
    features = mean_and_deviation(sequences)
    scaler = Scaler.fit(features, weights)
    features = (features - scaler.mean) / scaler.scale
    model = LogisticRegression(max_iter=2000, class_weight=class_weight).fit(features, classes, sample_weight=weights)
    weight, bias = np.zeros((count, features.shape[1])), np.zeros(count)
    if count == 2:
        weight[1], bias[1] = model.coef_[0], model.intercept_[0]
    else:
        weight[:], bias[:] = model.coef_, model.intercept_
    return LinearBaseline(scaler, weight, bias)


def fit_ridge(sequences: Ragged, targets: np.ndarray, weights: np.ndarray | None) -> LinearBaseline:
    """Fits a ridge regression, its penalty chosen by leave-one-out; ``targets`` [N, D], ``weights`` [N]."""
    features = mean_and_deviation(sequences)
    scaler = Scaler.fit(features, weights)
    model = RidgeCV(ALPHAS).fit((features - scaler.mean) / scaler.scale, targets, sample_weight=weights)
    return LinearBaseline(scaler, np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_))
