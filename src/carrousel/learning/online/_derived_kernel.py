"""The derived rule, compiled once for all cells: see :mod:`._derive` for its ingredients.

A row holds one source's weights, or traces, for all units. A part of the pre-activations has rows for the inputs,
for the old outputs (under diagonal recurrence one row, the unit's own output), and for the bias; a peephole has one.
"""

from __future__ import annotations

from math import exp
from typing import Any

from llvmlite import ir
from numba import extending, types

from carrousel.learning.online._jit import entry, jit
from carrousel.learning.online._optimisers import EVERY, METHOD, PENDING, STEPS, apply, fade, fades

__all__ = ["FIRST_ROW", "LOSSES", "run"]

LOSSES = ("squared", "logistic", "softmax")
FIRST_ROW, INPUT_ROWS, RECURRENT_ROWS, BIAS_ROWS = range(4)  # columns of the table of parts and peepholes

intrinsic: Any = extending.intrinsic  # whose types mypy takes from the functions it decorates


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
    """z of every part, from the inputs and the old outputs; the peepholes' weights."""
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
    """∂s'/∂s and ∂h/∂s with, if errors reach the old output, its way through the diagonal recurrent weights."""
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
                own = weights[table[part, FIRST_ROW] + table[part, INPUT_ROWS]]
                for a in range(n):
                    if B_slots[a, part] >= 0:
                        add_product(A[a, n - 1], slots[B_slots[a, part]], own)
                if D_slots[part] >= 0:
                    add_product(C[n - 1], slots[D_slots[part]], own)


@jit
def roll(E, places, rows, row, A, C, B, D, slots, part, source, own, diagonal, error, e_h, gradient, temporary):
    """One row's traces a step further, and if there is an error its gradient: see :mod:`._derive`."""
    n, H = len(A), gradient.shape[1]
    line = rows + row
    if error:
        if D[part] >= 0:
            d = slots[D[part]]
            for j in range(H):
                gradient[line, j] += e_h[j] * d[j] * (own[j] if diagonal else source)
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
                    after[j] = d[j] * (own[j] if diagonal else source)
            else:
                after[:] = 0
            for b in range(n):
                if places[b, part] >= 0:
                    add_product(after, A[a, b], E[places[b, part] + row])
    for a in range(n):
        if places[a, part] >= 0:
            E[places[a, part] + row] = temporary[a]


@jit
def say(out, loss, readout, h):
    """The outputs, from the readout's weights ``[outputs, units + 1]``."""
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


@entry
def run(
    address, table, z_slots, p_slots, s_slots, h_slot, new_slots, A_slots, B_slots, C_slots, D_slots, places,
    h_index, diagonal, through_h, loss,
    parameters, weights, readout, gradient, weight_gradient, readout_gradient, moments, slots, A, C, temporary,
    states, h, E, counters, rates, inputs, targets, has_target, learning, outputs,
):  # fmt: skip
    """Runs steps of a stream, and learns.

    ``learning``: 0 forward only; 1 the traces too; 2 the weights too. ``outputs`` (``[steps, outputs]`` or empty)
    receives the outputs. ``weights`` and ``readout`` are views of ``parameters``, and so are the gradients.
    """
    n_parts, H = len(z_slots), len(h)
    out, e_h = readout[:, 0].copy(), h.copy()
    one, own = h[0] * 0 + 1, h.copy()
    for t in range(len(inputs)):
        x = inputs[t]
        own[:] = h
        pre_activations(table, p_slots, z_slots, weights, slots, x, h, diagonal)
        if h_index >= 0:
            states[h_index] = h
        for a in range(len(s_slots)):
            slots[s_slots[a]] = states[a]
        call_step(address, slots, H)
        for a in range(len(new_slots)):
            states[a] = slots[new_slots[a]]
        h[:] = slots[h_slot]
        error = learning == 2 and has_target[t] != 0
        if error or len(outputs):
            say(out, loss, readout, h)
            if len(outputs):
                outputs[t] = out
        if learning == 0:
            continue
        if error:
            e_h[:] = 0
            for k in range(len(out)):
                delta = targets[t, k] - out[k]
                for j in range(H):
                    e_h[j] += delta * readout[k, j]
                    readout_gradient[k, j] += delta * h[j]
                readout_gradient[k, H] += delta
        jacobians(A, C, slots, A_slots, B_slots, C_slots, D_slots, table, n_parts, weights, through_h)
        for part in range(len(table)):
            rows = table[part, FIRST_ROW]
            row = 0
            for m in range(table[part, INPUT_ROWS]):
                roll(
                    E, places, rows, row, A, C, B_slots, D_slots, slots, part, x[m], own, False, error, e_h,
                    weight_gradient, temporary,
                )  # fmt: skip
                row += 1
            for m in range(table[part, RECURRENT_ROWS]):
                roll(
                    E, places, rows, row, A, C, B_slots, D_slots, slots, part, own[m], own, diagonal, error, e_h,
                    weight_gradient, temporary,
                )  # fmt: skip
                row += 1
            if table[part, BIAS_ROWS]:
                roll(
                    E, places, rows, row, A, C, B_slots, D_slots, slots, part, one, own, False, error, e_h,
                    weight_gradient, temporary,
                )  # fmt: skip
        if learning == 2:
            counters[STEPS] += 1
            if error:
                counters[PENDING] = 1
            every = counters[EVERY]
            if every > 0 and counters[PENDING] and counters[STEPS] % every == 0:
                apply(parameters, gradient, moments, rates, counters[METHOD], counters)
            if fades(rates, counters[METHOD]):
                fade(rates)
