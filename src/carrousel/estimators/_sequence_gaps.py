"""Missing values of sequences: what stands in their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from carrousel.data._fill import carried
from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequences import Ragged

__all__ = ["FILLS", "filled", "scaler_of", "with_mask", "without_gaps"]

FILLS = (None, "mask", "interpolate", "last")


def filled(sequences: Ragged, how: str | None) -> Ragged:
    """Returns sequences in whose gaps stand values of their own channel, as far as there are any to take.

    Args:
        sequences: values ``[S, C]``, NaN where one is missing.
        how: ``"last"`` repeats the value before the gap; ``"interpolate"`` draws a straight line from the value before
            to the value after, and repeats the first and the last beyond them. ``None`` and ``"mask"`` leave all as it
            is.
    """
    missing = np.isnan(sequences.values)
    if how not in ("last", "interpolate") or not missing.any():
        return sequences
    values, ends = sequences.values.copy(), np.cumsum(sequences.lengths)
    for start, end in zip(ends - sequences.lengths, ends, strict=True):
        if missing[start:end].any():
            values[start:end] = carried(values[start:end], how)
    return replace(sequences, values=values)


def with_mask(values: np.ndarray, how: str | None) -> np.ndarray:
    """Returns standardised values, float32 [S, C], zero where one is missing.

    With ``"mask"`` C channels stand beside them, 1 where a value is missing and 0 elsewhere: [S, 2·C].
    """
    missing = np.isnan(values)
    clean = np.where(missing, np.float32(0.0), values)
    return np.hstack([clean, missing.astype(np.float32)]) if how == "mask" else clean


def scaler_of(values: np.ndarray, weights: np.ndarray | None) -> Scaler:
    """Returns the scaler of the values that there are, [S, C], rows counting ``weights`` [S].

    A channel that is missing everywhere has mean 0 and scale 1.
    """
    missing = np.isnan(values)
    if not missing.any():
        return Scaler.fit(values, weights)
    scaler = Scaler.identity(values.shape[1])
    for channel in np.flatnonzero(~missing.all(axis=0)):
        there = ~missing[:, channel]
        own = Scaler.fit(values[there, channel : channel + 1], None if weights is None else weights[there])
        scaler.mean[channel], scaler.scale[channel] = own.mean[0], own.scale[0]
    return scaler


def without_gaps(sequences: Ragged, means: np.ndarray) -> Ragged:
    """Returns sequences whose gaps are filled by straight lines, and by ``means`` [C] where a channel has nothing."""
    if not np.isnan(sequences.values).any():
        return sequences
    lined = filled(sequences, "interpolate")
    return replace(lined, values=np.where(np.isnan(lined.values), means, lined.values))
