"""Intervals by what forecasts were off on windows that nothing was fitted to, for each step ahead."""

from __future__ import annotations

import numpy as np

__all__ = ["offsets_of", "ordered"]

ENOUGH = 10  # errors wanted beyond the outermost quantile


def offsets_of(errors: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Returns what to add to the quantiles of a forecast so that they hold, [H, Q]; 0 for the median.

    Each is the quantile of its errors at the rank (n + 1)·q (split conformal prediction, Vovk et al. 2005; of
    quantiles, Romano et al. 2019). Where windows are few, the errors of neighbouring steps are taken together, each in
    units of its own step's size.

    Args:
        errors: actual less forecast quantile on N windows, [N, H, Q].
        levels: the levels of the quantiles, Q.
    """
    count, horizon, _ = errors.shape
    outermost = min(min(q, 1 - q) for q in levels)
    wide = min(horizon - 1, max(0, int(np.ceil((ENOUGH / outermost / max(1, count) - 1) / 2))))
    found = np.zeros((horizon, len(levels)))
    for k, level in enumerate(levels):
        if level == 0.5 or count == 0:
            continue
        size = np.abs(errors[:, :, k]).mean(axis=0)
        size = np.array([size[max(0, h - wide) : h + wide + 1].mean() for h in range(horizon)])
        size = np.where(size > 0, size, 1.0)
        relative = errors[:, :, k] / size
        rank = (count + 1) * level / count if level > 0.5 else 1 - (count + 1) * (1 - level) / count
        for h in range(horizon):
            near = relative[:, max(0, h - wide) : h + wide + 1]
            found[h, k] = size[h] * np.quantile(near, float(np.clip(rank, 0.0, 1.0)))
    return found


def ordered(quantiles: np.ndarray, middle: int) -> np.ndarray:
    """Returns quantiles [..., Q] of which none crosses its neighbour: from the median outward they only move away."""
    below = np.minimum.accumulate(quantiles[..., middle::-1], axis=-1)[..., ::-1]
    above = np.maximum.accumulate(quantiles[..., middle:], axis=-1)
    return np.concatenate([below[..., :-1], above], axis=-1)
