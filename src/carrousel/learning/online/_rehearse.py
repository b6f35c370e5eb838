"""Streams that end at their first wrong step, learned from and tested in turn: many in one call."""

from __future__ import annotations

from carrousel.learning.online._jit import entry
from carrousel.learning.online._kernel import SILENT, run

__all__ = ["rehearse"]

FORWARD, LEARN = 0, 2


@entry
def rehearse(
    plan, sources, squash, masks,
    weights, back, state, dS, gradient, moments, work, touched, flags, active, x, counters, rates,
    codes, dense, target_codes, targets, has_target, begin, end, outputs, tolerance, right,
):  # fmt: skip
    """Runs the spans ``begin, end [rounds, 2]``: learns from the first of a round, then tests the second.

    Arguments are those of ``run``. ``right [rounds, 2]`` receives the steps before a span's first wrong one. Returns
    the number of rounds, the last being that in which the tested span was right to its end.
    """
    for k in range(len(begin)):
        for tested in range(2):
            right[k, tested] = run(
                plan, sources, squash, masks,
                weights, back, state, dS, gradient, moments, work, touched, flags, active, x, counters, rates,
                codes, dense, target_codes, targets, has_target, begin[k, tested : tested + 1],
                end[k, tested : tested + 1], True, FORWARD if tested else LEARN, SILENT, outputs, tolerance,
            )  # fmt: skip
        if right[k, 1] == end[k, 1] - begin[k, 1]:
            return k + 1
    return len(begin)
