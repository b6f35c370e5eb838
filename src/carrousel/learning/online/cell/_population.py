"""A population's steps, several members at a time: the derived rule of :mod:`._kernel` with a lane for each member.

A cell's compiled step takes any number of units, and those of several members are to it units like others. Unit j of
the member in lane k stands at ``j * lanes + k``, so that all arithmetic goes over lanes. Each number comes about in the
order in which the rule makes it for one layer, so that the bits are the same.
"""

from __future__ import annotations

from math import exp

import numpy as np

from carrousel._jit import entry, jit, spliced
from carrousel.learning._simd import LANES, fill, load, pointer, store, zeros
from carrousel.learning.online.cell._kernel import (
    BIAS_ROWS,
    FIRST_ROW,
    INPUT_ROWS,
    LAYER_END,
    RECURRENT_ROWS,
    RULE_END,
    Layer,
    Rule,
    call_step,
)

__all__ = ["respond"]

FOUR = 4 * LANES
"""Members that take a step together: four vectors, whose sums do not wait for one another."""


@jit
def _spread(rule, population, first, units, weights, peepholes, readout):
    """Writes the weights of the members from ``first`` on into lanes; lanes that are too many get the last member's.

    ``weights [.., lanes]``: part after part, unit after unit, inputs, old outputs and bias; ``peepholes [gates, units,
    lanes]``; ``readout [outputs * (units + 1), lanes]``.
    """
    table, parts, lanes = rule.table, len(rule.z), readout.shape[1]
    rows = 0
    for group in range(len(table)):
        rows += table[group, INPUT_ROWS] + table[group, RECURRENT_ROWS] + table[group, BIAS_ROWS]
    for k in range(lanes):
        own = population[min(first + k, len(population) - 1)]
        line = 0
        for part in range(parts):
            begin = table[part, FIRST_ROW]
            end = begin + table[part, INPUT_ROWS] + table[part, RECURRENT_ROWS] + table[part, BIAS_ROWS]
            for j in range(units):
                for row in range(begin, end):
                    weights[line, k] = own[row * units + j]
                    line += 1
        for gate in range(len(peepholes)):
            for j in range(units):
                peepholes[gate, j, k] = own[table[parts + gate, FIRST_ROW] * units + j]
        for row in range(len(readout)):
            readout[row, k] = own[rows * units + row]


@spliced
def _sum(z, at, w, line, lanes, x, inputs, h, olds, diagonal, j, has_bias, k):
    """Computes one unit's pre-activation in eight lanes."""
    total = zeros(w)
    place = line * lanes + k
    for m in range(inputs):
        if x[m] != 0:
            total = total + load(w, place) * fill(w, x[m])
        place += lanes
    if diagonal:
        if olds:
            total = total + load(w, place) * load(h, j * lanes + k)
            place += lanes
    else:
        for m in range(olds):
            total = total + load(w, place) * load(h, m * lanes + k)
            place += lanes
    if has_bias:
        total = total + load(w, place)
    store(z, at + k, total)


@spliced
def _sum_four(z, at, w, line, lanes, x, inputs, h, olds, has_bias, k):
    """Computes one unit's pre-activation in four times eight lanes."""
    a, b, c, d = zeros(w), zeros(w), zeros(w), zeros(w)
    place = line * lanes + k
    for m in range(inputs):
        if x[m] != 0:
            seen = fill(w, x[m])
            a = a + load(w, place) * seen
            b = b + load(w, place + 8) * seen
            c = c + load(w, place + 16) * seen
            d = d + load(w, place + 24) * seen
        place += lanes
    for m in range(olds):
        old = m * lanes + k
        a = a + load(w, place) * load(h, old)
        b = b + load(w, place + 8) * load(h, old + 8)
        c = c + load(w, place + 16) * load(h, old + 16)
        d = d + load(w, place + 24) * load(h, old + 24)
        place += lanes
    if has_bias:
        a, b = a + load(w, place), b + load(w, place + 8)
        c, d = c + load(w, place + 16), d + load(w, place + 24)
    store(z, at + k, a)
    store(z, at + k + 8, b)
    store(z, at + k + 16, c)
    store(z, at + k + 24, d)


