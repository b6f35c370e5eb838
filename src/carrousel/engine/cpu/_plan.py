"""What the kernels of a cell compute: its forward and backward graphs, and what is kept between the two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from carrousel.cells import Cell
from carrousel.engine._graph import TRANSCENDENTAL, Node, Program, adjoints, leaf, order, trace

__all__ = ["Plan", "plan"]


@dataclass(frozen=True)
class Plan:
    """A cell prepared for the emitter.

    The pre-activations stand in *slots*, in three runs: those that only the input feeds, those that both feed,
    those that only the recurrence feeds. A split row has one of the first and one of the last. A layer's kernel
    keeps ``[slots, H]`` numbers for each step of each sequence: first the pre-activations, then in their place what
    the backward pass needs of the step, then their adjoints.

    Attributes:
        program: the equations.
        slots: the leaves of the pre-activations.
        rows: for each slot the row of the cell whose weights feed it.
        shared: the first slot that the recurrence feeds.
        inputs: the number of slots that the input feeds.
        saved: the nodes kept for the backward pass, at most one for each slot.
        d_slots, d_states, d_peepholes: the adjoints of the slots; of the old states, h first; of peephole weights.
    """

    program: Program
    slots: tuple[Node, ...]
    rows: tuple[str, ...]
    shared: int
    inputs: int
    saved: tuple[Node, ...]
    d_slots: tuple[Node, ...]
    d_states: tuple[Node, ...]
    d_peepholes: tuple[Node, ...]

    @property
    def cell(self) -> Cell:
        return self.program.cell


@cache
def plan(cell: Cell) -> Plan:
    """The plan of a cell.

    Raises:
        TypeError: its equations cannot be traced.
    """
    program = trace(cell)
    only_input = [row for row in cell.rows if row in cell.split or not cell.recurrent]
    both = [row for row in cell.rows if row not in only_input]
    slots = [leaf("z.input" if row in cell.split else "z", row) for row in only_input]
    slots += [leaf("z", row) for row in both]
    slots += [leaf("z.recurrent", row) for row in cell.split]
    old = [leaf("s", name) for name in ("h", *cell.states)]
    peepholes = [leaf("p", gate) for gate in cell.peepholes]
    weights = [(node, leaf("adj", name)) for name, node in program.outputs.items()]
    back = adjoints(weights, [*slots, *old, *peepholes])
    saved = _saved(program, slots, back)
    n, m = len(slots), len(slots) + len(old)
    return Plan(
        program,
        tuple(slots),
        (*only_input, *both, *cell.split),
        len(only_input),
        len(only_input) + len(both),
        saved,
        tuple(back[:n]),
        tuple(back[n:m]),
        tuple(back[m:]),
    )


def _saved(program: Program, slots: list[Node], back: list[Node]) -> tuple[Node, ...]:
    """What to keep in the slots: costly values that hang on them, or where these are too many the slots themselves.

    All else is computed again, from these and from the states, which are there anyway.
    """
    states = set(program.states.values())
    hangs: dict[Node, bool] = {}
    for node in order([*program.outputs.values(), *back]):
        hangs[node] = node in slots or (node not in states and any(hangs[arg] for arg in node.args))
    forward = set(order(program.outputs.values()))

    def keep(node: Node) -> bool:
        return hangs[node] and (node in slots or (node in forward and node.op in TRANSCENDENTAL))

    found = [node for node in order(back, lambda node: node in states or keep(node)) if keep(node)]
    return tuple(found) if len(found) <= len(slots) else tuple(slots)
