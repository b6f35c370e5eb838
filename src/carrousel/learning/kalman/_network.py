"""The filter over a network of the papers, compiled: steps, derivatives and updates of one or several streams."""

from __future__ import annotations

from carrousel._jit import entry, part
from carrousel.learning._optimisers import TOUCHED
from carrousel.learning._simd import ones, pointer, store, zeros
from carrousel.learning._steps import EVERY_STEP, LAST_STEP
from carrousel.learning.kalman._update import Filter, update
from carrousel.learning.online.network._backward import credit_traces, inject, roll_traces
from carrousel.learning.online.network._forward import forward, output_units, take_inputs, take_target
from carrousel.learning.online.network._kernel import clear, refresh
from carrousel.learning.online.network._layout import PLAN
from carrousel.learning.online.network._memory import TRACE_DECAY, Net, Steps, opened, streamed

__all__ = ["run_network"]

NET_END = len(Net._fields)
STEPS_END = NET_END + len(Steps._fields)
FILTER_END = STEPS_END + len(Filter._fields)
FORGET, Y_SIZE = PLAN["forget"], PLAN["y_size"]


@part
def of_stream(net, s):
    """Returns the arrays of one stream's network."""
    return Net(
        net.plan, net.sources, net.squash, net.masks, net.weights, net.back, net.state[s], net.traces[s], net.gradient,
        net.moments, net.work, net.touched[s], net.flags[s], net.active, net.x, net.counters[s], net.rates,
    )  # fmt: skip


@part
def derivatives(m, now, before, n_active, filter, first, derived):
    """Writes the derivatives of a step's outputs by all weights into the filter's rows from ``first`` on."""
    for k in range(m.outputs):
        into = pointer(derived[0])
        for at in range(0, len(derived[0]) - 1, 8):
            store(into, at, zeros(m.weights))
        for lane in range(0, m.output_lanes, 8):
            store(m.work, m.out + lane, zeros(m.weights))
        m.work[m.out + k] = m.work[m.out + m.output_lanes + k]
        inject(m, now, before, n_active, into, ones(m.weights), False)
        credit_traces(m, into)
        for at in range(len(filter.gather)):
            filter.h[first + k, at] = derived[0, filter.gather[at]]


@entry
def run_network(*flat):
    """Runs rounds of several spans of a stream of steps at once, and has the filter learn from them.

    The arguments are those of :class:`Net`, whose state, traces, touched, flags and counters are stacked, one for each
    stream; those of :class:`Steps`; those of :class:`Filter`; and then: ``begin`` and ``end [rounds, streams]``;
    ``resets``, whether every stream is reset before each span; ``telling``, of which steps ``outputs`` receives the
    outputs from before an update: EVERY_STEP those of a span at the place ``written [rounds, streams]``, LAST_STEP one
    row there; ``derived [1, weights of the layout + 1]``, working space, the last number of which is zero.

    Returns the number of steps until the filter could make nothing of one, or -1.
    """
    net, stream = Net(*flat[:NET_END]), streamed(Steps(*flat[NET_END:STEPS_END]))
    filter = Filter(*flat[STEPS_END:FILTER_END])
    begin, end, written, resets, telling, outputs, derived = flat[FILTER_END:]
    streams, steps = begin.shape[1], 0
    decays = net.plan[FORGET] != 0 or net.squash[TRACE_DECAY] != 1
    for q in range(len(begin)):
        longest = 0
        for s in range(streams):
            longest = max(longest, end[q, s] - begin[q, s])
            if resets:
                m, _, _ = opened(of_stream(net, s))
                clear(m, net.counters[s])
        for step in range(longest):
            taught = False
            for s in range(streams):
                m, first, second = opened(of_stream(net, s))
                before, now = (first, second) if step % 2 == 0 else (second, first)
                t, row = begin[q, s] + step, s * m.outputs
                filter.errors[row : row + m.outputs] = 0
                if t >= end[q, s]:
                    filter.h[row : row + m.outputs] = 0
                    continue
                n_active, n_touched = take_inputs(m, stream, t, net.counters[s, TOUCHED], True)
                net.counters[s, TOUCHED] = n_touched
                has_target = take_target(m, stream, t)
                forward(m, now, before, n_active, True, True)
                roll_traces(m, now, before, n_active, n_touched, False, m.weights, decays)
                output_units(m, now, n_active)
                if telling == EVERY_STEP or (telling == LAST_STEP and t == end[q, s] - 1):
                    at = written[q, s] + (step if telling == EVERY_STEP else 0)
                    for k in range(m.outputs):
                        outputs[at, k] = m.work[m.out + k]
                if has_target:
                    taught = True
                    for k in range(m.outputs):
                        filter.errors[row + k] = m.work[m.goal + k] - m.work[m.out + k]
                        m.work[m.goal + k] = 0
                    derivatives(m, now, before, n_active, filter, row, derived)
                else:
                    filter.h[row : row + m.outputs] = 0
                if stream.coded and n_active:
                    m.x[m.active[0]] = 0
            if taught:
                if not update(filter):
                    return steps
                for at in range(len(filter.gather)):
                    if filter.gather[at] < len(net.weights):
                        net.weights[filter.gather[at]] += filter.change[at]
                refresh(pointer(net.plan), pointer(net.sources), pointer(net.weights), pointer(net.back))
            steps += 1
        for s in range(streams):
            if (end[q, s] - begin[q, s]) % 2:
                swap(net.state[s], net.plan)
    return -1


@part
def swap(state, plan):
    """Puts the last step's activations before those of the step before it."""
    size = plan[Y_SIZE]
    first = len(state) - 2 * size
    for k in range(first, first + size):
        state[k], state[k + size] = state[k + size], state[k]
