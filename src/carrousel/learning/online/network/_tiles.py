"""What the compiled rule does with rows of weights and traces: a row holds one source's values for eight units.

A tile of rows belongs to one vector of units of a slot. ``line`` is the place of its slot in the plan ``p``;
``inputs`` lists the input units to look at, the others being zero.
"""

from __future__ import annotations

from carrousel._jit import jit
from carrousel.learning._simd import fill, fma, load, ones, sigmoid, store, zeros
from carrousel.learning.online.network._layout import (
    BIASED,
    COLUMNS,
    FIRST,
    INJECT,
    LAST,
    PLAN,
    ROWS,
    SEES_INPUT,
    SLOT,
    TABLE,
)

__all__ = ["net", "net_of_four", "roll", "roll_and_learn", "roll_four", "squashed"]

INPUTS = PLAN["inputs"]


@jit
def squashed(a, squash, which):
    """Returns a squashing function's value and derivative."""
    one = ones(squash)
    if squash[which] != 0:
        return a, one
    y = sigmoid(a * fill(squash, squash[which + 2]))
    scale = fill(squash, squash[which + 1])
    value = fma(y, scale, fill(squash, squash[which + 3]))
    return value, y * (one - y) * (scale * fill(squash, squash[which + 2]))


@jit
def net(w, p, line, lane, inputs, n_inputs, x, sources, y):
    """Returns the net inputs of a tile's units: the weighted sum over their sources."""
    at = p[line] + lane * p[line + ROWS]
    acc = load(w, at + (p[line + ROWS] - 1) * 8) if p[line + BIASED] else zeros(w)
    other = zeros(w)
    if p[line + SEES_INPUT]:
        for k in range(n_inputs):
            acc = fma(load(w, at + inputs[k] * 8), fill(w, x[inputs[k]]), acc)
        at += p[INPUTS] * 8
    q, last = p[line + FIRST], p[line + LAST]
    while q + 1 < last:
        acc = fma(load(w, at), fill(w, y[sources[q]]), acc)
        other = fma(load(w, at + 8), fill(w, y[sources[q + 1]]), other)
        at += 16
        q += 2
    if q < last:
        acc = fma(load(w, at), fill(w, y[sources[q]]), acc)
    return acc + other


@jit
def net_of_four(w, p, line, lane, inputs, n_inputs, x, sources, y, into, to, stride, three):
    """Computes the net inputs of four slots one after the other, or ``three``, of the same sources, biases apart.

    What waits for one another in one slot's sum leaves room for the other sums; a third slot is summed twice for want
    of a fourth.
    """
    line2, line3, line4 = line + COLUMNS, line + 2 * COLUMNS, line + (3 - three) * COLUMNS
    rows, rows2, rows3, rows4 = p[line + ROWS], p[line2 + ROWS], p[line3 + ROWS], p[line4 + ROWS]
    at, at2 = p[line] + lane * rows, p[line2] + lane * rows2
    at3, at4 = p[line3] + lane * rows3, p[line4] + lane * rows4
    a = load(w, at + (rows - 1) * 8) if p[line + BIASED] else zeros(w)
    b = load(w, at2 + (rows2 - 1) * 8) if p[line2 + BIASED] else zeros(w)
    c = load(w, at3 + (rows3 - 1) * 8) if p[line3 + BIASED] else zeros(w)
    d = load(w, at4 + (rows4 - 1) * 8) if p[line4 + BIASED] else zeros(w)
    if p[line + SEES_INPUT]:
        for k in range(n_inputs):
            row, value = inputs[k] * 8, fill(w, x[inputs[k]])
            a = fma(load(w, at + row), value, a)
            b = fma(load(w, at2 + row), value, b)
            c = fma(load(w, at3 + row), value, c)
            d = fma(load(w, at4 + row), value, d)
        skipped = p[INPUTS] * 8
        at, at2, at3, at4 = at + skipped, at2 + skipped, at3 + skipped, at4 + skipped
    q, last = p[line + FIRST], p[line + LAST]
    a2, b2, c2, d2 = zeros(w), zeros(w), zeros(w), zeros(w)
    while q + 1 < last:
        value, value2 = fill(w, y[sources[q]]), fill(w, y[sources[q + 1]])
        a, a2 = fma(load(w, at), value, a), fma(load(w, at + 8), value2, a2)
        b, b2 = fma(load(w, at2), value, b), fma(load(w, at2 + 8), value2, b2)
        c, c2 = fma(load(w, at3), value, c), fma(load(w, at3 + 8), value2, c2)
        d, d2 = fma(load(w, at4), value, d), fma(load(w, at4 + 8), value2, d2)
        at, at2, at3, at4, q = at + 16, at2 + 16, at3 + 16, at4 + 16, q + 2
    if q < last:
        value = fill(w, y[sources[q]])
        a, b = fma(load(w, at), value, a), fma(load(w, at2), value, b)
        c, d = fma(load(w, at3), value, c), fma(load(w, at4), value, d)
    a, b, c, d = a + a2, b + b2, c + c2, d + d2
    store(into, to + lane, a)
    store(into, to + stride + lane, b)
    store(into, to + 2 * stride + lane, c)
    store(into, to + (3 - three) * stride + lane, d)


