"""A cell's equations as an expression graph, and its derivatives.

:func:`trace` calls a cell's function with symbols in place of tensors. What comes out is a graph of immutable nodes
from which the kernels, their reverse mode and the local Jacobians of online learning are all made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from carrousel.cells import Cell, Named, Parts, State

__all__ = [
    "ONE",
    "OPERATIONS",
    "TRANSCENDENTAL",
    "ZERO",
    "Node",
    "Program",
    "add",
    "adjoints",
    "constant",
    "leaf",
    "mul",
    "order",
    "sub",
    "tangents",
    "trace",
    "weighted",
]

TRANSCENDENTAL = frozenset({"exp", "log", "logsigmoid", "sigmoid", "softplus", "tanh"})
"""The operations that are worth keeping rather than computing a second time."""


class Node:
    """One operation on other nodes. Equal nodes are one object, so that common parts are computed once.

    Attributes:
        op: the operation: ``"leaf"``, ``"constant"``, ``"exit"`` (a state on its way out, its name in ``name``),
            ``"peephole"`` (what the gate in ``name`` sees of a state), ``"gated"`` (the recurrent part of the row in
            ``name``, made of a value), arithmetic (``add sub mul div neg``),
            comparisons (``lt le gt ge equal``), or a function of ``carrousel.cells.math``.
        args: the nodes it works on.
        name: of a leaf, its kind and name, such as ``("z", "i")``; of a constant, its value.
    """

    __slots__ = ("__weakref__", "args", "name", "op")
    _known: ClassVar[WeakValueDictionary[tuple[Any, ...], Node]] = WeakValueDictionary()
    _lock = threading.Lock()

    op: str
    args: tuple[Node, ...]
    name: Any

    def __new__(cls, op: str, args: tuple[Node, ...] = (), name: Any = None) -> Node:
        key = (op, args, name)
        found = cls._known.get(key)
        if found is None:
            made = object.__new__(cls)
            made.op, made.args, made.name = op, args, name
            with cls._lock:  # another thread may be about to make it too
                found = cls._known.setdefault(key, made)
        return found

    def __repr__(self) -> str:
        if self.op == "leaf":
            return ".".join(self.name)
        if self.op == "constant":
            return repr(self.name)
        return f"{self.op}({', '.join(map(repr, self.args))})"

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: Any) -> Node:
        return self


def leaf(kind: str, name: str) -> Node:
    """Returns a node given from outside: pre-activation, old state, weight, factor, adjoint."""
    return Node("leaf", (), (kind, name))


def constant(value: float) -> Node:
    """Returns a number as a constant :class:`Node`."""
    return Node("constant", (), float(value))


ZERO, ONE = constant(0.0), constant(1.0)


def add(a: Node, b: Node) -> Node:
    if a is ZERO:
        return b
    return a if b is ZERO else Node("add", (a, b))


def sub(a: Node, b: Node) -> Node:
    return a if b is ZERO else Node("sub", (a, b))


def mul(a: Node, b: Node) -> Node:
    if a is ZERO or b is ZERO:
        return ZERO
    if a is ONE:
        return b
    return a if b is ONE else Node("mul", (a, b))


def div(a: Node, b: Node) -> Node:
    return ZERO if a is ZERO else a if b is ONE else Node("div", (a, b))


def neg(a: Node) -> Node:
    return ZERO if a is ZERO else Node("neg", (a,))


def where(condition: Node, a: Node, b: Node) -> Node:
    return a if a is b else Node("where", (condition, a, b))


class Symbol:
    """What a cell's equations are given in place of a tensor."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node

    def __carrousel__(self, operation: str, arguments: tuple[Any, ...]) -> Symbol:
        return Symbol(Node(operation, tuple(map(_node, arguments))))

    def __add__(self, other: Any) -> Symbol:
        return Symbol(add(self.node, _node(other)))

    def __radd__(self, other: Any) -> Symbol:
        return Symbol(add(_node(other), self.node))

    def __sub__(self, other: Any) -> Symbol:
        return Symbol(sub(self.node, _node(other)))

    def __rsub__(self, other: Any) -> Symbol:
        return Symbol(sub(_node(other), self.node))

    def __mul__(self, other: Any) -> Symbol:
        return Symbol(mul(self.node, _node(other)))

    def __rmul__(self, other: Any) -> Symbol:
        return Symbol(mul(_node(other), self.node))

    def __truediv__(self, other: Any) -> Symbol:
        return Symbol(div(self.node, _node(other)))

    def __rtruediv__(self, other: Any) -> Symbol:
        return Symbol(div(_node(other), self.node))

    def __neg__(self) -> Symbol:
        return Symbol(neg(self.node))

    def __lt__(self, other: Any) -> Symbol:
        return Symbol(Node("lt", (self.node, _node(other))))

    def __le__(self, other: Any) -> Symbol:
        return Symbol(Node("le", (self.node, _node(other))))

    def __gt__(self, other: Any) -> Symbol:
        return Symbol(Node("gt", (self.node, _node(other))))

    def __ge__(self, other: Any) -> Symbol:
        return Symbol(Node("ge", (self.node, _node(other))))

    def __bool__(self) -> bool:
        raise TypeError("a cell's equations cannot branch on values; carrousel.cells.math.where chooses")


