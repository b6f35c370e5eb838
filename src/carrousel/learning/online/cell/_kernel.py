"""The derived rule, compiled once for all cells: see :mod:`._derive` for its ingredients.

A row holds one source's weights, or traces, for all units. A part of the pre-activations has rows for the inputs,
for the old outputs (under diagonal recurrence one row, the unit's own output), and for the bias; a peephole has one.
"""

from __future__ import annotations

from math import exp
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import extending, types

from carrousel._jit import entry, jit, spliced
from carrousel.learning._optimisers import EVERY, METHOD, PENDING, STEPS, apply, fade, fades
from carrousel.learning._steps import FORWARD, LEARN, TRACE

__all__ = [
    "BIAS_ROWS",
    "FIRST_ROW",
    "INPUT_ROWS",
    "LAYER_END",
    "LOSSES",
    "RECURRENT_ROWS",
    "RULE_END",
    "Layer",
    "Rule",
    "advance",
    "call_step",
    "outputs_of",
    "roll_all",
    "run",
    "slopes_of",
    "step",
]

LOSSES = ("squared", "logistic", "softmax")
FIRST_ROW, INPUT_ROWS, RECURRENT_ROWS, BIAS_ROWS = range(4)  # columns of the table of parts and peepholes


class Rule(NamedTuple):
    """A cell's rule in one layer, in the order in which compiled functions take it.

    Attributes:
        address: that of the cell's compiled step.
        table: ``[parts and peepholes, 4]``, the first row of each one's weights, and how many it has of each kind.
        z, p, s, h, new, A, B, C, D: slots, see :class:`._derive.Derived`.
        places: ``[states, parts and peepholes]``, the first row of each one's traces, -1 where it has none.
        h_index: the place of the old output among the states, -1 if it is none.
        diagonal, through_h: whether a unit sees of the old outputs its own alone; whether errors flow back through it.
        loss: the place of its name in LOSSES.
    """

    address: Any
    table: Any
    z: Any
    p: Any
    s: Any
    h: Any
    new: Any
    A: Any
    B: Any
    C: Any
    D: Any
    places: Any
    h_index: Any
    diagonal: Any
    through_h: Any
    loss: Any


class Layer(NamedTuple):
    """A layer's arrays, in the order in which compiled functions take them.

    Attributes:
        parameters: all weights; weights, readout: views of them, ``[rows, units]`` and ``[outputs, units + 1]``.
        gradient, weight_gradient, readout_gradient: the direction of descent since the last change, likewise.
        moments, counters, rates: see :mod:`._optimisers`.
        slots, A, C, temporary: a step's working space.
        states, h, traces: what goes on from step to step.
        sensed: ``[rows, units]``, the derivatives of the output h by each weight after the last observed step.
    """

    parameters: Any
    weights: Any
    readout: Any
    gradient: Any
    weight_gradient: Any
    readout_gradient: Any
    moments: Any
    slots: Any
    A: Any
    C: Any
    temporary: Any
    states: Any
    h: Any
    traces: Any
    sensed: Any
    counters: Any
    rates: Any


# Where the rule's arguments and the layer's end among those of a compiled function.
RULE_END = len(Rule._fields)
LAYER_END = RULE_END + len(Layer._fields)

intrinsic: Any = extending.intrinsic  # else a call would have the types of the decorated function to mypy


@intrinsic
def call_step(typingctx: Any, address: Any, slots: Any, units: Any) -> Any:
    """Calls a cell's compiled step by its address."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[1])(context, builder, args[1]).data
        function = ir.FunctionType(ir.VoidType(), [data.type, args[2].type]).as_pointer()
        builder.call(builder.inttoptr(args[0], function), [data, args[2]])
        return context.get_dummy_value()

    return types.void(types.intp, slots, types.intp), build


@jit
def add_scaled(into, values, factor):
    for j in range(len(into)):
        into[j] += factor * values[j]


@jit
def add_product(into, a, b):
    for j in range(len(into)):
        into[j] += a[j] * b[j]


@jit
def pre_activations(table, p_slots, z_slots, weights, slots, x, h, diagonal):
    """Computes z of every part, from the inputs and the old outputs; copies the peepholes' weights into their slots."""
    for part in range(len(z_slots)):
        z = slots[z_slots[part]]
        z[:] = 0
        row = table[part, FIRST_ROW]
        for m in range(table[part, INPUT_ROWS]):
            if x[m] != 0:
                add_scaled(z, weights[row], x[m])
            row += 1
        for m in range(table[part, RECURRENT_ROWS]):
            if diagonal:
                add_product(z, weights[row], h)
            else:
                add_scaled(z, weights[row], h[m])
            row += 1
        if table[part, BIAS_ROWS]:
            add_scaled(z, weights[row], h[0] * 0 + 1)
    for gate in range(len(p_slots)):
        slots[p_slots[gate]][:] = weights[table[len(z_slots) + gate, FIRST_ROW]]


