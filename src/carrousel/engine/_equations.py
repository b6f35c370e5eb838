"""Equations as they were traced, run again on whatever they are given."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from carrousel.cells import Gates, State
from carrousel.cells import math as cell_math
from carrousel.engine._graph import Node, order

__all__ = ["Equations", "Operation", "equations_of"]

_OPERATORS: dict[str, Callable[..., Any]] = {
    name: getattr(operator, name if name != "div" else "truediv")
    for name in ("add", "sub", "mul", "div", "neg", "lt", "le", "gt", "ge")
}


@dataclass(frozen=True)
class Operation:
    op: str
    args: tuple[int, ...]
    name: Any


@dataclass(frozen=True)
class Equations:
    """Equations as they were traced: on tensors and on symbols they do what the function did that was traced."""

    operations: tuple[Operation, ...]
    results: tuple[tuple[str, int], ...]

    def __call__(self, z: Any, s: Any, p: Any) -> tuple[Any, State, Gates]:
        values: list[Any] = []
        for step in self.operations:
            args = [values[arg] for arg in step.args]
            if step.op == "leaf":
                values.append(_leaf(z, s, p, *step.name))
            elif step.op == "constant":
                values.append(step.name)
            elif step.op in ("exit", "peephole"):
                values.append(getattr(p, step.name)(*args))
            elif step.op == "gated":
                values.append(getattr(z, step.name).recurrent(*args))
            else:
                function = _OPERATORS.get(step.op) or getattr(cell_math, step.op)
                values.append(function(*args))
        found = {name: values[place] for name, place in self.results}
        parts: Mapping[str, dict[str, Any]] = {"state": {}, "gate": {}}
        for name, value in found.items():
            kind, _, of = name.partition(" ")
            if of:
                parts[kind][of] = value
        return found["h"], State(**parts["state"]), Gates(**parts["gate"])


def _leaf(z: Any, s: Any, p: Any, kind: str, name: str) -> Any:
    if kind == "s":
        return getattr(s, name)
    if kind == "mask":
        return getattr(p, name)(1.0)  # a port multiplies: what it gives for one is its factor
    value = getattr(z, name)
    return {"z": lambda: value, "z.input": lambda: value.input, "z.recurrent": lambda: value.recurrent}[kind]()


def equations_of(results: Mapping[str, Node]) -> Equations:
    """Returns the :class:`Equations` of a graph.

    Args:
        results: ``"h"``, all new states by ``"state c"`` and the like, all activations by ``"gate i"`` and the like.
    """
    places: dict[Node, int] = {}
    operations: list[Operation] = []
    for node in order(results.values()):
        places[node] = len(operations)
        operations.append(Operation(node.op, tuple(places[arg] for arg in node.args), node.name))
    return Equations(tuple(operations), tuple((name, places[node]) for name, node in results.items()))
