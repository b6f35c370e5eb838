"""Which sequences are set aside for validation."""

from __future__ import annotations

import numpy as np

__all__ = ["split"]


def split(count: int, share: float, seed: int, classes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Returns the numbers of the training and of the validation sequences, both ascending.

    ``round(share * count)`` go to validation, drawn from each class in proportion with ``classes`` [N] (numbers); every
    class keeps at least one training sequence. Too few sequences give an empty validation part.
    """
    random = np.random.default_rng(seed)
    wanted = round(share * count)
    if classes is None:
        valid = np.sort(random.permutation(count)[: min(wanted, count - 1)])
        return np.setdiff1d(np.arange(count), valid), valid
    members = [random.permutation(np.flatnonzero(classes == k)) for k in range(int(classes.max()) + 1)]
    ideal = np.array([share * len(m) for m in members])
    quota = np.floor(ideal).astype(int)
    # The largest remainders take what rounding down left over; ties go by chance, not to the first class.
    left = wanted - quota.sum()
    by_remainder = np.lexsort((random.random(len(members)), -(ideal - quota)))
    quota[by_remainder[: max(0, left)]] += 1
    chosen = [m[: min(q, len(m) - 1)] for m, q in zip(members, quota, strict=True) if len(m)]
    valid = np.sort(np.concatenate(chosen)).astype(np.int64)
    return np.setdiff1d(np.arange(count), valid), valid
