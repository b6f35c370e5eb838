"""Sequences of unequal length, checked and laid end to end."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["Ragged", "as_sequences", "names_of", "real"]

MANY = 16  # channels from which an array with fewer steps than half of them is taken for one that is turned


@dataclass(frozen=True)
class Ragged:
    """N sequences of unequal length as one array.

    Attributes:
        values: float64 [S, C], S the sum of the lengths.
        lengths: the steps of each, [N].
        names: of the channels.
        flat: T where they came as one 2-D array [N, T], else None.
        sizes: where they are images laid out row by row, the height and width of each, [N, 2]; else None.
    """

    values: np.ndarray
    lengths: np.ndarray
    names: tuple[str, ...] | None = None
    flat: int | None = None
    sizes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def channels(self) -> int:
        """The number of channels."""
        return self.values.shape[1]

    @property
    def extents(self) -> np.ndarray:
        """The steps of each sequence [N], or the height and width of each image [N, 2]."""
        return self.lengths if self.sizes is None else self.sizes

    @property
    def starts(self) -> np.ndarray:
        """The row of ``values`` at which each sequence begins, [N]."""
        return np.concatenate(([0], np.cumsum(self.lengths)[:-1])).astype(np.int64)

    def take(self, chosen: np.ndarray) -> Ragged:
        """Returns the sequences numbered in ``chosen``, in that order."""
        starts, lengths = self.starts[chosen], self.lengths[chosen]
        rows = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths) + np.arange(lengths.sum())
        sizes = None if self.sizes is None else self.sizes[chosen]
        return Ragged(self.values[rows], lengths, self.names, sizes=sizes)

    def by_name(self, names: list[str], what: str) -> Ragged:
        """Returns the sequences with these channels in this order, if their own have names.

        Raises:
            ValueError: they have others.
        """
        if self.names is None or list(self.names) == names:
            return self
        other = sorted(set(self.names) - set(names))
        lacking = sorted(set(names) - set(self.names))
        if other or lacking or len(self.names) != len(names):
            words = [f"lacks {lacking[0]!r}"] if lacking else []
            words += [f"has {other[0]!r}"] if other else [f"has {len(self.names)} columns"] if not lacking else []
            raise ValueError(f"{what} {' and '.join(words)}: its columns should be those of fit, {', '.join(names)}")
        return replace(self, values=self.values[:, [self.names.index(n) for n in names]], names=tuple(names))


def as_sequences(
    X: Any,
    *,
    channels: int | None = None,
    estimator: str = "estimator",
    what: str = "X",
    gaps: bool = False,
    channels_first: bool = False,
) -> Ragged:
    """Checks X and lays it end to end.

    Args:
        X: a list of ``[T_i, C]`` arrays (or DataFrames with the same columns), one ``[N, T, C]`` array, or a 2-D
            ``[N, T]`` array of N one-channel sequences of T steps; a list of 1-D arrays is one-channel and ragged.
        channels: the number that a fitted estimator expects.
        estimator: its name in messages.
        what: the name of X in messages.
        gaps: NaN stands for a value that is missing, and is left.
        channels_first: arrays are ``[N, C, T]``, or ``[C, T_i]`` in a list; DataFrames have a column for each channel
            all the same.

    Raises:
        ValueError: there are NaN or infinity (the message names sequence, step and channel), empty sequences, or mixed
            channel counts.
        TypeError: it is no array of real numbers.
    """
    _refuse_sparse(X, what)
    if isinstance(X, (list, tuple)) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1):
        sequences = _from_list(X, what, channels_first)
    else:
        sequences = _from_array(X, what, channels_first, warned=channels is None)
    if channels is not None and sequences.channels != channels:
        turned = not channels_first and _steps(X) == channels
        hint = f"; if it is [N, C, T], with {channels} channels, say channels_first=True" * turned
        raise ValueError(
            f"{what} has {sequences.channels} channel{'s' * (sequences.channels != 1)}, but {estimator} "
            f"was fitted on {channels}{hint}"
        )
    _refuse_not_finite(sequences, what, gaps)
    return sequences


def _steps(X: Any) -> int | None:
    """Returns the second size of an array of three dimensions, or of the first of a list's."""
    shape = np.shape(X) if isinstance(X, np.ndarray) and X.dtype != object else (0, *np.shape(X[0]))
    return shape[1] if len(shape) == 3 else None


