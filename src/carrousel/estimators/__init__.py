"""Scikit-learn style estimators over the LSTM family."""

from ._backtest import Backtest
from ._errors import ModelError
from ._progress import Progress, ProgressCallback
from ._report import Report, Score
from ._saved import load
from .classify import LSTMClassifier
from .forecast import LSTMForecaster
from .regress import LSTMRegressor

# Every estimator that scikit-learn's conventions bind: the tests run the same checks on each.
ESTIMATORS = (LSTMClassifier, LSTMRegressor, LSTMForecaster)

__all__ = [
    "ESTIMATORS",
    "Backtest",
    "LSTMClassifier",
    "LSTMForecaster",
    "LSTMRegressor",
    "ModelError",
    "Progress",
    "ProgressCallback",
    "Report",
    "Score",
    "load",
]
