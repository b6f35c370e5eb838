"""The cell's equations on the rows of one step: what they and their reverse have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from carrousel.cells import Cell
from carrousel.engine._cuts import cut_name, is_cut
from carrousel.engine._graph import Node, order
from carrousel.engine._plan import Variant
from carrousel.engine._print import Printer
from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._operations import OPERATIONS
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["SENT", "StepWriter", "Values", "refuses", "unsupported"]

SENT = "sent gates"
"""The name of the buffers of all activations that are sent. No state can have it."""

_GIVEN = ("leaf", "constant", "exit", "block_sum", "gated")
"""What is no operation: it is there, or the layer computes it."""


class Values(Printer[str]):
    """The values of a graph's nodes at one vector of units, computed when they are first needed."""

    def __init__(self, f: Function, load: Callable[[Node], str | None]) -> None:
        super().__init__(OPERATIONS, f, lambda node: f.module.splat(node.name) if node.op == "constant" else load(node))


class StepWriter:
    """Writes a stage of a step: the addresses of a row's old and new values, and loads of them, for both directions.

    Args:
        module: where the function goes.
        name: its name.
        parameters: its parameters.
        variant: what is computed.
        words: the kernel's arguments.
        stage: the stage, whose values are not in memory yet; None if all are.
        of_product: the word that holds, of every gated row, what its weights are multiplied with; going back, where
            that is not asked for, the adjoint of the product.
    """

    def __init__(
        self,
        module: Module,
        name: str,
        parameters: Sequence[tuple[str, str]],
        variant: Variant,
        words: Words,
        stage: int | None = None,
        *,
        of_product: str,
    ) -> None:
        self.f = f = module.function(name, parameters)
        self.variant, self.plan, self.words, self.cell = variant, variant.plan, words, variant.cell
        self._stage = self.plan.stages if stage is None else stage
        self.width, self.ldg, self._ldh = (words.integer(f, label) for label in ("width", "ldg", "ldh"))
        self._g, self._vectors = words.pointer(f, "G"), words.pointer(f, "P")
        self._states = [_State(self, name) for name in self.plan.program.states]
        self._old_h = f.select("%fresh", "ptr", words.pointer(f, "H0"), words.pointer(f, "H"))
        self._noise = {node.name: _Noise(self, node.name) for node in _noise(variant)}
        self._cuts = {
            cut: _Cut(
                f, words, cut, of_product if cut.op == "gated" else "E", normed=variant.normed and cut.op != "block_sum"
            )
            for cut in self.plan.cuts
        }
        self._new = {node: index for index, node in enumerate(self.plan.program.states.values())}

    def each(self, kept: str, before: str, before_kept: str, body: Callable[[str, str], None]) -> None:
        """Runs ``body(b, u)`` for every sequence b and vector of units u. The arguments are the first rows of what is
        kept of this step, of the outputs of the step before, and of what is kept of that.
        """
        f = self.f
        before, before_kept = (f.select("%fresh", "i64", "0", row) for row in (before, before_kept))
        with f.loop(0, "%count") as m:
            b = f.add("%lo", f.mul(m, "%stride"))
            row = f.add(kept, b)
            g_row = f.at(self._g, f.mul(row, self.ldg))
            for state in self._states:
                state.go_to(row, f.add(before_kept, b))
            for noise in self._noise.values():
                noise.go_to(f.add("%at", b), b)
            old_h = f.at(self._old_h, f.mul(f.add(before, b), self._ldh))
            with f.loop("%first_unit", "%end_unit", f.module.lanes) as u:
                self.places = [f.at(g_row, f.add(f.mul(self.width, n), u)) for n in range(len(self.plan.slots))]
                self.new_places = [state.new_place(u) for state in self._states]
                self._old_h_place = f.at(old_h, u)
                self._at_cut = f.add(f.mul(row, self.width), u)
                self._u = u
                body(b, u)

    def argument_place(self, cut: Node) -> str:
        """Returns the place of that to which something is done at a cut."""
        return self._cuts[cut].argument_place(self._at_cut)

    def vector_place(self, node: Node) -> str:
        """Returns the place of a weight that has a number for each unit."""
        f = self.f
        return f.at(self._vectors, f.add(f.mul(self.width, self.plan.vectors.index(node)), self._u))

    def load(self, node: Node) -> str | None:
        """What is in memory when the stage begins; None for what the stage has to compute."""
        f, plan = self.f, self.plan
        done = plan.stage.get(node, 0) < self._stage
        if node in plan.saved and done:
            return f.load(self.places[plan.saved[node]])
        if node in self._new and done:
            return f.load(self.new_places[self._new[node]])
        if is_cut(node):
            return self._cuts[node].value(self._at_cut, self._u)
        if node.op != "leaf":
            return None
        kind, name = node.name
        if kind == "s":
            return f.load(self._old_h_place if name == "h" else self._old_state(name))
        if kind in ("p", "r", "b"):
            return f.load(self.vector_place(node))
        if kind in ("mask", "zone"):
            return self._noise[node.name].load(self._u)
        return f.load(self.places[plan.slots.index(node)]) if node in plan.slots else None

    def _old_state(self, name: str) -> str:
        (state,) = (state for state in self._states if state.name == name)
        return state.old_place(self._u)


