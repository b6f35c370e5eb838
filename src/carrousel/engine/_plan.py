"""What the kernels of a layer compute: its forward and backward graphs, and what is kept between the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from carrousel.cells import Cell
from carrousel.engine._cuts import cut_name, is_cut
from carrousel.engine._graph import (
    ONE,
    ZERO,
    Node,
    Program,
    add,
    adjoints,
    leaf,
    mul,
    order,
    sub,
    trace,
    weighted,
)
from carrousel.engine._saved import nodes_of_stage, saved

__all__ = ["FROM_H", "FROM_X", "Extras", "Plan", "Variant", "plan"]

FROM_X, FROM_H = "part of x", "part of h"
"""The names of the parts of the pre-activations. No row and no state can have them."""


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What a call asks of a layer's kernels besides running it.

    Attributes:
        told: the gates and candidates whose activations are wanted of every step, but for those that feed the next.
        masked: whether candidates have factors.
        variational: whether h has factors on its way into the recurrence.
        zoned_h, zoned: whether a share of the old h, of the old state, is kept.
        by_units: whether threads share the units of the only sequence, and not sequences.
    """

    told: tuple[str, ...] = ()
    masked: bool = False
    variational: bool = False
    zoned_h: bool = False
    zoned: bool = False
    by_units: bool = False


@dataclass(frozen=True)
class Variant(Extras):
    """A cell, and what a layer and a call do besides its equations, as far as the kernels' code depends on it.

    Attributes:
        cell: the cell.
        projected: whether the output is projected.
        normed: whether there is layer norm.
        bias: whether there are biases, whose derivatives are then wanted.
        diagonal: whether each unit's recurrence is a weight of its own.
        heads: whether the recurrent product falls apart into those of heads.
        block_size: the cells of a block.
        fed: what the gates of the step before feed: ``"gates"``, ``"all"`` rows, or None for nothing.
    """

    cell: Cell
    projected: bool = False
    normed: bool = False
    bias: bool = True
    diagonal: bool = False
    heads: bool = False
    block_size: int = 1
    fed: str | None = None

    @cached_property
    def plan(self) -> Plan:
        return plan(self)

    @property
    def pointwise(self) -> bool:
        """Whether the recurrence is a part of the equations. Normalised, all its rows are needed at once."""
        return self.diagonal and not self.normed

    @cached_property
    def parts(self) -> dict[str, tuple[int, int]]:
        """The parts of the pre-activations by name: the slots that each feeds, from the first to before the last."""
        plan = self.plan
        recurrent = {FROM_H: (plan.shared, len(plan.slots))} if self.recurs else {}
        return {FROM_X: (0, plan.inputs), **recurrent}

    @cached_property
    def norms(self) -> tuple[str, ...]:
        """The names of what is normalised: the parts of the pre-activations, the states on their way out, and the
        products of gated rows.
        """
        others = (cut_name(cut) for cut in self.plan.cuts if cut.op in ("exit", "gated"))
        return (*self.parts, *others) if self.normed else ()

    @property
    def recurs(self) -> bool:
        """Whether h is multiplied with recurrent weights before the equations are computed."""
        return self.plan.shared < len(self.plan.slots) and self.cell.recurrent and not self.pointwise

    @property
    def keeps_direct(self) -> bool:
        """Whether a part of the adjoint of h goes back past the recurrent weights."""
        return self.plan.reads_output or (self.projected and self.zoned_h)

    @property
    def sent(self) -> tuple[str, ...]:
        """The gates whose activations feed the next step."""
        return self.cell.gates if self.fed else ()

    @cached_property
    def summed(self) -> list[str]:
        """The names of the sums over blocks, which gates see through their peepholes."""
        return [cut_name(cut) for cut in self.plan.cuts if cut.op == "block_sum"]

    @cached_property
    def gated(self) -> list[str]:
        """The rows whose recurrent weights are multiplied within the equations, in the order of these."""
        return [cut_name(cut) for cut in self.plan.cuts if cut.op == "gated"]

    @cached_property
    def bare_cuts(self) -> list[str]:
        """The names of the cuts that are no layer norm."""
        return [*self.summed, *(() if self.normed else self.gated)]

    def _hears(self, row: str) -> bool:
        """Tells whether a row hears what the gates of the step before send."""
        return self.fed == "all" or (self.fed is not None and row in self.cell.gates)

    @cached_property
    def listening(self) -> list[tuple[int, int]]:
        """Runs of slots that hear what the gates of the step before send."""
        plan = self.plan
        runs: list[tuple[int, int]] = []
        for slot in range(plan.shared, len(plan.slots)):
            if not self._hears(plan.rows[slot]):
                continue
            if runs and runs[-1][1] == slot:
                runs[-1] = runs[-1][0], slot + 1
            else:
                runs.append((slot, slot + 1))
        return runs

    @cached_property
    def gated_listening(self) -> list[str]:
        """The gated rows that hear them."""
        return [row for row in self.gated if self._hears(row)]

    @cached_property
    def needs_old(self) -> bool:
        """Whether a stage needs of the step before what an earlier stage has new values of, so that these must not
        take its place.
        """
        plan = self.plan
        sent = [plan.stage[plan.program.states[gate]] for gate in self.sent]
        heard = [plan.stage[cut] for cut in plan.cuts if cut.op == "gated" and cut.name in self.gated_listening]
        return plan.reads_late() or any(new < late for new in sent for late in heard)

    @cached_property
    def hearers(self) -> list[tuple[str, tuple[str, ...]]]:
        """Groups of rows that hear them, by name: the runs of slots, by their numbers; then the gated rows."""
        runs = [(str(k), self.plan.rows[low:high]) for k, (low, high) in enumerate(self.listening)]
        return [*runs, *((row, (row,)) for row in self.gated_listening)]


