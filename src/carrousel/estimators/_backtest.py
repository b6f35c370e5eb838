"""Forecasts of every method from every origin, and how far off they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from carrousel.estimators._doubt import standard_error
from carrousel.estimators._report import Report, Score

__all__ = ["Backtest", "joined"]


@dataclass(frozen=True)
class Backtest:
    """A rolling backtest: N origins, H steps ahead, Q quantile levels.

    Attributes:
        origins: the row of the backtested series with which each forecast starts, [N].
        actual: the values of the series, [N, H]; NaN where one is missing, which counts nowhere.
        quantiles: method -> forecast [N, H, Q]; the model first.
        levels: the Q levels, ascending, 0.5 among them.
        index: the series' pandas index, or None for an array.
        unit: mean absolute error of the seasonal naive forecast one season ahead within the training data; MASE's unit.
        notes: sentences about the model, for the report.
    """

    origins: np.ndarray
    actual: np.ndarray
    quantiles: dict[str, np.ndarray]
    levels: tuple[float, ...]
    index: Any
    unit: float
    notes: tuple[str, ...] = ()

    @property
    def median(self) -> dict[str, np.ndarray]:
        """The point forecasts of each method, [N, H]."""
        return {method: forecast[:, :, self.levels.index(0.5)] for method, forecast in self.quantiles.items()}

    def last_forecasts(self, index: pd.Index, most: int, method: str | None = None) -> list[pd.DataFrame]:
        """Returns the last forecasts that do not overlap, each with its times and a column for each level.

        Args:
            index: of the rows of the backtested series.
            most: how many, at most.
            method: whose; None takes the model's.
        """
        forecasts = self.quantiles[method or self._model]
        horizon = self.actual.shape[1]
        chosen = range(len(self.origins) - 1, -1, -horizon)[:most][::-1]
        begins = [int(self.origins[k]) for k in chosen]
        return [
            pd.DataFrame(forecasts[k], index=index[begin : begin + horizon], columns=list(self.levels))
            for k, begin in zip(chosen, begins, strict=True)
        ]

    def report(self, *others: Backtest) -> Report:
        """Compares the methods; MAE decides.

        The metrics are MAE, RMSE, MASE (MAE in units of the seasonal naive method's, Hyndman & Koehler 2006), pinball
        loss, and the share of values within the outermost interval ("coverage of 80%"). The uncertainty is that of a
        paired test over origins (Diebold & Mariano 1995), which knows that neighbouring forecasts overlap.

        Args:
            *others: the same backtest of models that differ from this one in their seed alone. The model's figures are
                then means over seeds, and the uncertainty has theirs too.

        Raises:
            ValueError: another backtest has other origins or methods.
        """
        runs = (self, *others)
        for other in others:
            if not np.array_equal(other.actual, self.actual, equal_nan=True) or list(other.quantiles) != list(
                self.quantiles
            ):
                raise ValueError("backtests that are reported together must have the same origins and methods")
        scores = []
        for method in self.quantiles:
            figures = [run._metrics(method) for run in runs]
            mean = {name: float(np.mean([each[name] for each in figures])) for name in figures[0]}
            scores.append(Score(method, method != self._model, mean))
        report = Report("forecast", "MAE", False, tuple(scores), len(self.origins), items="origins")
        best = report.best_simple.method
        gaps = np.array([run._lost(self._model) - run._lost(best) for run in runs])  # [S, N]
        notes = (*self.notes, *self._coverage_note([run._inside(self._model) for run in runs]))
        return replace(report, uncertainty=self._uncertainty(gaps), notes=notes)

    @property
    def _model(self) -> str:
        return next(iter(self.quantiles))

    @property
    def _overlap(self) -> int:
        """How many successive origins have a step in common."""
        stride = int(np.diff(self.origins).min()) if len(self.origins) > 1 else 1
        return -(-self.actual.shape[1] // stride)

    def _lost(self, method: str) -> np.ndarray:  # [N]
        return np.nanmean(np.abs(self.actual - self.median[method]), axis=1)

    def _inside(self, method: str) -> np.ndarray:  # [N]
        forecast = self.quantiles[method]
        inside = (forecast[:, :, 0] <= self.actual) & (self.actual <= forecast[:, :, -1])
        return np.mean(inside, axis=1, where=~np.isnan(self.actual))

    def _uncertainty(self, figures: np.ndarray) -> float | None:
        """Returns the standard error of a mean over seeds and origins, [S, N]."""
        error = standard_error(figures.mean(axis=0), self._overlap)
        if error is None or len(figures) == 1:
            return error
        return float(np.hypot(error, figures.mean(axis=1).std(ddof=1) / np.sqrt(len(figures))))

    def _coverage_note(self, inside: Sequence[np.ndarray]) -> tuple[str, ...]:
        """Says how many values the model's outermost interval holds, and whether that is what it should."""
        if len(self.levels) == 1:
            return ()
        wanted, found = self.levels[-1] - self.levels[0], float(np.mean(inside))
        error = self._uncertainty(np.array(inside))
        words = f"{self._model}'s intervals of {100 * wanted:.4g} % hold {100 * found:.0f} % of the values"
        if error is None:
            return (f"{words}; how sure that is, so few origins do not tell.",)
        off = found - wanted
        judgement = "too narrow" if off < 0 else "too wide"
        tail = f": they are {judgement}." if abs(off) > 2 * error else "."
        return (f"{words} (a standard error of {100 * error:.1f}){tail}",)

    def _metrics(self, method: str) -> dict[str, float]:
        forecast, actual = self.quantiles[method], self.actual
        error = actual - self.median[method]
        mae = float(np.nanmean(np.abs(error)))
        metrics = {
            "MAE": mae,
            "RMSE": float(np.sqrt(np.nanmean(error**2))),
            "MASE": mae / self.unit if self.unit > 0 else float("nan"),
        }
        if len(self.levels) > 1:
            levels, off = np.array(self.levels), actual[:, :, None] - forecast
            metrics["pinball"] = float(np.nanmean(np.maximum(levels * off, (levels - 1) * off)))
            name = f"coverage of {100 * (self.levels[-1] - self.levels[0]):.4g}%"
            metrics[name] = float(self._inside(method).mean())
        return metrics


def joined(parts: Sequence[Backtest]) -> Backtest:
    """Returns backtests of one series as one, with the methods that all of them have."""
    first = parts[0]
    methods = [method for method in first.quantiles if all(method in part.quantiles for part in parts)]
    return replace(
        first,
        origins=np.concatenate([part.origins for part in parts]),
        actual=np.concatenate([part.actual for part in parts]),
        quantiles={method: np.concatenate([part.quantiles[method] for part in parts]) for method in methods},
        notes=parts[-1].notes,
    )
