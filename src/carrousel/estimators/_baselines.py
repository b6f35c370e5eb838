"""Linear methods that a model has to beat, on what ``_summaries`` makes of a sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV

from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._summaries import FEATURES

__all__ = ["ALPHAS", "LinearBaseline", "fit_logistic", "fit_ridge"]

ALPHAS = np.logspace(-3, 5, 17)


@dataclass(frozen=True)
class LinearBaseline:
    """``features @ weight.T + bias`` on standardised features.

    Attributes:
        features: a name in ``FEATURES``, which have F numbers.
        steps: to which a sequence is resampled, for ``"raw steps"``.
        scaler: of the features.
        weight: [K, F].
        bias: [K].
    """

    features: str
    steps: int
    scaler: Scaler
    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, sequences: Ragged) -> np.ndarray:  # [N, K]
        features = FEATURES[self.features](sequences, self.steps)
        return (features - self.scaler.mean) / self.scaler.scale @ self.weight.T + self.bias

    def tensors(self) -> dict[str, np.ndarray]:
        """Returns its arrays by name."""
        return {"mean": self.scaler.mean, "scale": self.scaler.scale, "weight": self.weight, "bias": self.bias}


def fit_logistic(
    sequences: Ragged,
    features: str,
    steps: int,
    classes: np.ndarray,
    count: int,
    class_weight: object,
    weights: np.ndarray | None,
) -> LinearBaseline:
    """Fits a logistic regression; ``classes`` [N] numbers below ``count``, ``weights`` [N] of the sequences."""
    seen = FEATURES[features](sequences, steps)
    scaler = Scaler.fit(seen, weights)
    seen = (seen - scaler.mean) / scaler.scale
    model = LogisticRegression(max_iter=2000, class_weight=class_weight).fit(seen, classes, sample_weight=weights)
    weight, bias = np.zeros((count, seen.shape[1])), np.zeros(count)
    if count == 2:
        weight[1], bias[1] = model.coef_[0], model.intercept_[0]
    else:
        weight[:], bias[:] = model.coef_, model.intercept_
    return LinearBaseline(features, steps, scaler, weight, bias)


def fit_ridge(
    sequences: Ragged, features: str, steps: int, targets: np.ndarray, weights: np.ndarray | None
) -> LinearBaseline:
    """Fits a ridge regression, its penalty chosen by leave-one-out; ``targets`` [N, D], ``weights`` [N]."""
    seen = FEATURES[features](sequences, steps)
    scaler = Scaler.fit(seen, weights)
    model = RidgeCV(ALPHAS).fit((seen - scaler.mean) / scaler.scale, targets, sample_weight=weights)
    weight = np.ascontiguousarray(np.atleast_2d(model.coef_))  # as it is read back, for the last bit's sake
    return LinearBaseline(features, steps, scaler, weight, np.atleast_1d(model.intercept_))
