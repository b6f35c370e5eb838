"""Forecasts of every method from every origin, and how far off they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from carrousel.estimators._report import Report, Score

__all__ = ["Backtest"]


@dataclass(frozen=True)
class Backtest:
    """A rolling backtest: N origins, H steps ahead, Q quantile levels; the model is not refitted on the way.

    Attributes:
        origins: the row of the backtested series with which each forecast starts, [N].
        actual: the values of the series, [N, H].
        quantiles: method -> forecast [N, H, Q]; the model first.
        levels: the Q levels, ascending, 0.5 among them.
        index: the series' pandas index, or None for an array.
        unit: mean absolute error of the seasonal naive forecast one season ahead within the training data; MASE's unit.
    """

    origins: np.ndarray
    actual: np.ndarray
    quantiles: dict[str, np.ndarray]
    levels: tuple[float, ...]
    index: Any
    unit: float

    @property
    def median(self) -> dict[str, np.ndarray]:
        """The point forecasts of each method, [N, H]."""
        return {method: forecast[:, :, self.levels.index(0.5)] for method, forecast in self.quantiles.items()}

    def last_forecasts(self, index: pd.Index, most: int) -> list[pd.DataFrame]:
        """Returns the model's last forecasts that do not overlap, each with its times and a column for each level.

        Args:
            index: of the rows of the backtested series.
            most: how many, at most.
        """
        model, horizon = next(iter(self.quantiles.values())), self.actual.shape[1]
        chosen = range(len(self.origins) - 1, -1, -horizon)[:most][::-1]
        begins = [int(self.origins[k]) for k in chosen]
        return [
            pd.DataFrame(model[k], index=index[begin : begin + horizon], columns=list(self.levels))
            for k, begin in zip(chosen, begins, strict=True)
        ]

    def report(self) -> Report:
        """Compares the methods; MAE decides.

        The metrics are MAE, RMSE, MASE (MAE in units of the seasonal naive method's, Hyndman & Koehler 2006), pinball
        loss, and the share of values within the outermost interval ("coverage of 80%").
        """
        model = next(iter(self.quantiles))
        scores = [Score(method, method != model, self._metrics(method)) for method in self.quantiles]
        return Report("forecast", "MAE", False, tuple(scores), len(self.origins), items="origins")

    def _metrics(self, method: str) -> dict[str, float]:
        forecast, actual = self.quantiles[method], self.actual
        error = actual - self.median[method]
        mae = float(np.abs(error).mean())
        metrics = {
            "MAE": mae,
            "RMSE": float(np.sqrt((error**2).mean())),
            "MASE": mae / self.unit if self.unit > 0 else float("nan"),
        }
        if len(self.levels) > 1:
            levels, off = np.array(self.levels), actual[:, :, None] - forecast
            metrics["pinball"] = float(np.maximum(levels * off, (levels - 1) * off).mean())
            inside = (forecast[:, :, 0] <= actual) & (actual <= forecast[:, :, -1])
            name = f"coverage of {100 * (self.levels[-1] - self.levels[0]):.4g}%"
            metrics[name] = float(inside.mean())
        return metrics