def _node(value: Any) -> Node:
    if isinstance(value, Symbol):
        return value.node
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return constant(value)
    raise TypeError(f"a cell's equations hold a {type(value).__name__}, which has no place in a graph")


@dataclass(frozen=True)
class Program:
    """A traced cell.

    Its leaves are ``("z", row)`` (for a split row ``("z.input", row)`` and ``("z.recurrent", row)``, for a gated row
    the first of these), the old states ``("s", name)`` with the old output ``("s", "h")`` (over several dimensions
    ``("s", "c0")`` and so on), the peephole weights
    ``("p", gate)`` and, where ``trace`` was asked for them, the factors on candidates ``("mask", row)``.

    Attributes:
        cell: the cell.
        h: the output.
        states: the new states by name.
        gates: the activations of gates and candidates by name.
    """

    cell: Cell
    h: Node
    states: Mapping[str, Node]
    gates: Mapping[str, Node]

    @property
    def outputs(self) -> dict[str, Node]:
        """H and the new states."""
        return {"h": self.h, **self.states}


def weighted(gate: str, value: Node) -> Node:
    """Returns what a gate sees of a state through a peephole of its own: the weight times the state."""
    return mul(leaf("p", gate), value)


def trace(
    cell: Cell,
    *,
    masked: bool = False,
    exits: bool = False,
    peephole: Callable[[str, Node], Node] = weighted,
    pre_activation: Callable[[str, str], Node] = leaf,
    gated: Callable[[str, Node], Node] = lambda row, value: Node("gated", (value,), row),
) -> Program:
    """Returns the graph of a cell's equations as a :class:`Program`.

    Args:
        cell: the cell.
        masked: whether candidates are multiplied by leaves ``("mask", row)`` as they enter the carrousel.
        exits: whether a state's port becomes a node ``exit``, for a layer that does something there.
        peephole: what a gate sees of a state, from the gate's name and the state.
        pre_activation: what a row's pre-activation is, from the leaf's kind and the row's name.
        gated: the recurrent part of a gated row, from the row's name and the value that is multiplied.

    Raises:
        TypeError: the equations do what cannot be traced: they branch on values, or call torch itself.
    """

    def symbol(kind: str, name: str) -> Symbol:
        return Symbol(leaf(kind, name))

    def port(make: Callable[[Node], Node]) -> Callable[[Any], Symbol]:
        return lambda value: Symbol(make(_node(value)))

    z = Named()
    for row in cell.rows:
        if row in cell.gated:
            product = port(lambda value, row=row: gated(row, value))  # type: ignore[misc]
            setattr(z, row, Parts(Symbol(pre_activation("z.input", row)), product))
        elif row in cell.split:
            setattr(z, row, Parts(*(Symbol(pre_activation(kind, row)) for kind in ("z.input", "z.recurrent"))))
        else:
            setattr(z, row, Symbol(pre_activation("z", row)))
    p = Named()
    for gate in cell.peepholes:
        setattr(p, gate, port(lambda value, gate=gate: peephole(gate, value)))  # type: ignore[misc]
    for row in cell.candidates:
        setattr(p, row, port(lambda value, row=row: mul(leaf("mask", row), value) if masked else value))  # type: ignore[misc]
    for name in cell.states:
        setattr(p, name, port(lambda value, name=name: Node("exit", (value,), name) if exits else value))  # type: ignore[misc]
    s = State(h=symbol("s", "h"), **{name: symbol("s", name) for name in cell.old})
    h, state, gates = cell(z, s, p)
    return Program(
        cell,
        _node(h),
        {name: _node(getattr(state, name)) for name in cell.states},
        {row: _node(getattr(gates, row)) for row in cell.rows},
    )


