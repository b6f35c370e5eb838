"""What the kernels of a cell over several dimensions compute: its forward and backward graphs, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from carrousel.cells import Cell
from carrousel.engine._graph import Node, Program, adjoints, leaf, order, trace
from carrousel.engine._saved import saved
from carrousel.engine.cpu._pointwise import refuses

__all__ = ["GridPlan", "plan_of", "refuses_cell"]


@dataclass(frozen=True)
class GridPlan:
    """A cell over several dimensions, prepared for the emitter.

    A row of *slots* holds for each row of the cell as many numbers as there are units: first the pre-activations, then
    in their place what the backward pass needs, then the adjoints of the pre-activations.

    Attributes:
        program: the equations.
        slots: the leaves of the pre-activations.
        olds: the leaves of the neighbours' states, of each state those of all dimensions in their order.
        vectors: the leaves that are weights, a number for each unit.
        saved: the nodes kept for the backward pass, and the slot that each stands in.
        d_slots, d_olds, d_vectors: the adjoints of the slots, of the neighbours' states, of the vectors.
    """

    program: Program
    slots: tuple[Node, ...]
    olds: tuple[Node, ...]
    vectors: tuple[Node, ...]
    saved: Mapping[Node, int]
    d_slots: tuple[Node, ...]
    d_olds: tuple[Node, ...]
    d_vectors: tuple[Node, ...]

    @property
    def cell(self) -> Cell:
        return self.program.cell

    def neighbour(self, node: Node) -> tuple[str, int]:
        """Returns the state that an old one is, and the dimension along which it comes before."""
        k = self.olds.index(node)
        return self.cell.states[k // self.cell.dimensions], k % self.cell.dimensions


@lru_cache(maxsize=32)
def plan_of(cell: Cell) -> GridPlan:
    """Returns the :class:`GridPlan` of a cell.

    Raises:
        TypeError: its equations cannot be traced.
    """
    program = trace(cell)
    slots = tuple(leaf("z", row) for row in cell.rows)
    olds = tuple(leaf("s", name) for name in cell.old)
    vectors = tuple(leaf("p", gate) for gate in cell.peepholes)
    outputs = [(node, leaf("adj", name)) for name, node in program.outputs.items()]
    back = iter(adjoints(outputs, [*slots, *olds, *vectors]))
    d_slots, d_olds, d_vectors = (tuple(next(back) for _ in part) for part in (slots, olds, vectors))
    later = [*d_slots, *d_olds, *d_vectors]
    stage = dict.fromkeys(order(program.outputs.values()), 0)
    return GridPlan(program, slots, olds, vectors, saved(program, slots, later, stage), d_slots, d_olds, d_vectors)


@lru_cache(maxsize=32)
def refuses_cell(cell: Cell) -> str | None:
    """Says why no kernel is made of a cell; None if one is."""

    def nodes() -> list[Node]:
        plan = plan_of(cell)
        return [*plan.program.outputs.values(), *plan.d_slots, *plan.d_olds, *plan.d_vectors]

    return refuses(cell, nodes)
