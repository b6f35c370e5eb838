"""ONNX operations, written down one after the other, and the one for each operation of a cell's graph."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from carrousel.engine._graph import Node, order
from carrousel.engine._print import Printer

__all__ = ["OPERATIONS", "Emitter", "lower"]


class Emitter:
    """A writer of operations: ``emit("Add", a, b)`` writes one down and returns its result.

    Attributes:
        dtype: the type of the numbers that :meth:`number` gives.
        nodes: the operations written so far.
    """

    def __init__(self, dtype: ir.DataType) -> None:
        self.dtype = dtype
        self._tape = ir.tape.Tape()
        self._known: dict[Any, ir.Value] = {}

    @property
    def nodes(self) -> Sequence[ir.Node]:
        return self._tape.nodes

    def __call__(self, operation: str, *inputs: ir.Value | None, **attributes: Any) -> ir.Value:
        return self._tape.op(operation, inputs, attributes)

    def several(self, operation: str, *inputs: ir.Value | None, count: int, **attributes: Any) -> Sequence[ir.Value]:
        """Writes down, as a call does, an operation with several results."""
        return self._tape.op_multi_out(operation, inputs, attributes, num_outputs=count)

    def number(self, value: float) -> ir.Value:
        """Returns a number of the layer's type."""
        return self._constant(np.array(value, self.dtype.numpy()))

    def integers(self, *values: int) -> ir.Value:
        """Returns a vector of integers: axes, sizes, indices."""
        return self._constant(np.array(values, np.int64))

    def _constant(self, array: np.ndarray) -> ir.Value:
        key = array.dtype, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = self("Constant", value=ir.tensor(array))
        return self._known[key]

    def split(self, value: ir.Value, sizes: Sequence[int]) -> Sequence[ir.Value]:
        """Returns the parts of a value along its last axis."""
        if len(sizes) == 1:
            return [value]
        return self.several("Split", value, self.integers(*sizes), count=len(sizes), axis=-1)

    def rows(self, value: ir.Value, sizes: Sequence[int]) -> list[ir.Value]:
        """Returns the parts of a weight along its first axis; unlike Split's they can be computed before running."""
        if len(sizes) == 1:
            return [value]
        ends = list(itertools.accumulate(sizes, initial=0))
        return [self("Slice", value, *map(self.integers, (start, end, 0))) for start, end in itertools.pairwise(ends)]

    def concat(self, values: Sequence[ir.Value], *, axis: int) -> ir.Value:
        """Returns the values one after the other along an axis."""
        return values[0] if len(values) == 1 else self("Concat", *values, axis=axis)


def _named(operation: str) -> Callable[..., ir.Value]:
    return lambda emit, *arguments: emit(operation, *arguments)


def _softplus(emit: Emitter, a: ir.Value) -> ir.Value:
    """Writes max(a, 0) + log(1 + exp(-|a|)): onnxruntime has ONNX's Softplus in single precision only."""
    small = emit("Exp", emit("Neg", emit("Abs", a)))
    return emit("Add", emit("Relu", a), emit("Log", emit("Add", emit.number(1.0), small)))


OPERATIONS: dict[str, Callable[..., ir.Value]] = {
    "absolute": _named("Abs"),
    "add": _named("Add"),
    "div": _named("Div"),
    "equal": _named("Equal"),
    "exp": _named("Exp"),
    "ge": _named("GreaterOrEqual"),
    "gt": _named("Greater"),
    "le": _named("LessOrEqual"),
    "log": _named("Log"),
    "logsigmoid": lambda emit, a: emit("Neg", _softplus(emit, emit("Neg", a))),
    "lt": _named("Less"),
    "maximum": _named("Max"),
    "minimum": _named("Min"),
    "mul": _named("Mul"),
    "neg": _named("Neg"),
    "relu": _named("Relu"),
    "sigmoid": _named("Sigmoid"),
    "softplus": _softplus,
    "stop_gradient": lambda emit, a: a,
    "sub": _named("Sub"),
    "tanh": _named("Tanh"),
    "where": _named("Where"),
}
"""Each operation of a cell's graph in ONNX: from where to write and the arguments to the result. ``exit`` and
``peephole`` are not here, for they are what the layer makes of them."""


def lower(
    emit: Emitter,
    roots: Sequence[Node],
    leaves: Mapping[tuple[str, str], ir.Value],
    ports: Mapping[str, Callable[[str, ir.Value], ir.Value]],
    like: ir.Value,
) -> list[ir.Value]:
    """Writes a graph down.

    Args:
        emit: where to.
        roots: the nodes that are wanted.
        leaves: the values of the leaves, by kind and name.
        ports: what the nodes ``exit`` and ``peephole`` are, from their name and their argument.
        like: a value of the shape that all roots are to have, also one that depends on no leaf.
    """
    printer = Printer(
        OPERATIONS,
        emit,
        lambda node: (
            leaves[node.name] if node.op == "leaf" else emit.number(node.name) if node.op == "constant" else None
        ),
        ports,
    )
    values = {root: printer(root) for root in roots}
    return [
        values[root]
        if any(node.op == "leaf" for node in order([root]))
        else emit("Expand", values[root], emit("Shape", like))
        for root in roots
    ]
