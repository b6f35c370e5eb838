"""Errors, compiled: from the outputs to the weights by way of the traces, and the traces a step further.

``into`` is what the errors are added to: the gradient, or the weights themselves. ``factor`` multiplies them.
"""

from __future__ import annotations

from carrousel._jit import part
from carrousel.learning._simd import fill, fma, load, ones, store, zeros
from carrousel.learning.online.network._layout import COLUMNS, ERROR, INJECT, PLAN, ROWS, SLOT, TABLE
from carrousel.learning.online.network._tiles import roll, roll_and_learn, roll_four

__all__ = ["credit_traces", "inject", "output_deltas", "roll_traces"]

ALIKE, CROSS_ENTROPY, Y_HIDDEN, Y_INPUT, Y_FORGET, Y_OUTPUT = (
    PLAN[name] for name in ("alike", "cross_entropy", "y_hidden", "y_input", "y_forget", "y_output")
)
PEEP_INPUT, PEEP_FORGET, PEEP_OUTPUT = PLAN["peep_input"], PLAN["peep_forget"], PLAN["peep_output"]
TRACES, TRACE_TABLE, TRACE_PEEPS = PLAN["traces"], PLAN["trace_table"], PLAN["trace_peeps"]
COLUMNS_OF_TRACES = 4


@part
def output_deltas(m, insensitive):
    """Computes the outputs' deltas from their targets; an error below ``insensitive`` counts as zero."""
    if insensitive > 0:
        for k in range(m.outputs):
            if abs(m.work[m.goal + k] - m.work[m.out + k]) < insensitive:
                m.work[m.goal + k] = m.work[m.out + k]
    for lane in range(0, m.output_lanes, 8):
        delta = load(m.work, m.goal + lane) - load(m.work, m.out + lane)
        delta = delta * load(m.masks, m.lanes + m.hidden + lane)
        if not m.plan[CROSS_ENTROPY]:
            delta = delta * load(m.work, m.out + m.output_lanes + lane)
        store(m.work, m.out + lane, delta)


@part
def error_of(m, at):
    """Returns the outputs' deltas, weighted by what the units from place ``at`` on contribute to them."""
    e = zeros(m.weights)
    for k in range(m.outputs):
        e = fma(load(m.back, k * m.back_size + at), fill(m.weights, m.work[m.out + k]), e)
    return e


@part
def errors_of_cells(m, now, lane, factor):
    """Computes the errors of a vector of blocks' states and gates."""
    one, d_out = ones(m.weights), zeros(m.weights)
    y_out = load(now, m.plan[Y_OUTPUT] + lane) if m.gated else one
    for v in range(m.block_size):
        at = v * m.lanes + lane
        e, other = zeros(m.weights), zeros(m.weights)
        k = 0
        while k + 1 < m.outputs:
            e = fma(load(m.back, k * m.back_size + at), fill(m.weights, m.work[m.out + k]), e)
            other = fma(load(m.back, (k + 1) * m.back_size + at), fill(m.weights, m.work[m.out + k + 1]), other)
            k += 2
        if k < m.outputs:
            e = fma(load(m.back, k * m.back_size + at), fill(m.weights, m.work[m.out + k]), e)
        e = (e + other) * factor
        d_out = fma(load(m.work, m.squashed + at), e, d_out)
        store(m.work, m.errors + at, y_out * load(m.work, m.slopes + at) * e)
    if m.shown:  # outputs see the gates too, whose own errors come from there
        d_out = fma(error_of(m, m.plan[Y_OUTPUT] + lane), factor, d_out)
        for role in range(1 + m.forget):
            at = (m.plan[Y_FORGET] if role else m.plan[Y_INPUT]) + lane
            e = error_of(m, at) * factor
            gate = load(now, at)
            e = e * gate * (one - gate) * load(m.masks, lane)
            store(m.work, m.gate_errors + (1 + role) * m.lanes + lane, e)
    store(m.work, m.gate_errors + lane, d_out * y_out * (one - y_out))


@part
def credit(m, into, line, lane, n_active, y, delta):
    """Adds an error times what the units of a tile see, ``y`` being the activations that they see."""
    at = m.plan[line] + lane * m.plan[line + ROWS]
    roll(into, m.plan, line, at, m.active, n_active, m.x, m.sources, y, delta, False, ones(m.weights))


