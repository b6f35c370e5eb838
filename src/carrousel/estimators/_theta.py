"""The theta method: fitted by statsmodels, applied as the linear map of a window that it is."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from carrousel.estimators._gauge import in_words
from carrousel.estimators._linear import Linear, Shape, plain
from carrousel.estimators._scaling import Scaler

__all__ = ["Theta", "fit_theta", "theta", "theta_of_window", "theta_sliding", "usual_thetas"]

ROWS = 1000  # the last of a series, to which parameters are fitted
LEVELS = (0.2, 0.5, 0.8, 1.0)  # usual parameters
LEAST_LEVEL = 1e-3


@dataclass(frozen=True)
class Theta:
    """The theta method (Assimakopoulos & Nikolopoulos 2000): simple smoothing that drifts by half of a line's slope.

    Attributes:
        season: steps in a season that is taken off first, 1 for none.
        level: how much of a step's error the smoothing takes over.
        slope: of the line; None takes that through the window.
    """

    season: int
    level: float
    slope: float | None = None

    def __str__(self) -> str:
        slope = "the slope of its window" if self.slope is None else "one slope"
        return slope + (f", a season of {self.season}" if self.season > 1 else "")


def usual_thetas(season: int) -> list[Theta]:
    """Returns thetas of usual parameters, for many series of which none shall have its own."""
    return [Theta(m, level) for m in sorted({1, season}) for level in LEVELS]


def fit_theta(series: np.ndarray, season: int) -> Theta | None:
    """Returns the parameters that statsmodels finds for a series [T]; None where there are none."""
    from statsmodels.tsa.forecasting.theta import ThetaModel

    rows = series[-ROWS:]
    if len(rows) < max(10, 2 * season + 5) or np.ptp(rows) == 0:
        return None
    period = {"deseasonalize": False} if season == 1 else {"period": season, "use_test": False, "method": "add"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fit that has not converged is judged like all others, by its forecasts
            found = ThetaModel(rows, **period).fit().params
    except (ValueError, FloatingPointError, np.linalg.LinAlgError):
        return None
    slope, level = float(found["b0"]), float(found["alpha"])
    return Theta(season, min(max(level, LEAST_LEVEL), 1.0), slope) if np.isfinite([slope, level]).all() else None


@lru_cache(maxsize=64)
def _seasonal(window: int, season: int) -> np.ndarray:
    """Returns the weights [L, L] by which a window gives its seasonal part, that of moving averages."""
    from statsmodels.tsa.seasonal import seasonal_decompose

    parts = [seasonal_decompose(one, model="additive", period=season).seasonal for one in np.eye(window)]
    return np.stack(parts, axis=1)


def theta_of_window(theta: Theta, window: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the weights [H, L] and the constants [H] by which a window of L values gives its forecasts."""
    m, level = theta.season, theta.level
    seasonal = _seasonal(window, m) if m > 1 else np.zeros((window, window))
    adjusted = np.eye(window) - seasonal
    smooth = adjusted[0]
    for row in adjusted:
        smooth = smooth + level * (row - smooth)
    ahead = np.arange(1, horizon + 1)
    # Smoothing lags behind a line by the second part (Hyndman & Billah 2003).
    grown = 0.5 * (ahead - 1 + (1 - (1 - level) ** window) / level)
    weight = np.tile(smooth, (horizon, 1))
    if m > 1:
        weight += seasonal[window - m + (ahead - 1) % m]
    if theta.slope is not None:
        return weight, grown * theta.slope
    steps = np.arange(window) - (window - 1) / 2
    line = steps / (float(steps @ steps) or 1.0) @ adjusted  # the slope of the line through the window
    return weight + grown[:, None] * line, np.zeros(horizon)


def theta(
    values: np.ndarray, origins: np.ndarray, shape: Shape, window: int, theta: Theta, power: float | None
) -> Linear:
    """Returns a theta method as a forecast from the last ``window`` values."""
    form = plain(values, origins, shape, window, power)
    weight, bias = theta_of_window(theta, window, shape.horizon)
    looked = in_words(power)
    about = f"{theta}" + (f", of {looked}" if looked else "")
    return Linear("theta", about, shape, form, Scaler.identity(window), weight, bias)


def theta_sliding(
    values: np.ndarray, origins: np.ndarray, shape: Shape, window: int, fitted: Theta, power: float | None
) -> Linear:
    """Returns the same with the slope of the line through the window."""
    return theta(values, origins, shape, window, replace(fitted, slope=None), power)
