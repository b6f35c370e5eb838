"""The rule of 1997-2002, compiled: one step forward, partial derivatives rolled forward, errors injected.

Names follow the pseudocode of the 2003 tutorial: ``dS`` are the partial derivatives of the states, ``e_s`` a state's
error, ``yhat`` the activations of the step before. See :mod:`._layout` for what lies where.
"""

from __future__ import annotations

from carrousel.learning.online._jit import entry, jit
from carrousel.learning.online._layout import (
    COLUMNS,
    ERROR,
    FIRST,
    INJECT,
    LAST,
    PLAN,
    ROWS,
    SEES_INPUT,
    SLOT,
    TABLE,
)
from carrousel.learning.online._optimisers import EVERY, METHOD, PENDING, RATE, STEPS, TOUCHED, apply, fade, fades
from carrousel.learning.online._rows import net, net_of_four, roll, roll_and_learn, roll_four, squashed
from carrousel.learning.online._simd import fill, fma, load, ones, pointer, sigmoid, store, zeros

__all__ = ["EVERY_STEP", "LAST_STEP", "SILENT", "refresh", "run"]

INPUTS, OUTPUTS, BLOCK = PLAN["inputs"], PLAN["outputs"], PLAN["block_size"]
BLOCK_LANES, HIDDEN_LANES, OUTPUT_LANES = PLAN["lanes"], PLAN["hidden_lanes"], PLAN["output_lanes"]
FORGET, GATED, PEEPHOLES, CROSS_ENTROPY = PLAN["forget"], PLAN["gated"], PLAN["peepholes"], PLAN["cross_entropy"]
SHOWN, RECURRENT = PLAN["shown"], PLAN["recurrent"]
ALIKE, SLOTS, TRACES, TRACE_TABLE = PLAN["alike"], PLAN["slots"], PLAN["traces"], PLAN["trace_table"]
BACK_SIZE, Y_SIZE, Y_HIDDEN = PLAN["back_size"], PLAN["y_size"], PLAN["y_hidden"]
Y_INPUT, Y_FORGET, Y_OUTPUT = PLAN["y_input"], PLAN["y_forget"], PLAN["y_output"]
PEEP_INPUT, PEEP_FORGET, PEEP_OUTPUT = PLAN["peep_input"], PLAN["peep_forget"], PLAN["peep_output"]
TRACE_PEEPS, WORK_INJECT, WORK_SQUASHED = PLAN["trace_peeps"], PLAN["work_inject"], PLAN["work_squashed"]
WORK_ERROR, WORK_HIDDEN, WORK_DELTA = PLAN["work_error"], PLAN["work_hidden"], PLAN["work_delta"]
SQUASH_G, SQUASH_H, SQUASH_HIDDEN, SQUASH_UNIT, STATE_DECAY, TRACE_DECAY, INSENSITIVE = 0, 4, 8, 12, 16, 17, 18
SILENT, EVERY_STEP, LAST_STEP = 0, 1, 2  # which steps' outputs are wanted


@jit
def clear(plan, state, dS, touched, flags, counters):
    """A sequence's start: states, activations and partial derivatives are zero."""
    state[:] = 0
    n_touched = counters[TOUCHED]
    p, traces, tou = pointer(plan), pointer(dS), pointer(touched)
    zero = zeros(traces)
    for trace in range(p[TRACES]):
        line = p[TRACE_TABLE] + 4 * trace
        slot = TABLE + COLUMNS * p[line + SLOT]
        rows, inputs = p[slot + ROWS], p[INPUTS] * p[slot + SEES_INPUT]
        for start in range(p[line], p[line] + rows * p[BLOCK_LANES], rows * 8):
            if inputs:
                for k in range(n_touched):
                    store(traces, start + tou[k] * 8, zero)
            for at in range(start + inputs * 8, start + rows * 8, 8):
                store(traces, at, zero)
    dS[plan[TRACE_PEEPS] :] = 0
    for k in range(n_touched):
        flags[touched[k]] = 0
    counters[TOUCHED] = 0