@jit
def jacobians(A, C, slots, A_slots, B_slots, C_slots, D_slots, table, n_parts, weights, through_h):
    """Computes A = ∂s'/∂s and C = ∂h/∂s; if errors reach the old output, also by way of diagonal recurrent weights."""
    n = len(A_slots)
    for a in range(n):
        for b in range(n):
            A[a, b] = 0
            if A_slots[a, b] >= 0:
                A[a, b] = slots[A_slots[a, b]]
        C[a] = 0
        if C_slots[a] >= 0:
            C[a] = slots[C_slots[a]]
    if through_h:
        for part in range(n_parts):
            if table[part, RECURRENT_ROWS]:
                diagonal = weights[table[part, FIRST_ROW] + table[part, INPUT_ROWS]]
                for a in range(n):
                    if B_slots[a, part] >= 0:
                        add_product(A[a, n - 1], slots[B_slots[a, part]], diagonal)
                if D_slots[part] >= 0:
                    add_product(C[n - 1], slots[D_slots[part]], diagonal)


@jit
def roll(E, places, rows, row, A, C, B, D, slots, part, source, old_h, diagonal, error, e_h, gradient, temporary):
    """Rolls one row's traces forward and, if there is an error, adds up its gradient: see :mod:`._derive`."""
    n, H = len(A), gradient.shape[1]
    line = rows + row
    if error:
        if D[part] >= 0:
            d = slots[D[part]]
            for j in range(H):
                gradient[line, j] += e_h[j] * d[j] * (old_h[j] if diagonal else source)
        for b in range(n):
            if places[b, part] >= 0:
                before = E[places[b, part] + row]
                for j in range(H):
                    gradient[line, j] += e_h[j] * C[b, j] * before[j]
    for a in range(n):
        if places[a, part] >= 0:
            after = temporary[a]
            if B[a, part] >= 0:
                d = slots[B[a, part]]
                for j in range(H):
                    after[j] = d[j] * (old_h[j] if diagonal else source)
            else:
                after[:] = 0
            for b in range(n):
                if places[b, part] >= 0:
                    add_product(after, A[a, b], E[places[b, part] + row])
    for a in range(n):
        if places[a, part] >= 0:
            E[places[a, part] + row] = temporary[a]


@jit
def outputs_of(out, loss, readout, h):
    """Computes the outputs, from the readout's weights ``[outputs, units + 1]``."""
    H = len(h)
    highest = readout[0, 0] * 0 - 1e30
    for k in range(len(out)):
        total = readout[k, H]
        for j in range(H):
            total += readout[k, j] * h[j]
        out[k] = total
        highest = max(highest, total)
    if loss == 1:
        for k in range(len(out)):
            out[k] = 1 / (1 + exp(-out[k]))
    elif loss == 2:
        total = highest * 0
        for k in range(len(out)):
            out[k] = exp(out[k] - highest)
            total += out[k]
        for k in range(len(out)):
            out[k] /= total


def slopes_of(loss: str, sums: np.ndarray) -> np.ndarray:
    """Returns the derivatives of the outputs by what the readout sums up, ``[outputs, outputs]``."""
    if loss == "squared":
        return np.eye(len(sums), dtype=sums.dtype)
    if loss == "logistic":
        y = 1 / (1 + np.exp(-sums))
        return np.diag(y * (1 - y))
    y = np.exp(sums - sums.max())
    y /= y.sum()
    return np.diag(y) - np.outer(y, y)


@spliced
def step(rule, layer, x, old_h):
    """Takes the layer a step forward; ``old_h`` receives the output of the step before."""
    slots, states, h = layer.slots, layer.states, layer.h
    old_h[:] = h
    pre_activations(rule.table, rule.p, rule.z, layer.weights, slots, x, h, rule.diagonal)
    if rule.h_index >= 0:
        states[rule.h_index] = h
    for a in range(len(rule.s)):
        slots[rule.s[a]] = states[a]
    call_step(rule.address, slots, len(h))
    for a in range(len(rule.new)):
        states[a] = slots[rule.new[a]]
    h[:] = slots[rule.h]


