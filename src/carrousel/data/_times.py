"""Times in the three forms that the rest of the package knows."""

from __future__ import annotations

import numpy as np

from carrousel.data._errors import DataError

__all__ = ["plain_times"]

LARGEST = 2**61
"""Of whole numbers: differences of two, and steps beyond the last, are still int64. Nanoseconds reach the year 2043."""
EXACT = 2**53  # up to here float64 has every whole number
FIRST, LAST = -62_135_596_800, 253_402_300_799  # seconds of 0001-01-01 and of the end of 9999
SECONDS = {"Y": 31_556_952.0, "M": 2_629_746.0, "W": 604_800.0, "D": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0,
           "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12, "fs": 1e-15, "as": 1e-18}  # fmt: skip


def plain_times(times: np.ndarray, where: str) -> np.ndarray:
    """Returns times ``[T]`` as int64, float64 or datetime64, all finite and within bounds where sums of them are exact.

    ``where`` begins the message, its ``{row}`` replaced by the row at fault, counted from 1.

    Raises:
        DataError: they are nothing of the kind, or one is missing, infinite or beyond the bounds.
    """
    kind = times.dtype.kind
    if times.ndim != 1 or kind not in "fiuM":
        raise DataError(f"{where.format(row=1)}times must be numbers or dates [T]; they are {_form(times)}")
    if kind == "M":
        return _dates(times, where)
    if kind == "f":
        _refuse(np.isnan(times), "the time is missing or NaN", where)
        _refuse(np.isinf(times), "the time is infinite", where)
        with np.errstate(over="ignore"):
            times = times.astype(np.float64)
        _refuse(np.abs(times) > EXACT, f"the time is beyond {EXACT}, where not all whole numbers are told apart", where)
        return times
    _refuse((times > LARGEST) | (times < -LARGEST if kind == "i" else False), f"the time is beyond {LARGEST}", where)
    return times.astype(np.int64)


def _dates(times: np.ndarray, where: str) -> np.ndarray:
    unit, step = np.datetime_data(times.dtype)
    _refuse(np.isnat(times), "the time is missing (NaT)", where)
    if unit not in SECONDS:
        raise DataError(f"{where.format(row=1)}the times are dates of no unit; datetime64[s] would do")
    # In floats: whole numbers of a coarse unit overflow when they are turned into a finer one.
    seconds = times.astype(times.dtype.newbyteorder("=")).view(np.int64) * (step * SECONDS[unit])
    _refuse((seconds < FIRST) | (seconds > LAST), "the time is not within the years 1 to 9999", where)
    within = np.abs(seconds).max(initial=0.0) < 9e9  # what int64 has of nanoseconds, some 292 years around 1970
    return times.astype("M8[ns]" if within and SECONDS[unit] < SECONDS["us"] else "M8[us]")


def _refuse(bad: np.ndarray, fault: str, where: str) -> None:
    if bad.any():
        raise DataError(f"{where.format(row=int(bad.argmax()) + 1)}{fault}")


def _form(array: np.ndarray) -> str:
    return f"{array.dtype} {list(array.shape)}"
