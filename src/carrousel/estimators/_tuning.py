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

__all__ = ["tuned"]

SHARE = 0.1  # of the rate of the first training


def tuned(model: Any, series: Regular, first: int, learning_rate: float | None, max_epochs: int) -> nn.Module:
    """Returns a forecaster's network, trained further on the windows whose steps ahead begin at row ``first`` or later.

    What the network sees, and in which units, stays as it was.

    Raises:
        ValueError: the series has no such window.
    """
    horizon, window = int(model.horizon), model.correction_.window
    gone = np.isnan(series.values[:, window.shape.target])
    origins = np.arange(max(first, model._reach), len(series) - horizon + 1)
    if len(origins):
        origins = worthwhile(gone, origins, horizon)
        origins = origins[~model._widened.filling.open_ended(series.values, origins)]
    if len(origins) == 0:
        needed = max(first, model._reach) - first + horizon
        raise ValueError(
            f"training needs {needed} rows for a horizon of {horizon}, with the values that are ahead in them; "
            f"X has {len(series) - first}"
        )
    values = model._widened(series)
    starts = model.simple_.start(values, origins)
    worth = window.worth(values, origins, starts)
    weights = (worth / worth.mean()).astype(np.float32)
    rate = SHARE * float(model.learning_rate) if learning_rate is None else learning_rate
    options = replace(training_options(model), learning_rate=rate, max_epochs=max_epochs, patience=None)
    data = WindowDataset(values, origins, starts, window, weights, gone)
    return train(Job(lambda: copy.deepcopy(model.network_), data), options, model.seed_).network
