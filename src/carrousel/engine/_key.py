"""The string by which a traced graph knows a layer. It says all, so that a graph needs nobody to remember its layers.

A cell that comes with carrousel stands in it by name. Any other stands in it with its equations, as they were traced:
a graph with a cell of one's own finds it after the cell is gone, and in another process. Such a string may come from a
file, so nothing of it is believed: its operations are those of the graph, and each refers to earlier ones.
"""

from __future__ import annotations

import json
from dataclasses import fields
from functools import lru_cache
from typing import Any

from carrousel import cells
from carrousel.cells import Cell
from carrousel.engine._equations import Equations, Operation
from carrousel.engine._fit import check_layer
from carrousel.engine._graph import OPERATIONS, Node, Program, order, trace
from carrousel.engine._layer import Layer
from carrousel.engine._plan import Variant, plan

__all__ = ["key_of", "layer_of"]

_DECLARED = ("name", "rows", "candidates", "states", "peepholes", "split", "gated", "recurrent")


def key_of(layer: Layer) -> str:
    """Returns the string that :func:`layer_of` reads; empty if the cell's equations cannot be written down."""
    cell = _named(layer.cell) or _written(layer.cell)
    if cell is None:
        return ""
    values = {f.name: getattr(layer, f.name) for f in fields(layer) if f.init and f.name != "cell"}
    return json.dumps({"cell": cell, **values})


@lru_cache(maxsize=128)
def layer_of(key: str) -> Layer:
    """Returns the :class:`Layer` that a graph means.

    Raises:
        ValueError: the string is not one that :func:`key_of` made.
    """
    try:
        values = json.loads(key)
        written = values.pop("cell")
        cell = cells.get(written) if isinstance(written, str) else _read(json.dumps(written))
        for name, value in values.items():
            _check(name, value)
        layer = Layer(cell, **values)
        check_layer(layer)
        plan(Variant(cell, normed=layer.layer_norm))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"a graph holds a layer that carrousel cannot read: {error}") from None
    return layer


def _check(name: str, value: Any) -> None:
    kinds = {"bias": bool, "layer_norm": bool, "diagonal": bool}
    if name == "gate_recurrence":
        if value not in (None, "gates", "all"):
            raise ValueError(f"{name} is {value!r}")
        return
    if type(value) is not kinds.get(name, int):
        raise ValueError(f"{name} is {value!r}")
    least = {"input_size": 1, "hidden_size": 1, "block_size": 1, "heads": 1}
    if value < least.get(name, 0):
        raise ValueError(f"{name} is {value!r}")


def _named(cell: Cell) -> str | None:
    """Returns the name of a cell that comes with carrousel, its options with it."""
    if not cell.equations.__module__.startswith(f"{cells.__name__}."):
        return None  # nor a cell that was registered: elsewhere it may not be
    try:
        return cell.spec if cells.get(cell.spec) == cell else None
    except ValueError:
        return None


@lru_cache(maxsize=128)
def _written(cell: Cell) -> dict[str, Any] | None:
    """Returns a cell with its equations, as JSON; None if reading it would not give the same equations."""
    try:
        program = _traced(cell)
        places: dict[Node, int] = {}
        nodes: list[list[Any]] = []
        for node in order([*_results(program).values()]):
            places[node] = len(nodes)
            nodes.append([node.op, [places[arg] for arg in node.args], node.name])
        found = {name: getattr(cell, name) for name in _DECLARED}
        found |= {"nodes": nodes, "results": {name: places[node] for name, node in _results(program).items()}}
        again = _traced(_read(json.dumps(found)))
    except (TypeError, ValueError, KeyError, AttributeError):
        return None  # what cannot be traced has no kernel either
    return found if _results(again) == _results(program) else None


def _traced(cell: Cell) -> Program:
    """Returns a cell's equations with all ports in them, as a :class:`Program`."""
    return trace(cell, masked=True, exits=True, peephole=lambda gate, value: Node("peephole", (value,), gate))


def _results(program: Program) -> dict[str, Node]:
    return {
        "h": program.h,
        **{f"state {name}": node for name, node in program.states.items()},
        **{f"gate {name}": node for name, node in program.gates.items()},
    }


@lru_cache(maxsize=128)
def _read(text: str) -> Cell:
    """Returns the cell that was written down, checked like any that is declared."""
    about = json.loads(text)
    declared = {name: about[name] for name in _DECLARED}
    for name, value in declared.items():
        words = isinstance(value, list) and all(isinstance(word, str) for word in value)
        if not (words or isinstance(value, {"name": str, "recurrent": bool}.get(name, tuple))):
            raise ValueError(f"{name} of its cell is {value!r}")
        declared[name] = tuple(value) if words else value
    nodes = tuple(_step(place, *node) for place, node in enumerate(about["nodes"]))
    results = {str(name): int(place) for name, place in about["results"].items()}
    if not all(0 <= place < len(nodes) for place in results.values()):
        raise ValueError("a result of its equations is none of its operations")
    return Cell(equations=Equations(nodes, tuple(results.items())), **declared)


def _step(place: int, op: str, args: list[int], name: Any) -> Operation:
    arity = {"leaf": 0, "constant": 0, "where": 3, "exit": 1, "peephole": 1, "gated": 1, "neg": 1}
    if op not in {*OPERATIONS, "leaf", "constant", "exit", "peephole", "gated"}:
        raise ValueError(f"there is no operation {op!r}")
    if not all(type(arg) is int and 0 <= arg < place for arg in args):
        raise ValueError(f"operation {place} works on {args}, of which not all come before it")
    if len(args) != arity.get(op, len(args)):
        raise ValueError(f"operation {op!r} works on {len(args)} values")
    if op == "leaf" and not (isinstance(name, list) and len(name) == 2 and all(isinstance(n, str) for n in name)):
        raise ValueError(f"there is no value {name!r}")
    if op == "constant" and not isinstance(name, float):
        raise ValueError(f"{name!r} is no number")
    return Operation(op, tuple(args), tuple(name) if op == "leaf" else name)
