"""How much each sequence counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_array, check_consistent_length

from carrousel.estimators._sequences import Ragged

__all__ = ["class_weights", "group_numbers", "item_weights", "mean_one", "part", "parts_of", "without_zeros"]


def item_weights(sample_weight: Any, count: int) -> np.ndarray | None:
    """Returns the weights of ``count`` sequences, float64 [N], after checking them; None where all count alike.

    Raises:
        ValueError: their shape or number is another, one is negative, NaN or infinite, or all are zero.
    """
    if sample_weight is None:
        return None
    weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.ndim != 1:
        raise ValueError(f"sample_weight must be one number for each sequence, got the shape {weights.shape}")
    check_consistent_length(np.empty(count), weights)
    if (weights < 0).any():
        raise ValueError(f"Negative values in data passed to `sample_weight`: {weights.min():g}")
    if not weights.any():
        raise ValueError("sample_weight is zero for every sequence: there is none to learn from")
    return weights


def without_zeros(sequences: Ragged, targets: np.ndarray, weights: np.ndarray) -> tuple[Ragged, np.ndarray, np.ndarray]:
    """Returns the sequences that count at all, with their targets and weights."""
    counting = np.flatnonzero(weights)
    return (
        (sequences.take(counting), targets[counting], weights[counting])
        if len(counting) < len(weights)
        else (sequences, targets, weights)
    )


def group_numbers(groups: Any, count: int) -> np.ndarray | None:
    """Returns the number of the group of each of ``count`` sequences, [N]; None where there are no groups.

    Raises:
        ValueError: they are not one name for each sequence, or there is only one group.
    """
    if groups is None:
        return None
    names = np.asarray(groups)
    if names.ndim != 1:
        raise ValueError(f"groups must be one name for each sequence, got the shape {names.shape}")
    check_consistent_length(np.empty(count), names)
    distinct, numbers = np.unique(names.astype(str) if names.dtype == object else names, return_inverse=True)
    if len(distinct) < 2:
        raise ValueError(f"groups holds one group only ({names[0]!s}); none can be set aside for validation")
    return numbers


def part(weights: np.ndarray | None, chosen: np.ndarray) -> np.ndarray | None:
    """Returns the weights of the sequences numbered in ``chosen``."""
    return None if weights is None else weights[chosen]


def parts_of(weights: np.ndarray | None) -> list[np.ndarray]:
    """Returns the weights, if there are any, as a part of what a run was trained on."""
    return [] if weights is None else [weights]


def mean_one(weights: np.ndarray | None) -> np.ndarray | None:
    """Returns weights in units of their mean, float32: a mean over items times these is the weighted mean."""
    return None if weights is None else (weights / weights.mean()).astype(np.float32)


def class_weights(class_weight: Any, labels: np.ndarray, classes: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Returns each class's weight [K]; ``"balanced"`` counts sequences by their weights [N]."""
    if class_weight == "balanced" and weights is not None:
        shares = np.bincount(np.searchsorted(classes, labels), weights, len(classes))
        return weights.sum() / (len(classes) * shares)
    return compute_class_weight(class_weight, classes=classes, y=labels)
