"""Which axis of an array of sequences is time."""

from __future__ import annotations

import warnings

import numpy as np

from carrousel.data._errors import DataWarning

__all__ = ["steps_first"]


def steps_first(array: np.ndarray, channels_first: bool | None, what: str, channels: int | None = None) -> np.ndarray:
    """Returns sequences of equal length as ``[N, T, C]``.

    Args:
        array: ``[N, T, C]``, or ``[N, C, T]`` if ``channels_first``.
        channels_first: None takes it for ``[N, T, C]``, and warns if that makes more channels than steps.
        what: what messages call it.
        channels: how many channels there are, if that is known.
    """
    if channels_first:
        return np.swapaxes(array, 1, 2)
    _, steps, wide = array.shape
    known = channels is not None and steps == channels != wide
    if channels_first is None and (known or (channels is None and wide > steps > 0)):
        shape = tuple(int(k) for k in array.shape)
        warnings.warn(
            f"{what} of shape {shape} is taken for [N, T, C], {steps} steps of {wide} channels; if it is [N, C, T], "
            "say channels_first=True (on the command line --channels-first), else channels_first=False",
            DataWarning,
            stacklevel=4,
        )
    return array
