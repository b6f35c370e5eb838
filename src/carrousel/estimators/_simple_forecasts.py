"""The forecasts that an LSTM has to beat: naive, seasonal naive, and ridge regression on a time window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import RidgeCV

from carrousel.estimators._baselines import ALPHAS
from carrousel.estimators._scaling import Scaler

__all__ = ["SimpleForecasts", "naive", "spread"]

WINDOWS = 4000  # the most that ridge learns from, evenly spaced
FEATURES = 1000  # the most lags of all columns together; beyond it only the target keeps all its lags


def naive(values: np.ndarray, origins: np.ndarray, target: int, horizon: int, season: int) -> np.ndarray:
    """Returns the value one season before each step, [N, horizon]; with season 1 the last value."""
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
        window = features(values, origins, self.context, self.horizon, self.target, self.known)
        return (window - self.scaler.mean) / self.scaler.scale @ self.weight.T + self.bias

    @classmethod
    def fit(
        cls, values: np.ndarray, origins: np.ndarray, context: int, horizon: int, target: int, known: tuple[int, ...]
    ) -> WindowRidge:
        """Returns the regression on the windows at ``origins``, its penalty chosen by leave-one-out."""
        some = origins[np.linspace(0, len(origins) - 1, min(WINDOWS, len(origins))).astype(int)]
        windows = features(values, some, context, horizon, target, known)
        scaler = Scaler.fit(windows)
        wanted = values[some[:, None] + np.arange(horizon), target]
        model = RidgeCV(ALPHAS).fit((windows - scaler.mean) / scaler.scale, wanted)
        weight = np.asarray(model.coef_).reshape(horizon, -1)
        return cls(context, horizon, target, known, scaler, weight, np.reshape(model.intercept_, horizon))


def features(
    values: np.ndarray, origins: np.ndarray, context: int, horizon: int, target: int, known: tuple[int, ...]
) -> np.ndarray:
    """Returns ridge's view of a window, [N, F]: all lags of all columns, or of others than the target the last only."""
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
    """Returns how many numbers ``features`` makes of a window."""
    return context + (columns - 1) * (context if context * columns <= FEATURES else 1) + horizon * known


def spread(actual: np.ndarray, forecast: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Returns what to add to a forecast for each level, [H, Q]: quantiles of its errors [N, H], ordered about 0."""
    offsets = np.quantile(actual - forecast, levels, axis=0).T
    levels_ = np.array(levels)
    ordered = np.where(levels_ < 0.5, np.minimum(offsets, 0), np.where(levels_ > 0.5, np.maximum(offsets, 0), 0.0))
    return np.ascontiguousarray(ordered)


@dataclass(frozen=True)
class SimpleForecasts:
    """All simple methods on one series, each with what its intervals add to its point forecasts, [H, Q]."""

    season: int
    ridge: WindowRidge
    spreads: tuple[np.ndarray, ...]

    @classmethod
    def fit(
        cls, values: np.ndarray, training: np.ndarray, valid: np.ndarray, season: int, levels: tuple[float, ...],
        shape: tuple[int, int, int, tuple[int, ...]],
    ) -> SimpleForecasts:  # fmt: skip
        """Returns the simple methods of one series.

        Intervals come from the errors on the validation windows, where there are any; ridge then learns from all.

        Args:
            values: the series, [T, C].
            training: origins to learn from.
            valid: origins after them.
            season: steps in a season.
            levels: the levels of the quantiles.
            shape: context, horizon, target, known.
        """
        _, horizon, target, _ = shape
        judged = valid if len(valid) else training
        actual = values[judged[:, None] + np.arange(horizon), target]
        first = cls(season, WindowRidge.fit(values, training, *shape), ())
        spreads = tuple(spread(actual, guess, levels) for guess in first.points(values, judged).values())
        return cls(season, WindowRidge.fit(values, np.concatenate([training, valid]), *shape), spreads)

    def points(self, values: np.ndarray, origins: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the point forecasts, [N, H] by name."""
        shape = (self.ridge.target, self.ridge.horizon)
        points = {"naive": naive(values, origins, *shape, 1)}
        if self.season > 1:
            points[f"seasonal naive ({self.season})"] = naive(values, origins, *shape, self.season)
        return {**points, "ridge on a window": self.ridge(values, origins)}

    def quantiles(self, values: np.ndarray, origins: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the quantiles, [N, H, Q] by name."""
        points = self.points(values, origins).items()
        return {name: point[:, :, None] + add for (name, point), add in zip(points, self.spreads, strict=True)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the arrays that a saved model has of it."""
        ridge = self.ridge
        return {
            "ridge.mean": ridge.scaler.mean,
            "ridge.scale": ridge.scaler.scale,
            "ridge.weight": ridge.weight,
            "ridge.bias": ridge.bias,
            **{f"spread.{k}": offsets for k, offsets in enumerate(self.spreads)},
        }

    @classmethod
    def from_arrays(
        cls, array: Callable[[str, tuple[int, ...]], np.ndarray], season: int, columns: int, levels: int,
        shape: tuple[int, int, int, tuple[int, ...]],
    ) -> SimpleForecasts:  # fmt: skip
        """Returns the forecasts of a saved model; ``array`` gives an array of a name after checking its shape."""
        context, horizon, _, known = shape
        wide = feature_count(columns, context, horizon, len(known))
        scaler = Scaler(array("ridge.mean", (wide,)), array("ridge.scale", (wide,)))
        ridge = WindowRidge(*shape, scaler, array("ridge.weight", (horizon, wide)), array("ridge.bias", (horizon,)))
        return cls(season, ridge, tuple(array(f"spread.{k}", (horizon, levels)) for k in range(2 + (season > 1))))
