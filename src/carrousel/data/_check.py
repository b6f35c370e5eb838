"""Checks that every reader's result passes, whatever file it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.data._errors import DataError, option, reading
from carrousel.data._fill import check_fill, fill_hint, filled_rows, filled_steps, missing_words
from carrousel.data._types import Sequences, Series
from carrousel.data._words import group_names, plain_labels, plain_names, refuse_twice

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Made", "checked_steps", "make_sequences", "make_series", "regular"]


def make_sequences(
    X: Sequence[np.ndarray],
    y: Any,
    *,
    name: str,
    split: str = "all",
    ids: Any = None,
    channels: Any = None,
    rows: Sequence[str] | None = None,
    fill: str | None = None,
    how: Sequence[str] = (),
    decimal: str = ".",
    groups: Any = None,
) -> Sequences:
    """Returns Sequences of arrays ``[T_i, C]`` after checking them.

    Args:
        X: the arrays.
        y: labels ``[N]`` or values ``[N, K]``, or None.
        name: where the data came from, for messages.
        split: the part of the data set.
        ids: names of the sequences; by default 0 to N - 1.
        channels: C names; by default ``"channel 0"`` and so on.
        rows: what messages call each sequence, such as ``"line 12"``; by default its id.
        fill: what stands for missing values (NaN), one of ``FILLS``; None refuses them.
        how: how the data were written, for people.
        decimal: the mark of the decimals in labels of text.
        groups: what sequences have in common, ``[N]``: the person.

    Raises:
        DataError: they cannot be sequences; the message names the sequence, and the step and channel of a value.
    """
    if len(X) == 0:
        raise DataError(f"{name}: there are no sequences")
    check_fill(fill, name)
    ids = np.arange(len(X)) if ids is None else plain_names(ids, f"{name}: ids")
    words = rows or [f"sequence {i!s}" for i in ids]
    if len(ids) != len(X):
        raise DataError(f"{name}: {len(X)} sequences but {len(ids)} ids")
    if y is not None:
        y = plain_labels(y, words, name)

    arrays, named, lacking = checked_steps(X, words, name=name, channels=channels, fill=fill)
    how = (*how, *missing_words(0, lacking, fill))
    groups = group_names(groups, len(X), "sequences", name)
    return Sequences(arrays, y, ids, named, name, split, how, decimal, groups)


def checked_steps(
    X: Sequence[np.ndarray], words: Sequence[str], *, name: str, channels: Any = None, fill: str | None = None
) -> tuple[list[np.ndarray], tuple[str, ...], int]:
    """Returns arrays ``[T_i, C]`` as float32, the names of their channels, and how many values were missing.

    Args:
        X: the arrays.
        words: what messages call each.
        name: where the data came from, for messages.
        channels: C names; by default ``"channel 0"`` and so on.
        fill: what stands for missing values (NaN), one of ``FILLS``; None refuses them.

    Raises:
        DataError: they are no sequences over the same channels; the message names the sequence, the step, the channel.
    """
    width: int | None = None
    named: list[str] | None = None
    arrays: list[np.ndarray] = []
    lacking = 0
    for word, raw in zip(words, X, strict=True):
        x = np.asarray(raw)  # [T, C]
        if x.dtype.kind not in "fiub":
            raise DataError(f"{name}: {word} holds {x.dtype} values; numbers are needed")
        if x.ndim != 2:
            raise DataError(f"{name}: {word} has {x.ndim} dimensions; [steps, channels] are needed")
        if len(x) == 0:
            raise DataError(f"{name}: {word} is empty (it has no steps)")
        if width is None:
            width = x.shape[1]
            if width == 0:
                raise DataError(f"{name}: there are no channels")
            named = _channels(channels, width, name)
        assert named is not None
        if x.shape[1] != width:
            raise DataError(f"{name}: {word} has {x.shape[1]} channels, the sequences before it have {width}")
        if fill is not None and x.dtype.kind == "f":
            lacking += int(np.isnan(x).sum())
            x = filled_steps(x, fill, f"{name}: {word}", named if channels is not None else None)
        with np.errstate(over="ignore"):
            small = x.astype(np.float32)
        bad = np.isinf(small) if fill == "mask" else ~np.isfinite(small)
        if bad.any():
            step, channel = (int(k) for k in np.argwhere(bad)[0])
            of = named[channel] if channels is not None else channel
            raise DataError(f"{name}: {word}, step {step}, channel {of}: {_fault(x[step, channel])}")
        arrays.append(small)
    assert named is not None
    return arrays, tuple(named), lacking


def make_series(
    frame: pd.DataFrame, *, name: str, fill: str | None = None, freq: str | None = None, how: Sequence[str] = ()
) -> Series:
    """Returns a Series of a DataFrame of numbers after checking it; its index is the time, ascending at equal steps.

    Args:
        frame: the numbers.
        name: where the data came from, for messages.
        fill: what stands for missing values and rows, one of ``FILLS``; None refuses them.
        freq: the step of time, as pandas names it (``"h"``, ``"MS"``); None tells it from the times.
        how: how the data were written, for people.

    Raises:
        DataError: it cannot be a series. Rows are named as people count them: from 1, a header not counted.
    """
    made = regular(frame, name=name, fill=fill, freq=freq)
    return Series(made.frame, name, (*how, *made.how, *missing_words(made.rows, made.values, fill)))


@dataclass(frozen=True)
class Made:
    """Rows of one series that passed all checks.

    Attributes:
        frame: the rows, at equal steps of time.
        how: what was done to have them so.
        rows: how many were missing.
        values: how many of those there are were.
    """

    frame: pd.DataFrame
    how: tuple[str, ...]
    rows: int
    values: int


def regular(
    frame: pd.DataFrame, *, name: str, fill: str | None, freq: str | None, numbers: np.ndarray | None = None
) -> Made:
    """Checks the rows of one series as ``make_series`` does.

    Args:
        frame: the numbers, the time as index.
        name: as in ``make_series``, as are ``fill`` and ``freq``.
        fill: as there.
        freq: as there.
        numbers: of the rows in a file that has others too, counted from 1.
    """
    import pandas as pd

    from carrousel.data._order import Ordered, in_order
    from carrousel.data._regular import on_grid

    check_fill(fill, name)
    if len(frame) == 0:
        raise DataError(f"{name}: there are no rows")
    if frame.shape[1] == 0:
        raise DataError(f"{name}: there is no column beside the time")
    refuse_twice([str(column) for column in frame.columns], "columns", name)
    for column, kind in zip(frame.columns, frame.dtypes, strict=True):
        if kind.kind in "cmMV":  # which become numbers, but not those that were meant
            raise DataError(f"{name}: column {column} holds {kind} values; numbers are needed")
    with reading(name), np.errstate(over="ignore"):
        frame = frame.astype(np.float64)
    values, of_file = frame.to_numpy(), Ordered(frame, numbers=numbers)
    bad = np.argwhere(~np.isfinite(values) if fill is None else np.isinf(values))
    if len(bad):
        row, column = (int(k) for k in bad[0])
        rest = np.isnan(values[row, column]) and values.shape[1] > 1
        others = f"; {option('channels')} takes other columns" if rest else ""
        said = f"{_fault(values[row, column])}{others}"
        raise DataError(f"{name}: row {of_file.row(row)}, column {frame.columns[column]}: {said}")
    empty = np.isnan(values).all(axis=0)
    if empty.any():
        raise DataError(f"{name}: column {frame.columns[int(empty.argmax())]} has no value at all")

    rows = in_order(frame, name, numbers)
    if isinstance(rows.frame.index, pd.PeriodIndex) and (np.diff(rows.frame.index.asi8) != 1).any():
        row = int((np.diff(rows.frame.index.asi8) != 1).argmax())
        raise DataError(f"{name}: the step from row {rows.row(row)} to row {rows.row(row + 1)} differs from the others")
    frame = rows.frame
    if not isinstance(frame.index, pd.PeriodIndex):
        frame = on_grid(rows, name, fill, freq)
    lacking = len(frame) - len(values), int(np.isnan(values).sum())
    return Made(filled_rows(frame, fill, name), rows.how, *lacking)


def _channels(channels: Any, width: int, name: str) -> list[str]:
    if channels is None:
        return [f"channel {k}" for k in range(width)]
    named = [str(c) for c in plain_names(channels, f"{name}: channels")]
    if len(named) != width:
        raise DataError(f"{name}: {width} channels but {len(named)} channel names")
    refuse_twice(named, "channels", name)
    return named


def _fault(value: float) -> str:
    if np.isnan(value):
        return f"the value is missing or NaN{fill_hint()}"
    if np.isinf(value):
        return "the value is infinite"
    return f"{value!s} is too large for float32"
