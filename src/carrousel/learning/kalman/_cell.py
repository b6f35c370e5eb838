"""The filter over a layer of any cell, compiled: steps, derivatives and updates of one or several streams."""

from __future__ import annotations

from carrousel._jit import entry, jit, spliced
from carrousel.learning._steps import EVERY_STEP, LAST_STEP
from carrousel.learning.kalman._update import Filter, update
from carrousel.learning.online.cell._kernel import Layer, Rule, outputs_of, roll_all, step

__all__ = ["run_layer"]

RULE_END = len(Rule._fields)
LAYER_END = RULE_END + len(Layer._fields)
FILTER_END = LAYER_END + len(Filter._fields)


@spliced
def of_stream(layer, s):
    """Returns the arrays of one stream's layer."""
    return Layer(
        layer.parameters, layer.weights, layer.readout, layer.gradient, layer.weight_gradient, layer.readout_gradient,
        layer.moments, layer.slots, layer.A, layer.C, layer.temporary, layer.states[s], layer.h[s], layer.traces[s],
        layer.sensed, layer.counters, layer.rates,
    )  # fmt: skip


@jit
def slopes_of(slopes, out, loss):
    """Computes the derivatives of the outputs by what the readout sums up."""
    for k in range(len(out)):
        for l in range(len(out)):
            slopes[k, l] = 1.0 if k == l else 0.0
            if loss == 1:
                slopes[k, l] *= out[k] * (1 - out[k])
            elif loss == 2:
                slopes[k, l] = out[k] * (slopes[k, l] - out[l])


@jit
def derivatives(derived, slopes, readout, sensed, h):
    """Writes the derivatives of the outputs by all weights, ``[outputs, weights + 1]``."""
    outputs, H = len(readout), len(h)
    for k in range(outputs):
        for j in range(H):
            slope = 0.0
            for l in range(outputs):
                slope += slopes[k, l] * readout[l, j]
            for row in range(len(sensed)):
                derived[k, row * H + j] = slope * sensed[row, j]
        at = len(sensed) * H
        for l in range(outputs):
            for j in range(H):
                derived[k, at + j] = slopes[k, l] * h[j]
            derived[k, at + H] = slopes[k, l]
            at += H + 1


@entry
def run_layer(*flat):
    """Runs rounds of several spans of a stream of steps at once, and has the filter learn from them.

    The arguments are those of :class:`Rule`; those of :class:`Layer`, whose states, h and traces are stacked, one for
    each stream; those of :class:`Filter`; and then: ``inputs [steps, inputs]``, ``targets [steps, outputs]``,
    ``has_target [steps]``; ``begin`` and ``end [rounds, streams]``; ``resets``, whether every stream is reset before
    each span; ``telling``, of which steps ``outputs`` receives the outputs from before an update: EVERY_STEP those of a
    span at the place ``written [rounds, streams]``, LAST_STEP one row there; ``derived [outputs, weights + 1]`` and
    ``slopes [outputs, outputs]``, working space.

    Returns the number of steps until the filter could make nothing of one, or -1.
    """
    rule, layer = Rule(*flat[:RULE_END]), Layer(*flat[RULE_END:LAYER_END])
    filter = Filter(*flat[LAYER_END:FILTER_END])
    inputs, targets, has_target, begin, end, written, resets, telling, outputs, derived, slopes = flat[FILTER_END:]
    streams, steps, readout = begin.shape[1], 0, layer.readout
    old_h, e_h, out = layer.h[0].copy(), layer.h[0].copy(), readout[:, 0].copy()
    e_h[:] = 1
    for q in range(len(begin)):
        longest = 0
        for s in range(streams):
            longest = max(longest, end[q, s] - begin[q, s])
            if resets:
                layer.states[s] = 0
                layer.h[s] = 0
                layer.traces[s] = 0
        for time in range(longest):
            taught = False
            for s in range(streams):
                t, row = begin[q, s] + time, s * len(out)
                filter.errors[row : row + len(out)] = 0
                filter.h[row : row + len(out)] = 0
                if t >= end[q, s]:
                    continue
                one = of_stream(layer, s)
                step(rule, one, inputs[t], old_h)
                layer.sensed[:] = 0
                roll_all(rule, one, inputs[t], old_h, has_target[t] != 0, e_h, layer.sensed)
                outputs_of(out, rule.loss, readout, one.h)
                if telling == EVERY_STEP or (telling == LAST_STEP and t == end[q, s] - 1):
                    outputs[written[q, s] + (time if telling == EVERY_STEP else 0)] = out
                if has_target[t]:
                    taught = True
                    slopes_of(slopes, out, rule.loss)
                    derivatives(derived, slopes, readout, layer.sensed, one.h)
                    for k in range(len(out)):
                        filter.errors[row + k] = targets[t, k] - out[k]
                        for at in range(len(filter.gather)):
                            filter.h[row + k, at] = derived[k, filter.gather[at]]
            if taught:
                if not update(filter):
                    return steps
                for at in range(len(filter.gather)):
                    if filter.gather[at] < len(layer.parameters):
                        layer.parameters[filter.gather[at]] += filter.change[at]
            steps += 1
    return -1
