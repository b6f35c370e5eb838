"""A step forward, compiled: inputs and targets in their place, the hidden layer, the outputs.

``now`` and ``before`` are the addresses of the activations of this step and of the one before.
"""

from __future__ import annotations

from carrousel._jit import part
from carrousel.learning._simd import fma, load, ones, sigmoid, store
from carrousel.learning.online.network._layout import COLUMNS, PLAN, TABLE
from carrousel.learning.online.network._memory import SQUASH_G, SQUASH_H, SQUASH_HIDDEN, SQUASH_UNIT
from carrousel.learning.online.network._tiles import net, net_of_four, squashed

__all__ = ["forward", "output_units", "restore_forward", "take_inputs", "take_target"]

ALIKE, Y_HIDDEN, Y_INPUT, Y_FORGET, Y_OUTPUT, PEEP_INPUT, PEEP_FORGET, PEEP_OUTPUT, TRACE_PEEPS = (
    PLAN[name]
    for name in (
        "alike", "y_hidden", "y_input", "y_forget", "y_output", "peep_input", "peep_forget", "peep_output",
        "trace_peeps",
    )
)  # fmt: skip


@part
def take_inputs(m, stream, t, n_touched, learning):
    """Puts a step's inputs in their place; returns how many are active, and how many were since the reset."""
    n_active = 0
    if stream.coded:
        code = stream.codes[t]
        if code >= 0:
            m.active[0] = code
            m.x[code] = 1
            n_active = 1
    else:
        for k in range(m.inputs):
            value = stream.dense[t * m.inputs + k]
            m.x[k] = value
            m.active[n_active] = k
            n_active += value != 0
    if learning:
        for k in range(n_active):
            m.touched[n_touched] = m.active[k]
            n_touched += not m.flags[m.active[k]]
            m.flags[m.active[k]] = 1
    return n_active, n_touched


@part
def take_target(m, stream, t):
    """Puts a step's target in its place, if there is one; says whether there is."""
    has_target = False
    if stream.coded_targets:
        code = stream.target_codes[t]
        if code >= 0:
            m.work[m.goal + code] = 1
            has_target = True
    elif stream.has_target[t]:
        for k in range(m.outputs):
            m.work[m.goal + k] = stream.targets[t * m.outputs + k]
        has_target = True
    return has_target


@part
def net_inputs(m, before, n_active, n_nets):
    """Computes the net inputs of the first ``n_nets`` slots of the blocks."""
    for lane in range(0, m.lanes, 8):
        slot = 0
        if m.plan[ALIKE]:
            while slot + 3 <= n_nets:
                line, three = TABLE + COLUMNS * slot, slot + 3 == n_nets
                net_of_four(
                    m.weights, m.plan, line, lane, m.active, n_active, m.x, m.sources, before, m.work, slot * m.lanes,
                    m.lanes, three,
                )  # fmt: skip
                slot += 4 - three
        while slot < n_nets:
            line = TABLE + COLUMNS * slot
            acc = net(m.weights, m.plan, line, lane, m.active, n_active, m.x, m.sources, before)
            store(m.work, slot * m.lanes + lane, acc)
            slot += 1


@part
def with_peepholes(m, peeps, lane, acc):
    """Returns a gate's net input with what it sees of its block's states through its peepholes."""
    for v in range(m.block_size):
        acc = fma(load(m.weights, peeps + v * m.lanes + lane), load(m.state, v * m.lanes + lane), acc)
    return acc


