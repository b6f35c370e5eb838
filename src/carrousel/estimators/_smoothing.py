"""Exponential smoothing: fitted by statsmodels, applied as the linear map of a window that it is."""

from __future__ import annotations

import importlib.util
import itertools
import warnings
from dataclasses import dataclass

import numpy as np

from carrousel.estimators._gauge import in_words
from carrousel.estimators._linear import Linear, Shape, plain
from carrousel.estimators._scaling import Scaler

__all__ = [
    "LONGEST_SEASON",
    "Smoothing",
    "fit_smoothing",
    "smoothed",
    "there_is_statsmodels",
    "usual_smoothings",
    "windowed",
]

ROWS = 1000  # the last of a series, to which parameters are fitted
LONGEST_SEASON = 60  # beyond it states are too many
MOST_STEPS = 60  # that the fit of the parameters may take
LEVELS, TREND_SHARES, DAMPINGS = (0.2, 0.5, 0.8, 1.0), (0.1, 0.3), (0.8, 0.9, 1.0)  # usual parameters


@dataclass(frozen=True)
class Smoothing:
    """Additive exponential smoothing with errors, ETS(A, ·, ·) (Hyndman et al. 2008): its parameters.

    Attributes:
        season: steps in a season, 1 for none.
        level, trend, seasonal: how much of a step's error each state takes over.
        damping: what is left of the trend after a step; 0 for no trend.
    """

    season: int
    level: float
    trend: float
    seasonal: float
    damping: float

    def __str__(self) -> str:
        trend = {0.0: "no trend", 1.0: "a trend"}.get(self.damping, "a damped trend")
        return trend + (f", a season of {self.season}" if self.season > 1 else "")


def usual_smoothings(season: int) -> list[Smoothing]:
    """Returns smoothings of usual parameters, for many series of which none shall have its own."""
    seasons = [(1, 0.0)] if season == 1 else [(1, 0.0), (season, 0.1), (season, 0.3)]
    found = []
    for level, (m, seasonal) in itertools.product(LEVELS, seasons):
        found.append(Smoothing(m, level, 0.0, seasonal, 0.0))
        found += [
            Smoothing(m, level, share * level, seasonal, damping)
            for share, damping in itertools.product(TREND_SHARES, DAMPINGS)
        ]
    return found


def there_is_statsmodels() -> bool:
    """Says whether statsmodels is installed."""
    return importlib.util.find_spec("statsmodels") is not None


def fit_smoothing(series: np.ndarray, season: int, trend: bool, damped: bool) -> Smoothing | None:
    """Returns the parameters of the greatest likelihood for a series [T]; None where there are none."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    rows = series[-ROWS:]
    if len(rows) < max(10, 2 * season + 5) or np.ptp(rows) == 0:
        return None
    kind = {"trend": "add" if trend else None, "damped_trend": damped, "seasonal": "add" if season > 1 else None}
    periods = season if season > 1 else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fit that has not converged is judged like all others, by its forecasts
            model = ETSModel(rows, **kind, seasonal_periods=periods, initialization_method="heuristic")
            found = dict(zip(model.param_names, model.fit(disp=0, maxiter=MOST_STEPS).params, strict=True))
    except (ValueError, FloatingPointError, np.linalg.LinAlgError):
        return None
    damping = found.get("damping_trend", 1.0) if trend else 0.0
    level, slope, seasonal = (float(found.get(f"smoothing_{name}", 0.0)) for name in ("level", "trend", "seasonal"))
    result = Smoothing(season, level, slope, seasonal, float(damping))
    return result if np.isfinite([result.level, result.trend, result.seasonal, result.damping]).all() else None


def windowed(smoothing: Smoothing, window: int, horizon: int) -> np.ndarray:
    """Returns the weights [H, L] by which a window of L values gives its forecasts.

    The states begin as a regression on the window's first part says: a line where there is a trend, and a mean for each
    place in the season. That and all steps of smoothing are linear in the window.
    """
    m, phi = smoothing.season, smoothing.damping
    first = min(window, max(2 * m, 8) if m > 1 else 8)
    steps = np.arange(first)
    columns = [np.ones(first), steps + 1.0] if phi > 0 else [np.ones(first)]
    places = np.eye(m)[steps % m] if m > 1 else np.zeros((first, 0))
    design = np.column_stack([*columns, places])
    begin = np.linalg.pinv(design) @ np.eye(window)[:first]  # [states, L]
    level, trend = begin[0], begin[1] if phi > 0 else np.zeros(window)
    seasonal = begin[len(columns) :]
    if m > 1:  # a season's mean belongs to the level
        level, seasonal = level + seasonal.mean(axis=0), seasonal - seasonal.mean(axis=0)
    for t, value in enumerate(np.eye(window)):
        ahead = level + phi * trend
        error = value - ahead - (seasonal[t % m] if m > 1 else 0.0)
        level = ahead + smoothing.level * error
        trend = phi * trend + smoothing.trend * error
        if m > 1:
            seasonal[t % m] = seasonal[t % m] + smoothing.seasonal * error
    weights = []
    for step in range(1, horizon + 1):
        grown = (phi ** np.arange(1, step + 1)).sum() if phi > 0 else 0.0
        weights.append(level + grown * trend + (seasonal[(window + step - 1) % m] if m > 1 else 0.0))
    return np.stack(weights)


def smoothed(
    values: np.ndarray, origins: np.ndarray, shape: Shape, window: int, smoothing: Smoothing, power: float | None
) -> Linear:
    """Returns a smoothing as a forecast from the last ``window`` values."""
    form = plain(values, origins, shape, window, power)
    weight = windowed(smoothing, window, shape.horizon)
    looked = in_words(power)
    about = f"{smoothing}" + (f", of {looked}" if looked else "")
    return Linear("exponential smoothing", about, shape, form, Scaler.identity(window), weight, np.zeros(shape.horizon))
