"""Streams that end at their first wrong step, learned from and tested in turn: many in one call."""

from __future__ import annotations

from carrousel._jit import entry
from carrousel.learning._steps import FORWARD, LEARN, SILENT
from carrousel.learning.online.network._kernel import STEPS_END, run

__all__ = ["rehearse"]


@entry
def rehearse(*flat):
    """Runs spans of a stream of steps in rounds: learns from the first of a round, then tests the second.

    The arguments are those of ``run`` as far as the spans ``begin, end [rounds, 2]``, then ``outputs``, ``tolerance``,
    and ``right [rounds, 2]``, which receives the steps before a span's first wrong one. Returns the number of rounds,
    the last being that in which the tested span was right to its end.
    """
    begin, end, outputs, tolerance, right = flat[STEPS_END:]
    for k in range(len(begin)):
        for tested in range(2):
            span = begin[k, tested : tested + 1], end[k, tested : tested + 1]
            how = True, FORWARD if tested else LEARN, SILENT, outputs, tolerance
            right[k, tested] = run(*(flat[:STEPS_END] + span + how))
        if right[k, 1] == end[k, 1] - begin[k, 1]:
            return k + 1
    return len(begin)
