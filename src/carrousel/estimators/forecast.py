from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator

from ._report import Report


@dataclass(frozen=True)
class Backtest:
    """Forecasts of every method from every origin of a rolling backtest. N origins, H steps ahead, Q quantiles."""

    origins: np.ndarray  # [N] row of the series at which the forecast starts (its first forecast row)
    actual: np.ndarray  # [N, H]
    quantiles: dict[str, np.ndarray]  # method -> [N, H, Q]; "LSTM", "naive", "seasonal naive (24)", "ridge"
    levels: tuple[float, ...]  # the Q quantile levels, ascending, 0.5 among them
    index: object  # the series' pandas index, or None for an array

    def report(self) -> Report: raise NotImplementedError  # MAE, RMSE, MASE, coverage


class LSTMForecaster(BaseEstimator):
    """``LSTMForecaster(target=None, horizon=12, *, context=None, known=(), quantiles=(0.1, 0.5, 0.9), season=None,
    <network and training options as LSTMClassifier>)``; ``target`` and ``known`` are column names (DataFrame) or
    column numbers (array)."""

    def fit(self, X, y=None, *, checkpoint=None, resume=False, progress=None):
        """``X``: array ``[T]``, ``[T, C]``, Series or DataFrame whose index is the time (DatetimeIndex, PeriodIndex or
        integers; regular)."""
        raise NotImplementedError

    def predict(self, X=None, *, future=None, continues=None):
        """Median forecast of the next ``horizon`` steps after the training data, or after the newer series X.
        [horizon] array, or a Series under the future index. ``future`` [horizon, len(known)]: known covariates.
        ``continues``: X's first row follows the last training row (default: told by the index; True for arrays)."""
        raise NotImplementedError

    def predict_quantiles(self, X=None, *, future=None, continues=None):
        """Likewise, [horizon, Q] array or DataFrame whose columns are the levels."""
        raise NotImplementedError

    def backtest(self, X, *, stride=1, continues=None) -> Backtest: raise NotImplementedError

    def report(self, X, *, stride=1, continues=None) -> Report: raise NotImplementedError

    # score(X) = 1 - MAE / MAE of the naive forecast; activations(X=None), save(path), history_, fit_seconds_ likewise
