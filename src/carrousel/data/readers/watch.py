"""Exercises seen by a smart watch: the recordings that the package seglearn carries."""

from __future__ import annotations

import numpy as np

from carrousel.data._arrays_only import unpickled_arrays
from carrousel.data._check import make_sequences
from carrousel.data._errors import DataError
from carrousel.data._packages import inside
from carrousel.data._registry import reads_name
from carrousel.data._types import Sequences

__all__ = ["watch"]


@reads_name("sequences", "watch")
def watch(name: str, split: str) -> Sequences:
    """Reads ten people at seven exercises of the shoulder: 140 recordings, 6 channels at 50 Hz (Burns et al. 2018).

    Acceleration and angular velocity in three axes, 947 to 2618 steps. Each exercise is done once with either arm. The
    people are the groups: a test is of people who are not in the training data.
    """
    path = inside("seglearn", "data", "watch_dataset.npy", name=name)
    data = unpickled_arrays(path)
    keys = ("X", "y", "subject", "X_labels", "y_labels")
    if not isinstance(data, dict) or any(key not in data for key in keys):
        raise DataError(f"{path}: it has not the parts {', '.join(keys)}")
    X, y, people, channels, exercises = (data[key] for key in keys)
    y = np.asarray(y)
    if y.dtype.kind not in "iu" or y.ndim != 1 or y.min() < 0 or y.max() >= len(exercises):
        raise DataError(f"{path}: y is not the number of an exercise for each recording")
    return make_sequences(
        X, np.array([str(word) for word in exercises])[y], name=name, split=split, channels=channels, groups=people
    )