@spliced
def errors_of(layer, target, out, e_h):
    """Computes the outputs' errors: adds them to the readout's gradient, and writes those of the units."""
    readout, gradient, h = layer.readout, layer.readout_gradient, layer.h
    H = len(h)
    e_h[:] = 0
    for k in range(len(out)):
        delta = target[k] - out[k]
        for j in range(H):
            e_h[j] += delta * readout[k, j]
            gradient[k, j] += delta * h[j]
        gradient[k, H] += delta


@spliced
def roll_all(rule, layer, x, old_h, error, e_h, into):
    """Rolls all traces forward and, if there is an error, adds its gradient to ``into``."""
    table, B, D, places, diagonal = rule.table, rule.B, rule.D, rule.places, rule.diagonal
    E, slots, A, C, temporary = layer.traces, layer.slots, layer.A, layer.C, layer.temporary
    one = old_h[0] * 0 + 1
    jacobians(A, C, slots, rule.A, B, rule.C, D, table, len(rule.z), layer.weights, rule.through_h)
    for group in range(len(table)):
        rows, row = table[group, FIRST_ROW], 0
        for m in range(table[group, INPUT_ROWS]):
            roll(E, places, rows, row, A, C, B, D, slots, group, x[m], old_h, False, error, e_h, into, temporary)
            row += 1
        for m in range(table[group, RECURRENT_ROWS]):
            roll(E, places, rows, row, A, C, B, D, slots, group, old_h[m], old_h, diagonal, error, e_h, into, temporary)
            row += 1
        if table[group, BIAS_ROWS]:
            roll(E, places, rows, row, A, C, B, D, slots, group, one, old_h, False, error, e_h, into, temporary)


@entry
def run(*flat):
    """Runs steps of a stream, and learns.

    The arguments are those of :class:`Rule`, those of :class:`Layer`, and then: ``inputs [steps, inputs]``,
    ``targets [steps, outputs]``, ``has_target [steps]``; ``learning``, one of FORWARD, TRACE and LEARN; ``outputs``
    (``[steps, outputs]`` or empty), which receives the outputs.
    """
    # Here a named tuple costs nothing; as an argument it would cost a microsecond a call.
    rule, layer = Rule(*flat[:RULE_END]), Layer(*flat[RULE_END:LAYER_END])
    inputs, targets, has_target, learning, outputs = flat[LAYER_END:]
    h, readout, counters, rates = layer.h, layer.readout, layer.counters, layer.rates
    out, e_h, old_h = readout[:, 0].copy(), h.copy(), h.copy()
    for t in range(len(inputs)):
        x = inputs[t]
        step(rule, layer, x, old_h)
        error = learning == LEARN and has_target[t] != 0
        if error or len(outputs):
            outputs_of(out, rule.loss, readout, h)
            if len(outputs):
                outputs[t] = out
        if learning == FORWARD:
            continue
        if error:
            errors_of(layer, targets[t], out, e_h)
        sensing = learning == TRACE and t == len(inputs) - 1
        if sensing:  # an error of one for every unit
            layer.sensed[:] = 0
            e_h[:] = 1
        into = layer.sensed if sensing else layer.weight_gradient
        roll_all(rule, layer, x, old_h, error or sensing, e_h, into)
        if learning == LEARN:
            counters[STEPS] += 1
            if error:
                counters[PENDING] = 1
            every = counters[EVERY]
            if every > 0 and counters[PENDING] and counters[STEPS] % every == 0:
                apply(layer.parameters, layer.gradient, layer.moments, rates, counters[METHOD], counters)
            if fades(rates, counters[METHOD]):
                fade(rates)


@entry
def advance(*flat):
    """Takes every member of a population that is awake a step on, each by an input of its own.

    The arguments are those of :class:`Rule`, those of :class:`Layer`, and then: ``population [members, parameters]``;
    ``inputs [members, inputs]``; ``all_states [members, states, units]`` and ``all_h [members, units]``, which change;
    ``awake [members]``; ``hidden``, whether ``responses [members, ...]`` receives the units' outputs and not the
    readout's. The layer's weights and states change.
    """
    rule, layer = Rule(*flat[:RULE_END]), Layer(*flat[RULE_END:LAYER_END])
    population, inputs, all_states, all_h, awake, hidden, responses = flat[LAYER_END:]
    parameters, states, h, readout = layer.parameters, layer.states, layer.h, layer.readout
    old_h = h.copy()
    for member in range(len(population)):
        if not awake[member]:
            continue
        parameters[:] = population[member]
        states[:] = all_states[member]
        h[:] = all_h[member]
        step(rule, layer, inputs[member], old_h)
        if hidden:
            responses[member] = h
        else:
            outputs_of(responses[member], rule.loss, readout, h)
        all_states[member] = states
        all_h[member] = h
