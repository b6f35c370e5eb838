"""What outputs owe to weights, and what other weights would answer: the compiled rule asked without being taught."""

from __future__ import annotations

import numpy as np

from carrousel._jit import entry
from carrousel.learning._simd import ones, pointer, store, zeros
from carrousel.learning._steps import EVERY_STEP, FORWARD, SILENT
from carrousel.learning.online.network._backward import credit_traces, inject
from carrousel.learning.online.network._forward import output_units, restore_forward, take_inputs
from carrousel.learning.online.network._kernel import NET_END, STEPS_END, run
from carrousel.learning.online.network._memory import Net, Steps, opened, streamed

__all__ = ["advance", "respond", "sense"]


@entry
def sense(*flat):
    """Adds the derivatives of the last step's outputs by all weights to ``derivatives [outputs, weights]``.

    The arguments are those of :class:`Net`, those of :class:`Steps`, which are the last step, and ``derivatives``. An
    output's derivatives are what an error of one in it alone adds to the gradient.
    """
    net, stream = Net(*flat[:NET_END]), streamed(Steps(*flat[NET_END:STEPS_END]))
    derivatives = flat[STEPS_END]
    m, now, before = opened(net)
    n_active, _ = take_inputs(m, stream, 0, 0, False)
    restore_forward(m, now, before, n_active)
    output_units(m, now, n_active)
    for k in range(m.outputs):
        for lane in range(0, m.output_lanes, 8):
            store(m.work, m.out + lane, zeros(m.weights))
        m.work[m.out + k] = m.work[m.out + m.output_lanes + k]
        into = pointer(derivatives[k])
        inject(m, now, before, n_active, into, ones(m.weights), False)
        credit_traces(m, into)
    if stream.coded and n_active:
        m.x[m.active[0]] = 0


@entry
def respond(*flat):
    """Runs sequences with every member of a population, each from the beginning.

    The arguments are those of :class:`Net`, those of :class:`Steps`, and then: ``population [members, weights]``;
    ``places``, where each weight lies among the network's; ``begin`` and ``end`` of each sequence; ``hidden``, empty,
    or the places of the units whose activations ``responses``, ``[members, steps of all sequences, ...]``, receives in
    place of the outputs. The network's weights and states change.
    """
    net = Net(*flat[:NET_END])
    population, places, begin, end, hidden, responses = flat[STEPS_END:]
    weights, state = net.weights, net.state
    one = begin[:1].copy(), begin[:1].copy()
    for member in range(len(population)):
        for k in range(len(places)):
            weights[places[k]] = population[member, k]
        if len(hidden) == 0:
            how = begin, end, True, FORWARD, EVERY_STEP, responses[member], -1.0
            run(*(flat[:STEPS_END] + how))
            continue
        written = 0
        for sequence in range(len(begin)):
            for t in range(begin[sequence], end[sequence]):
                one[0][0], one[1][0] = t, t + 1
                rest = t == begin[sequence], FORWARD, SILENT, responses[member], -1.0
                run(*(flat[:STEPS_END] + one + rest))
                for k in range(len(hidden)):
                    responses[member, written, k] = state[hidden[k]]
                written += 1


@entry
def advance(*flat):
    """Takes every member of a population that is awake a step on, each by an input of its own.

    The arguments are those of :class:`Net`, those of :class:`Steps`, a step for each member, and then: ``population
    [members, weights]``; ``places``, where each weight lies among the network's; ``states [members, ...]``, the
    network's of each member, which change; ``awake [members]``; ``hidden``, as for :func:`respond`; ``responses
    [members, ...]``, what each member says. The network's own weights and states change.
    """
    net = Net(*flat[:NET_END])
    population, places, states, awake, hidden, responses = flat[STEPS_END:]
    weights, state = net.weights, net.state
    begin, end = np.zeros(1, np.int64), np.zeros(1, np.int64)
    telling = EVERY_STEP if len(hidden) == 0 else SILENT
    for member in range(len(population)):
        if not awake[member]:
            continue
        for k in range(len(places)):
            weights[places[k]] = population[member, k]
        state[:] = states[member]
        begin[0], end[0] = member, member + 1
        how = begin, end, False, FORWARD, telling, responses[member : member + 1], -1.0
        run(*(flat[:STEPS_END] + how))
        for k in range(len(hidden)):
            responses[member, k] = state[hidden[k]]
        states[member] = state
