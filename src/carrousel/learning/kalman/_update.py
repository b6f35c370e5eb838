"""One update of the filter, compiled.

With a group's errors P, the derivatives H of all outputs by its weights, the outputs' errors e, and A the inverse of
R + sum of H' P H over all groups::

    K = P H A        w += K e        P -= K (P H)' + (P H - K / A) K'        P += Q

The last but one is Joseph's form, in which the other groups' part of 1 / A stands as noise: without rounding its second
half is nothing, and with it what is wrong with K is wrong in P by its square alone. A half of P is computed and
mirrored, so P is symmetric to the bit.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from carrousel._jit import entry, jit, part
from carrousel.learning._simd import fill, fma, load, pointer, store, summed, zeros
from carrousel.learning.kalman._options import Kalman

__all__ = ["Filter", "made", "members", "update", "update_once", "variances"]


class Filter(NamedTuple):
    """A filter's arrays, in the order in which compiled functions take them.

    A group's weights stand side by side, padded to whole vectors; of ``"weight"`` groups there is one, whose P is a
    vector.

    Attributes:
        starts, sizes, places: of each group the place of its first weight, the number of its weights, and the place of
            its first number in ``p``.
        gather: ``[padded]``, where each weight stands in what the learner gives; that of padding is after the last.
        p: the errors' variances, of every group a matrix of padded rows and columns.
        h, w, k, d: ``[outputs of all streams, padded]``: the derivatives, P H, the gain, and what rounding left of it.
        a, inverse: ``[outputs of all streams]`` squared.
        errors, shares: ``[outputs of all streams]``: the errors, and these by ``inverse``.
        change: ``[padded]``, by what weights change.
        numbers: see :meth:`Kalman.numbers`.
        count: ``[1]``, how many updates there were.
    """

    starts: Any
    sizes: Any
    places: Any
    gather: Any
    p: Any
    h: Any
    w: Any
    k: Any
    d: Any
    a: Any
    inverse: Any
    errors: Any
    shares: Any
    change: Any
    numbers: Any
    count: Any


def _padded(size: int) -> int:
    return -(-size // 8) * 8


def _groups(nodes: np.ndarray, settings: Kalman) -> list[np.ndarray]:
    """Returns the places of each group's weights; ``nodes`` has -1 for weights that do not change."""
    trained = np.flatnonzero(nodes >= 0)
    if settings.groups != "node":
        return [trained]
    order = trained[np.argsort(nodes[trained], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(nodes[order])) + 1)


def made(nodes: np.ndarray, settings: Kalman, rows: int, gather: np.ndarray | None = None) -> Filter:
    """Returns a filter's arrays before its first update.

    Args:
        nodes: ``[weights]``, the number of the unit that each weight enters, -1 for weights that do not change.
        settings: the settings.
        rows: outputs of all streams.
        gather: ``[weights]``, where each weight stands in what the learner gives, and how many numbers that is, at the
            end; as ``vector`` has them by default.
    """
    groups = _groups(nodes, settings)
    if gather is None:
        gather = np.arange(len(nodes) + 1)
    sizes = np.array([len(group) for group in groups], np.int64)
    padded = np.array([_padded(size) for size in sizes], np.int64)
    starts = np.cumsum(padded) - padded
    single = settings.groups == "weight"
    width = int(padded.sum())
    places = np.full(width, gather[-1], np.int64)
    p = np.zeros(width if single else int((padded**2).sum()))
    at = np.cumsum(padded**2) - padded**2
    for group, start, place, size in zip(groups, starts, at, padded, strict=True):
        places[start : start + len(group)] = gather[group]
        if single:
            p[: len(group)] = settings.p
        else:
            matrix = p[place : place + size * size].reshape(size, size)
            matrix[np.arange(len(group)), np.arange(len(group))] = settings.p
    h, w, k, d = (np.zeros((rows, width)) for _ in range(4))
    return Filter(
        starts, sizes, at[:0] if single else at, places, p, h, w, k, d, np.zeros((rows, rows)), np.zeros((rows, rows)),
        np.zeros(rows), np.zeros(rows), np.zeros(width), settings.numbers(), np.zeros(1, np.int64),
    )  # fmt: skip


def members(filter: Filter) -> list[np.ndarray]:
    """Returns for each group where its weights stand in what the learner gives."""
    return [filter.gather[start : start + size] for start, size in zip(filter.starts, filter.sizes, strict=True)]


def variances(filter: Filter, copy: bool = True) -> list[np.ndarray]:
    """Returns the groups' P, matrices; of ``"weight"`` groups one vector. Copies, or views."""
    if not len(filter.places):
        found = [filter.p[: filter.sizes[0]]]
    else:
        found = []
        for size, place in zip(filter.sizes, filter.places, strict=True):
            padded = _padded(size)
            found.append(filter.p[place : place + padded * padded].reshape(padded, padded)[:size, :size])
    return [part.copy() for part in found] if copy else found


@jit
def annealed(numbers, at, count):
    """Returns r, with ``at`` 3 q, at an update."""
    first, last, updates = numbers[at], numbers[at + 1], numbers[at + 2]
    if count >= updates:
        return last
    return first * (last / first) ** (count / updates)


@part
def total(a, at_a, b, at_b, width):
    """Returns the sum of products of two vectors of ``width`` numbers."""
    acc = zeros(a)
    for lane in range(0, width, 8):
        acc = fma(load(a, at_a + lane), load(b, at_b + lane), acc)
    return summed(acc)


