"""Layers that ONNX has an operator for: LSTM, GRU and RNN."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import onnx_ir as ir

from carrousel import cells
from carrousel.cells import Cell, Gates, State, cell
from carrousel.cells.math import identity, relu, sigmoid, tanh
from carrousel.engine._graph import trace
from carrousel.engine._layer import Layer
from carrousel.engine.onnx._emit import Emitter

__all__ = ["Operator", "operator_of", "run"]

_ACTIVATIONS: dict[Callable[[Any], Any], str] = {tanh: "Tanh", sigmoid: "Sigmoid", relu: "Relu", identity: "Affine"}
"""What the squashing functions are called; ``Affine`` with the factor 1."""

_TYPES = (ir.DataType.FLOAT, ir.DataType.FLOAT16)
"""The types of number for which runtimes have these operators; onnxruntime has none in double precision."""


class Operator(NamedTuple):
    """An operator of ONNX that a cell is.

    Attributes:
        name: its name.
        rows: the cell's rows in the order in which the operator wants them; one that it does not look at may be any.
        peepholes: the gates of its peephole weights in their order.
        attributes: its attributes, without size and direction.
    """

    name: str
    rows: str
    peepholes: str
    attributes: Mapping[str, Any]


def operator_of(layer: Layer, dtype: ir.DataType) -> Operator | None:
    """Returns the operator that a layer is; None if it is none."""
    plain = Layer(layer.cell, layer.input_size, layer.hidden_size, bias=layer.bias)
    return _of_cell(layer.cell) if layer == plain and dtype in _TYPES else None


@lru_cache(maxsize=256)
def _of_cell(cell: Cell) -> Operator | None:
    """Returns the operator that has a cell's equations.

    What the cell is called does not matter, but what its rows are called does.
    """
    kind = {*cell.rows}, {*cell.candidates}, cell.states, cell.recurrent
    for other, operator in _all_of_onnx(cell.peepholes):
        if kind != ({*other.rows}, {*other.candidates}, other.states, other.recurrent) or (cell.split, cell.gated) != (
            other.split,
            other.gated,
        ):
            continue
        if trace(cell, exits=True).outputs == trace(other, exits=True).outputs:
            return operator
    return None


def _all_of_onnx(peepholes: Sequence[str]) -> list[tuple[Cell, Operator]]:
    """Returns all cells that ONNX has, with these peepholes, and their operators."""
    pairs = [(_rnn(squash), Operator("RNN", "g", "", _activations(squash))) for squash in _ACTIVATIONS]
    pairs.append((cells.get("gru"), Operator("GRU", "z r n", "", {"linear_before_reset": 1})))
    pairs.append((cells.get("gru_cho"), Operator("GRU", "z r n", "", {"linear_before_reset": 0})))
    if {*peepholes} <= {*"ifo"}:
        for g, h in itertools.product(_ACTIVATIONS, repeat=2):
            attributes = _activations(sigmoid, g, h)
            pairs.append((_lstm(g, h, peepholes), Operator("LSTM", "i o f g", "i o f", attributes)))
            coupled = {**attributes, "input_forget": 1}
            if "f" not in peepholes:
                operator = Operator("LSTM", "i o i g", "i o f", coupled)
                pairs.append((_lstm(g, h, peepholes, coupled=True), operator))
    return pairs


def _activations(*functions: Callable[[Any], Any]) -> dict[str, Any]:
    names = [_ACTIVATIONS[function] for function in functions]
    count = names.count("Affine")
    scales = {"activation_alpha": [1.0] * count, "activation_beta": [0.0] * count} if count else {}
    return {"activations": names, **scales}


def _rnn(squash: Callable[[Any], Any]) -> Cell:
    @cell("g", candidates="g")
    def rnn(z, s, p):  # type: ignore[no-untyped-def]
        g = p.g(squash(z.g))
        return g, State(), Gates(g=g)

    return rnn


def _lstm(
    squash: Callable[[Any], Any],
    output_squash: Callable[[Any], Any],
    peepholes: Sequence[str],
    *,
    coupled: bool = False,
) -> Cell:
    @cell("i g o" if coupled else "i f g o", candidates="g", states="c", peepholes=" ".join(peepholes))
    def lstm(z, s, p):  # type: ignore[no-untyped-def]
        def seen(gate, c):  # type: ignore[no-untyped-def]
            return getattr(p, gate)(c) if gate in peepholes else 0.0

        i, g = sigmoid(z.i + seen("i", s.c)), p.g(squash(z.g))
        f = 1.0 - i if coupled else sigmoid(z.f + seen("f", s.c))
        c = f * s.c + i * g
        o = sigmoid(z.o + seen("o", c))
        return o * output_squash(p.c(c)), State(c=c), Gates(**({} if coupled else {"f": f}), i=i, g=g, o=o)

    return lstm


def run(
    emit: Emitter,
    operator: Operator,
    layer: Layer,
    weights: Mapping[str, ir.Value],
    x: ir.Value,
    state: Sequence[ir.Value],
    *,
    lengths: ir.Value | None,
    reverse: bool,
) -> list[ir.Value]:
    """Writes an operator down; returns its output ``[T, B, H]`` and its final states ``[B, H]``."""

    def in_order(value: ir.Value) -> ir.Value:
        rows = dict(zip(layer.cell.rows, emit.rows(value, layer.row_sizes), strict=True))
        return emit.concat([rows[row] for row in operator.rows.split()], axis=0)

    first = emit.integers(0)
    bias = None
    if layer.bias:
        both = emit.concat([in_order(weights["bias_ih"]), in_order(weights["bias_hh"])], axis=0)
        bias = emit("Unsqueeze", both, first)
    inputs = [
        x,
        emit("Unsqueeze", in_order(weights["weight_ih"]), first),
        emit("Unsqueeze", in_order(weights["weight_hh"]), first),
        bias,
        None if lengths is None else emit("Cast", lengths, to=ir.DataType.INT32),
        *(emit("Unsqueeze", value, first) for value in state),
    ]
    if layer.cell.peepholes:
        inputs.append(_peepholes(emit, operator, layer, weights["weight_peephole"]))
    output, *final = emit.several(
        operator.name,
        *inputs,
        count=1 + len(state),
        hidden_size=layer.hidden_size,
        direction="reverse" if reverse else "forward",
        **operator.attributes,
    )
    # Where there is no step the operators give zeros.
    steps = emit("Shape", x, start=0, end=1) if lengths is None else emit("Unsqueeze", lengths, emit.integers(1))
    none = emit("Equal", emit("Cast", steps, to=ir.DataType.INT64), first)
    after = [
        emit("Where", none, before, emit("Squeeze", value, first)) for value, before in zip(final, state, strict=True)
    ]
    return [emit("Squeeze", output, emit.integers(1)), *after]


def _peepholes(emit: Emitter, operator: Operator, layer: Layer, weight: ir.Value) -> ir.Value:
    """Returns the peephole weights in the operator's order, ``[1, 3H]``; zeros where the cell has none."""
    by_gate = dict(zip(layer.cell.peepholes, emit.rows(weight, [1] * len(layer.cell.peepholes)), strict=True))
    nothing = emit("Expand", emit.number(0.0), emit.integers(1, layer.hidden_size))
    return emit.concat([by_gate.get(gate, nothing) for gate in operator.peepholes.split()], axis=1)
