"""The reverse of the cell's equations on the rows of one step."""

from __future__ import annotations

from collections.abc import Callable

from carrousel.engine._cuts import cut_name
from carrousel.engine._graph import Node
from carrousel.engine._plan import Variant
from carrousel.engine.cpu._pointwise import SENT, StepWriter, Values
from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["BACKWARD_STEP", "backward_cuts", "backward_step"]

BACKWARD_STEP = (
    ("ptr", "a"), ("i64", "lo"), ("i64", "count"), ("i64", "stride"), ("i64", "at"), ("i64", "before"), ("i1", "fresh"),
    ("i64", "first_unit"), ("i64", "end_unit"),
)  # fmt: skip
"""Parameters of a backward stage, where everything is kept."""


class _AdjointOfState:
    """Where a state's adjoint stands: what goes from step to step, and what every step is given.

    Of an activation that is told nothing goes from step to step.
    """

    def __init__(self, rows: StepWriter, name: str) -> None:
        self._f, words, sent = rows.f, rows.words, rows.variant.sent
        group = SENT if name in sent else name
        self.runs = name not in rows.variant.told
        self._running = words.pointer(rows.f, f"dS_{group}") if self.runs else ""
        self._given, self._ld_given = words.pointer(rows.f, f"dY_{group}"), words.integer(rows.f, f"lddy_{group}")
        self._ld = words.integer(rows.f, "KF") if name in sent else rows.width
        self._shift = rows.f.mul(rows.width, sent.index(name) if name in sent else 0)

    def running_place(self, b: str, u: str) -> str:
        """Returns the place of what goes from step to step."""
        f = self._f
        return f.at(self._running, f.add(f.add(f.mul(b, self._ld), self._shift), u))

    def load(self, b: str, u: str) -> str:
        """Returns the sum of both."""
        f = self._f
        at = f.add(f.add(f.mul(f.add("%at", b), self._ld_given), self._shift), u)
        given = f.load(f.at(self._given, at))
        return f.arithmetic("fadd", f.load(self.running_place(b, u)), given) if self.runs else given


class _Adjoints:
    """Loads of the adjoints with which a step begins to go back, and of all that it kept."""

    def __init__(self, rows: StepWriter) -> None:
        self.rows, f, words = rows, rows.f, rows.words
        self._dh, self._dy, self._lddy = words.pointer(f, "dh"), words.pointer(f, "dY"), words.integer(f, "lddy")
        self.states = {name: _AdjointOfState(rows, name) for name in rows.plan.program.states}
        self._cuts = {cut_name(cut): words.pointer(f, f"dE_{cut_name(cut)}") for cut in rows.plan.cuts}

    def cut_place(self, cut: Node, b: str, u: str) -> str:
        """Returns the place of the adjoint of what was done at a cut. All but that of a product then become, there,
        the adjoint of its argument.
        """
        if cut.op == "gated":
            return self.rows.argument_place(cut)
        return self._argument_place(cut_name(cut), b, u)

    def _argument_place(self, name: str, b: str, u: str) -> str:
        f = self.rows.f
        return f.at(self._cuts[name], f.add(f.mul(b, self.rows.width), u))

    def load(self, b: str, u: str) -> Callable[[Node], str | None]:
        f, rows = self.rows.f, self.rows

        def load(node: Node) -> str | None:
            if node.op != "leaf" or node.name[0] not in ("adj", "adj.cut"):
                return rows.load(node)
            kind, name = node.name
            if kind == "adj.cut":
                return f.load(self._argument_place(name, b, u))
            if name == "h":
                return self._of_output(b, u)
            return self.states[name].load(b, u)

        return load

    def _of_output(self, b: str, u: str) -> str:
        f, rows = self.rows.f, self.rows
        back = f.load(f.at(self._dh, f.add(f.mul(b, rows.width), u)))
        if rows.variant.projected:  # it has come through the projection, with the output's own adjoint in it
            return back
        return f.arithmetic("fadd", back, f.load(f.at(self._dy, f.add(f.mul(f.add("%at", b), self._lddy), u))))


def backward_cuts(module: Module, variant: Variant, words: Words, stage: int) -> None:
    """Writes ``backward_cuts_1``, ...: the adjoints of what was done at the cuts before a stage."""
    rows = StepWriter(module, f"backward_cuts_{stage}", BACKWARD_STEP, variant, words, of_product="D")
    f, plan, adjoints = rows.f, rows.plan, _Adjoints(rows)
    units = words.integer(f, "units")

    def body(b: str, u: str) -> None:
        value, real = Values(f, adjoints.load(b, u)), f.first_lanes(f.sub(units, u))
        for cut, node in zip(plan.cuts, plan.d_cuts, strict=True):
            if plan.stage[cut] == stage:
                f.store(f.choose(real, value(node), "zeroinitializer"), adjoints.cut_place(cut, b, u))

    rows.each("%at", "%before", "%before", body)


def backward_step(module: Module, variant: Variant, words: Words) -> None:
    """Writes ``backward_step``: from adjoints of the new states to those of the old and, in ``G``, of the
    pre-activations.
    """
    rows = StepWriter(module, "backward_step", BACKWARD_STEP, variant, words, of_product="D")
    f, plan, width, adjoints = rows.f, rows.plan, rows.width, _Adjoints(rows)
    units = words.integer(f, "units")
    direct, dbias, dvectors = (words.pointer(f, name) for name in ("direct", "dbias", "dP"))

    def body(b: str, u: str) -> None:
        value = Values(f, adjoints.load(b, u))
        # Padding holds what the equations make of nothing, be it NaN; it must not reach the products.
        real = f.first_lanes(f.sub(units, u))
        d_slots = [f.choose(real, value(node), "zeroinitializer") for node in plan.d_slots]
        results = list(zip(d_slots, rows.places, strict=True))
        for state, node in zip(adjoints.states.values(), plan.d_states[1:], strict=True):
            if state.runs:
                results.append((value(node), state.running_place(b, u)))
        if plan.reads_output:
            place = f.at(direct, f.add(f.mul(b, width), u))
            results.append((f.choose(real, value(plan.d_states[0]), "zeroinitializer"), place))
        sums: list[tuple[str, str]] = []
        if variant.bias:
            at = f.at(dbias, f.mul(b, rows.ldg))
            sums += [(dz, f.at(at, f.add(f.mul(width, n), u))) for n, dz in enumerate(d_slots)]
        for k, node in enumerate(plan.d_vectors):
            at = f.at(dvectors, f.mul(f.mul(b, len(plan.d_vectors)), width))
            sums.append((value(node), f.at(at, f.add(f.mul(width, k), u))))
        for result, place in results:
            f.store(result, place)
        for result, place in sums:
            f.store(f.arithmetic("fadd", f.load(place), result), place)

    rows.each("%at", "%before", "%before", body)
