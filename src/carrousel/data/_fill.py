"""What stands for missing values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carrousel.data._errors import DataError, listed, option

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FILLS", "carried", "check_fill", "fill_hint", "filled_rows", "filled_steps", "missing_words"]

FILLS = ("interpolate", "last", "mask")
"""A line between the neighbours (at an end the nearest value), the value before, or NaN, which is handed on."""


def check_fill(fill: str | None, name: str) -> None:
    """Refuses what is none of ``FILLS``."""
    if fill is not None and fill not in FILLS:
        raise DataError(f"{name}: {option('fill', fill)}: it is {listed(FILLS)}")


def fill_hint() -> str:
    """Returns the second line of a message on a missing value."""
    first, *others = FILLS
    return f"\n{option('fill', first)}, {' or '.join(others)} says what stands for missing values"


def missing_words(rows: int, values: int, fill: str | None) -> tuple[str, ...]:
    """Returns how many rows and values were missing, in words; nothing if none was.

    >>> missing_words(1, 3, "last")
    ('1 row and 3 values missing, filled with the last before',)
    """
    counts = [f"{n} {word}{'s' * (n != 1)}" for n, word in ((rows, "row"), (values, "value")) if n]
    said = {
        "interpolate": "filled by interpolation",
        "last": "filled with the last before",
        "mask": "left to the model",
    }
    return () if not counts or fill is None else (f"{' and '.join(counts)} missing, {said[fill]}",)


def filled_rows(frame: pd.DataFrame, fill: str | None, name: str) -> pd.DataFrame:
    """Returns the rows of a series with what ``fill`` puts for missing values; ``"mask"`` and None leave them.

    Raises:
        DataError: nothing stands before a value that is to be the last one before it.
    """
    if fill is None or fill == "mask":
        return frame
    made = frame.ffill() if fill == "last" else frame.interpolate(method="linear", limit_direction="both")
    empty = made.isna().any(axis=1).to_numpy()
    if empty.any():
        row = int(empty.nonzero()[0][-1])
        column = made.columns[int(made.iloc[row].isna().to_numpy().argmax())]
        raise DataError(
            f"{name}: column {column} has no value up to {frame.index[row]!s}: nothing stands before it that "
            f"{option('fill', fill)} could put there\n{option('fill', 'interpolate')} takes the first that follows"
        )
    return made


def filled_steps(values: np.ndarray, fill: str, where: str, channels: list[str] | None) -> np.ndarray:
    """Returns the steps of a sequence, ``[T, C]``, with what ``fill`` puts for missing values.

    Raises:
        DataError: a channel has no value at all, or nothing stands before one that is to be the last one before it.
    """
    gaps = np.isnan(values)
    if fill == "mask" or not gaps.any():
        return values
    for channel in np.flatnonzero(gaps.any(axis=0)).tolist():
        of = channel if channels is None else channels[channel]
        if gaps[:, channel].all():
            raise DataError(
                f"{where}, channel {of}: all its values are missing; {option('fill', fill)} has none to put"
            )
        if fill == "last" and gaps[0, channel]:
            raise DataError(
                f"{where}, step 0, channel {of}: the value is missing, and nothing stands before it\n"
                f"{option('fill', 'interpolate')} takes the first that follows"
            )
    return carried(values, fill)


def carried(values: np.ndarray, fill: str) -> np.ndarray:
    """Returns a sequence ``[T, C]`` in whose gaps stand values of their channel, as far as there are any to take.

    Args:
        values: NaN where one is missing.
        fill: ``"interpolate"`` or ``"last"``. What has no value before, or none at all, stays NaN.
    """
    made, steps = values.copy(), np.arange(len(values))
    for channel in np.flatnonzero(np.isnan(values).any(axis=0)):
        there = np.flatnonzero(~np.isnan(values[:, channel]))
        if fill == "interpolate" and len(there):
            made[:, channel] = np.interp(steps, there, values[there, channel])
        elif len(there):
            later = steps[there[0] :]
            made[later, channel] = values[there[np.searchsorted(there, later, side="right") - 1], channel]
    return made
