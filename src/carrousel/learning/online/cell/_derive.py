"""The same rule from a cell's definition: its local Jacobians, as code.

A unit's states, after a step, depend on its old states and its pre-activations alone. So the derivative E of the
states by any incoming weight follows a recursion within the unit, which is all that the rule of 1997 is::

    E' = A E + B dz/dw        dh/dw = C E + D dz/dw        dz/dw = what the weight multiplies

with A = ∂s'/∂s, B = ∂s'/∂z, C = ∂h/∂s, D = ∂h/∂z, all of them diagonal over units.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from carrousel.cells import Cell
from carrousel.engine._graph import ONE, ZERO, Node, Program, add, adjoints, leaf, mul, order, trace
from carrousel.engine.cpu._slotwise import slotwise
from carrousel.engine.cpu.llvm._compile import Code

__all__ = ["Derived", "derive"]

NONE = -1
"""Stands for a slot that is zero for every unit and step."""


@dataclass(frozen=True)
class Derived:
    """A cell's step and Jacobians as a compiled function over slots, vectors of one number for each unit.

    Attributes:
        parts: the pre-activations, row by row, a split row's two parts one after the other: (kind, row). Of a gated row
            the second is its second bias alone.
        vectors: what has one weight for each unit: (``"p"``, gate) of peepholes, (``"r"``, row) of gated rows.
        states: the states that have traces, ``"h"`` among them where errors reach the old output.
        slots: the number of slots that the function works on.
        z, p, s, h, new: the slots of the parts, the vectors' weights, the old states, the output, the new states.
        A, B, C, D: the Jacobians' slots, ``[states, states]``, ``[states, parts and peepholes]``, ``[states]``,
            ``[parts and peepholes]``; NONE where one is zero. What is not the cell's to know, that under diagonal
            recurrence z depends on the old output, is not in A and C.
        code: what holds the function.
        address: of ``void (pointer to slots, units)``, for who holds this object.
    """

    parts: tuple[tuple[str, str], ...]
    vectors: tuple[tuple[str, str], ...]
    states: tuple[str, ...]
    slots: int
    z: np.ndarray
    p: np.ndarray
    s: np.ndarray
    h: int
    new: np.ndarray
    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    D: np.ndarray
    code: Code
    address: int


@lru_cache(maxsize=64)
def derive(cell: Cell, keeps_peepholes: bool, h_is_state: bool, bits: int) -> Derived:
    """Returns the rule's ingredients for a cell.

    Args:
        cell: the cell.
        keeps_peepholes: whether errors flow back through peepholes into the carrousel.
        h_is_state: whether errors reach the old output within the unit; they do anyway where the equations read it.
        bits: of a float, 32 or 64.

    Raises:
        TypeError: the cell's equations cannot be traced.
        ValueError: the cell multiplies gated states with recurrent weights, and errors do not flow back through these.
    """
    if cell.gated and not h_is_state:
        raise ValueError(
            f"cell {cell.spec!r} multiplies what a gate leaves of h with recurrent weights; the rule sends no error "
            "through these, so that gate would never learn: of a GRU take the cell 'gru', or diagonal=True and "
            "truncate=None"
        )
    program = trace(cell, gated=lambda row, value: add(leaf("b", row), mul(leaf("r", row), value)))
    parts: list[tuple[str, str]] = []
    for row in cell.rows:
        if row in cell.parted:
            parts += [("z.input", row), ("z.recurrent" if row in cell.split else "b", row)]
        else:
            parts += [("z", row)]
    vectors = [*(("p", gate) for gate in cell.peepholes), *(("r", row) for row in cell.gated)]
    states = (*cell.states, *(("h",) if h_is_state or cell.reads_output else ()))
    outputs = _outputs(program, keeps_peepholes)
    variables = [leaf("s", state) for state in states]
    leaves = [leaf(kind, name) for kind, name in (*parts, *vectors)]
    variables += leaves
    jacobians = {name: adjoints([(node, ONE)], variables) for name, node in outputs.items()}
    old = [leaf("s", state) for state in states]
    old += [leaf("s", state) for state in cell.states if state not in states]
    inputs = {node: slot for slot, node in enumerate(leaves + old)}
    results: dict[Node, int] = {}

    def slot(node: Node) -> int:
        if node is ZERO:
            return NONE
        return results.setdefault(node, len(inputs) + len(results))

    h = slot(outputs["h"])
    new = [slot(outputs[state]) for state in states]
    n = len(states)
    A = [[slot(d) for d in jacobians[state][:n]] for state in states]
    B = [[slot(d) for d in jacobians[state][n:]] for state in states]
    C, D = ([slot(d) for d in part] for part in (jacobians["h"][:n], jacobians["h"][n:]))
    for node in (outputs["h"], *(outputs[state] for state in states)):
        if node is ZERO:
            raise TypeError(f"cell {cell.name!r} has an output or a state that is always zero")
    width = len(leaves)
    code = slotwise(inputs, results, "float" if bits == 32 else "double")
    return Derived(
        tuple(parts),
        tuple(vectors),
        states,
        len(inputs) + len(results),
        np.array([inputs[leaf(kind, row)] for kind, row in parts], np.int64),
        np.array([inputs[leaf(kind, name)] for kind, name in vectors], np.int64),
        np.array([inputs[leaf("s", state)] for state in states], np.int64),
        h,
        np.array(new, np.int64),
        np.array(A, np.int64).reshape(n, n),
        np.array(B, np.int64).reshape(n, width),
        np.array(C, np.int64),
        np.array(D, np.int64),
        code,
        code.address("step"),
    )


def _outputs(program: Program, keeps_peepholes: bool) -> dict[str, Node]:
    """Returns the outputs and new states by name, cut where errors do not flow back through peepholes."""
    if keeps_peepholes:
        return program.outputs
    cut: dict[Node, Node] = {}
    for node in order(program.outputs.values()):
        args = tuple(cut[arg] for arg in node.args)
        if node.op == "mul" and args[0].op == "leaf" and args[0].name[0] == "p":
            # A peephole: its weight learns, and no error flows back to the state that it sees.
            args = (args[0], Node("stop_gradient", (args[1],)))
        cut[node] = Node(node.op, args, node.name)
    return {name: cut[node] for name, node in program.outputs.items()}
