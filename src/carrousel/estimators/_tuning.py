"""Training that goes on from a fitted forecaster's weights, on newer rows."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from carrousel.estimators._params import training_options
from carrousel.estimators._series import Regular
from carrousel.estimators._widened import worthwhile
from carrousel.estimators._windows import WindowDataset
from carrousel.training._loop import Job, train

__all__ = ["check_tuning", "tunable", "tuned"]

SHARE = 0.1  # of the rate of the first training


def tunable(model: Any, series: Regular, first: int) -> np.ndarray:
    """Returns the origins of the windows to learn from whose steps ahead begin at row ``first`` or later."""
    horizon = int(model.horizon)
    origins = np.arange(max(first, model._reach), len(series) - horizon + 1)
    if len(origins) == 0:
        return origins
    origins = worthwhile(np.isnan(series.values[:, model._column]), origins, horizon)
    return origins[~model._widened.filling.open_ended(series.values, origins)]


def tuned(
    model: Any, values: np.ndarray, origins: np.ndarray, gone: np.ndarray, learning_rate: float | None,
    max_epochs: int, owners: np.ndarray | None = None,
) -> nn.Module:  # fmt: skip
    """Returns a forecaster's network, trained further on windows; what it sees, and in which units, stays as it was.

    Args:
        model: the forecaster.
        values: rows in all its columns, [T, W].
        origins: of the windows, [N].
        gone: whether the target is missing, [T].
        learning_rate: the highest; None takes a tenth of the first training's.
        max_epochs: all are made.
        owners: the number of each window's series, [N], for a network that knows series apart.
    """
    window, starts = model.correction_.window, model.simple_.start(values, origins)
    worth = window.worth(values, origins, starts)
    weights = (worth / worth.mean()).astype(np.float32)
    rate = SHARE * float(model.learning_rate) if learning_rate is None else learning_rate
    options = replace(training_options(model), learning_rate=rate, max_epochs=max_epochs, patience=None)
    data = WindowDataset(values, origins, starts, window, weights, gone, owners)
    return train(Job(lambda: copy.deepcopy(model.network_), data), options, model.seed_).network


def check_tuning(learning_rate: float | None, max_epochs: int) -> None:
    """Refuses what is no rate, or no number of epochs."""
    if learning_rate is not None and not (0 < learning_rate < np.inf):
        raise ValueError(f"learning_rate must be a number above 0, got {learning_rate!r}")
    if not isinstance(max_epochs, int) or isinstance(max_epochs, bool) or max_epochs < 1:
        raise ValueError(f"max_epochs must be an integer of at least 1, got {max_epochs!r}")
