"""What every reader returns: sequences with a label each, or one series with a time index."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.data._errors import DataError
from carrousel.data._words import first_no_number

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Panel", "Sequences", "Series"]


@dataclass(frozen=True)
class Sequences:
    """Sequences of possibly different lengths over the same channels, each with a label or a target.

    Attributes:
        X: list of N float32 arrays ``[T_i, C]``, every T_i at least 1, all values finite, or NaN where read with
            ``fill="mask"``.
        y: class labels or values ``[N]``, several values per sequence ``[N, K]``, or None without labels.
        ids: names of the sequences ``[N]``: the source's own, or 0 … N - 1.
        channels: C names.
        name: where the data came from, for messages and tables.
        split: ``"train"``, ``"test"``, or ``"all"`` where the source has no such parts or both were asked for.
        how: how the source was read where that had to be told from its content: separator, encoding, columns left out.
        decimal: the mark of the decimals in labels of text.
        groups: what sequences have in common with others, ``[N]``: the person; None if that is not known. Those of one
            group stay together where some are held out.
        weights: how much each counts in training, ``[N]``, at least 0; None where all count alike.

    >>> import numpy as np
    >>> X = [np.zeros((3, 2), "f"), np.ones((5, 2), "f")]
    >>> data = Sequences(X, np.array(["a", "b"]), np.arange(2), ("x", "y"))
    >>> print(data)
    2 sequences of 3 to 5 steps, 2 channels, 2 classes
    """

    X: list[np.ndarray]
    y: np.ndarray | None
    ids: np.ndarray
    channels: tuple[str, ...]
    name: str = "data"
    split: str = "all"
    how: tuple[str, ...] = ()
    decimal: str = "."
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.X)

    @property
    def lengths(self) -> np.ndarray:
        """The steps of each sequence, ``[N]``."""
        return np.array([len(x) for x in self.X], dtype=np.int64)

    def take(self, rows: np.ndarray | list[int]) -> Sequences:
        """Returns the sequences at these positions."""
        rows = np.asarray(rows, dtype=np.int64)
        y, groups, weights = (None if a is None else a[rows] for a in (self.y, self.groups, self.weights))
        return replace(self, X=[self.X[i] for i in rows], y=y, ids=self.ids[rows], groups=groups, weights=weights)

    def classes(self) -> np.ndarray:
        """Returns the labels that occur, sorted.

        Raises:
            DataError: there are no labels, they are no classes, or all are of one class.
        """
        if self.y is None:
            raise DataError(f"{self.name}: there are no labels")
        if self.y.ndim != 1:
            raise DataError(
                f"{self.name}: there are {self.y.shape[1]} labels for each sequence; one class each is needed"
            )
        if self.y.dtype.kind == "f" and np.isnan(self.y).any():
            raise DataError(f"{self.name}: sequence {self.ids[np.isnan(self.y).argmax()]!s} has no label (NaN)")
        if self.y.dtype.kind == "f" and (self.y != np.round(self.y)).any():
            value = self.y[self.y != np.round(self.y)][0]
            raise DataError(f"{self.name}: the labels are values such as {value:g}, no classes; train a regression")
        labels = np.unique(self.y)
        if self.y.dtype.kind == "U" and len(labels) > max(2, len(self) // 2) and first_no_number(labels) is None:
            broken = [word for word in labels.tolist() if float(word) % 1]  # "0.50", which is no number to be kept
            if broken:
                raise DataError(
                    f"{self.name}: the labels are values such as {broken[0]}, no classes; train a regression"
                )
        if len(labels) < 2:
            raise DataError(f"{self.name}: all {len(self)} sequences are of one class ({labels[0]!s}); 2 are needed")
        return labels

    def values(self) -> np.ndarray:
        """Returns the targets as float64, ``[N]`` or ``[N, K]``.

        Raises:
            DataError: there are none, or one is not finite.
        """
        if self.y is None:
            raise DataError(f"{self.name}: there are no target values")
        labels = self.y
        if labels.dtype.kind == "U" and self.decimal == ",":
            labels = np.char.replace(np.char.replace(labels, ".", ""), ",", ".")
        bad = None if labels.dtype.kind in "biuf" else first_no_number(labels)
        if bad is not None:
            where = self.ids[bad // (self.y.size // len(self.y))]
            raise DataError(f"{self.name}: the target of sequence {where!s} is not a number: {self.y.ravel()[bad]!s}")
        y = labels.astype(np.float64)
        if not np.isfinite(y).all():
            where = self.ids[int(np.argwhere(~np.isfinite(y))[0][0])]
            raise DataError(f"{self.name}: the target of sequence {where!s} is NaN or infinite")
        return y

    def __str__(self) -> str:
        lengths = self.lengths
        low, high = int(lengths.min()), int(lengths.max())
        steps = f"{low} steps" if low == high else f"{low} to {high} steps"
        channels = f"{len(self.channels)} channel{'s' * (len(self.channels) != 1)}"
        text = f"{len(self)} sequences of {steps}, {channels}"
        if self.y is None:
            return text
        if self.y.ndim == 2:
            return f"{text}, {self.y.shape[1]} values each"
        if self.y.dtype.kind == "f":
            return f"{text}, one value each"
        of = "" if self.groups is None else f", {len(np.unique(self.groups))} groups"
        return f"{text}, {len(np.unique(self.y))} classes{of}"


@dataclass(frozen=True)
class Series:
    """One series of one or more channels at equal steps of time.

    Attributes:
        frame: float64 DataFrame ``[T, C]``, all values finite, or NaN where it was read with ``fill="mask"``; its index
            is the time: a DatetimeIndex with its frequency (None where the step is not one of the calendar), or whole
            numbers at equal steps.
        name: where the data came from.
        how: how the source was read where that had to be told from its content: separator, encoding, columns left out.
    """

    frame: pd.DataFrame
    name: str = "series"
    how: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the channels."""
        return tuple(str(c) for c in self.frame.columns)

    def __str__(self) -> str:
        first, last = (_when(when) for when in self.frame.index[[0, -1]])
        columns = f"{len(self.columns)} column{'s' * (len(self.columns) != 1)}"
        return f"{len(self)} steps from {first} to {last}, {columns}: {', '.join(self.columns)}"


@dataclass(frozen=True)
class Panel:
    """Several series of the same columns, at the same equal steps of time.

    Attributes:
        frames: the series by their ids: float64 columns as a ``Series`` has them, and then those that are static, of
            numbers or of words, each the same in all rows of a series.
        static: the names of the static columns.
        name: where the data came from.
        how: as in ``Series``.
    """

    frames: dict[Any, pd.DataFrame]
    static: tuple[str, ...] = ()
    name: str = "panel"
    how: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that change in time."""
        return tuple(str(c) for c in next(iter(self.frames.values())).columns if c not in self.static)

    @property
    def steps(self) -> list[int]:
        """The steps of each series."""
        return [len(frame) for frame in self.frames.values()]

    def __str__(self) -> str:
        low, high = min(self.steps), max(self.steps)
        steps = f"{low} steps" if low == high else f"{low} to {high} steps"
        indices = [frame.index for frame in self.frames.values() if len(frame)]
        first, last = (_when(f(index[k] for index in indices)) for f, k in ((min, 0), (max, -1)))
        columns = f"{len(self.columns)} column{'s' * (len(self.columns) != 1)}: {', '.join(self.columns)}"
        static = f"; static: {', '.join(self.static)}" if self.static else ""
        return f"{len(self)} series of {steps} from {first} to {last}, {columns}{static}"


def _when(time: Any) -> str:
    return str(time).removesuffix(" 00:00:00")
