"""A filter over a layer that got more inputs and outputs, and one that comes from a file."""

from __future__ import annotations

import numpy as np

from carrousel._format import Arrays, fitted, whole
from carrousel.learning.kalman._update import Filter, members, variances
from carrousel.learning.online.cell import OnlineLSTM
from carrousel.learning.online.cell._layout import copy_parts

__all__ = ["copy_variances", "old_places", "take"]


def old_places(old: OnlineLSTM, wide: OnlineLSTM) -> np.ndarray:
    """Returns for each weight of a widened layer its place in the old one, -1 for new ones, ``[weights]``."""
    places = np.full(wide.weight_count, -1, np.int64)
    (rows, readout), (new_rows, new_readout) = old._views(np.arange(old.weight_count)), wide._views(places)
    copy_parts(old._table, wide._table, rows, new_rows)
    new_readout[: old.output_size] = readout
    return places


def copy_variances(old: Filter, wide: Filter, places: np.ndarray) -> None:
    """Copies what a filter knows of its weights to where they are in another; what is new knows nothing yet."""
    group, at = np.full(len(places), -1), np.zeros(len(places), np.int64)
    for k, each in enumerate(members(old)):
        group[each], at[each] = k, np.arange(len(each))
    known = variances(old)
    for into, each in zip(variances(wide, copy=False), members(wide), strict=True):
        here = np.flatnonzero(places[each] >= 0)
        if not len(here):
            continue
        before = places[each[here]]
        matrix, at_before = known[group[before[0]]], at[before]
        if into.ndim == 1:
            into[here] = matrix[at_before]
        else:
            into[np.ix_(here, here)] = matrix[np.ix_(at_before, at_before)]
    wide.count[:] = old.count


def take(filter: Filter, arrays: Arrays) -> None:
    """Takes a filter's saved arrays.

    Raises:
        ValueError: they are not those of a filter of these groups, or no variances.
    """
    declared = {"p": (filter.p.shape, np.float64), "count": ((1,), np.int64)}
    arrays = fitted(arrays, declared)
    whole(int(arrays["count"][0]), "its number of updates")
    empty = filter.p == 0
    filter.p[:], filter.count[:] = arrays["p"], arrays["count"]
    used = np.zeros_like(filter.p)
    marks = filter._replace(p=used)
    for part in variances(marks, copy=False):
        part[...] = 1
    if (filter.p[(used == 0) & empty] != 0).any():
        raise ValueError("its variances have numbers where no weights are")
    for part in variances(filter):
        matrix = np.diag(part) if part.ndim == 1 else part
        if not (np.array_equal(matrix, matrix.T) and (np.linalg.eigvalsh(matrix) > 0).all()):
            raise ValueError("its variances are those of no weights: a matrix is not symmetric and positive")
