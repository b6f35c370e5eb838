"""Missing values of a series: what stands in their place, for forecasts that must not see what came later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["FILLS", "Filling"]

FILLS = ("mask", "interpolate", "last")


@dataclass(frozen=True)
class Filling:
    """A way of filling the missing values of a series, which are NaN.

    The last value is carried on, and a column's mean stands where nothing came before. ``"interpolate"`` draws a line
    between two values instead, in contexts that have both of them. ``"mask"`` marks what was missing in a column of
    zeros and ones beside, after all others.

    Attributes:
        how: ``"mask"``, ``"interpolate"``, ``"last"``, or None where nothing may be missing.
        usual: the mean of every column, [C].
        masked: the columns that have a mask, those that lacked a value in training.
    """

    how: str | None
    usual: np.ndarray
    masked: tuple[int, ...] = ()

    @classmethod
    def fit(cls, values: np.ndarray, how: str | None) -> Filling:
        """Returns the filling of a series [T, C], every column of which has a value."""
        gone = np.isnan(values).any(axis=0)
        masked = tuple(int(c) for c in np.flatnonzero(gone)) if how == "mask" else ()
        return cls(how, np.nanmean(values, axis=0), masked)

    @property
    def masks(self) -> tuple[tuple[int, int], ...]:
        """Pairs of a column and its mask's."""
        return tuple((column, len(self.usual) + k) for k, column in enumerate(self.masked))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Returns a series [T, C] filled, and its masks, [T, C + M]."""
        gone = np.isnan(values)
        if not gone.any() and not self.masked:
            return values
        frame = pd.DataFrame(values)
        if self.how == "interpolate":
            frame = frame.interpolate(limit_area="inside")
        found = frame.ffill().to_numpy()
        found = np.where(np.isnan(found), self.usual, found)
        return np.concatenate([found, gone[:, list(self.masked)].astype(np.float64)], axis=1)

    def open_ended(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """Tells of each origin whether a line drawn through all of the series would show it what comes later, [N]."""
        if self.how != "interpolate":
            return np.zeros(len(origins), dtype=bool)
        return np.isnan(values).any(axis=1)[origins - 1]

    def contexts(
        self, values: np.ndarray, origins: np.ndarray, reach: int, horizon: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns a filled series, and origins in it, before each of which stands what was known at that of ``values``.

        Where a line would lead into the future, the ``reach`` rows before an origin are filled for themselves, and
        stand with the ``horizon`` rows after it at the end of what is returned.
        """
        filled, late = self(values), self.open_ended(values, origins)
        if not late.any():
            return filled, origins
        pieces, moved, rows = [filled], origins.copy(), len(filled)
        for k in np.flatnonzero(late):
            origin = int(origins[k])
            before = self(values[max(0, origin - reach) : origin])
            after = filled[origin : origin + horizon]
            pieces += [before, after]
            moved[k] = rows + len(before)
            rows += len(before) + len(after)
        return np.concatenate(pieces), moved
