"""How much of the network's correction is taken: none where it does not help on windows that nothing learned from."""

from __future__ import annotations

import numpy as np

__all__ = ["gaps_of", "share_of"]

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
PARTS = 4  # of the validation windows, one after another
LEAST_GAIN = 0.01  # of the error, for which a network is worth having
LEAST_GAP = 1e-3  # between neighbouring quantiles, in units of a usual error


def share_of(corrections: np.ndarray, wanted: np.ndarray, worth: np.ndarray) -> float:
    """Returns the share of corrections that lessens the error most, 0 where none does by a hundredth.

    It is judged as starting forecasts are: by the mean over parts of the logarithm of the error's ratio. A correction that
    helps only in one part of the windows is chance.

    Args:
        corrections: of N windows in their order, [N, H].
        wanted: the corrections that would have been right, [N, H].
        worth: what a window's errors count, [N].
    """
    if len(wanted) == 0:
        return 1.0
    parts = np.array_split(np.arange(len(wanted)), min(PARTS, len(wanted)))

    def errors(share: float) -> np.ndarray:
        off = np.abs(wanted - share * corrections).mean(axis=1) * worth
        return np.array([off[part].mean() for part in parts]) + 1e-12

    before = errors(0.0)
    gains = [float(np.log(errors(share) / before).mean()) for share in SHARES]
    best = int(np.argmin(gains))
    return SHARES[best] if gains[best] < np.log1p(-LEAST_GAIN) else 0.0


def gaps_of(quantiles: np.ndarray, middle: int) -> np.ndarray:
    """Returns the distances between neighbouring quantiles [H, Q], outward from the median, whose own is 1."""
    off = np.abs(quantiles - quantiles[:, middle : middle + 1])
    gaps = np.ones_like(off)
    gaps[:, middle + 1 :] = np.diff(off[:, middle:], axis=1)
    gaps[:, :middle] = -np.diff(off[:, : middle + 1], axis=1)
    return np.maximum(gaps, LEAST_GAP)
