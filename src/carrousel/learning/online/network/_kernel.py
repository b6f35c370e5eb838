"""The rule of 1997-2002, compiled: one step forward, partial derivatives rolled forward, errors injected.

See :mod:`._layout` for what lies where, :mod:`._forward` and :mod:`._backward` for the parts.
"""

from __future__ import annotations

from carrousel._jit import entry, jit, part
from carrousel.learning._optimisers import EVERY, METHOD, PENDING, RATE, STEPS, TOUCHED, apply, fade, fades
from carrousel.learning._simd import fill, ones, pointer, store, zeros
from carrousel.learning._steps import EVERY_STEP, LAST_STEP, LEARN
from carrousel.learning.online.network._backward import inject, output_deltas, roll_traces
from carrousel.learning.online.network._forward import forward, output_units, take_inputs, take_target
from carrousel.learning.online.network._layout import COLUMNS, FIRST, LAST, PLAN, ROWS, SEES_INPUT, SLOT, TABLE
from carrousel.learning.online.network._memory import INSENSITIVE, TRACE_DECAY, Net, Steps, opened, streamed

__all__ = ["NET_END", "STEPS_END", "clear", "refresh", "refreshed", "run"]

INPUTS, OUTPUTS, SLOTS, TRACE_END = PLAN["inputs"], PLAN["outputs"], PLAN["slots"], PLAN["trace_end"]
RECURRENT, BACK_SIZE, Y_SIZE = PLAN["recurrent"], PLAN["back_size"], PLAN["y_size"]
TRACES, TRACE_TABLE, TRACE_PEEPS = PLAN["traces"], PLAN["trace_table"], PLAN["trace_peeps"]
# Where the network's arguments and the steps' end among those of a compiled function.
NET_END = len(Net._fields)
STEPS_END = NET_END + len(Steps._fields)


@part
def clear(m, counters):
    """Begins a sequence: states, activations and partial derivatives are set to zero."""
    p, zero = m.plan, zeros(m.weights)
    for at in range(0, m.block_size * m.lanes + 2 * p[Y_SIZE], 8):
        store(m.state, at, zero)
    n_touched = counters[TOUCHED]
    for trace in range(p[TRACES]):
        line = p[TRACE_TABLE] + 4 * trace
        slot = TABLE + COLUMNS * p[line + SLOT]
        rows, inputs = p[slot + ROWS], p[INPUTS] * p[slot + SEES_INPUT]
        for start in range(p[line], p[line] + rows * m.lanes, rows * 8):
            if inputs:
                for k in range(n_touched):
                    store(m.traces, start + m.touched[k] * 8, zero)
            for at in range(start + inputs * 8, start + rows * 8, 8):
                store(m.traces, at, zero)
    for at in range(p[TRACE_PEEPS], p[TRACE_END], 8):
        store(m.traces, at, zero)
    for k in range(n_touched):
        m.flags[m.touched[k]] = 0
    counters[TOUCHED] = 0