@jit
def inverted(a, inverse):
    """Writes the inverse of a symmetric positive matrix by its Cholesky factor; says whether it was one."""
    n = len(a)
    for j in range(n):  # a's lower half becomes the factor, its upper half stays
        s = a[j, j]
        for m in range(j):
            s -= inverse[j, m] * inverse[j, m]
        if not (0 < s < np.inf):
            return False
        root = sqrt(s)
        inverse[j, j] = root
        for i in range(j + 1, n):
            s = a[i, j]
            for m in range(j):
                s -= inverse[i, m] * inverse[j, m]
            inverse[i, j] = s / root
    for j in range(n):  # the factor's own inverse, in place
        inverse[j, j] = 1.0 / inverse[j, j]
        for i in range(j + 1, n):
            s = 0.0
            for m in range(j, i):
                s -= inverse[i, m] * inverse[m, j]
            inverse[i, j] = s / inverse[i, i]
    for i in range(n):
        for j in range(i + 1):
            s = 0.0
            for m in range(i, n):
                s += inverse[m, i] * inverse[m, j]
            inverse[i, j] = s
    for i in range(n):
        for j in range(i):
            inverse[j, i] = inverse[i, j]
    return True


@part
def products(filter, rows, width):
    """Computes P H."""
    p, h, w = pointer(filter.p), pointer(filter.h), pointer(filter.w)
    if len(filter.places) == 0:
        for k in range(rows):
            for lane in range(0, width, 8):
                store(w, k * width + lane, load(p, lane) * load(h, k * width + lane))
        return
    for g in range(len(filter.sizes)):
        size, start, place = filter.sizes[g], filter.starts[g], filter.places[g]
        padded = (size + 7) // 8 * 8
        for k in range(rows):
            at = k * width + start
            for lane in range(0, padded, 8):
                acc = zeros(p)
                for b in range(size):
                    acc = fma(load(p, place + b * padded + lane), fill(p, h[at + b]), acc)
                store(w, at + lane, acc)


@part
def gains(filter, rows, width):
    """Computes the gain K = P H A, and what rounding left of P H - K / A."""
    w, k, d = pointer(filter.w), pointer(filter.k), pointer(filter.d)
    a, inverse = pointer(filter.a), pointer(filter.inverse)
    for i in range(rows):
        for lane in range(0, width, 8):
            acc = zeros(w)
            for j in range(rows):
                acc = fma(load(w, j * width + lane), fill(w, inverse[i * rows + j]), acc)
            store(k, i * width + lane, acc)
    for i in range(rows):
        for lane in range(0, width, 8):
            acc = load(w, i * width + lane)
            for j in range(rows):
                acc = fma(load(k, j * width + lane), fill(w, -a[j * rows + i]), acc)
            store(d, i * width + lane, acc)


@part
def settle(filter, rows, width, q):
    """Takes from P what the errors told, and adds q."""
    p, w, k, d = pointer(filter.p), pointer(filter.w), pointer(filter.k), pointer(filter.d)
    if len(filter.places) == 0:
        for lane in range(0, width, 8):
            acc = zeros(p)
            for i in range(rows):
                at = i * width + lane
                acc = fma(load(k, at), load(w, at), acc)
                acc = fma(load(d, at), load(k, at), acc)
            store(p, lane, load(p, lane) - acc)
        for b in range(filter.sizes[0]):
            p[b] += q
        return
    for g in range(len(filter.sizes)):
        size, start, place = filter.sizes[g], filter.starts[g], filter.places[g]
        padded = (size + 7) // 8 * 8
        for row in range(size):
            at = place + row * padded
            for lane in range(row // 8 * 8, padded, 8):
                acc = load(p, at + lane)
                for i in range(rows):
                    one = i * width + start
                    acc = fma(load(w, one + lane), fill(p, -k[one + row]), acc)
                    acc = fma(load(k, one + lane), fill(p, -d[one + row]), acc)
                store(p, at + lane, acc)
            p[at + row] += q
        for row in range(size):
            for column in range(row + 1, size):
                p[place + column * padded + row] = p[place + row * padded + column]


@jit
def update(filter):
    """Takes derivatives and errors into account: ``change`` receives what is added to the weights.

    Returns False where they are not finite, or so large that nothing can be made of them; nothing has changed then.
    """
    rows, width = len(filter.h), len(filter.gather)
    count = filter.count[0]
    h, w, a = pointer(filter.h), pointer(filter.w), pointer(filter.a)
    products(filter, rows, width)
    r = annealed(filter.numbers, 0, count)
    for i in range(rows):
        for j in range(i + 1):
            s = total(h, i * width, w, j * width, width)
            a[i * rows + j] = s
            a[j * rows + i] = s
        a[i * rows + i] += r
    if not inverted(filter.a, filter.inverse):
        return False
    for i in range(rows):
        s = 0.0
        for j in range(rows):
            s += filter.inverse[i, j] * filter.errors[j]
        filter.shares[i] = s
    gains(filter, rows, width)
    change = pointer(filter.change)
    for lane in range(0, width, 8):
        acc = zeros(w)
        for i in range(rows):
            acc = fma(load(w, i * width + lane), fill(w, filter.shares[i]), acc)
        store(change, lane, acc)
    if not abs(total(change, 0, change, 0, width)) < np.inf:
        return False
    settle(filter, rows, width, annealed(filter.numbers, 3, count))
    filter.count[0] = count + 1
    return True


@entry
def update_once(*flat):
    """Does what :func:`update` does, called by Python."""
    return update(Filter(*flat))