def _from_array(X: Any, what: str, channels_first: bool, warned: bool) -> Ragged:
    names = _names(X)
    array = real(X, what)
    if channels_first and array.ndim == 3:
        array = np.ascontiguousarray(array.transpose(0, 2, 1))
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
    if warned and not channels_first and channels >= MANY and channels >= 2 * steps:
        warnings.warn(
            f"{what} has the shape {array.shape}, read as {n} sequences of {steps} step{'s' * (steps != 1)} and "
            f"{channels} channels. If it is [N, C, T], say channels_first=True",
            UserWarning,
            stacklevel=4,
        )
    return Ragged(array.reshape(n * steps, channels), np.full(n, steps, dtype=np.int64), names, flat)


def _from_list(X: Any, what: str, channels_first: bool) -> Ragged:
    if len(X) == 0:
        raise ValueError(f"Found array with 0 sample(s) (an empty list as {what}) while a minimum of 1 is required.")
    arrays: list[np.ndarray] = []
    names = _names(X[0])
    for i, x in enumerate(X):
        array = real(x, f"sequence {i} of {what}")
        if array.ndim == 0:
            raise ValueError(
                f"{what} is a flat list of numbers; give a list of [T_i, C] arrays. "
                "Reshape your data: one sequence x of shape [T, C] is [x]"
            )
        if array.ndim == 1:
            array = array[:, None]
        elif channels_first and array.ndim == 2 and _names(x) is None:
            array = array.T
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
        arrays.append(_in_order(array, _names(x), names, f"sequence {i} of {what}"))
    lengths = np.array([len(a) for a in arrays], dtype=np.int64)
    # Numbers in lists of lists are a 2-D array to scikit-learn; arrays in a list are sequences that may differ.
    plain = all(isinstance(x, (list, tuple)) and np.ndim(x[0]) == 0 for x in X)
    flat = int(lengths[0]) if plain and len(set(lengths.tolist())) == 1 else None
    return Ragged(np.concatenate(arrays), lengths, names, flat)


def names_of(X: Any) -> tuple[str, ...] | None:
    """Returns the names of the channels where X is made of DataFrames."""
    several = isinstance(X, (list, tuple)) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1)
    return _names(X[0]) if several and len(X) else None


def _names(x: Any) -> tuple[str, ...] | None:
    columns = getattr(x, "columns", None)
    return None if columns is None else tuple(str(c) for c in columns)


def _in_order(array: np.ndarray, own: tuple[str, ...] | None, names: tuple[str, ...] | None, what: str) -> np.ndarray:
    """Returns a sequence with its columns in the order of ``names``, those of the first sequence."""
    if own == names:
        return array
    if own is None or names is None or sorted(own) != sorted(names) or len(set(own)) < len(own):
        raise ValueError(f"{what} has the columns {own}, sequence 0 has {names}")
    return array[:, [own.index(name) for name in names]]


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


def _refuse_not_finite(sequences: Ragged, what: str, gaps: bool) -> None:
    bad = np.isinf(sequences.values) if gaps else ~np.isfinite(sequences.values)
    if not bad.any():
        return
    row, channel = (int(k[0]) for k in np.nonzero(bad))
    sequence = int(np.searchsorted(sequences.starts, row, side="right")) - 1
    value = sequences.values[row, channel]
    name = "NaN" if np.isnan(value) else "inf" if value > 0 else "-inf"
    where = f"{channel} ({sequences.names[channel]!r})" if sequences.names else f"{channel}"
    raise ValueError(
        f"{what} contains {name} at sequence {sequence}, step {row - sequences.starts[sequence]}, channel {where}; "
        f"{int(bad.sum())} of {bad.size} values are not finite. "
        + ("Drop them first" if name != "NaN" else "Fill or drop them first, or say how to fill them by fill=")
    )
