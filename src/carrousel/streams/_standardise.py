"""Running standardisation: columns by the mean and spread of their values so far."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np

from carrousel._format import MOST, Arrays, fitted
from carrousel._jit import entry

__all__ = ["LARGEST", "Standardiser"]

LARGEST = 1e100
"""Larger numbers are refused: their squares would overflow."""

CUT = 100.0
"""What lies further from the mean, in spreads, is taken to lie there."""


class Standardiser:
    """Means and spreads of columns, in float64.

    NaN stands for a missing value and becomes 0, the mean. So does every value of a column that has not varied yet.
    Values more than 100 spreads from the mean are cut there.

    Rows are standardised one after the other, each by the rows before it and, when learning, by itself too.
    """

    def __init__(self, columns: int = 0) -> None:
        self.count, self.mean, self.square = np.zeros(columns), np.zeros(columns), np.zeros(columns)

    def widen(self, columns: int) -> None:
        """Adds columns that have no values yet."""
        more = np.zeros(columns - len(self.count))
        for name in ("count", "mean", "square"):
            setattr(self, name, np.concatenate([getattr(self, name), more]))

    @classmethod
    def restored(cls, columns: int, arrays: Arrays) -> Standardiser:
        """Returns a standardiser of so many columns, with these arrays.

        Raises:
            ValueError: no values could have led to them.
        """
        restored = cls(columns)
        vars(restored).update(fitted(arrays, dict.fromkeys(vars(restored), ((columns,), np.float64))))
        if not ((restored.count >= 0) & (restored.count <= MOST) & (restored.count == np.floor(restored.count))).all():
            raise ValueError("it holds counts of values that are no whole numbers")
        spread = (restored.square >= 0) & (restored.square <= restored.count * (2 * LARGEST) ** 2)
        if not (spread & (np.abs(restored.mean) <= 2 * LARGEST)).all():
            raise ValueError("no values have the means and spreads that it holds")
        return restored

    def learn(self, rows: np.ndarray) -> np.ndarray:
        """Takes rows ``[n, columns]`` into account and gives them standardised."""
        return self._run(rows, True)

    def look(self, rows: np.ndarray) -> np.ndarray:
        """Returns rows standardised; nothing changes."""
        return self._run(rows, False)

    def back(self, rows: np.ndarray) -> np.ndarray:
        """Returns rows of what :meth:`look` returned in their units."""
        return rows * self._spread() + self.mean

    def _spread(self) -> np.ndarray:
        spread = np.sqrt(self.square / np.maximum(self.count, 1))
        return np.where(spread > 1e-9 * np.abs(self.mean), spread, 0.0)

    def _run(self, rows: np.ndarray, learns: bool) -> np.ndarray:
        rows = np.ascontiguousarray(rows, np.float64)
        out = np.empty_like(rows)
        _standardise(self.count, self.mean, self.square, rows, learns, out)
        return out


@entry
def _standardise(count, mean, square, rows, learns, out):
    for t in range(len(rows)):
        for k in range(len(count)):
            value = rows[t, k]
            if isnan(value):
                out[t, k] = 0
                continue
            if learns:
                count[k] += 1
                off = value - mean[k]
                mean[k] += off / count[k]
                square[k] += off * (value - mean[k])
            spread = sqrt(square[k] / max(count[k], 1.0))
            # A column that has not varied, but for rounding, says nothing yet.
            out[t, k] = 0
            if spread > 1e-9 * abs(mean[k]):
                out[t, k] = min(max((value - mean[k]) / spread, -CUT), CUT)
