"""Which sequences are set aside for validation."""

from __future__ import annotations

import numpy as np

__all__ = ["SCHEMES", "split"]

SCHEMES = ("random", "last")


def split(
    count: int,
    share: float,
    seed: int,
    classes: np.ndarray | None = None,
    *,
    groups: np.ndarray | None = None,
    scheme: str = "random",
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the numbers of the training and of the validation sequences, both ascending.

    ``round(share * count)`` go to validation. Too few sequences, or groups, give an empty validation part.

    Args:
        count: how many sequences there are.
        share: of validation.
        seed: of what is drawn.
        classes: numbers [N]: each class gives its share, and keeps at least one training sequence.
        groups: [N]: sequences of a group stay together. As many groups go to validation as come nearest to the share,
            at least one of them if there are two; the classes do not matter.
        scheme: ``"random"``, or ``"last"`` for the last sequences, or the groups that begin last; the classes do not
            matter.
    """
    every, wanted = np.arange(count), round(share * count)
    if groups is not None:
        return _by_group(groups, wanted, seed, scheme)
    if scheme == "last":
        kept = count - min(wanted, count - 1)
        return every[:kept], every[kept:]
    random = np.random.default_rng(seed)
    if classes is None:
        valid = np.sort(random.permutation(count)[: min(wanted, count - 1)])
        return np.setdiff1d(every, valid), valid
    members = [random.permutation(np.flatnonzero(classes == k)) for k in range(int(classes.max()) + 1)]
    ideal = np.array([share * len(m) for m in members])
    quota = np.floor(ideal).astype(int)
    # The largest remainders take what rounding down left over; ties go by chance, not to the first class.
    left = wanted - quota.sum()
    by_remainder = np.lexsort((random.random(len(members)), -(ideal - quota)))
    quota[by_remainder[: max(0, left)]] += 1
    chosen = [m[: min(q, len(m) - 1)] for m, q in zip(members, quota, strict=True) if len(m)]
    valid = np.sort(np.concatenate(chosen)).astype(np.int64)
    return np.setdiff1d(every, valid), valid


def _by_group(groups: np.ndarray, wanted: int, seed: int, scheme: str) -> tuple[np.ndarray, np.ndarray]:
    _, first, of, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(-first) if scheme == "last" else np.random.default_rng(seed).permutation(len(sizes))
    reached = np.cumsum(sizes[order])
    # Of all numbers of groups that leave one to learn from, the one whose sequences are nearest to those wanted.
    taken = 1 + int(np.abs(reached[:-1] - wanted).argmin()) if len(sizes) > 1 else 0
    inside = np.isin(of, order[:taken])
    return np.flatnonzero(~inside), np.flatnonzero(inside)
