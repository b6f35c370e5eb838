"""Forward mode: a layer's results and their derivatives along a direction, as the results of another layer.

The tangents of a cell's states go from step to step as the states do. So a cell and its tangents together are a cell
again: each row r has a second one for what the tangent of its weights makes of the old h, and a third for what its
weights make of the tangent of h, which is a state here and so goes through weights of its own (``gated=``). Whatever
runs layers runs this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from carrousel.cells import Cell
from carrousel.engine._equations import equations_of
from carrousel.engine._graph import ONE, ZERO, Node, add, leaf, mul, tangents, trace
from carrousel.engine._layer import Layer

__all__ = ["layer_with_tangents", "names_of_tangents", "refuses_tangent", "with_tangents"]


def refuses_tangent(layer: Layer) -> str | None:
    """Says why a layer and its tangents are no layer together; None if they are."""
    if layer.layer_norm:
        return "forward-mode differentiation of layer norm, which mixes all units"
    if layer.proj_size:
        return "forward-mode differentiation of a projected output"
    if layer.gate_recurrence:
        return "forward-mode differentiation of gates that feed the next step"
    if layer.cell.peepholes and not layer.cell.recurrent:
        return "forward-mode differentiation of peepholes without a recurrence"
    try:
        _cell_of(layer.cell, True)
    except ValueError as error:
        return f"forward-mode differentiation of equations whose tangents are none: {error}"
    return None


def _moved(name: str) -> str:
    """Returns the name of a row for the tangents of another's weights; of a state, that of its tangent."""
    return f"{name}__tangent"


def _along(row: str) -> str:
    """Returns the name of a row that multiplies tangents with another's weights."""
    return f"{row}__along"


_DH = _moved("h")


@lru_cache(maxsize=128)
def _cell_of(cell: Cell, moves: bool) -> Cell:
    """Returns a cell with its tangents; ``moves``: whether the weights have tangents too."""
    program = trace(cell, masked=True, peephole=lambda gate, value: Node("peephole", (value,), gate))
    own = moves or not cell.recurrent  # whether there are rows of the first kind; those of the second need a recurrence

    def of_row(kind: str, row: str) -> Node:
        """The tangent of a pre-activation, or of a part of it."""
        found = leaf(kind, _moved(row)) if own else ZERO
        if cell.recurrent and kind != "z.recurrent":
            found = add(found, leaf("z.input", _along(row)))
        if cell.recurrent and kind != "z.input":
            found = add(found, Node("gated", (leaf("s", _DH),), _along(row)))
        return found

    def begun(node: Node, along: Sequence[Node]) -> Node | None:
        if node.op in ("peephole", "gated"):  # weights times a value
            found = Node(node.op, node.args, _moved(node.name)) if moves else ZERO
            return add(found, Node(node.op, tuple(along), _along(node.name)))
        if node.op == "constant" or (node.op == "leaf" and node.name[0] == "mask"):
            return ZERO
        if node.op != "leaf":
            return None
        kind, name = node.name
        return leaf("s", _moved(name)) if kind == "s" else of_row(kind, name)

    roots = {"h": program.h, **program.states, **program.gates}
    of = tangents(roots.values(), begun)
    kinds = [_moved] * own + [_along] * cell.recurrent
    results = {"h": program.h, f"state {_DH}": of[program.h]}
    for name, node in program.states.items():
        results |= {f"state {name}": node, f"state {_moved(name)}": of[node]}
    for row, node in program.gates.items():
        results[f"gate {row}"] = node
        for kind in kinds:  # a candidate goes through its port, which is open here
            factor = leaf("mask", kind(row)) if row in cell.candidates else ONE
            results[f"gate {kind(row)}"] = mul(factor, of[node])

    def all_of(names: Sequence[str]) -> tuple[str, ...]:
        return (*names, *(kind(name) for kind in kinds for name in names))

    gated = (*all_of(cell.gated), *(_along(row) for row in cell.rows if cell.recurrent and row not in cell.gated))
    return Cell(
        name=f"{cell.name}__tangent",
        equations=equations_of(results),
        rows=all_of(cell.rows),
        candidates=all_of(cell.candidates),
        states=(*cell.states, *map(_moved, cell.states), _DH),
        peepholes=all_of(cell.peepholes),
        split=(*cell.split, *(_moved(row) for row in cell.split if own)),
        gated=gated,
        recurrent=cell.recurrent,
    )


def layer_with_tangents(layer: Layer, moves: bool) -> Layer:
    """Returns a layer with its tangents.

    Args:
        layer: a layer that :func:`refuses_tangent` does not refuse.
        moves: whether its weights have tangents.
    """
    found = layer.kernels.get(("tangent", moves))
    if found is None:
        cell = _cell_of(layer.cell, moves)
        found = Layer(
            cell, 2 * layer.input_size, layer.hidden_size, bias=layer.bias, block_size=layer.block_size,
            heads=layer.heads, diagonal=layer.diagonal,
        )  # fmt: skip
        layer.kernels["tangent", moves] = found
    return found


def with_tangents(
    layer: Layer, tensors: Sequence[Tensor], along: Sequence[Tensor | None], *, moves: bool
) -> list[Tensor]:
    """Returns what :func:`layer_with_tangents` takes: input, initial states, weights, in this order, as a layer does.

    Args:
        layer: the layer.
        tensors: its own.
        along: their tangents; None for zeros.
        moves: whether those of the weights are taken.
    """
    n, cell = 1 + len(layer.state_names), layer.cell
    moved = [torch.zeros_like(value) if d is None else d for value, d in zip(tensors, along, strict=True)]
    x, (h, *states), dx, (dh, *d_states) = tensors[0], tensors[1:n], moved[0], moved[1:n]
    weights = dict(zip(layer.shapes(), tensors[n:], strict=True))
    d_weights = dict(zip(layer.shapes(), moved[n:], strict=True))
    found = [torch.cat([x, dx], dim=-1), h, *states, *d_states, dh]
    for name, weight in weights.items():
        nothing, d = torch.zeros_like(weight), d_weights[name]
        if name == "weight_ih":
            # The tangent of the weights with x, the weights with that of x.
            parts = [(weight, nothing)]
            parts += [(d, nothing if cell.recurrent else weight)] if moves or not cell.recurrent else []
            parts += [(nothing, weight)] if cell.recurrent else []
            found.append(torch.cat([torch.cat(part, dim=1) for part in parts]))
            continue
        last = nothing if name.startswith("bias") else weight
        own = [d] if moves or not cell.recurrent else []
        found.append(torch.cat([weight, *own, *([last] if cell.recurrent else [])]))
    return found


def names_of_tangents(layer: Layer, names: Sequence[str], *, moves: bool) -> list[str]:
    """Returns what holds the tangents of states, gates and candidates in :func:`layer_with_tangents`, by name."""
    of_row = _moved if moves or not layer.cell.recurrent else _along
    return [of_row(name) if name in layer.cell.rows else _moved(name) for name in names]