@jit
def refresh(plan, sources, weights, back):
    """Copies the weights from hidden units to outputs, which errors go backwards through."""
    line = TABLE + COLUMNS * (plan[SLOTS] + 1)
    rows, n_back = plan[line + ROWS], plan[BACK_SIZE]
    first = plan[line + FIRST]
    for q in range(first, plan[line + LAST]):
        row = plan[INPUTS] * plan[line + SEES_INPUT] + q - first
        for k in range(plan[OUTPUTS]):
            back[k * n_back + sources[q]] = weights[plan[line] + (k // 8 * rows + row) * 8 + k % 8]


@jit
def seen(w, peeps, s, lane, S, lanes, acc):
    """Adds what a gate sees of its block's states through its peepholes."""
    for v in range(S):
        acc = fma(load(w, peeps + v * lanes + lane), load(s, v * lanes + lane), acc)
    return acc


@jit
def error_of(back, n_back, at, weights, work, deltas, n_outputs):
    """The outputs' deltas, weighted by what these units contribute to them."""
    e = zeros(weights)
    for k in range(n_outputs):
        e = fma(load(back, k * n_back + at), fill(weights, work[deltas + k]), e)
    return e


@entry
def run(
    plan, sources, squash, masks,
    weights, back, state, dS, gradient, moments, work, touched, flags, active, x, counters, rates,
    codes, dense, target_codes, targets, has_target, begin, end, resets, learning, telling, outputs, tolerance,
):  # fmt: skip
    """Runs spans of a stream of steps, and learns.

    ``begin`` and ``end`` are spans of rows of the inputs (``codes [n]`` if not empty: the one active input, -1 for
    none; else ``dense [n, inputs]``) and targets (``target_codes [n]`` if not empty, -1 for none; else ``targets [n,
    outputs]`` with ``has_target [n]``). With ``resets`` each span is a sequence: the network is reset before it, and
    its end is the moment of the update if ``counters[EVERY]`` is 0. ``learning``: 0 forward only; 1 the traces too;
    2 the weights too. ``outputs`` receives the outputs ``[steps, outputs]``, span after span, if ``telling`` is
    EVERY_STEP, or ``[spans, outputs]`` if it is LAST_STEP. With a ``tolerance`` of at least 0 everything ends after
    the first step that has an output further than it from its target.

    Returns how many steps there were, without that one.
    """
    p, src, sq, mask, xs = pointer(plan), pointer(sources), pointer(squash), pointer(masks), pointer(x)
    w, backward, trace, wk, s = pointer(weights), pointer(back), pointer(dS), pointer(work), pointer(state)
    act, tou = pointer(active), pointer(touched)
    I, S, lanes, hidden, K = p[INPUTS], p[BLOCK], p[BLOCK_LANES], p[HIDDEN_LANES], p[OUTPUT_LANES]
    n_outputs, n_back, y_size = p[OUTPUTS], p[BACK_SIZE], p[Y_SIZE]
    forget, gated, peeps, shown = p[FORGET] != 0, p[GATED] != 0, p[PEEPHOLES] != 0, p[SHOWN] != 0
    n_slots, recurrent = p[SLOTS], p[RECURRENT] != 0
    T_H, T_K = TABLE + COLUMNS * n_slots, TABLE + COLUMNS * (n_slots + 1)
    net_in, net_f, net_out = S * lanes, (S + 1) * lanes, (n_slots - 1) * lanes  # in the working space
    inj, hs, dhs, e_s = p[WORK_INJECT], p[WORK_SQUASHED], p[WORK_SQUASHED] + S * lanes, p[WORK_ERROR]
    e_out = e_s + S * lanes
    hid, out, goal = p[WORK_HIDDEN], p[WORK_DELTA], p[WORK_DELTA] + 2 * K
    yhat, y = pointer(state[S * lanes :]), pointer(state[S * lanes + y_size :])
    swapped = False
    every, method = counters[EVERY], counters[METHOD]
    fading = fades(rates, method)
    # Plain descent after every step changes the weights directly; all else collects a gradient first.
    direct = method == 0 and every == 1
    into = w if direct else pointer(gradient)
    one, zero = ones(w), zeros(w)
    kept, trace_kept = fill(w, squash[STATE_DECAY]), fill(w, squash[TRACE_DECAY])
    decays = forget or squash[TRACE_DECAY] != 1
    insensitive = squash[INSENSITIVE]
    factor = fill(w, rates[RATE]) if direct else one
    coded, coded_targets, following = len(codes) > 0, len(target_codes) > 0, tolerance >= 0
    targeted = learning == 2 or following
    written, steps, wrong = 0, 0, False
    for span in range(len(begin)):
        if resets:
            clear(plan, state, dS, touched, flags, counters)
        n_touched = counters[TOUCHED]
        first, last = begin[span], end[span]
        told = last - 1 if telling == LAST_STEP else -1
        for t in range(first, last):
            # Input units: which are active, and which ever were since the reset.
            n_active = 0
            if coded:
                if codes[t] >= 0:
                    act[0] = codes[t]
                    xs[codes[t]] = 1
                    n_active = 1
            else:
                for m in range(I):
                    value = dense[t, m]
                    xs[m] = value
                    act[n_active] = m
                    n_active += value != 0
            if learning:
                for k in range(n_active):
                    tou[n_touched] = act[k]
                    n_touched += not flags[act[k]]
                    flags[act[k]] = 1

            # Targets are put in their place long before they are wanted: a vector that is read soon after one number of
            # it was written has to wait.
            given = False
            if targeted:
                if coded_targets:
                    if target_codes[t] >= 0:
                        wk[goal + target_codes[t]] = 1
                        given = True
                elif has_target[t]:
                    for k in range(n_outputs):
                        wk[goal + k] = targets[t, k]
                    given = True
            error = given and learning == 2

            # Where nothing recurs, only the states go on from step to step: what cells put out, and output gates and
            # conventional units, count where outputs are wanted. A span's last step leaves its activations behind.
            tell = telling == EVERY_STEP or t == told
            heard = recurrent or given or tell or t == last - 1

            # Forward pass: what all units of the blocks receive, gates, states, cell outputs.
            n_nets = n_slots if heard else n_slots - gated
            for lane in range(0, lanes, 8):
                slot = 0
                if p[ALIKE]:
                    while slot + 3 <= n_nets:
                        T, three = TABLE + COLUMNS * slot, slot + 3 == n_nets
                        net_of_four(w, p, T, lane, act, n_active, xs, src, yhat, wk, slot * lanes, lanes, three)
                        slot += 4 - three
                while slot < n_nets:
                    acc = net(w, p, TABLE + COLUMNS * slot, lane, act, n_active, xs, src, yhat)
                    store(wk, slot * lanes + lane, acc)
                    slot += 1
            for lane in range(0, lanes, 8):
                inside = load(mask, lane)
                acc = load(wk, net_in + lane)
                if peeps:
                    acc = seen(w, p[PEEP_INPUT], s, lane, S, lanes, acc)
                y_in = sigmoid(acc) * inside
                store(y, p[Y_INPUT] + lane, y_in)
                y_f = kept
                if forget:
                    acc = load(wk, net_f + lane)
                    if peeps:
                        acc = seen(w, p[PEEP_FORGET], s, lane, S, lanes, acc)
                    y_f = sigmoid(acc)
                    store(y, p[Y_FORGET] + lane, y_f)
                for v in range(S):
                    at = v * lanes + lane
                    g, dg = squashed(load(wk, at), sq, SQUASH_G)
                    shat = load(s, at)
                    store(wk, inj + at, dg * y_in)
                    store(wk, inj + S * lanes + at, y_in * g * (one - y_in))
                    if forget:
                        store(wk, inj + 2 * S * lanes + at, shat * y_f * (one - y_f))
                    store(wk, hs + at, shat)
                    store(s, at, fma(y_f, shat, y_in * g))
                if peeps and learning:
                    # The traces of input and forget gates' peepholes, from the old states of the block's cells.
                    at = p[TRACE_PEEPS] + lane
                    remains = y_f if forget else trace_kept
                    for role in range(1 + forget):
                        for v in range(S):
                            injected = load(wk, inj + ((role + 1) * S + v) * lanes + lane)
                            for u in range(S):
                                store(
                                    trace, at, fma(injected, load(wk, hs + u * lanes + lane), load(trace, at) * remains)
                                )
                                at += lanes
                if not heard:
                    continue
                y_out = inside
                if gated:
                    acc = load(wk, net_out + lane)
                    if peeps:
                        acc = seen(w, p[PEEP_OUTPUT], s, lane, S, lanes, acc)
                    y_out = sigmoid(acc) * inside
                    store(y, p[Y_OUTPUT] + lane, y_out)
                for v in range(S):
                    at = v * lanes + lane
                    h, dh = squashed(load(s, at), sq, SQUASH_H)
                    store(wk, hs + at, h)
                    store(wk, dhs + at, dh)
                    store(y, at, y_out * h)
            for lane in range(0, hidden if heard else 0, 8):
                value, slope = squashed(net(w, p, T_H, lane, act, n_active, xs, src, yhat), sq, SQUASH_HIDDEN)
                store(y, p[Y_HIDDEN] + lane, value * load(mask, lanes + lane))
                store(wk, hid + lane, slope)

            # Output units, where anybody looks at them.
            if given or tell:
                for lane in range(0, K, 8):
                    value, slope = squashed(net(w, p, T_K, lane, act, n_active, xs, src, y), sq, SQUASH_UNIT)
                    store(wk, out + lane, value)
                    store(wk, out + K + lane, slope)
                if tell:
                    for k in range(n_outputs):
                        outputs[written, k] = wk[out + k]
                    written += 1
                if following and given:
                    for k in range(n_outputs):
                        wrong |= not abs(wk[out + k] - wk[goal + k]) <= tolerance  # NaN is wrong
                if given and coded_targets and not error:
                    wk[goal + target_codes[t]] = 0

            if error:
                # Errors and deltas of output units.
                if insensitive > 0:
                    for k in range(n_outputs):
                        if abs(wk[goal + k] - wk[out + k]) < insensitive:
                            wk[goal + k] = wk[out + k]
                for lane in range(0, K, 8):
                    delta = (load(wk, goal + lane) - load(wk, out + lane)) * load(mask, lanes + hidden + lane)
                    if not p[CROSS_ENTROPY]:
                        delta = delta * load(wk, out + K + lane)
                    store(wk, out + lane, delta)
                if coded_targets:
                    for lane in range(0, K, 8):
                        store(wk, goal + lane, zero)
                # Errors of cells and conventional units; deltas of output gates.
                for lane in range(0, lanes, 8):
                    d_out = zero
                    y_out = load(y, p[Y_OUTPUT] + lane) if gated else one
                    for v in range(S):
                        at = v * lanes + lane
                        e, other = zero, zero
                        k = 0
                        while k + 1 < n_outputs:
                            e = fma(load(backward, k * n_back + at), fill(w, wk[out + k]), e)
                            other = fma(load(backward, (k + 1) * n_back + at), fill(w, wk[out + k + 1]), other)
                            k += 2
                        if k < n_outputs:
                            e = fma(load(backward, k * n_back + at), fill(w, wk[out + k]), e)
                        e = (e + other) * factor
                        d_out = fma(load(wk, hs + at), e, d_out)
                        store(wk, e_s + at, y_out * load(wk, dhs + at) * e)
                    if shown:  # outputs see the gates too, whose own errors come from there
                        shown_error = error_of(backward, n_back, p[Y_OUTPUT] + lane, w, wk, out, n_outputs)
                        d_out = fma(shown_error, factor, d_out)
                        for role in range(1 + forget):
                            at = (p[Y_FORGET] if role else p[Y_INPUT]) + lane
                            e = error_of(backward, n_back, at, w, wk, out, n_outputs) * factor
                            gate = load(y, at)
                            store(wk, e_out + (1 + role) * lanes + lane, e * gate * (one - gate) * load(mask, lane))
                    store(wk, e_out + lane, d_out * y_out * (one - y_out))
                for lane in range(0, hidden, 8):
                    e = error_of(backward, n_back, p[Y_HIDDEN] + lane, w, wk, out, n_outputs)
                    store(wk, hid + hidden + lane, e * load(wk, hid + lane) * factor)
                # Weights of output units, output gates and conventional units: back-propagation within the step.
                for lane in range(0, K, 8):
                    roll(
                        into,
                        p,
                        T_K,
                        p[T_K] + lane * p[T_K + ROWS],
                        act,
                        n_active,
                        xs,
                        src,
                        y,
                        load(wk, out + lane) * factor,
                        False,
                        one,
                    )
                if direct:
                    for k in range(n_outputs):
                        delta = fill(w, wk[out + k]) * factor
                        for at in range(k * n_back, (k + 1) * n_back, 8):
                            store(backward, at, fma(delta, load(y, at - k * n_back), load(backward, at)))
                if gated:
                    T_O = T_H - COLUMNS
                    for lane in range(0, lanes, 8):
                        d_out = load(wk, e_out + lane)
                        roll(
                            into, p, T_O, p[T_O] + lane * p[T_O + ROWS], act, n_active, xs, src, yhat, d_out, False, one
                        )
                        if peeps:
                            for v in range(S):
                                at = p[PEEP_OUTPUT] + v * lanes + lane
                                store(into, at, fma(d_out, load(s, v * lanes + lane), load(into, at)))
                if shown:
                    for role in range(1 + forget):
                        T = TABLE + COLUMNS * (S + role)
                        for lane in range(0, lanes, 8):
                            d = load(wk, e_out + (1 + role) * lanes + lane)
                            roll(into, p, T, p[T] + lane * p[T + ROWS], act, n_active, xs, src, yhat, d, False, one)
                for lane in range(0, hidden, 8):
                    roll(
                        into,
                        p,
                        T_H,
                        p[T_H] + lane * p[T_H + ROWS],
                        act,
                        n_active,
                        xs,
                        src,
                        yhat,
                        load(wk, hid + hidden + lane),
                        False,
                        one,
                    )
                if peeps:
                    at = p[TRACE_PEEPS]
                    for role in range(1 + forget):
                        peep = p[PEEP_FORGET] if role else p[PEEP_INPUT]
                        for v in range(S):
                            for k in range(0, S * lanes, 8):
                                e = load(wk, e_s + v * lanes + k % lanes)
                                store(into, peep + k, fma(e, load(trace, at + k), load(into, peep + k)))
                            at += S * lanes

            # Partial derivatives, and what they make of the states' errors.
            if learning:
                for lane in range(0, lanes, 8):
                    y_f = load(y, p[Y_FORGET] + lane) if forget else trace_kept
                    line, last_line = p[TRACE_TABLE], p[TRACE_TABLE] + 4 * p[TRACES]
                    if p[ALIKE] and not error:
                        while line + 16 <= last_line:
                            if decays:
                                roll_four(trace, p, line, lane, tou, n_touched, xs, src, yhat, wk, True, y_f)
                            else:
                                roll_four(trace, p, line, lane, act, n_active, xs, src, yhat, wk, False, y_f)
                            line += 16
                    while line < last_line:
                        T = TABLE + COLUMNS * p[line + SLOT]
                        at = p[line] + lane * p[T + ROWS]
                        injected = load(wk, p[line + INJECT] + lane)
                        if error:
                            e = load(wk, p[line + ERROR] + lane)
                            at_weight = p[T] + lane * p[T + ROWS]
                            roll_and_learn(
                                trace, p, T, at, into, at_weight, tou, n_touched, xs, src, yhat, injected, y_f, e
                            )
                        elif decays:
                            roll(trace, p, T, at, tou, n_touched, xs, src, yhat, injected, True, y_f)
                        else:
                            roll(trace, p, T, at, act, n_active, xs, src, yhat, injected, False, y_f)
                        line += 4

            if coded and n_active:
                xs[act[0]] = 0
            yhat, y = y, yhat
            swapped = not swapped
            if learning == 2:
                counters[STEPS] += 1
                if not direct:
                    if error:
                        counters[PENDING] = 1
                    if every > 0 and counters[PENDING] and counters[STEPS] % every == 0:
                        apply(weights, gradient, moments, rates, method, counters)
                        refresh(plan, sources, weights, back)
                if fading:
                    fade(rates)
                    if direct:
                        factor = fill(w, rates[RATE])
            if wrong:
                last = t
                break
        steps += last - first
        counters[TOUCHED] = n_touched
        if resets and learning == 2 and every == 0 and counters[PENDING]:
            apply(weights, gradient, moments, rates, method, counters)
            refresh(plan, sources, weights, back)
        if wrong:
            break
    if swapped:
        for k in range(S * lanes, S * lanes + y_size):
            state[k] = state[k + y_size]
    return steps