def order(roots: Iterable[Node], stop: Callable[[Node], bool] = lambda node: False) -> list[Node]:
    """All nodes that the roots need, arguments first. The arguments of a node that ``stop`` holds for are left out."""
    seen: set[int] = set()
    result: list[Node] = []
    # A loop, not recursion: a cell may be deeper than Python's stack.
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        node, done = stack.pop()
        if done:
            result.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            if not stop(node):
                stack.extend((arg, False) for arg in reversed(node.args))
    return result


def adjoints(
    outputs: Sequence[tuple[Node, Node]],
    wanted: Sequence[Node],
    anew: Callable[[Node], Node | None] = lambda node: None,
) -> list[Node]:
    """Reverse mode: the derivative of sum(weight · output) by each wanted node, as a graph again.

    Args:
        outputs: pairs of an output and its weight, the adjoint with which it starts.
        wanted: the nodes to differentiate by; zero where an output does not depend on one.
        anew: for a node whose derivative is computed outside of the graph, the leaf with which its arguments' adjoints
            begin anew; None for all others.
    """
    total: dict[Node, Node] = {}
    for output, weight in outputs:
        total[output] = add(total.get(output, ZERO), weight)
    for node in reversed(order(output for output, _ in outputs)):
        adjoint = total.get(node, ZERO)
        if adjoint is ZERO or not node.args:
            continue
        begun = anew(node)
        parts = _RULES[node.op](node, adjoint) if begun is None else (begun,) * len(node.args)
        for arg, part in zip(node.args, parts, strict=True):
            if part is not ZERO:
                total[arg] = add(total.get(arg, ZERO), part)
    return [total.get(node, ZERO) for node in wanted]


def tangents(outputs: Iterable[Node], begun: Callable[[Node, Sequence[Node]], Node | None]) -> dict[Node, Node]:
    """Forward mode: of all nodes that outputs need the derivative along a direction, as a graph again.

    Args:
        outputs: the outputs.
        begun: from a node that is given from outside, or is computed there, and the derivatives of its arguments, its
            own; None for all others.
    """
    total: dict[Node, Node] = {}
    for node in order(outputs):
        along = [total[arg] for arg in node.args]
        known = begun(node, along)
        if known is None:
            known = ZERO
            for place, part in enumerate(along):
                if part is not ZERO:
                    # What an adjoint is multiplied with going back, a tangent is going forward.
                    known = add(known, _RULES[node.op](node, part)[place])
        total[node] = known
    return total


def _one_minus(a: Node) -> Node:
    return sub(ONE, a)


def _larger(node: Node, g: Node) -> tuple[Node, Node]:
    a, b = node.args
    half = where(Node("equal", (a, b)), mul(constant(0.5), g), ZERO)
    return where(Node("gt", (a, b)), g, half), where(Node("lt", (a, b)), g, half)


_RULES: dict[str, Callable[[Node, Node], tuple[Node, ...]]] = {
    "add": lambda n, g: (g, g),
    "sub": lambda n, g: (g, neg(g)),
    "mul": lambda n, g: (mul(g, n.args[1]), mul(g, n.args[0])),
    "div": lambda n, g: (div(g, n.args[1]), neg(div(mul(g, n), n.args[1]))),
    "neg": lambda n, g: (neg(g),),
    "exit": lambda n, g: (g,),
    "gated": lambda n, g: (g,),
    "stop_gradient": lambda n, g: (ZERO,),
    "sigmoid": lambda n, g: (mul(g, mul(n, _one_minus(n))),),
    "tanh": lambda n, g: (mul(g, _one_minus(mul(n, n))),),
    "exp": lambda n, g: (mul(g, n),),
    "log": lambda n, g: (div(g, n.args[0]),),
    "softplus": lambda n, g: (mul(g, Node("sigmoid", n.args)),),
    "logsigmoid": lambda n, g: (mul(g, Node("sigmoid", (neg(n.args[0]),))),),
    "relu": lambda n, g: (where(Node("gt", (n.args[0], ZERO)), g, ZERO),),
    "absolute": lambda n, g: (
        where(Node("gt", (n.args[0], ZERO)), g, where(Node("lt", (n.args[0], ZERO)), neg(g), ZERO)),
    ),
    "maximum": _larger,
    "minimum": lambda n, g: tuple(reversed(_larger(n, g))),
    "where": lambda n, g: (ZERO, where(n.args[0], g, ZERO), where(n.args[0], ZERO, g)),
    **dict.fromkeys(("lt", "le", "gt", "ge", "equal"), lambda n, g: (ZERO, ZERO)),
}
"""Each operation's derivative: from the node and its adjoint to its arguments' adjoints."""

OPERATIONS = frozenset(_RULES) - {"exit", "gated"}
"""The operations of a graph that compute something, each of which every table of a target language has."""
