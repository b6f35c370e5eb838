"""What the kernels of a cell compute: its forward and backward graphs, and what is kept between the two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

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
        exits: where layer norm acts on states on their way out; it cuts the equations in two.
        d_exits: the adjoints of the exits' values; those of their arguments enter the second part of the reverse
            as leaves ``("adj.exit", name)``.
        d_slots, d_states, d_peepholes: the adjoints of the slots; of the old states, h first; of peephole weights.
    """

    program: Program
    slots: tuple[Node, ...]
    rows: tuple[str, ...]
    shared: int
    inputs: int
    saved: tuple[Node, ...]
    exits: tuple[Node, ...]
    d_exits: tuple[Node, ...]
    d_slots: tuple[Node, ...]
    d_states: tuple[Node, ...]
    d_peepholes: tuple[Node, ...]

    @property
    def cell(self) -> Cell:
        return self.program.cell


@lru_cache(maxsize=128)  # the family twice over; who needs a plan for long holds it
def plan(cell: Cell, *, normed: bool = False) -> Plan:
    """Returns the :class:`Plan` of a cell, with layer norm or without.

    Raises:
        TypeError: its equations cannot be traced.
        ValueError: they use what leaves the carrousel, where layer norm acts, for more than the output.
    """
    program = trace(cell, exits=normed)
    exits = tuple(node for node in order(program.outputs.values()) if node.op == "exit")
    if len({node.name for node in exits}) < len(exits) or any(n.op == "exit" for n in order(program.states.values())):
        raise ValueError(f"cell {cell.spec!r} uses a state's port for more than its output")
    only_input = [row for row in cell.rows if row in cell.split or not cell.recurrent]
    both = [row for row in cell.rows if row not in only_input]
    slots = [leaf("z.input" if row in cell.split else "z", row) for row in only_input]
    slots += [leaf("z", row) for row in both]
    slots += [leaf("z.recurrent", row) for row in cell.split]
    old = [leaf("s", name) for name in ("h", *cell.states)]
    peepholes = [leaf("p", gate) for gate in cell.peepholes]
    weights = [(node, leaf("adj", name)) for name, node in program.outputs.items()]
    d_exits = adjoints(weights[:1], exits, _is_exit)
    weights += [(node.args[0], leaf("adj.exit", node.name)) for node in exits]
    back = adjoints(weights, [*slots, *old, *peepholes], _is_exit)
    # Where the equations are cut the output is made of what is kept, too.
    later = [*back, *d_exits, *([program.h] if exits else [])]
    n, m = len(slots), len(slots) + len(old)
    return Plan(
        program,
        tuple(slots),
        (*only_input, *both, *cell.split),
        len(only_input),
        len(only_input) + len(both),
        _saved(program, slots, later),
        exits,
        tuple(d_exits),
        tuple(back[:n]),
        tuple(back[n:m]),
        tuple(back[m:]),
    )


def _is_exit(node: Node) -> bool:
    return node.op == "exit"


def _saved(program: Program, slots: list[Node], later: list[Node]) -> tuple[Node, ...]:
    """What to keep in the slots: costly values that hang on them, or where these are too many the slots themselves.

    All else is computed again, from these, from the states, and from what leaves the carrousel: these are there.
    """
    given = {*program.states.values()}
    hangs: dict[Node, bool] = {}
    for node in order([*program.outputs.values(), *later]):
        there = node in given or _is_exit(node)
        hangs[node] = node in slots or (not there and any(hangs[arg] for arg in node.args))
    forward = set(order(program.outputs.values()))

    def keep(node: Node) -> bool:
        return hangs[node] and (node in slots or (node in forward and node.op in TRANSCENDENTAL))

    found = [node for node in order(later, lambda node: node in given or _is_exit(node) or keep(node)) if keep(node)]
    return tuple(found) if len(found) <= len(slots) else tuple(slots)