class _State:
    """Where a state of the cell, or an activation that is sent or told, stands: the old one and the new one."""

    def __init__(self, step: StepWriter, name: str) -> None:
        self._f, self.name = step.f, name
        words, sent = step.words, step.variant.sent
        # What gates send stands side by side, for it feeds the next step by one product.
        group = SENT if name in sent else name
        self._ld = words.integer(step.f, "KF") if name in sent else step.width
        self._shift = step.f.mul(step.width, sent.index(name) if name in sent else 0)
        self._new = words.pointer(step.f, f"S_{group}")
        self._old = None  # of what is told no step needs it
        if name not in step.variant.told:
            self._old = step.f.select("%fresh", "ptr", words.pointer(step.f, f"S0_{group}"), self._new)

    def go_to(self, row: str, old_row: str) -> None:
        """Turns to a row of a step, and that of the step before."""
        self._new_row = self._place(self._new, row)
        if self._old is not None:
            self._old_row = self._place(self._old, old_row)

    def _place(self, base: str, row: str) -> str:
        return self._f.at(base, self._f.add(self._f.mul(row, self._ld), self._shift))

    def new_place(self, u: str) -> str:
        return self._f.at(self._new_row, u)

    def old_place(self, u: str) -> str:
        return self._f.at(self._old_row, u)


def _noise(variant: Variant) -> list[Node]:
    """Lists the leaves that are noise: factors, and shares that are kept."""
    plan = variant.plan
    found = {
        node
        for node in order([*plan.program.outputs.values(), *plan.derivatives])
        if node.op == "leaf" and node.name[0] in ("mask", "zone")
    }
    return sorted(found, key=lambda node: node.name)


class _Noise:
    """Factors, or shares that are kept: a row for each step of each sequence, or for each sequence, or one for all."""

    def __init__(self, step: StepWriter, name: tuple[str, str]) -> None:
        self._f, word = step.f, "_".join(name)
        self._base, self._ld = step.words.pointer(step.f, word), step.words.integer(step.f, f"ld_{word}")
        self._of_sequence = name == ("mask", "h")

    def go_to(self, row: str, b: str) -> None:
        self._row = self._f.at(self._base, self._f.mul(b if self._of_sequence else row, self._ld))

    def load(self, u: str) -> str:
        return self._f.load(self._f.at(self._row, u))


class _Cut:
    """Where the equations are cut: what stands there for each row of what is kept.

    Layer norm leaves there what it normalised, to which its gain and bias are applied by whoever loads it. All but a
    product is done in place.

    Args:
        f: the function that is written.
        words: its kernel's arguments.
        cut: the node.
        argument: the word that holds the rows of what something is done to.
        normed: whether it is layer norm, or ends with it.
    """

    def __init__(self, f: Function, words: Words, cut: Node, argument: str, *, normed: bool) -> None:
        self._f, self._normed = f, normed
        name = cut_name(cut)
        self._rows, self._arguments = (words.pointer(f, f"{kind}_{name}") for kind in ("E", argument))
        if self._normed:
            self._gain, self._bias = (words.pointer(f, f"{kind}_{name}") for kind in ("gain", "shift"))

    def argument_place(self, at: str) -> str:
        return self._f.at(self._arguments, at)

    def value(self, at: str, u: str) -> str:
        f = self._f
        value = f.load(f.at(self._rows, at))
        return f.fma(value, f.load(f.at(self._gain, u)), f.load(f.at(self._bias, u))) if self._normed else value


def unsupported(nodes: Iterable[Node]) -> str | None:
    """Returns the first operation that the emitter lacks, if there is one."""
    return next((node.op for node in nodes if node.op not in {*OPERATIONS, *_GIVEN}), None)


def refuses(cell: Cell, nodes: Callable[[], list[Node]]) -> str | None:
    """Says why no kernel is made of a cell; None if one is.

    Args:
        cell: the cell.
        nodes: plans its kernels, and returns all that they compute.
    """
    try:
        found = nodes()
    except Exception as error:  # a user's equations may fail in any way when they meet symbols
        return f"the equations of cell {cell.spec!r} cannot be fused: {error}"
    operation = unsupported(order(found))
    return None if operation is None else f"the kernels have no operation {operation!r}"
