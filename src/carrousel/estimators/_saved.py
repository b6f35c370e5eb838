"""A model as a directory."""

from pathlib import Path
from typing import Any


def load(path: str | Path, *, cell: Any = None, device: str | None = None) -> Any:
    """Read a model that ``estimator.save(path)`` wrote: a fitted LSTMClassifier, LSTMRegressor or LSTMForecaster.

    ``cell`` is needed only for a model trained with a user's own cell, whose code is not stored. ``device`` overrides
    the stored one. Raises ModelError when the directory is no intact model; FileNotFoundError when it is not there.
    """
    raise NotImplementedError