@part
def inject(m, now, before, n_active, into, factor, direct):
    """Takes the outputs' deltas back to the states, and adds what stays within the step: back-propagation.

    With ``direct`` the copies of the weights to the outputs change with the weights.
    """
    S, lanes = m.block_size, m.lanes
    T_H, T_K = TABLE + COLUMNS * m.slots, TABLE + COLUMNS * (m.slots + 1)
    for lane in range(0, lanes, 8):
        errors_of_cells(m, now, lane, factor)
    for lane in range(0, m.hidden, 8):
        e = error_of(m, m.plan[Y_HIDDEN] + lane)
        store(m.work, m.conventional + m.hidden + lane, e * load(m.work, m.conventional + lane) * factor)
    for lane in range(0, m.output_lanes, 8):
        credit(m, into, T_K, lane, n_active, now, load(m.work, m.out + lane) * factor)
    if direct:
        for k in range(m.outputs):
            delta = fill(m.weights, m.work[m.out + k]) * factor
            for at in range(k * m.back_size, (k + 1) * m.back_size, 8):
                store(m.back, at, fma(delta, load(now, at - k * m.back_size), load(m.back, at)))
    if m.gated:
        for lane in range(0, lanes, 8):
            d_out = load(m.work, m.gate_errors + lane)
            credit(m, into, T_H - COLUMNS, lane, n_active, before, d_out)
            if m.peepholes:
                for v in range(S):
                    at = m.plan[PEEP_OUTPUT] + v * lanes + lane
                    store(into, at, fma(d_out, load(m.state, v * lanes + lane), load(into, at)))
    if m.shown:
        for role in range(1 + m.forget):
            for lane in range(0, lanes, 8):
                delta = load(m.work, m.gate_errors + (1 + role) * lanes + lane)
                credit(m, into, TABLE + COLUMNS * (S + role), lane, n_active, before, delta)
    for lane in range(0, m.hidden, 8):
        credit(m, into, T_H, lane, n_active, before, load(m.work, m.conventional + m.hidden + lane))
    if m.peepholes:
        at = m.plan[TRACE_PEEPS]
        for role in range(1 + m.forget):
            peep = m.plan[PEEP_FORGET] if role else m.plan[PEEP_INPUT]
            for v in range(S):
                for k in range(0, S * lanes, 8):
                    e = load(m.work, m.errors + v * lanes + k % lanes)
                    store(into, peep + k, fma(e, load(m.traces, at + k), load(into, peep + k)))
                at += S * lanes


@part
def roll_traces(m, now, before, n_active, n_touched, error, into, decays):
    """Rolls the traces forward; where there is an ``error``, adds what they make of the states' errors."""
    p = m.plan
    for lane in range(0, m.lanes, 8):
        y_f = load(now, p[Y_FORGET] + lane) if m.forget else m.trace_decay
        trace, last = p[TRACE_TABLE], p[TRACE_TABLE] + COLUMNS_OF_TRACES * p[TRACES]
        if p[ALIKE] and not error:
            four = 4 * COLUMNS_OF_TRACES
            while trace + four <= last:
                if decays:
                    roll_four(m.traces, p, trace, lane, m.touched, n_touched, m.x, m.sources, before, m.work, True, y_f)
                else:
                    roll_four(m.traces, p, trace, lane, m.active, n_active, m.x, m.sources, before, m.work, False, y_f)
                trace += four
        while trace < last:
            line = TABLE + COLUMNS * p[trace + SLOT]
            at = p[trace] + lane * p[line + ROWS]
            value = load(m.work, p[trace + INJECT] + lane)
            if error:
                e = load(m.work, p[trace + ERROR] + lane)
                at_weight = p[line] + lane * p[line + ROWS]
                roll_and_learn(
                    m.traces, p, line, at, into, at_weight, m.touched, n_touched, m.x, m.sources, before, value, y_f, e
                )
            elif decays:
                roll(m.traces, p, line, at, m.touched, n_touched, m.x, m.sources, before, value, True, y_f)
            else:
                roll(m.traces, p, line, at, m.active, n_active, m.x, m.sources, before, value, False, y_f)
            trace += COLUMNS_OF_TRACES


@part
def credit_traces(m, into):
    """Adds what the traces, as they are, make of the states' errors."""
    p = m.plan
    for trace in range(p[TRACE_TABLE], p[TRACE_TABLE] + COLUMNS_OF_TRACES * p[TRACES], COLUMNS_OF_TRACES):
        line = TABLE + COLUMNS * p[trace + SLOT]
        rows = p[line + ROWS]
        for lane in range(0, m.lanes, 8):
            e = load(m.work, p[trace + ERROR] + lane)
            for row in range(lane * rows, (lane + 8) * rows, 8):
                store(into, p[line] + row, fma(e, load(m.traces, p[trace] + row), load(into, p[line] + row)))
