"""How sure a mean over forecast origins is, which overlap and follow each other."""

from __future__ import annotations

import numpy as np

__all__ = ["standard_error"]


def standard_error(figures: np.ndarray, overlap: int) -> float | None:
    """Returns the standard error of the mean of a figure at N successive origins; None where they are too few.

    The variance is that of Diebold & Mariano (1995), with the autocovariances of origins whose forecasts overlap, and
    Bartlett's weights where these make it negative; the correction for few origins is that of Harvey, Leybourne &
    Newbold (1997).

    Args:
        figures: the figure at each origin, [N].
        overlap: how many successive origins have a step in common, itself included; 1 if none has.
    """
    n = len(figures)
    if n <= overlap:
        return None
    correction = (n + 1 - 2 * overlap + overlap * (overlap - 1) / n) / n
    off = figures - figures.mean()
    products = np.array([off[lag:] @ off[: n - lag] / n for lag in range(min(overlap, n))])
    variance = products[0] + 2 * products[1:].sum()
    if variance <= 0:
        variance = products[0] + 2 * ((1 - np.arange(1, len(products)) / len(products)) * products[1:]).sum()
    return float(np.sqrt(max(variance, 0.0) / n / correction))
