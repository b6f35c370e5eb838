"""``.npz``: arrays by name, read without pickle.

Sequences: ``X`` is ``[N, T, C]``; with ``lengths [N]``, what lies past a length is padding and is not looked at.
Or ``X`` is ``[sum of lengths, C]``: the sequences one after another. Steps are in the order of time. Optional:
``y [N]`` or ``[N, K]``, ``ids [N]``, ``channels [C]``.

Series: ``values`` is ``[T, C]`` or ``[T]``. Optional: ``time [T]`` (whole numbers or datetime64; without it 0 … T - 1)
and ``columns [C]``.

Other arrays of the file are not read.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from carrousel.data._check import make_sequences, make_series
from carrousel.data._errors import DataError, listed, nearest, reading
from carrousel.data._file import File
from carrousel.data._layout import steps_first
from carrousel.data._limit import MAX_SIZE, amount, check_size
from carrousel.data._registry import reads_file
from carrousel.data._times import plain_times
from carrousel.data._types import Sequences, Series
from carrousel.data._words import plain_names

__all__ = ["arrays_in", "check_lengths", "pieces", "read_sequences", "read_series", "steps_of_sequences"]

ENDING = ".npy"


@reads_file("sequences", ".npz")
def read_sequences(
    file: File, *, channels_first: bool | None = None, fill: str | None = None, max_size: float = MAX_SIZE
) -> Sequences:
    """Reads sequences from ``X`` (with ``lengths``), ``y``, ``ids`` and ``channels``; the layout stands above.

    Args:
        file: the file.
        channels_first: whether a three-dimensional ``X`` is ``[N, C, T]``; None takes it for ``[N, T, C]``, and warns
            if there would be more channels than steps.
        fill: what stands for NaN, as in tables.
        max_size: bytes that a compressed file may unpack to.
    """
    path = file.path
    arrays = arrays_in(path, "X", ("lengths", "y", "ids", "channels"), max_size)
    parts = steps_of_sequences(arrays, channels_first, path)
    y = arrays.get("y")
    if y is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    ids, channels = arrays.get("ids"), arrays.get("channels")
    return make_sequences(parts, y, name=str(path), ids=ids, channels=channels, fill=fill)


def steps_of_sequences(arrays: dict[str, np.ndarray], channels_first: bool | None, path: Path) -> list[np.ndarray]:
    """Returns the steps of each sequence, ``[T_i, C]``, from ``X`` and ``lengths``."""
    X, lengths = _numbers(arrays["X"], "X", "[N, T, C]", path), arrays.get("lengths")
    if lengths is not None:
        check_lengths(lengths, path)
    if X.ndim == 3:
        count = arrays["channels"].size if "channels" in arrays else None
        X = steps_first(X, channels_first, f"{path}: X", count)
        # Before X is cut into sequences: an array of no bytes can have any number of them.
        for size, lacks in zip(X.shape, ("there are no sequences", "sequence 0 is empty", "no channels"), strict=True):
            if size == 0:
                raise DataError(f"{path}: X is {list(X.shape)}: {lacks}")
        if lengths is None:
            return list(X)
        return pieces(X, lengths, "X", path)
    if X.ndim == 2 and lengths is not None:
        return pieces(X, lengths, "X", path, padded=False)
    raise DataError(f"{path}: X must be [N, T, C], or [sum of lengths, C] with lengths; it is {list(X.shape)}")


def check_lengths(lengths: np.ndarray, path: Path) -> None:
    """Refuses what are no lengths of sequences."""
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu":
        raise DataError(f"{path}: lengths must be whole numbers [N]; it is {lengths.dtype} {list(lengths.shape)}")
    if (lengths < 1).any():
        raise DataError(f"{path}: sequence {int(np.argmax(lengths < 1))} is empty (its length is {lengths.min()})")


def pieces(values: np.ndarray, lengths: np.ndarray, what: str, path: Path, *, padded: bool = True) -> list[np.ndarray]:
    """Returns the steps of each sequence, of an array with padding ``[N, T, ...]`` or end to end ``[S, ...]``."""
    if padded:
        if len(lengths) != len(values):
            raise DataError(f"{path}: {what} has {len(values)} sequences but there are {len(lengths)} lengths")
        if len(lengths) and lengths.max() > values.shape[1]:
            row = int(lengths.argmax())
            raise DataError(f"{path}: sequence {row} has length {lengths[row]}, but {what} has {values.shape[1]} steps")
        return [x[:n] for x, n in zip(values, lengths, strict=True)]
    total = sum(lengths.tolist())  # of Python's integers, which do not overflow
    if total != len(values):
        raise DataError(f"{path}: the lengths add up to {total}, but {what} has {len(values)} rows")
    return np.split(values, np.cumsum(lengths.astype(np.int64))[:-1]) if len(lengths) else []


@reads_file("series", ".npz")
def read_series(file: File, *, fill: str | None = None, freq: str | None = None, max_size: float = MAX_SIZE) -> Series:
    """Reads a series from ``values``, ``time`` and ``columns``; the layout stands above.

    Args:
        file: the file.
        fill: what stands for NaN and missing rows, as in tables.
        freq: the step of time, as in tables.
        max_size: bytes that a compressed file may unpack to.
    """
    import pandas as pd

    path = file.path

    arrays = arrays_in(path, "values", ("time", "columns"), max_size)
    values = _numbers(arrays["values"], "values", "[T, C]", path)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or 0 in values.shape:
        raise DataError(f"{path}: values must be numbers [T, C]; it is {values.dtype} {list(values.shape)}")
    columns = plain_names(
        arrays.get("columns", np.array([f"column {k}" for k in range(values.shape[1])])), f"{path}: columns"
    )
    time = plain_times(arrays.get("time", np.arange(len(values))), f"{path}: time, row {{row}}: ")
    if len(columns) != values.shape[1] or len(time) != len(values):
        raise DataError(
            f"{path}: values is {list(values.shape)}, but there are {len(time)} times and {len(columns)} columns"
        )
    with np.errstate(over="ignore"):
        values = values.astype(np.float64)
    frame = pd.DataFrame(values, index=pd.Index(time, name="time"), columns=[str(c) for c in columns])
    return make_series(frame, name=str(path), fill=fill, freq=freq)


def arrays_in(path: Path, needed: str, optional: tuple[str, ...], max_size: float) -> dict[str, np.ndarray]:
    """Returns the arrays of these names that the file holds; DataError without the one that is needed."""
    with reading(path, "it is no intact .npz file"), open(path, "rb") as file:
        if file.read(6) == np.lib.format.MAGIC_PREFIX:
            raise DataError(f"{path}: this is a single .npy array, not an .npz file")
        with zipfile.ZipFile(file) as archive:
            arrays = [m for m in archive.infolist() if m.filename.endswith(ENDING)]
            names = [m.filename.removesuffix(ENDING) for m in arrays]
            if needed not in names:
                raise DataError(
                    f"{path}: there is no array {needed!r}{nearest(needed, names)} (it holds {listed(names)})"
                )
            members = {name: m for name, m in zip(names, arrays, strict=True) if name in (needed, *optional)}
            for name in members:
                if names.count(name) > 1:
                    raise DataError(f"{path}: there are two arrays {name!r}")
            check_size(path, sum(m.file_size for m in members.values()), max_size)
            return {name: _array(archive, member, f"{path}: {name}") for name, member in members.items()}


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> np.ndarray:
    with reading(name, "it is no intact array"):
        with archive.open(member) as stream:
            shape, dtype = _header(stream)
            start = stream.tell()
        if dtype.hasobject:
            raise DataError(f"{name}: cannot be read: it holds Python objects")
        if dtype.itemsize == 0 or dtype.kind == "V":
            raise DataError(f"{name} holds {dtype}; numbers or words are needed")
        # Memory is taken for what the header says, before anything is read.
        claimed, there = math.prod(shape) * dtype.itemsize, member.file_size - start
        if min(shape, default=0) < 0 or claimed != there:
            raise DataError(f"{name}: its {amount(there)} are not the {list(shape)} {dtype} that its header names")
        with archive.open(member) as stream:
            return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"version {version}")  # 3.0 is for the names of fields alone
    return shape, dtype


def _numbers(array: np.ndarray, name: str, form: str, path: Path) -> np.ndarray:
    if array.dtype.kind not in "fiub":
        raise DataError(f"{path}: {name} must be numbers {form}; it is {array.dtype} {list(array.shape)}")
    return array
