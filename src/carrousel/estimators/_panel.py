"""Many series as one: told apart by an id, brought to one scale, and laid end to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from carrousel.data._panel import beside
from carrousel.estimators._series import Regular, as_series
from carrousel.estimators._windows import split_origins

LEAST_CHANGE = 0.05  # of the mean absolute deviation: the least unit of a series

__all__ = ["Stack", "Static", "frames_of", "padded", "regular_of", "scales_of"]


def frames_of(X: Any, id: Any, targets: tuple[Any, ...]) -> dict[Any, Any]:
    """Returns the series of a panel by their ids.

    Args:
        X: a dict of frames, Series or arrays; a long DataFrame; or a DataFrame with a column for each target.
        id: the column of a long frame that tells series apart.
        targets: several columns that are a series each, with all other columns beside; () for one.

    Raises:
        ValueError: they cannot be told apart.
    """
    if id is not None and targets:
        raise ValueError(f"id={id!r} tells series of one target apart; {len(targets)} targets are series of their own")
    if isinstance(X, dict):
        frames = dict(X)
    elif not isinstance(X, pd.DataFrame):
        raise ValueError(f"X must be a dict of series or a DataFrame of several, got {type(X).__name__}")
    elif id is not None:
        if id not in X.columns:
            raise ValueError(f"id {id!r} is not a column of X; it has {', '.join(map(repr, X.columns))}")
        if X[id].isna().any():
            raise ValueError(f"row {int(X[id].isna().to_numpy().argmax())} of X has no id in column {id!r}")
        frames = {key: frame.drop(columns=id) for key, frame in X.groupby(id, sort=False, observed=True)}
    elif targets:
        missing = [name for name in targets if name not in X.columns]
        if missing:
            raise ValueError(f"target {missing[0]!r} is not a column of X; it has {', '.join(map(repr, X.columns))}")
        frames = dict(beside(X, targets))
    else:
        raise ValueError("say with id= which column tells the series of X apart, or give a dict of series")
    if not frames:
        raise ValueError("X has no series")
    return frames


@dataclass(frozen=True)
class Static:
    """What is constant in a series: numbers as they are, and words as a column of zeros and ones for each.

    Attributes:
        names: of the columns.
        words: the words of each column in their order, () for one of numbers.
    """

    names: tuple[Any, ...]
    words: tuple[tuple[str, ...], ...]

    @classmethod
    def fit(cls, frames: dict[Any, Any], names: tuple[Any, ...]) -> Static:
        """Returns the static columns of a panel."""
        words = []
        for name in names:
            values = [_constant(frame, name, key) for key, frame in frames.items()]
            numeric = all(isinstance(value, int | float | np.number) for value in values)
            words.append(() if numeric else tuple(sorted({str(value) for value in values})))
        return cls(names, tuple(words))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what is made of them."""
        pairs = zip(self.names, self.words, strict=True)
        return tuple(f"{name}={word}" if words else str(name) for name, words in pairs for word in words or ("",))

    def split(self, frame: Any, key: Any) -> tuple[Any, np.ndarray]:
        """Returns a series without its static columns, and what is made of these, [S].

        Raises:
            ValueError: one lacks or changes, or has a word that no series had in training.
        """
        values: list[float] = []
        for name, words in zip(self.names, self.words, strict=True):
            value = _constant(frame, name, key)
            if not words:
                values.append(float(value))
            elif str(value) not in words:
                raise ValueError(
                    f"series {key!r}: {name!r} is {value!r}, and was one of {', '.join(words)} in training"
                )
            else:
                values += [float(str(value) == word) for word in words]
        return (frame.drop(columns=list(self.names)) if self.names else frame), np.array(values)


def _constant(frame: Any, name: Any, key: Any) -> Any:
    if not isinstance(frame, pd.DataFrame) or name not in frame.columns:
        raise ValueError(f"series {key!r} has no column {name!r}, which is static")
    values = frame[name]
    if values.isna().any() or values.nunique() != 1:
        raise ValueError(f"series {key!r}: the static column {name!r} is not one value throughout")
    return values.iloc[0]


