"""The forecasts that an LSTM has to beat: naive, seasonal naive, and ridge regression on a time window."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import RidgeCV

from ._baselines import ALPHAS
from ._scaling import Scaler

WINDOWS = 4000  # the most that ridge learns from, evenly spaced
FEATURES = 1000  # the most lags of all columns together; beyond it only the target keeps all its lags


def naive(values: np.ndarray, origins: np.ndarray, target: int, horizon: int, season: int) -> np.ndarray:
    """The value one season before each step, [N, horizon]; with season 1 the last value."""
    ahead = np.arange(horizon)
    return values[origins[:, None] - season + ahead % season, target]


@dataclass(frozen=True)
class WindowRidge:
    """Ridge regression of every step ahead on the window's values and the known future; weight [H, F], bias [H]."""

    context: int
    horizon: int
    target: int
    known: tuple[int, ...]
    scaler: Scaler
    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:  # [N, H]
        found = features(values, origins, self.context, self.horizon, self.target, self.known)
        return (found - self.scaler.mean) / self.scaler.scale @ self.weight.T + self.bias

    @classmethod
    def fit(
        cls, values: np.ndarray, origins: np.ndarray, context: int, horizon: int, target: int, known: tuple[int, ...]
    ) -> "WindowRidge":
        """Its penalty is chosen by leave-one-out."""
        some = origins[np.linspace(0, len(origins) - 1, min(WINDOWS, len(origins))).astype(int)]
        found = features(values, some, context, horizon, target, known)
        scaler = Scaler.fit(found)
        wanted = values[some[:, None] + np.arange(horizon), target]
        model = RidgeCV(ALPHAS).fit((found - scaler.mean) / scaler.scale, wanted)
        weight = np.asarray(model.coef_).reshape(horizon, -1)
        return cls(context, horizon, target, known, scaler, weight, np.reshape(model.intercept_, horizon))


def features(
    values: np.ndarray, origins: np.ndarray, context: int, horizon: int, target: int, known: tuple[int, ...]
) -> np.ndarray:
    """Ridge's view of a window, [N, F]: all lags of all columns (many columns: the others' last values only)."""
    columns, count = values.shape[1], len(origins)
    window = values[origins[:, None] + np.arange(-context, 0)]  # [N, L, C]
    others = [c for c in range(columns) if c != target]
    parts = [window[:, :, target]]
    beside = window[:, :, others] if context * columns <= FEATURES else window[:, -1:, others]
    parts.append(beside.reshape(count, -1))
    if known:
        parts.append(values[origins[:, None] + np.arange(horizon)][:, :, list(known)].reshape(count, -1))
    return np.concatenate(parts, axis=1)


def feature_count(columns: int, context: int, horizon: int, known: int) -> int:
    """F of ``features``."""
    return context + (columns - 1) * (context if context * columns <= FEATURES else 1) + horizon * known


def spread(actual: np.ndarray, forecast: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """What to add to a point forecast for each level, [H, Q]: the quantiles of its errors [N, H], ordered about 0."""
    offsets = np.quantile(actual - forecast, levels, axis=0).T
    levels_ = np.array(levels)
    ordered = np.where(levels_ < 0.5, np.minimum(offsets, 0), np.where(levels_ > 0.5, np.maximum(offsets, 0), 0.0))
    return np.ascontiguousarray(ordered)
