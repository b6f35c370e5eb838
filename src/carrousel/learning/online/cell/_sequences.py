"""Sequences under the derived rule, many in one call."""

from __future__ import annotations

from carrousel._jit import entry
from carrousel.learning._optimisers import EVERY, METHOD, PENDING, apply
from carrousel.learning._steps import EVERY_STEP, LAST_STEP, LEARN
from carrousel.learning.online.cell._kernel import Layer, Rule, run

__all__ = ["run_sequences"]

RULE_END = len(Rule._fields)
LAYER_END = RULE_END + len(Layer._fields)


@entry
def run_sequences(*flat):
    """Runs spans of a stream of steps, each from a reset, and learns.

    The arguments are those of :class:`Rule`, those of :class:`Layer`, and then: ``inputs [steps, inputs]``,
    ``targets [steps, outputs]`` (empty if nothing is learned), ``has_target [steps]``; ``begin`` and ``end`` of each
    span; ``learning``, FORWARD or LEARN; ``telling``: ``outputs`` receives the outputs, span after span, if it is
    EVERY_STEP, or those of each span's last step if it is LAST_STEP; ``together``, whether weights change after the
    last span alone, and not at each one's end if ``counters[EVERY]`` is 0.
    """
    layer = Layer(*flat[RULE_END:LAYER_END])
    inputs, targets, has_target, begin, end, learning, telling, together, outputs = flat[LAYER_END:]
    counters, none = layer.counters, outputs[:0]
    written = 0
    for q in range(len(begin)):
        layer.states[:] = 0
        layer.h[:] = 0
        layer.traces[:] = 0
        a, b = begin[q], end[q]
        y = targets[a:b] if len(targets) else targets
        if telling == EVERY_STEP:
            every = inputs[a:b], y, has_target[a:b], learning, outputs[written : written + b - a]
            run(*(flat[:LAYER_END] + every))
            written += b - a
        elif telling == LAST_STEP:
            cut = max(0, len(y) - 1)
            early = inputs[a : b - 1], y[:cut], has_target[a : b - 1], learning, none
            last = inputs[b - 1 : b], y[cut:], has_target[b - 1 : b], learning, outputs[q : q + 1]
            run(*(flat[:LAYER_END] + early))
            run(*(flat[:LAYER_END] + last))
        else:
            silent = inputs[a:b], y, has_target[a:b], learning, none
            run(*(flat[:LAYER_END] + silent))
        done = not together or q == len(begin) - 1
        if learning == LEARN and done and counters[EVERY] == 0 and counters[PENDING]:
            apply(layer.parameters, layer.gradient, layer.moments, layer.rates, counters[METHOD], counters)