@dataclass(frozen=True)
class Plan:
    """A cell prepared for the emitter.

    The pre-activations stand in *slots*, in three runs: those that only the input feeds, those that both feed,
    those that only the recurrence feeds. A split row has one of the first and one of the last. A layer's kernel
    keeps ``[slots, H]`` numbers for each step of each sequence: first the pre-activations, then in their place what
    the backward pass needs of the step, then their adjoints.

    Where something is done to all units at once the equations are *cut*: by layer norm of a state on its way out, by
    the sum over a block of what a gate sees through its peepholes, by the product of a gated row. What is done there
    is no part of the graph. The equations are computed in stages, one more than there are cuts on the longest way.

    Attributes:
        program: the equations; among its states are the activations of ``Variant.sent`` and ``Variant.told``.
        slots: the leaves of the pre-activations.
        rows: for each slot the row of the cell whose weights feed it.
        shared: the first slot that the recurrence feeds.
        inputs: the number of slots that the input feeds.
        vectors: the leaves that are weights, a number for each unit.
        saved: the nodes kept for the backward pass, and the slot that each stands in.
        cuts: the nodes at which the equations are cut; what is done is done to their argument.
        stage: for each node the stage in which it is computed.
        d_cuts: the adjoints of the cuts; those of their arguments enter as leaves ``("adj.cut", name)``.
        d_slots, d_states, d_vectors: the adjoints of the slots; of the old states, h first; of the vectors.
    """

    program: Program
    slots: tuple[Node, ...]
    rows: tuple[str, ...]
    shared: int
    inputs: int
    vectors: tuple[Node, ...]
    saved: Mapping[Node, int]
    cuts: tuple[Node, ...]
    stage: Mapping[Node, int]
    d_cuts: tuple[Node, ...]
    d_slots: tuple[Node, ...]
    d_states: tuple[Node, ...]
    d_vectors: tuple[Node, ...]

    @property
    def cell(self) -> Cell:
        return self.program.cell

    @property
    def stages(self) -> int:
        """The number of stages."""
        return 1 + max((self.stage[cut] for cut in self.cuts), default=0)

    @property
    def derivatives(self) -> list[Node]:
        """All adjoints."""
        return [*self.d_cuts, *self.d_slots, *self.d_states, *self.d_vectors]

    @property
    def reads_output(self) -> bool:
        """Whether the equations use the old h other than by a product."""
        return self.d_states[0] is not ZERO

    def reads_late(self) -> bool:
        """Tells whether a stage needs an old state whose new value is there from an earlier stage on."""
        replaced = {leaf("s", name): self.stage[new] for name, new in self.program.states.items()}
        return any(
            replaced.get(node, k) < k
            for k in range(1, self.stages)
            for node in nodes_of_stage(self.program, self.saved, self.stage, k)
        )

    def cuts_after(self, stage: int) -> list[Node]:
        """Lists the cuts whose arguments are there after a stage, and not before."""
        return [cut for cut in self.cuts if self.stage[cut] == stage + 1]


