"""Stream learners as estimators of river: ``pip install 'carrousel[stream]'``.

>>> from river import datasets, metrics
>>> from carrousel.streams.river import LSTMRegressor
>>> model, error = LSTMRegressor(hidden_size=8), metrics.MAE()
>>> for x, y in datasets.TrumpApproval().take(300):
...     error.update(y, model.predict_one(x))
...     model.learn_one(x, y)
>>> error.get() < 1.0
True
"""

from __future__ import annotations

from typing import Any

from river import base

from carrousel.learning.metalearning import Metalearned
from carrousel.streams._classifier import StreamClassifier
from carrousel.streams._regressor import StreamRegressor

__all__ = ["LSTMAnomalyDetector", "LSTMClassifier", "LSTMRegressor", "MetalearnedRegressor"]


class LSTMRegressor(StreamRegressor, base.Regressor):
    """:class:`carrousel.streams.StreamRegressor` as river knows regressors; the same arguments."""


class LSTMAnomalyDetector(StreamRegressor, base.SupervisedAnomalyDetector):
    """:class:`carrousel.streams.StreamRegressor` as river knows detectors of anomalies that are given targets.

    ``score_one(x, y)`` is between 0 and 1; a quantile of 0.99 flags a line whose error is among the largest hundredth
    of the last thousand.
    """


class LSTMClassifier(StreamClassifier, base.Classifier):
    """:class:`carrousel.streams.StreamClassifier` as river knows classifiers; the same arguments."""

    @property
    def _multiclass(self) -> bool:
        return True

    def predict_proba_one(self, x: Any, **kwargs: Any) -> dict[Any, float]:
        """Returns the probability of every class seen so far; nothing changes."""
        return super().predict_proba_one(x)

    def predict_one(self, x: Any, **kwargs: Any) -> Any:
        """Returns the most probable class, None before anything was learned; nothing changes."""
        return super().predict_one(x)


class MetalearnedRegressor(Metalearned, base.Regressor):
    """:class:`carrousel.learning.Metalearned` as river knows regressors; the same arguments."""
