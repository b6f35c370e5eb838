"""``.npz`` with several labels for each sequence.

``X``, ``lengths``, ``ids`` and ``channels`` are as in files of sequences; of symbols or words ``X`` is text, ``[N, T]``
or ``[sum of lengths]``. Optional: ``groups [N]``; and of strings ``rate``, steps in a second.

Tags: ``y`` is ``[N, T]``, or ``[sum of lengths]``, text or whole numbers; an empty text is a step without a label.

Strings: ``y`` is ``[N]``, texts whose labels are their letters or words, or ``[N, U]``, a label in each field, with
empty texts, or numbers below 0, past a string's end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from carrousel.data._errors import DataError
from carrousel.data._file import File
from carrousel.data._labelled import Tagged, Transcribed
from carrousel.data._limit import MAX_SIZE
from carrousel.data._make_labelled import make_tagged, make_transcribed
from carrousel.data._manifest import check_units, labels_in
from carrousel.data._registry import reads_file
from carrousel.data._words import native
from carrousel.data.readers.npz import arrays_in, check_lengths, pieces, steps_of_sequences

__all__ = ["read_strings", "read_tags"]


@reads_file("tags", ".npz")
def read_tags(
    file: File, *, channels_first: bool | None = None, fill: str | None = None, max_size: float = MAX_SIZE
) -> Tagged:
    """Reads sequences with a label for every step; the layout stands above.

    Args:
        file: the file.
        channels_first: as in files of sequences.
        fill: as there.
        max_size: as there.
    """
    path = file.path
    arrays = arrays_in(path, "X", ("lengths", "y", "ids", "channels", "groups"), max_size)
    X, tags = _steps(arrays, channels_first, path), None
    if "y" in arrays:
        y = arrays["y"]
        _refuse_values(y, path)
        if y.ndim not in (1, 2):
            raise DataError(f"{path}: y must be [N, T], or [sum of lengths]; it is {list(y.shape)}")
        lengths = np.array([len(x) for x in X], dtype=np.int64)
        tags = pieces(y, lengths, "y", path, padded=y.ndim == 2)
    return make_tagged(X, tags, name=str(path), fill=fill, **_named(arrays))


def _named(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: arrays.get(name) for name in ("ids", "channels", "groups")}


@reads_file("strings", ".npz")
def read_strings(
    file: File,
    *,
    units: str = "letters",
    channels_first: bool | None = None,
    fill: str | None = None,
    max_size: float = MAX_SIZE,
) -> Transcribed:
    """Reads sequences with a string of labels each; the layout stands above.

    Args:
        file: the file.
        units: whether labels are the ``"letters"`` of a text or its ``"words"``.
        channels_first: as in files of sequences.
        fill: as there.
        max_size: as there.
    """
    path = file.path
    check_units(units, str(path))
    arrays = arrays_in(path, "X", ("lengths", "y", "ids", "channels", "groups", "rate"), max_size)
    X, rate = _steps(arrays, channels_first, path), arrays.get("rate")
    strings = _strings(arrays["y"], units, path) if "y" in arrays else None
    if rate is not None and not (rate.size == 1 and rate.dtype.kind in "fiu" and 0 < float(rate.ravel()[0]) < np.inf):
        raise DataError(f"{path}: rate must be one number above 0, steps in a second")
    of_time = None if rate is None else float(rate.ravel()[0])
    return make_transcribed(X, strings, name=str(path), fill=fill, rate=of_time, **_named(arrays))


def _steps(arrays: dict[str, np.ndarray], channels_first: bool | None, path: Path) -> list[Any]:
    """Returns the steps of each sequence, numbers or symbols."""
    X, lengths = arrays["X"], arrays.get("lengths")
    if X.dtype.kind not in "US":
        return steps_of_sequences(arrays, channels_first, path)
    if lengths is not None:
        check_lengths(lengths, path)
    X = native(X, f"{path}: X")
    if X.ndim == 2:
        ends = (X != "").sum(axis=1) if lengths is None else lengths
        return pieces(X, ends, "X", path)
    if X.ndim == 1 and lengths is not None:
        return pieces(X, lengths, "X", path, padded=False)
    raise DataError(f"{path}: X of text must be [N, T], or [sum of lengths] with lengths; it is {list(X.shape)}")


def _strings(y: np.ndarray, units: str, path: Path) -> list[list[Any]]:
    _refuse_values(y, path)
    y = native(y, f"{path}: y")
    if y.ndim == 1 and y.dtype.kind == "U":
        return [list(labels_in(text, units)) for text in y.tolist()]
    if y.ndim != 2:
        raise DataError(f"{path}: y must be texts [N], or labels [N, U]; it is {y.dtype} {list(y.shape)}")
    there = y != "" if y.dtype.kind == "U" else y >= 0
    return [labels[known].tolist() for labels, known in zip(y, there, strict=True)]


def _refuse_values(y: np.ndarray, path: Path) -> None:
    if y.dtype.kind not in "biuUS":
        raise DataError(f"{path}: labels must be words or whole numbers; they are {y.dtype}")
