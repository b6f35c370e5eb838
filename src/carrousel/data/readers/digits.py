"""Handwritten digits, read row by row: the data set that scikit-learn carries."""

from __future__ import annotations

import numpy as np

from carrousel.data._check import make_sequences
from carrousel.data._registry import reads_name
from carrousel.data._types import Sequences

__all__ = ["read"]

TEST = 360  # the last fifth, in the order of the data


@reads_name("sequences", "digits", splits=("train", "test"))
def read(name: str, split: str) -> Sequences:
    """Reads 1797 images of 8 × 8 pixels (0 … 16): sequences of 8 steps (rows), 8 channels (columns), 10 classes.

    The source has no parts; the last 360 images, in its order, are the test part.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    keep = {"train": slice(None, -TEST), "test": slice(-TEST, None), "all": slice(None)}[split]
    ids = np.arange(len(bunch.target))[keep]
    columns = [f"column {k}" for k in range(8)]
    return make_sequences(bunch.images[keep], bunch.target[keep], name=name, split=split, ids=ids, channels=columns)
