"""Sequences of unequal length, checked and laid end to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Ragged", "as_sequences", "real"]


@dataclass(frozen=True)
class Ragged:
    """N sequences of unequal length as one array.

    Attributes:
        values: float64 [S, C], S the sum of the lengths.
        lengths: the steps of each, [N].
        names: of the channels.
        flat: T where they came as one 2-D array [N, T], else None.
    """

    values: np.ndarray
    lengths: np.ndarray
    names: tuple[str, ...] | None = None
    flat: int | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def channels(self) -> int:
        """The number of channels."""
        return self.values.shape[1]

    @property
    def starts(self) -> np.ndarray:
        """The row of ``values`` at which each sequence begins, [N]."""
        return np.concatenate(([0], np.cumsum(self.lengths)[:-1])).astype(np.int64)

    def take(self, chosen: np.ndarray) -> Ragged:
        """Returns the sequences numbered in ``chosen``, in that order."""
        starts, lengths = self.starts[chosen], self.lengths[chosen]
        rows = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths) + np.arange(lengths.sum())
        return Ragged(self.values[rows], lengths, self.names)


def as_sequences(X: Any, *, channels: int | None = None, estimator: str = "estimator", what: str = "X") -> Ragged:
    """Checks X and lays it end to end.

    Args:
        X: a list of ``[T_i, C]`` arrays (or DataFrames with the same columns), one ``[N, T, C]`` array, or a 2-D
            ``[N, T]`` array of N one-channel sequences of T steps; a list of 1-D arrays is one-channel and ragged.
        channels: the number that a fitted estimator expects.
        estimator: its name in messages.
        what: the name of X in messages.

    Raises:
        ValueError: there are NaN or infinity (the message names sequence, step and channel), empty sequences, or mixed
            channel counts.
        TypeError: it is no array of real numbers.
    """
    _refuse_sparse(X, what)
    if isinstance(X, (list, tuple)) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1):
        sequences = _from_list(X, what)
    else:
        sequences = _from_array(X, what)
    if channels is not None and sequences.channels != channels:
        raise ValueError(
            f"{what} has {sequences.channels} channel{'s' * (sequences.channels != 1)}, but {estimator} "
            f"was fitted on {channels}"
        )
    _refuse_not_finite(sequences, what)
    return sequences


def _from_array(X: Any, what: str) -> Ragged:
    names = _names(X)
    array = real(X, what)
    flat = array.shape[1] if array.ndim == 2 else None
    if flat is not None:
        array, names = array[:, :, None], None
    if array.ndim != 3:
        raise ValueError(
            f"{what} has shape {array.shape}: give a list of [T_i, C] arrays, one [N, T, C] array or a 2-D [N, T] "
            "array. Reshape your data: one sequence x of shape [T, C] is [x], one of shape [T] is x[None, :, None]"
        )
    n, steps, channels = array.shape
    if n == 0:
        raise ValueError(f"Found array with 0 sample(s) (shape={np.shape(X)}) while a minimum of 1 is required.")
    if steps == 0 or channels == 0:
        raise ValueError(f"Found array with 0 feature(s) (shape={np.shape(X)}) while a minimum of 1 is required.")
    return Ragged(array.reshape(n * steps, channels), np.full(n, steps, dtype=np.int64), names, flat)


def _from_list(X: Any, what: str) -> Ragged:
    if len(X) == 0:
        raise ValueError(f"Found array with 0 sample(s) (an empty list as {what}) while a minimum of 1 is required.")
    arrays: list[np.ndarray] = []
    for i, x in enumerate(X):
        array = real(x, f"sequence {i} of {what}")
        if array.ndim == 0:
            raise ValueError(
                f"{what} is a flat list of numbers; give a list of [T_i, C] arrays. "
                "Reshape your data: one sequence x of shape [T, C] is [x]"
            )
        if array.ndim == 1:
            array = array[:, None]
        if array.ndim != 2:
            raise ValueError(f"sequence {i} of {what} has shape {array.shape}; it must be [T, C] (or [T], one channel)")
        if array.shape[0] == 0:
            raise ValueError(f"sequence {i} of {what} is empty; every sequence needs at least one step")
        if array.shape[1] == 0:
            raise ValueError(f"sequence {i} of {what} has no channel")
        if arrays and array.shape[1] != arrays[0].shape[1]:
            raise ValueError(
                f"mixed channel counts in {what}: sequence 0 has {arrays[0].shape[1]}, "
                f"sequence {i} has {array.shape[1]}"
            )
        arrays.append(array)
    lengths = np.array([len(a) for a in arrays], dtype=np.int64)
    # Numbers in lists of lists are a 2-D array to scikit-learn; arrays in a list are sequences that may differ.
    plain = all(isinstance(x, (list, tuple)) and np.ndim(x[0]) == 0 for x in X)
    flat = int(lengths[0]) if plain and len(set(lengths.tolist())) == 1 else None
    return Ragged(np.concatenate(arrays), lengths, _common_names(X, what), flat)


def _names(x: Any) -> tuple[str, ...] | None:
    columns = getattr(x, "columns", None)
    return None if columns is None else tuple(str(c) for c in columns)


def _common_names(X: Any, what: str) -> tuple[str, ...] | None:
    names = _names(X[0])
    for i, x in enumerate(X):
        if _names(x) != names:
            raise ValueError(f"sequence {i} of {what} has the columns {_names(x)}, sequence 0 has {names}")
    return names


def real(x: Any, what: str) -> np.ndarray:
    """Returns an array of real numbers, float64."""
    _refuse_sparse(x, what)
    if hasattr(x, "detach"):  # a torch tensor, wherever it lives
        x = x.detach().cpu()
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{what} is no array of numbers: {error}") from None
    if np.iscomplexobj(array):
        raise ValueError(f"Complex data not supported: {what} is complex\n{array}\n")
    try:
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what} is no array of real numbers: {error}") from None


def _refuse_sparse(x: Any, what: str) -> None:
    if hasattr(x, "toarray") and hasattr(x, "nnz"):
        raise TypeError(f"{what} is a sparse container, and sequences are dense: use {what}.toarray()")


def _refuse_not_finite(sequences: Ragged, what: str) -> None:
    bad = ~np.isfinite(sequences.values)
    if not bad.any():
        return
    row, channel = (int(k[0]) for k in np.nonzero(bad))
    sequence = int(np.searchsorted(sequences.starts, row, side="right")) - 1
    value = sequences.values[row, channel]
    name = "NaN" if np.isnan(value) else "inf" if value > 0 else "-inf"
    where = f"{channel} ({sequences.names[channel]!r})" if sequences.names else f"{channel}"
    raise ValueError(
        f"{what} contains {name} at sequence {sequence}, step {row - sequences.starts[sequence]}, channel {where}; "
        f"{int(bad.sum())} of {bad.size} values are not finite. Fill or drop them first"
    )
