"""Running standardisation: columns by where their recent values lie, and how far they lie from there."""

from __future__ import annotations

from math import isnan

import numpy as np

from carrousel._format import MOST, Arrays, fitted
from carrousel._jit import entry, jit

__all__ = ["CUT", "LARGEST", "WINDOW", "Standardiser", "nearer", "standard"]

LARGEST = 1e100
"""Larger numbers are refused: sums of a few of them must stay finite."""
CUT = 10.0
"""What lies further from the middle, in spreads, is taken to lie there."""
WINDOW = 1000
"""Values that count, about: older ones fade."""
FAR, FEW = 6.0, 10
"""After a few values, one that lies further than so many spreads counts as if it lay there."""


class Standardiser:
    """Middles and spreads of columns, in float64: running means of the values and of their distances from the middle.

    The last thousand values count, about. One that lies far off moves a middle or a spread as little as one that lies
    6 spreads from the middle. NaN stands for a missing value and becomes 0, the middle. So does every value of a
    column that has not varied yet. Values more than 10 spreads from the middle are cut there.

    Rows are standardised one after the other, each by the rows before it and, when learning, by itself too.
    """

    def __init__(self, columns: int = 0) -> None:
        self.count, self.mean, self.spread = np.zeros(columns), np.zeros(columns), np.zeros(columns)

    def widen(self, columns: int) -> None:
        """Adds columns that have no values yet."""
        more = np.zeros(columns - len(self.count))
        for name in ("count", "mean", "spread"):
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
        spread = (restored.spread >= 0) & (restored.spread <= 2 * LARGEST)
        if not (spread & (np.abs(restored.mean) <= 2 * LARGEST)).all():
            raise ValueError("no values have the means and spreads that it holds")
        return restored

    def learn(self, rows: np.ndarray) -> np.ndarray:
        """Takes rows ``[n, columns]`` into account and gives them standardised."""
        return self._run(rows, True)

    def look(self, rows: np.ndarray) -> np.ndarray:
        """Returns rows standardised; nothing changes."""
        return self._run(rows, False)

    def _run(self, rows: np.ndarray, learns: bool) -> np.ndarray:
        rows = np.ascontiguousarray(rows, np.float64)
        out = np.empty_like(rows)
        _standardise(self.count, self.mean, self.spread, rows, learns, out)
        return out


@jit
def nearer(off, spread, count):
    """Returns a distance from the middle, of the count-th value, as it is to count: not further than is likely."""
    if count > FEW and spread > 0:
        return min(max(off, -FAR * spread), FAR * spread)
    return off


@jit
def standard(value, mean, spread):
    """Returns a value in spreads from the middle; 0 if nothing has varied yet, but for rounding."""
    if spread > 1e-9 * abs(mean):
        return min(max((value - mean) / spread, -CUT), CUT)
    return 0.0


@entry
def _standardise(count, mean, spread, rows, learns, out):
    for t in range(len(rows)):
        for k in range(len(count)):
            value = rows[t, k]
            if isnan(value):
                out[t, k] = 0
                continue
            if learns:
                count[k] += 1
                if count[k] == 1:
                    mean[k] = value
                off = nearer(value - mean[k], spread[k], count[k])
                mean[k] += off / min(count[k], WINDOW)
                spread[k] += (abs(off) - spread[k]) / min(count[k], WINDOW)
            out[t, k] = standard(value, mean[k], spread[k])
