"""A sequence as a row of numbers, as the simple methods see it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from carrousel.estimators._sequences import Ragged

__all__ = ["FEATURES", "mean_and_deviation", "resampled", "steps_kept", "summary", "width"]

WIDEST = 1024  # numbers of a resampled sequence
LONGEST = 512  # its steps


def mean_and_deviation(sequences: Ragged) -> np.ndarray:
    """Returns each channel's mean and standard deviation over a sequence's steps, [N, 2·C]."""
    starts, lengths = sequences.starts, sequences.lengths[:, None]
    mean = np.add.reduceat(sequences.values, starts) / lengths
    centred = sequences.values - np.repeat(mean, sequences.lengths, axis=0)
    return np.hstack([mean, np.sqrt(np.add.reduceat(centred**2, starts) / lengths)])


def summary(sequences: Ragged) -> np.ndarray:
    """Returns summary features, [N, 7·C + 1].

    They are each channel's mean, deviation, least, greatest, first and last value, the mean size of its changes from
    step to step, and the logarithm of the sequence's length.
    """
    values, starts, lengths = sequences.values, sequences.starts, sequences.lengths
    change = np.abs(np.diff(values, axis=0, prepend=values[:1]))
    change[starts] = 0.0
    return np.hstack(
        [
            mean_and_deviation(sequences),
            np.minimum.reduceat(values, starts),
            np.maximum.reduceat(values, starts),
            values[starts],
            values[starts + lengths - 1],
            np.add.reduceat(change, starts) / np.maximum(lengths - 1, 1)[:, None],
            np.log(lengths)[:, None],
        ]
    )


def steps_kept(sequences: Ragged) -> int:
    """Returns to how many steps sequences are resampled: those of the longest, or fewer where that is wide.

    Images, which are of one size here, keep all their places.
    """
    if sequences.sizes is not None:
        return int(sequences.lengths[0])
    return int(min(sequences.lengths.max(), LONGEST, max(4, WIDEST // sequences.channels)))


def resampled(sequences: Ragged, steps: int) -> np.ndarray:
    """Returns every sequence at ``steps`` equally spaced times by linear interpolation, [N, steps, C]."""
    place = np.linspace(0.0, 1.0, steps) * (sequences.lengths - 1)[:, None]  # [N, steps]
    left = np.minimum(np.floor(place).astype(np.int64), np.maximum(sequences.lengths - 2, 0)[:, None])
    right = np.minimum(left + 1, (sequences.lengths - 1)[:, None])
    share = (place - left)[:, :, None]
    begin = sequences.starts[:, None]
    return (1 - share) * sequences.values[begin + left] + share * sequences.values[begin + right]


def _flat(sequences: Ragged, steps: int) -> np.ndarray:
    return resampled(sequences, steps).reshape(len(sequences), -1)


FEATURES: dict[str, Callable[[Ragged, int], np.ndarray]] = {
    "mean and deviation": lambda sequences, steps: mean_and_deviation(
        sequences
    ),  # of models saved before there were more
    "summary features": lambda sequences, steps: summary(sequences),
    "raw steps": _flat,
    "pixels": _flat,
}
"""What a linear method sees of sequences, by its name: from them and a number of steps to [N, F]."""


def width(features: str, channels: int, steps: int) -> int:
    """Returns F, how many numbers of these features a sequence has."""
    return {"mean and deviation": 2 * channels, "summary features": 7 * channels + 1}.get(features, steps * channels)