@jit
def _step(rule, weights, slots, states, h, lanes, x):
    """Takes all lanes a step forward, by the same inputs."""
    table, diagonal = rule.table, rule.diagonal
    w, old, all_slots = pointer(weights), pointer(h), pointer(slots)
    units, line = len(h) // lanes, 0
    for part in range(len(rule.z)):
        inputs, olds, has_bias = table[part, INPUT_ROWS], table[part, RECURRENT_ROWS], table[part, BIAS_ROWS]
        for j in range(units):
            at, k = (rule.z[part] * units + j) * lanes, 0
            if not diagonal:
                while k + FOUR <= lanes:
                    _sum_four(all_slots, at, w, line, lanes, x, inputs, old, olds, has_bias, k)
                    k += FOUR
            while k < lanes:
                _sum(all_slots, at, w, line, lanes, x, inputs, old, olds, diagonal, j, has_bias, k)
                k += LANES
            line += inputs + olds + has_bias
    if rule.h_index >= 0:
        states[rule.h_index] = h
    for a in range(len(rule.s)):
        slots[rule.s[a]] = states[a]
    call_step(rule.address, slots, len(h))
    for a in range(len(rule.new)):
        states[a] = slots[rule.new[a]]
    h[:] = slots[rule.h]


@jit
def _outputs(out, loss, readout, h):
    """Computes all lanes' outputs ``[outputs, lanes]``, from the readout ``[outputs * (units + 1), lanes]``."""
    lanes = out.shape[1]
    units = len(h) // lanes
    w, old, to = pointer(readout), pointer(h), pointer(out)
    for o in range(len(out)):
        first = o * (units + 1) * lanes
        for k in range(0, lanes, LANES):
            total = load(w, first + units * lanes + k)
            for j in range(units):
                total = total + load(w, first + j * lanes + k) * load(old, j * lanes + k)
            store(to, o * lanes + k, total)
    if loss == 1:
        for o in range(len(out)):
            for k in range(lanes):
                out[o, k] = 1 / (1 + exp(-out[o, k]))
    elif loss == 2:
        for k in range(lanes):
            highest = readout[0, 0] * 0 - 1e30
            total = highest * 0
            for o in range(len(out)):
                highest = max(highest, out[o, k])
            for o in range(len(out)):
                out[o, k] = exp(out[o, k] - highest)
                total += out[o, k]
            for o in range(len(out)):
                out[o, k] /= total


@entry
def respond(*flat):
    """Runs sequences with every member of a population, each from the beginning.

    The arguments are those of :class:`Rule`, those of :class:`Layer`, and then: ``population [members, parameters]``;
    ``inputs [steps, inputs]``; ``begin`` and ``end`` of each sequence; ``hidden``, whether ``responses``, ``[members,
    steps of all sequences, ...]``, receives the units' outputs and not the readout's. Of the layer nothing changes.
    """
    rule, layer = Rule(*flat[:RULE_END]), Layer(*flat[RULE_END:LAYER_END])
    population, inputs, begin, end, hidden, responses = flat[LAYER_END:]
    units, members, dtype = len(layer.h), len(population), layer.h.dtype
    lanes = min(FOUR, (members + LANES - 1) // LANES * LANES)
    lines = (layer.weights.shape[0] - len(rule.p)) * units
    weights, peepholes = np.zeros((lines, lanes), dtype), np.zeros((len(rule.p), units, lanes), dtype)
    readout, out = np.zeros((layer.readout.size, lanes), dtype), np.zeros((len(layer.readout), lanes), dtype)
    slots, states = np.zeros((len(layer.slots), units * lanes), dtype), np.zeros((len(rule.s), units * lanes), dtype)
    h = np.zeros(units * lanes, dtype)
    for first in range(0, members, lanes):
        _spread(rule, population, first, units, weights, peepholes, readout)
        for gate in range(len(rule.p)):
            slots[rule.p[gate]] = peepholes[gate].reshape(units * lanes)
        real, written = min(lanes, members - first), 0
        for sequence in range(len(begin)):
            states[:] = 0
            h[:] = 0
            for t in range(begin[sequence], end[sequence]):
                _step(rule, weights, slots, states, h, lanes, inputs[t])
                if hidden:
                    for k in range(real):
                        for j in range(units):
                            responses[first + k, written, j] = h[j * lanes + k]
                else:
                    _outputs(out, rule.loss, readout, h)
                    for k in range(real):
                        for o in range(len(out)):
                            responses[first + k, written, o] = out[o, k]
                written += 1
