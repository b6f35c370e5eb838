"""What an agent asks of a learner, compiled: outputs of a step, and what one of them owes to each weight.

Each kind of learner has five functions over arrays of its own: ``opening`` names them, ``begin`` resets, ``observe``
takes a step, ``sense`` writes the derivatives of one output by all weights, ``renew`` is told that weights changed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from carrousel._jit import spliced
from carrousel.learning._optimisers import TOUCHED
from carrousel.learning._simd import ones, pointer, store, zeros
from carrousel.learning._steps import TRACE
from carrousel.learning.before_lstm.elman import elman_outputs, elman_slopes, elman_step
from carrousel.learning.online.cell._kernel import LAYER_END, RULE_END, Layer, Rule, outputs_of, roll_all, step
from carrousel.learning.online.network._backward import credit_traces, inject, roll_traces
from carrousel.learning.online.network._forward import forward, output_units, take_inputs
from carrousel.learning.online.network._kernel import NET_END, STEPS_END, clear, refresh
from carrousel.learning.online.network._layout import PLAN
from carrousel.learning.online.network._memory import TRACE_DECAY, Net, Steps, opened, streamed

__all__ = ["CELL", "ELMAN", "NETWORK", "Functions"]

Y_SIZE = PLAN["y_size"]


class Functions(NamedTuple):
    """The functions of a kind of learner, see the module."""

    opening: Any
    begin: Any
    observe: Any
    sense: Any
    renew: Any


class _OfNetwork(NamedTuple):
    """The arrays of a :class:`Learner`, and one step of input."""

    net: Any
    steps: Any


@spliced
def _open_network(rest):
    return _OfNetwork(Net(*rest[:NET_END]), Steps(*rest[NET_END:STEPS_END]))


@spliced
def _begin_network(own):
    m, _, _ = opened(own.net)
    clear(m, own.net.counters)


@spliced
def _observe_network(own, seen, values):
    """Takes a step forward; the traces, which go back no further than the states, do too."""
    net, x = own.net, own.steps.dense[0]
    for k in range(len(x)):
        x[k] = seen[k]
    m, before, now = opened(net)
    n_active, n_touched = take_inputs(m, streamed(own.steps), 0, net.counters[TOUCHED], TRACE)
    net.counters[TOUCHED] = n_touched
    forward(m, now, before, n_active, True, TRACE)
    output_units(m, now, n_active)
    for k in range(m.outputs):
        values[k] = m.work[m.out + k]
    decays = m.forget or m.squash[TRACE_DECAY] != 1
    roll_traces(m, now, before, n_active, n_touched, False, m.weights, decays)
    for k in range(m.plan[Y_SIZE]):  # the last step's activations stand first
        before[k], now[k] = now[k], before[k]


@spliced
def _sense_network(own, chosen, slope):
    """Adds the derivatives of the chosen output to ``slope``, all zero; weights must be those of the step."""
    m, now, before = opened(own.net)
    n_active, _ = take_inputs(m, streamed(own.steps), 0, 0, False)
    into = pointer(slope)
    for lane in range(0, m.output_lanes, 8):
        store(m.work, m.out + lane, zeros(m.weights))
    m.work[m.out + chosen] = m.work[m.out + m.output_lanes + chosen]
    inject(m, now, before, n_active, into, ones(m.weights), False)
    credit_traces(m, into)


@spliced
def _renew_network(own):
    m, _, _ = opened(own.net)
    refresh(m.plan, m.sources, m.weights, m.back)


NETWORK = Functions(_open_network, _begin_network, _observe_network, _sense_network, _renew_network)


class _OfCell(NamedTuple):
    """The arrays of an :class:`OnlineLSTM`; working space; and views of the derivatives, as of its weights."""

    rule: Any
    layer: Any
    x: Any
    old_h: Any
    e_h: Any
    rows: Any
    readout: Any


@spliced
def _open_cell(rest):
    end = LAYER_END
    x, old_h, e_h, rows, readout = rest[end:]
    return _OfCell(Rule(*rest[:RULE_END]), Layer(*rest[RULE_END:LAYER_END]), x, old_h, e_h, rows, readout)


@spliced
def _begin_cell(own):
    own.layer.states[:] = 0
    own.layer.h[:] = 0
    own.layer.traces[:] = 0


@spliced
def _observe_cell(own, seen, values):
    for k in range(len(own.x)):
        own.x[k] = seen[k]
    step(own.rule, own.layer, own.x, own.old_h)
    outputs_of(values, own.rule.loss, own.layer.readout, own.layer.h)


@spliced
def _sense_cell(own, chosen, slope):
    """Rolls the traces on, and adds the derivatives of the chosen output to ``slope``, all zero."""
    h, readout = own.layer.h, own.layer.readout
    for j in range(len(h)):
        own.e_h[j] = readout[chosen, j]
        own.readout[chosen, j] += h[j]
    own.readout[chosen, len(h)] += 1
    roll_all(own.rule, own.layer, own.x, own.old_h, True, own.e_h, own.rows)


@spliced
def _renew_cell(own):
    pass


CELL = Functions(_open_cell, _begin_cell, _observe_cell, _sense_cell, _renew_cell)


class _OfElman(NamedTuple):
    """The arrays of an :class:`ElmanNetwork`, working space, and one step of input."""

    w: Any
    v: Any
    h: Any
    p: Any
    new: Any
    q: Any
    x: Any


@spliced
def _open_elman(rest):
    return _OfElman(*rest)


@spliced
def _begin_elman(own):
    own.h[:] = 0
    own.p[:] = 0


@spliced
def _observe_elman(own, seen, values):
    for k in range(own.x.shape[1]):
        own.x[0, k] = seen[k]
    elman_step(own.w, own.h, own.p, own.new, own.q, own.x, True)
    elman_outputs(own.v, own.h, values)


@spliced
def _sense_elman(own, chosen, slope):
    elman_slopes(own.v, own.h, own.p, chosen, slope)


ELMAN = Functions(_open_elman, _begin_elman, _observe_elman, _sense_elman, _renew_cell)
