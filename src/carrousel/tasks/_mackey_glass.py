"""The Mackey-Glass series, which is chaotic."""

from __future__ import annotations

import numpy as np

from carrousel._jit import entry
from carrousel.learning._steps import check_counts

__all__ = ["mackey_glass"]

STEPS = 10
"""Runge-Kutta steps between two values."""


def mackey_glass(steps: int, *, delay: int = 17, first: float = 1.2) -> np.ndarray:
    """Returns the Mackey-Glass series at times 0, 1, 2, ..., ``[steps]``.

    How many white blood cells there are: dx/dt = 0.2 x(t - delay) / (1 + x(t - delay)^10) - 0.1 x(t), from x(0) =
    ``first``, and x = 0 before. It is followed by the Runge-Kutta method of fourth order in steps of 0.1; halfway
    between two of them what was a delay ago is their mean.

    M. C. Mackey, L. Glass: Oscillation and chaos in physiological control systems. Science 197, 1977.

    Args:
        steps: how many values.
        delay: in units of time; from 17 on the series is chaotic.
        first: the value at time 0.

    Raises:
        ValueError: ``steps`` or ``delay`` is not at least 1, or the first value is not above 0.

    >>> mackey_glass(4).round(3).tolist()
    [1.2, 1.086, 0.982, 0.889]
    """
    check_counts(steps=steps, delay=delay)
    if not (np.isfinite(first) and first > 0):
        raise ValueError(f"first must be a finite number above 0, got {first!r}")
    before = delay * STEPS
    values = np.zeros(before + (steps - 1) * STEPS + 1)
    values[before] = first
    _flow(values, before, 1 / STEPS)
    return values[before::STEPS].copy()


@entry
def _flow(values, before, step):
    """Fills in what follows on the first value, which stands at ``before``."""
    for t in range(before, len(values) - 1):
        was, will = values[t - before], values[t - before + 1]
        half = 0.5 * (was + will)
        feeding = 0.2 * half / (1.0 + half**10)
        x = values[t]
        k1 = 0.2 * was / (1.0 + was**10) - 0.1 * x
        k2 = feeding - 0.1 * (x + 0.5 * step * k1)
        k3 = feeding - 0.1 * (x + 0.5 * step * k2)
        k4 = 0.2 * will / (1.0 + will**10) - 0.1 * (x + step * k3)
        values[t + 1] = x + step / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