@part
def update_states(m, now, lane, learning):
    """Computes input and forget gates and states of a vector of blocks, and what the step adds to their traces."""
    S, lanes, injected = m.block_size, m.lanes, m.injected
    one, inside = ones(m.weights), load(m.masks, lane)
    acc = load(m.work, S * lanes + lane)
    if m.peepholes:
        acc = with_peepholes(m, m.plan[PEEP_INPUT], lane, acc)
    y_in = sigmoid(acc) * inside
    store(now, m.plan[Y_INPUT] + lane, y_in)
    y_f = m.state_decay
    if m.forget:
        acc = load(m.work, (S + 1) * lanes + lane)
        if m.peepholes:
            acc = with_peepholes(m, m.plan[PEEP_FORGET], lane, acc)
        y_f = sigmoid(acc)
        store(now, m.plan[Y_FORGET] + lane, y_f)
    for v in range(S):
        at = v * lanes + lane
        g, dg = squashed(load(m.work, at), m.squash, SQUASH_G)
        shat = load(m.state, at)
        store(m.work, injected + at, dg * y_in)
        store(m.work, injected + S * lanes + at, y_in * g * (one - y_in))
        if m.forget:
            store(m.work, injected + 2 * S * lanes + at, shat * y_f * (one - y_f))
        store(m.work, m.squashed + at, shat)
        store(m.state, at, fma(y_f, shat, y_in * g))
    if m.peepholes and learning:
        # The traces of input and forget gates' peepholes, from the old states of the block's cells.
        at = m.plan[TRACE_PEEPS] + lane
        remains = y_f if m.forget else m.trace_decay
        for role in range(1 + m.forget):
            for v in range(S):
                value = load(m.work, injected + ((role + 1) * S + v) * lanes + lane)
                for u in range(S):
                    old = load(m.work, m.squashed + u * lanes + lane)
                    store(m.traces, at, fma(value, old, load(m.traces, at) * remains))
                    at += lanes


@part
def cell_outputs(m, now, lane):
    """Computes output gates and outputs of a vector of blocks' cells."""
    y_out = load(m.masks, lane)
    if m.gated:
        acc = load(m.work, (m.slots - 1) * m.lanes + lane)
        if m.peepholes:
            acc = with_peepholes(m, m.plan[PEEP_OUTPUT], lane, acc)
        y_out = sigmoid(acc) * y_out
        store(now, m.plan[Y_OUTPUT] + lane, y_out)
    for v in range(m.block_size):
        at = v * m.lanes + lane
        h, slope = squashed(load(m.state, at), m.squash, SQUASH_H)
        store(m.work, m.squashed + at, h)
        store(m.work, m.slopes + at, slope)
        store(now, at, y_out * h)


@part
def conventional_units(m, now, before, n_active):
    """Computes activations and slopes of conventional hidden units."""
    line = TABLE + COLUMNS * m.slots
    for lane in range(0, m.hidden, 8):
        acc = net(m.weights, m.plan, line, lane, m.active, n_active, m.x, m.sources, before)
        value, slope = squashed(acc, m.squash, SQUASH_HIDDEN)
        store(now, m.plan[Y_HIDDEN] + lane, value * load(m.masks, m.lanes + lane))
        store(m.work, m.conventional + lane, slope)


@part
def forward(m, now, before, n_active, heard, learning):
    """Takes the hidden layer a step forward.

    Without recurrence only the states go on from step to step: outputs of cells, output gates and conventional units
    are computed at steps that are ``heard`` alone.
    """
    net_inputs(m, before, n_active, m.slots if heard else m.slots - m.gated)
    for lane in range(0, m.lanes, 8):
        update_states(m, now, lane, learning)
        if heard:
            cell_outputs(m, now, lane)
    if heard:
        conventional_units(m, now, before, n_active)


@part
def restore_forward(m, now, before, n_active):
    """Puts back into the working space what a step's errors need of its forward pass."""
    for lane in range(0, m.block_size * m.lanes, 8):
        h, slope = squashed(load(m.state, lane), m.squash, SQUASH_H)
        store(m.work, m.squashed + lane, h)
        store(m.work, m.slopes + lane, slope)
    conventional_units(m, now, before, n_active)


@part
def output_units(m, now, n_active):
    """Computes outputs and their slopes."""
    line = TABLE + COLUMNS * (m.slots + 1)
    for lane in range(0, m.output_lanes, 8):
        acc = net(m.weights, m.plan, line, lane, m.active, n_active, m.x, m.sources, now)
        value, slope = squashed(acc, m.squash, SQUASH_UNIT)
        store(m.work, m.out + lane, value)
        store(m.work, m.out + m.output_lanes + lane, slope)
