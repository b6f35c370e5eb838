"""What the compiled rule works on: a network's arrays and a stream's steps, each listed once and used by name."""

from __future__ import annotations

from typing import Any, NamedTuple

from carrousel._jit import part
from carrousel.learning._simd import fill, pointer
from carrousel.learning.online.network._layout import PLAN

__all__ = [
    "INSENSITIVE",
    "SQUASH_G",
    "SQUASH_H",
    "SQUASH_HIDDEN",
    "SQUASH_UNIT",
    "TRACE_DECAY",
    "Memory",
    "Net",
    "Steps",
    "Stream",
    "opened",
    "streamed",
]

# Places among the constants of the squashing functions, see :class:`Layout`.
SQUASH_G, SQUASH_H, SQUASH_HIDDEN, SQUASH_UNIT, STATE_DECAY, TRACE_DECAY, INSENSITIVE = 0, 4, 8, 12, 16, 17, 18

INPUTS, OUTPUTS, BLOCK = PLAN["inputs"], PLAN["outputs"], PLAN["block_size"]
BLOCK_LANES, HIDDEN_LANES, OUTPUT_LANES = PLAN["lanes"], PLAN["hidden_lanes"], PLAN["output_lanes"]
FORGET, GATED, PEEPHOLES, SHOWN = PLAN["forget"], PLAN["gated"], PLAN["peepholes"], PLAN["shown"]
SLOTS, BACK_SIZE, Y_SIZE = PLAN["slots"], PLAN["back_size"], PLAN["y_size"]
WORK_INJECT, WORK_SQUASHED, WORK_ERROR = PLAN["work_inject"], PLAN["work_squashed"], PLAN["work_error"]
WORK_HIDDEN, WORK_DELTA = PLAN["work_hidden"], PLAN["work_delta"]


class Net(NamedTuple):
    """A network's arrays, in the order in which compiled functions take them; see :mod:`._layout`.

    Attributes:
        plan, sources, squash, masks: what the layout says.
        weights: all weights. back: copies of those from hidden units to outputs.
        state: the cells' states, the activations of the last step, and those of the step before it.
        traces: the states' derivatives by the weights.
        gradient: the direction of descent since the last change of weights; empty if each step changes them.
        moments, counters, rates: see :mod:`._optimisers`.
        work: a step's working space. x: a step's inputs.
        touched, flags: which inputs were active since the reset. active: which are in this step.
    """

    plan: Any
    sources: Any
    squash: Any
    masks: Any
    weights: Any
    back: Any
    state: Any
    traces: Any
    gradient: Any
    moments: Any
    work: Any
    touched: Any
    flags: Any
    active: Any
    x: Any
    counters: Any
    rates: Any


class Steps(NamedTuple):
    """Inputs and targets, in the order in which compiled functions take them.

    Attributes:
        codes: ``[n]``, the one active input, -1 for none; or empty.
        dense: ``[n, inputs]``, where codes are empty.
        target_codes: ``[n]``, the one output that should be 1, -1 for no target; or empty.
        targets: ``[n, outputs]``, where target codes are empty.
        has_target: ``[n]``, whether there is one.
    """

    codes: Any
    dense: Any
    target_codes: Any
    targets: Any
    has_target: Any


class Memory(NamedTuple):
    """A network's arrays by address, with the sizes and places that every step wants.

    Attributes:
        plan, sources, squash, masks, weights, back, state, traces, work, touched, flags, active, x: addresses.
        inputs, outputs, block_size: numbers of units.
        lanes, hidden, output_lanes: numbers of blocks, conventional units and outputs, in whole vectors.
        slots, back_size: see :mod:`._layout`.
        forget, gated, peepholes, shown: what the network has: forget gates, output gates, peepholes, outputs that see
            gates.
        injected, squashed, slopes, errors, gate_errors, conventional, out, goal: places in the working space: what a
            step adds to the traces; the cells' squashed states and the slopes there; the errors of states, and of
            gates; slopes and errors of conventional units; outputs with their slopes, later their deltas; targets.
        state_decay, trace_decay: what states and traces decay by where no forget gate says it.
    """

    plan: Any
    sources: Any
    squash: Any
    masks: Any
    weights: Any
    back: Any
    state: Any
    traces: Any
    work: Any
    touched: Any
    flags: Any
    active: Any
    x: Any
    inputs: Any
    outputs: Any
    block_size: Any
    lanes: Any
    hidden: Any
    output_lanes: Any
    slots: Any
    back_size: Any
    forget: Any
    gated: Any
    peepholes: Any
    shown: Any
    injected: Any
    squashed: Any
    slopes: Any
    errors: Any
    gate_errors: Any
    conventional: Any
    out: Any
    goal: Any
    state_decay: Any
    trace_decay: Any


class Stream(NamedTuple):
    """Inputs and targets by address.

    Attributes:
        coded, coded_targets: whether these are codes.
        codes, dense, target_codes, targets, has_target: the addresses of :class:`Steps`.
    """

    coded: Any
    coded_targets: Any
    codes: Any
    dense: Any
    target_codes: Any
    targets: Any
    has_target: Any


@part
def streamed(steps):
    """Returns the addresses of steps."""
    return Stream(
        len(steps.codes) > 0, len(steps.target_codes) > 0,
        pointer(steps.codes), pointer(steps.dense), pointer(steps.target_codes), pointer(steps.targets),
        pointer(steps.has_target),
    )  # fmt: skip


@part
def opened(net):
    """Returns a network's memory, and the addresses of its activations of the last step and of the one before."""
    p, w = pointer(net.plan), pointer(net.weights)
    S, lanes, output_lanes = p[BLOCK], p[BLOCK_LANES], p[OUTPUT_LANES]
    memory = Memory(
        p, pointer(net.sources), pointer(net.squash), pointer(net.masks), w, pointer(net.back), pointer(net.state),
        pointer(net.traces), pointer(net.work), pointer(net.touched), pointer(net.flags), pointer(net.active),
        pointer(net.x),
        p[INPUTS], p[OUTPUTS], S, lanes, p[HIDDEN_LANES], output_lanes, p[SLOTS], p[BACK_SIZE],
        p[FORGET] != 0, p[GATED] != 0, p[PEEPHOLES] != 0, p[SHOWN] != 0,
        p[WORK_INJECT], p[WORK_SQUASHED], p[WORK_SQUASHED] + S * lanes, p[WORK_ERROR], p[WORK_ERROR] + S * lanes,
        p[WORK_HIDDEN], p[WORK_DELTA], p[WORK_DELTA] + 2 * output_lanes,
        fill(w, net.squash[STATE_DECAY]), fill(w, net.squash[TRACE_DECAY]),
    )  # fmt: skip
    return memory, pointer(net.state[S * lanes :]), pointer(net.state[S * lanes + p[Y_SIZE] :])