def regular_of(frame: Any, key: Any, static: np.ndarray, names: tuple[str, ...], **options: Any) -> Regular:
    """Returns one series with its static columns at the end."""
    try:
        series = as_series(frame, **options)
    except ValueError as error:
        raise ValueError(f"series {key!r}: {error}") from None
    beside = np.broadcast_to(static, (len(series), len(static)))
    return Regular(np.concatenate([series.values, beside], axis=1), (*series.names, *names), series.grid)


def scales_of(values: np.ndarray, kept: tuple[int, ...], target: int | None = None, season: int = 1) -> np.ndarray:
    """Returns the scale of each column [T, C], 1 for those ``kept``, [C].

    It is the mean absolute deviation from the mean; that of the target, if one is given, is the mean absolute change
    in a season, the unit of MASE (Hyndman & Koehler 2006), so that an error counts as it does in MASE.
    """
    scale = _deviation(values)
    if target is not None and len(values) > season:
        change = np.abs(values[season:, target] - values[:-season, target])
        usual = float(np.nanmean(change)) if np.isfinite(change).any() else 0.0
        # A season that returns almost exactly says little of what an error is worth.
        scale[target] = max(usual, LEAST_CHANGE * scale[target])
    scale[list(kept)] = 1.0
    return np.where((scale > 0) & np.isfinite(scale), scale, 1.0)


def _deviation(values: np.ndarray) -> np.ndarray:
    seen = ~np.isnan(values)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, values, 0.0).sum(axis=0) / count
    scale = np.where(seen, np.abs(values - mean), 0.0).sum(axis=0) / count
    # One that stands still has the scale of its level.
    return np.where(scale > 1e-9 * np.abs(mean), scale, np.abs(mean))


def padded(series: Regular, rows: int) -> Regular:
    """Returns a series of at least so many rows: what is too short begins with its first row again and again."""
    lacking = rows - len(series)
    if lacking <= 0:
        return series
    values = np.concatenate([np.repeat(series.values[:1], lacking, axis=0), series.values])
    return Regular(values, series.names, None if series.grid is None else series.grid.moved(-lacking))


@dataclass(frozen=True)
class Stack:
    """Series end to end: first what is learned from, of all of them, and then what is validated on.

    Attributes:
        parts: the number of the series, and its first and last row + 1, of each piece.
        training: origins to learn from, in the stack.
        valid: later ones.
    """

    parts: tuple[tuple[int, int, int], ...]
    training: np.ndarray
    valid: np.ndarray

    @classmethod
    def fit(cls, lengths: list[int], reach: int, horizon: int, share: float | None) -> Stack:
        """Returns the stack of series of these lengths; those that are too short for a window are left out.

        Raises:
            ValueError: all are.
        """
        parts: list[tuple[int, int, int]] = []
        origins: dict[str, list[np.ndarray]] = {"training": [], "valid": []}
        able = [k for k, rows in enumerate(lengths) if rows >= reach + horizon]
        if not able:
            raise ValueError(
                f"the horizon of {horizon} is too long for every series: {reach} rows of context and {horizon} to "
                f"forecast make {reach + horizon}, and the longest series has {max(lengths)}"
            )
        splits = {k: split_origins(lengths[k], reach, horizon, share) for k in able}
        begin = 0
        for name, which in (("training", 0), ("valid", 1)):
            for k in able:
                chosen = splits[k][which]
                if len(chosen) == 0:
                    continue
                first, last = int(chosen[0]) - reach, int(chosen[-1]) + horizon
                parts.append((k, first, last))
                origins[name].append(chosen - first + begin)
                begin += last - first
        made = {name: np.concatenate(some) if some else np.zeros(0, int) for name, some in origins.items()}
        return cls(tuple(parts), made["training"], made["valid"])

    def of(self, values: list[np.ndarray]) -> np.ndarray:
        """Returns rows of the series in their places."""
        return np.concatenate([values[k][first:last] for k, first, last in self.parts])