@jit
def refresh(plan, sources, weights, back):
    """Copies the weights from hidden units to outputs, which errors go backwards through."""
    line = TABLE + COLUMNS * (plan[SLOTS] + 1)
    rows, first = plan[line + ROWS], plan[line + FIRST]
    for q in range(first, plan[line + LAST]):
        row = plan[INPUTS] * plan[line + SEES_INPUT] + q - first
        for k in range(plan[OUTPUTS]):
            back[k * plan[BACK_SIZE] + sources[q]] = weights[plan[line] + (k // 8 * rows + row) * 8 + k % 8]


@entry
def refreshed(plan, sources, weights, back):
    """Does what :func:`refresh` does, called by Python."""
    refresh(pointer(plan), pointer(sources), pointer(weights), pointer(back))


@entry
def run(*flat):
    """Runs spans of a stream of steps, and learns.

    The arguments are those of :class:`Net`, those of :class:`Steps`, and then: ``begin`` and ``end``, spans of the
    steps; with ``resets`` each span is a sequence: the network is reset before it, and its end is the moment of the
    update if ``counters[EVERY]`` is 0; ``learning``, one of FORWARD, TRACE and LEARN; ``telling``: ``outputs`` receives
    the outputs ``[steps, outputs]``, span after span, if it is EVERY_STEP, or ``[spans, outputs]`` if it is LAST_STEP;
    with a ``tolerance`` of at least 0 everything ends after the first step that has an output further than it from its
    target.

    Returns how many steps there were, without that one.
    """
    # Here a named tuple costs nothing; as an argument it would cost a microsecond a call.
    net = Net(*flat[:NET_END])
    stream = streamed(Steps(*flat[NET_END:STEPS_END]))
    begin, end, resets, learning, telling, outputs, tolerance = flat[STEPS_END:]
    m, before, now = opened(net)
    weights, gradient, moments, counters, rates = net.weights, net.gradient, net.moments, net.counters, net.rates
    swapped, recurrent = False, m.plan[RECURRENT] != 0
    every, method = counters[EVERY], counters[METHOD]
    fading = fades(rates, method)
    # Plain descent after every step changes the weights directly; all else collects a gradient first.
    direct = method == 0 and every == 1
    into = m.weights if direct else pointer(gradient)
    factor = fill(m.weights, rates[RATE]) if direct else ones(m.weights)
    decays = m.forget or m.squash[TRACE_DECAY] != 1
    insensitive = m.squash[INSENSITIVE]
    following = tolerance >= 0
    targeted = learning == LEARN or following
    written, steps, wrong = 0, 0, False
    for span in range(len(begin)):
        if resets:
            clear(m, counters)
        n_touched = counters[TOUCHED]
        first, last = begin[span], end[span]
        answering = last - 1 if telling == LAST_STEP else -1
        for t in range(first, last):
            n_active, n_touched = take_inputs(m, stream, t, n_touched, learning)
            # Targets are put in their place long before they are wanted: a vector that is read soon after one number of
            # it was written has to wait.
            has_target = targeted and take_target(m, stream, t)
            error = has_target and learning == LEARN
            tell = telling == EVERY_STEP or t == answering
            # A span's last step leaves its activations behind.
            heard = recurrent or has_target or tell or t == last - 1
            forward(m, now, before, n_active, heard, learning)
            if has_target or tell:
                output_units(m, now, n_active)
                if tell:
                    for k in range(m.outputs):
                        outputs[written, k] = m.work[m.out + k]
                    written += 1
                if following and has_target:
                    for k in range(m.outputs):
                        wrong |= not abs(m.work[m.out + k] - m.work[m.goal + k]) <= tolerance  # NaN is wrong
                if has_target and stream.coded_targets and not error:
                    m.work[m.goal + stream.target_codes[t]] = 0
            if error:
                output_deltas(m, insensitive)
                if stream.coded_targets:
                    for lane in range(0, m.output_lanes, 8):
                        store(m.work, m.goal + lane, zeros(m.weights))
                inject(m, now, before, n_active, into, factor, direct)
            if learning:
                roll_traces(m, now, before, n_active, n_touched, error, into, decays)
            if stream.coded and n_active:
                m.x[m.active[0]] = 0
            before, now = now, before
            swapped = not swapped
            if learning == LEARN:
                counters[STEPS] += 1
                if not direct:
                    if error:
                        counters[PENDING] = 1
                    if every > 0 and counters[PENDING] and counters[STEPS] % every == 0:
                        apply(weights, gradient, moments, rates, method, counters)
                        refresh(m.plan, m.sources, m.weights, m.back)
                if fading:
                    fade(rates)
                    if direct:
                        factor = fill(m.weights, rates[RATE])
            if wrong:
                last = t
                break
        steps += last - first
        counters[TOUCHED] = n_touched
        if resets and learning == LEARN and every == 0 and counters[PENDING]:
            apply(weights, gradient, moments, rates, method, counters)
            refresh(m.plan, m.sources, m.weights, m.back)
        if wrong:
            break
    if swapped:  # the last step's activations first, then those of the step before
        size = m.plan[Y_SIZE]
        for k in range(m.block_size * m.lanes, m.block_size * m.lanes + size):
            m.state[k], m.state[k + size] = m.state[k + size], m.state[k]
    return steps
