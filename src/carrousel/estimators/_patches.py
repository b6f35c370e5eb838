"""Several steps side by side as one: a long sequence becomes a short one of more channels."""

from __future__ import annotations

import numpy as np

__all__ = ["folded", "patches", "usual_patch"]

STEPS = 64
"""A patch is chosen so that the longest training sequence has at most so many: see docs/classification.md."""


def usual_patch(lengths: np.ndarray) -> int:
    """Returns the steps of a patch for training sequences of these lengths [N]."""
    return -(-int(lengths.max()) // STEPS)


def patches(lengths: np.ndarray, patch: int) -> np.ndarray:
    """Returns how many patches sequences of these lengths [N] have."""
    return -(-lengths // patch)


def folded(values: np.ndarray, lengths: np.ndarray, patch: int) -> np.ndarray:
    """Returns sequences that are laid end to end, [S, C], as patches: [sum of their numbers, patch · C].

    A sequence's last patch is completed with its last step.
    """
    if patch == 1:
        return values
    counts = patches(lengths, patch)
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)
    first = np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.int64)
    of = np.repeat(np.arange(len(lengths)), counts)
    within = (np.arange(counts.sum()) - first[of])[:, None] * patch + np.arange(patch)
    rows = starts[of][:, None] + np.minimum(within, lengths[of][:, None] - 1)
    return values[rows].reshape(len(rows), patch * values.shape[1])
