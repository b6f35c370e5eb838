"""``.npz``: arrays by name, read without pickle.

Sequences: ``X`` is ``[N, T, C]``; with ``lengths [N]``, what lies past a length is padding and is not looked at.
Or ``X`` is ``[sum of lengths, C]``: the sequences one after another. Steps are in the order of time. Optional:
``y [N]`` or ``[N, K]``, ``ids [N]``, ``channels [C]``.

Series: ``values`` is ``[T, C]`` or ``[T]``. Optional: ``time [T]`` (whole numbers or datetime64; without it 0 … T - 1)
and ``columns [C]``.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from .._check import make_sequences, make_series
from .._errors import DataError, listed, nearest
from .._registry import reads_file
from .._types import Sequences, Series


@reads_file("sequences", ".npz")
def read_sequences(path: Path) -> Sequences:
    """Sequences from ``X`` (with ``lengths``), ``y``, ``ids`` and ``channels``; the layout stands above."""
    arrays = _arrays(path)
    X = _need(arrays, "X", path)
    lengths = arrays.get("lengths")
    if lengths is not None:
        if lengths.ndim != 1 or lengths.dtype.kind not in "iu":
            raise DataError(f"{path}: lengths must be whole numbers [N]; it is {lengths.dtype} {list(lengths.shape)}")
        if (lengths < 1).any():
            raise DataError(f"{path}: sequence {int(np.argmax(lengths < 1))} is empty (its length is {lengths.min()})")
    if X.ndim == 3:
        if lengths is None:
            parts = list(X)
        else:
            if len(lengths) != len(X):
                raise DataError(f"{path}: X has {len(X)} sequences but there are {len(lengths)} lengths")
            if lengths.max() > X.shape[1]:
                row = int(lengths.argmax())
                raise DataError(f"{path}: sequence {row} has length {lengths[row]}, but X has {X.shape[1]} steps")
            parts = [x[:n] for x, n in zip(X, lengths, strict=True)]
    elif X.ndim == 2 and lengths is not None:
        if lengths.sum() != len(X):
            raise DataError(f"{path}: the lengths add up to {lengths.sum()}, but X has {len(X)} rows")
        parts = np.split(X, np.cumsum(lengths)[:-1])
    else:
        raise DataError(f"{path}: X must be [N, T, C], or [sum of lengths, C] with lengths; it is {list(X.shape)}")
    channels = arrays.get("channels")
    names = None if channels is None else [str(c) for c in channels.ravel()]
    y = arrays.get("y")
    if y is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y is not None and y.ndim not in (1, 2):
        raise DataError(f"{path}: y must be [N] or [N, K]; it is {list(y.shape)}")
    return make_sequences(parts, y, name=str(path), ids=arrays.get("ids"), channels=names)


@reads_file("series", ".npz")
def read_series(path: Path) -> Series:
    """A series from ``values``, ``time`` and ``columns``; the layout stands above."""
    import pandas as pd

    arrays = _arrays(path)
    values = _need(arrays, "values", path)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise DataError(f"{path}: values must be numbers [T, C]; it is {values.dtype} {list(values.shape)}")
    columns = arrays.get("columns", np.array([f"column {k}" for k in range(values.shape[1])]))
    time = arrays.get("time", np.arange(len(values)))
    if len(columns) != values.shape[1] or len(time) != len(values):
        raise DataError(
            f"{path}: values is {list(values.shape)}, but there are {len(time)} times and {len(columns)} columns"
        )
    if time.dtype.kind not in "fiuM":
        raise DataError(f"{path}: time must be numbers or datetime64; it is {time.dtype}")
    frame = pd.DataFrame(values, index=pd.Index(time, name="time"), columns=[str(c) for c in columns])
    return make_series(frame, name=str(path))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise DataError(f"{path}: this is a single .npy array, not an .npz file")
            return {key: file[key] for key in file.files}
    except DataError:
        raise
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
    ) as error:
        reason = "it holds Python objects" if "Object arrays" in str(error) else "it is no intact .npz file"
        raise DataError(f"{path}: cannot be read: {reason}") from error


def _need(arrays: dict[str, np.ndarray], key: str, path: Path) -> np.ndarray:
    if key not in arrays:
        raise DataError(f"{path}: there is no array {key!r}{nearest(key, arrays)} (it holds {listed(arrays)})")
    return arrays[key]