@lru_cache(maxsize=128)  # who needs a plan for long holds it
def plan(variant: Variant) -> Plan:
    """Returns the :class:`Plan` of a variant.

    Raises:
        TypeError: its cell's equations cannot be traced.
        ValueError: they use a port at which they are cut for more than one value.
    """
    cell, program = variant.cell, _program(variant)
    cuts = tuple(node for node in order(program.outputs.values()) if is_cut(node))
    if len({(node.op, node.name) for node in cuts}) < len(cuts):
        raise ValueError(f"cell {cell.spec!r} uses the port of a state or of a gate for more than one value")
    gated = {str(node.name) for node in cuts if node.op == "gated"}
    if not variant.pointwise and gated != {*cell.gated}:
        raise ValueError(f"cell {cell.spec!r} asks for the recurrent part of a gated row and does not use it")
    alone = not cell.recurrent or variant.pointwise
    only_input = [row for row in cell.rows if row in cell.parted or alone]
    both = [row for row in cell.rows if row not in only_input]
    only_recurrent = [] if alone else list(cell.split)
    slots = [leaf("z.input" if row in cell.parted else "z", row) for row in only_input]
    slots += [leaf("z", row) for row in both]
    slots += [leaf("z.recurrent", row) for row in only_recurrent]
    old = [leaf("s", name) for name in ("h", *program.states)]
    vectors = [leaf("p", gate) for gate in cell.peepholes]
    if variant.pointwise:
        vectors += [leaf("r", row) for row in cell.rows]
        vectors += [leaf("b", row) for row in cell.parted if variant.bias]
    weights = [(node, leaf("adj", name)) for name, node in program.outputs.items()]
    wanted = [*cuts, *slots, *old, *vectors]
    back = adjoints(weights, wanted, lambda node: leaf("adj.cut", cut_name(node)) if is_cut(node) else None)
    stage = _stages(program)
    # Where the equations are cut, later stages are made of what is kept, too.
    later = [*back, *(node for node in program.outputs.values() if cuts)]
    parts = iter(back)
    d_cuts, d_slots, d_old, d_vectors = (tuple(next(parts) for _ in part) for part in (cuts, slots, old, vectors))
    return Plan(
        program,
        tuple(slots),
        (*only_input, *both, *only_recurrent),
        len(only_input),
        len(only_input) + len(both),
        tuple(vectors),
        saved(program, slots, later, stage),
        cuts,
        stage,
        d_cuts,
        d_slots,
        d_old,
        d_vectors,
    )


def _program(variant: Variant) -> Program:
    """Returns the equations of a cell with all that the variant does at a single unit, as a :class:`Program`."""

    def seen(value: Node) -> Node:
        """What recurrent weights are multiplied with."""
        return mul(leaf("mask", "h"), value) if variant.variational else value

    def own(row: str, value: Node) -> Node:
        """A diagonal recurrence: each unit's own weight times a value of it, usually its old output."""
        product = mul(leaf("r", row), seen(value))
        return add(leaf("b", row), product) if variant.bias and row in variant.cell.parted else product

    def pre_activation(kind: str, row: str) -> Node:
        if kind == "z.input":
            return leaf(kind, row)
        return own(row, leaf("s", "h")) if kind == "z.recurrent" else add(leaf(kind, row), own(row, leaf("s", "h")))

    def summed(gate: str, value: Node) -> Node:
        return Node("block_sum", (weighted(gate, value),), gate)

    program = trace(
        variant.cell,
        masked=variant.masked,
        exits=variant.normed,
        peephole=summed if variant.block_size > 1 else weighted,
        pre_activation=pre_activation if variant.pointwise else leaf,
        gated=own if variant.pointwise else lambda row, value: Node("gated", (seen(value),), row),
    )

    def zone(name: str, new: Node) -> Node:
        """Zoneout (Krueger et al. 2017): keeps a share of the old value."""
        share = leaf("zone", name)
        return add(mul(share, leaf("s", name)), mul(sub(ONE, share), new))

    # The output of a layer that projects it is partly kept after that.
    h = zone("h", program.h) if variant.zoned_h and not variant.projected else program.h
    states = {name: zone(name, node) if variant.zoned else node for name, node in program.states.items()}
    activations = {row: program.gates[row] for row in (*variant.sent, *variant.told)}
    return Program(variant.cell, h, states | activations, program.gates)


def _stages(program: Program) -> dict[Node, int]:
    """Returns for each node the stage in which it is computed; for a cut, the first in which it is there."""
    stages: dict[Node, int] = {}
    for node in order(program.outputs.values()):
        stages[node] = max((stages[arg] for arg in node.args), default=0) + is_cut(node)
    return stages
