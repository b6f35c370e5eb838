"""Fits what forecasts a series, and measures how far off it is, directly and going on from its own forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from carrousel.learning.online import Descent, Learner
from carrousel.papers._experiment import Trial
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.gers2001 import _windows_models as models
from carrousel.tasks import mackey_glass

__all__ = ["SERIES", "Measured", "fitted", "prepare", "summary", "train"]

BLOCK = 200  # sequences that are drawn at a time


@dataclass(frozen=True)
class Measured:
    """A series, and which of its steps are learned from and tested on.

    Attributes:
        values: ``[steps]``.
        learned: the first and the last step that can be the last one given of a forecast that is learned.
        tested: the same of those that are tested.
        within: whether targets that are learned must lie within the learned part too.
    """

    values: np.ndarray
    learned: tuple[int, int]
    tested: tuple[int, int]
    within: bool = False

    def taught(self, ahead: int, before: int) -> np.ndarray:
        """Returns the steps from which forecasts are learned, each with so many values before it."""
        first, last = self.learned
        return np.arange(max(first, before), last + 1 - ahead * self.within)


def _mackey_glass() -> Measured:
    return Measured(mackey_glass(5_585), (200, 3_200), (5_000, 5_500))


def _laser() -> Measured:
    from carrousel.data import load_series

    values = load_series("santa-fe-laser").frame["intensity"].to_numpy(np.float64)[:1_100]
    return Measured(values, (0, 999), (999, 1_098), within=True)


SERIES = {"mackey-glass": _mackey_glass, "laser": _laser}
"""What makes each series."""


class _Ready(Prepared):
    """A learner that is compiled, if there is one."""

    def ready(self) -> None:
        """Compiles what a trial calls; nothing changes."""
        if self.learner is not None:
            self.learner.ready()
            models.LSTM(self.learner, models.Scale(np.arange(9.0), np.arange(8), 1), 1).begin(1).step(np.zeros(1))


def prepare(setting: Setting) -> Prepared:
    """Returns the network with its first weights where the method is LSTM, and the series."""
    about, learner = setting.config.learner, None
    if about["method"] == "lstm":
        learner = Learner(models.network(), Descent(about["rate"], about["momentum"]), seed=setting.rng)
    return _Ready(learner, None, SERIES[setting.config.task["series"]]())


def fitted(prepared: Prepared, setting: Setting) -> tuple[models.Forecaster, int]:
    """Fits the row's method to the learned part of its series; returns it, and how many steps that took."""
    about, data, ahead = setting.config.learner, prepared.sets, setting.config.task["ahead"]
    method, lags = about["method"], tuple(about.get("lags", (0,)))
    at = data.taught(ahead, max(lags))
    if method == "persistence":
        return models.persistence(ahead), len(at)
    if method == "polynomial":
        return models.polynomial(data.values, at, ahead, lags, about["degree"]), len(at)
    if method == "net":
        seed = int(setting.rng.integers(2**31))
        options = {name: setting.config[name] for name in ("hidden", "decay", "iterations")}
        return models.WindowNet(data.values, at, ahead, lags, seed, **options), len(at)
    scale = models.Scale(data.values, at, ahead)
    steps = _teach(prepared.learner, scale, data.values, at, ahead, setting)
    return models.LSTM(prepared.learner, scale, ahead), steps


def _teach(
    learner: Learner, scale: models.Scale, values: np.ndarray, at: np.ndarray, ahead: int, setting: Setting
) -> int:
    """Teaches LSTM pieces of the series that begin anywhere; of the first steps of each nothing is asked."""
    until = setting.config.until
    length, unasked, left = until["length"], until["unasked"], until["sequences"]
    inputs = scale.inward(values)[:, None]
    targets = ((values[at + ahead] - values[at]) / scale.most)[:, None]
    while left:
        count = min(left, BLOCK)
        left -= count
        begin = setting.rng.integers(0, len(at) - length + 1, count)[:, None] + np.arange(length)
        wanted = targets[begin]
        wanted[:, :unasked] = np.nan
        spans = np.arange(0, count * length, length)
        learner.learn_sequences(
            inputs[at[begin]].reshape(-1, 1), wanted.reshape(-1, 1), np.stack([spans, spans + length], axis=1)
        )
    return until["sequences"] * length


def train(prepared: Prepared, setting: Setting) -> Found:
    """Fits a method and measures it on the test part, by which nothing is chosen.

    Returns:
        ``{"success", "steps", "weights", ...}``. Of Mackey-Glass ``"nrmse"``, of direct forecasts, and ``"own_6"``,
        ``"own_84"``, where the row asks for it: after so many steps, going on from itself. Of the laser ``"nmse"``, and
        ``"own_nmse"`` of the whole test part, going on from itself.
    """
    task = setting.config.task
    model, steps = fitted(prepared, setting)
    data, ahead = prepared.sets, task["ahead"]
    origins = np.arange(data.tested[0], data.tested[1] + 1)
    direct = _nrmse(models.forecast(model, data.values, origins, ahead)[:, -1], data.values[origins + ahead])
    if task["series"] == "laser":
        said = models.forecast(model, data.values, origins[:1], len(origins))[0]
        found = {"nmse": direct**2, "own_nmse": _nrmse(said, data.values[origins + 1]) ** 2}
    else:
        found, some = {"nrmse": direct}, origins[:: setting.config.until["apart"]]
        for further in task["further"]:
            said = models.forecast(model, data.values, some, further)[:, -1]
            found[f"own_{further}"] = _nrmse(said, data.values[some + further])
    return {"success": bool(np.isfinite(direct)), "steps": steps, "weights": model.weights, **found}


def _nrmse(said: np.ndarray, true: np.ndarray) -> float:
    """Returns the root of the mean squared error by the deviation of what was right; a billion for more."""
    return float(min(np.sqrt(np.mean((said - true) ** 2)) / true.std(), 1e9))


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns medians over the trials, and the least and the most of the direct error."""
    figures: dict[str, Any] = {}
    for key in ("nrmse", "own_6", "own_84", "nmse", "own_nmse"):
        values = [trial[key] for trial in trials if key in trial]
        if values:
            figures[key] = median(values)
            if key in ("nrmse", "nmse"):
                figures |= {"least": min(values), "most": max(values)}
    return figures