@jit
def row_rolled(dS, at, injected, value, decays, decay):
    """Rolls one row of traces forward, and returns it."""
    before = load(dS, at) * decay if decays else load(dS, at)
    after = fma(injected, value, before)
    store(dS, at, after)
    return after


@jit
def roll(dS, p, line, at, inputs, n_inputs, x, sources, y, injected, decays, decay):
    """Rolls a tile's traces forward. Where nothing decays, inactive inputs cost nothing."""
    rows = p[line + ROWS]
    if p[line + BIASED]:
        row_rolled(dS, at + (rows - 1) * 8, injected, ones(dS), decays, decay)
    if p[line + SEES_INPUT]:
        for k in range(n_inputs):
            row_rolled(dS, at + inputs[k] * 8, injected, fill(dS, x[inputs[k]]), decays, decay)
        at += p[INPUTS] * 8
    q, last = p[line + FIRST], p[line + LAST]
    while q + 4 <= last:
        row_rolled(dS, at, injected, fill(dS, y[sources[q]]), decays, decay)
        row_rolled(dS, at + 8, injected, fill(dS, y[sources[q + 1]]), decays, decay)
        row_rolled(dS, at + 16, injected, fill(dS, y[sources[q + 2]]), decays, decay)
        row_rolled(dS, at + 24, injected, fill(dS, y[sources[q + 3]]), decays, decay)
        q += 4
        at += 32
    while q < last:
        row_rolled(dS, at, injected, fill(dS, y[sources[q]]), decays, decay)
        q += 1
        at += 8


@jit
def roll_four(dS, p, trace, lane, inputs, n_inputs, x, sources, y, work, decays, decay):
    """Rolls four traces forward that follow one another in the plan, their slots of the same sources, biases apart."""
    line = TABLE + COLUMNS * p[trace + SLOT]
    line2 = TABLE + COLUMNS * p[trace + 4 + SLOT]
    line3 = TABLE + COLUMNS * p[trace + 8 + SLOT]
    line4 = TABLE + COLUMNS * p[trace + 12 + SLOT]
    rows, rows2, rows3, rows4 = p[line + ROWS], p[line2 + ROWS], p[line3 + ROWS], p[line4 + ROWS]
    at, at2 = p[trace] + lane * rows, p[trace + 4] + lane * rows2
    at3, at4 = p[trace + 8] + lane * rows3, p[trace + 12] + lane * rows4
    a, b = load(work, p[trace + INJECT] + lane), load(work, p[trace + 4 + INJECT] + lane)
    c, d = load(work, p[trace + 8 + INJECT] + lane), load(work, p[trace + 12 + INJECT] + lane)
    one = ones(dS)
    if p[line + BIASED]:
        row_rolled(dS, at + (rows - 1) * 8, a, one, decays, decay)
    if p[line2 + BIASED]:
        row_rolled(dS, at2 + (rows2 - 1) * 8, b, one, decays, decay)
    if p[line3 + BIASED]:
        row_rolled(dS, at3 + (rows3 - 1) * 8, c, one, decays, decay)
    if p[line4 + BIASED]:
        row_rolled(dS, at4 + (rows4 - 1) * 8, d, one, decays, decay)
    if p[line + SEES_INPUT]:
        for k in range(n_inputs):
            row, value = inputs[k] * 8, fill(dS, x[inputs[k]])
            row_rolled(dS, at + row, a, value, decays, decay)
            row_rolled(dS, at2 + row, b, value, decays, decay)
            row_rolled(dS, at3 + row, c, value, decays, decay)
            row_rolled(dS, at4 + row, d, value, decays, decay)
        skipped = p[INPUTS] * 8
        at, at2, at3, at4 = at + skipped, at2 + skipped, at3 + skipped, at4 + skipped
    first = p[line + FIRST]
    for q in range(p[line + LAST] - first):
        value = fill(dS, y[sources[first + q]])
        row_rolled(dS, at + q * 8, a, value, decays, decay)
        row_rolled(dS, at2 + q * 8, b, value, decays, decay)
        row_rolled(dS, at3 + q * 8, c, value, decays, decay)
        row_rolled(dS, at4 + q * 8, d, value, decays, decay)


@jit
def row_learned(dS, at, w, at_weight, injected, value, decay, error):
    """Rolls one row of traces forward, and changes its weights by error times trace."""
    trace = fma(injected, value, load(dS, at) * decay)
    store(dS, at, trace)
    store(w, at_weight, fma(error, trace, load(w, at_weight)))


@jit
def roll_and_learn(dS, p, line, at, w, at_weight, inputs, n_inputs, x, sources, y, injected, decay, error):
    """Rolls a tile's traces forward and changes its weights by error times trace."""
    last = (p[line + ROWS] - 1) * 8
    if p[line + BIASED]:
        row_learned(dS, at + last, w, at_weight + last, injected, ones(dS), decay, error)
    if p[line + SEES_INPUT]:
        for k in range(n_inputs):
            row = inputs[k] * 8
            row_learned(dS, at + row, w, at_weight + row, injected, fill(dS, x[inputs[k]]), decay, error)
        at += p[INPUTS] * 8
        at_weight += p[INPUTS] * 8
    for q in range(p[line + FIRST], p[line + LAST]):
        row_learned(dS, at, w, at_weight, injected, fill(dS, y[sources[q]]), decay, error)
        at += 8
        at_weight += 8
