"""Times as numbers since the beginning of 1970."""

from __future__ import annotations

import numpy as np

__all__ = ["EPOCHS", "NUMBERS", "epoch_of", "since_epoch"]

NUMBERS = "numbers"  # the format that takes whole numbers for no dates
EPOCHS = {"epoch-s": ("seconds", 1), "epoch-ms": ("milliseconds", 10**3), "epoch-us": ("microseconds", 10**6),
          "epoch-ns": ("nanoseconds", 10**9)}  # fmt: skip
"""The formats of such times: what they count, and how many of these are in a second."""
FIRST, LAST = 631_152_000, 1_900_000_000  # seconds from 1990 to 2030, within which numbers are told to be times


def epoch_of(values: np.ndarray) -> str | None:
    """Returns the format of numbers that can hardly be anything else than times since 1970, or None."""
    if len(values) == 0:
        return None
    low, high = float(values.min()), float(values.max())
    return next((name for name, (_, per) in EPOCHS.items() if FIRST * per <= low and high < LAST * per), None)


def since_epoch(values: np.ndarray, name: str) -> np.ndarray:
    """Returns numbers since 1970 as datetime64; parts of a microsecond are kept of nanoseconds alone."""
    if name == "epoch-ns":
        return values.astype(np.int64).astype("M8[ns]")
    per = EPOCHS[name][1]
    if values.dtype.kind in "iu":
        return (values.astype(np.int64) * (10**6 // per)).astype("M8[us]")
    return np.round(values.astype(np.float64) * (10**6 / per)).astype(np.int64).astype("M8[us]")
