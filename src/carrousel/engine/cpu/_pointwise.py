"""The cell's equations, and their reverse, on the rows of one step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from carrousel.engine._graph import Node
from carrousel.engine._plan import Plan
from carrousel.engine._print import Printer
from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._operations import OPERATIONS
from carrousel.engine.cpu.llvm._words import Words

__all__ = [
    "BACKWARD_STEP",
    "FORWARD_STEP",
    "Values",
    "backward_exits",
    "backward_step",
    "forward_step",
    "unsupported",
]

_GIVEN = ("leaf", "constant", "exit")
"""What is no operation: it is there, or the layer computes it."""

FORWARD_STEP = (
    ("ptr", "a"), ("i64", "lo"), ("i64", "count"), ("i64", "stride"), ("i64", "at"), ("i64", "kept"),
    ("i64", "before"), ("i64", "before_kept"), ("i1", "fresh"),
)  # fmt: skip
"""Parameters of the forward step: sequences ``lo, lo + stride, ...``; the step's first row among the outputs (``at``)
and among what is kept (``kept``), the same of the step before, and whether the initial states are the old ones."""

BACKWARD_STEP = (
    ("ptr", "a"), ("i64", "lo"), ("i64", "count"), ("i64", "stride"), ("i64", "at"), ("i64", "before"), ("i1", "fresh"),
)  # fmt: skip
"""Parameters of the backward step, where everything is kept."""


class Values(Printer[str]):
    """The values of a graph's nodes at one vector of units, computed when they are first needed."""

    def __init__(self, f: Function, load: Callable[[Node], str | None]) -> None:
        super().__init__(OPERATIONS, f, lambda node: f.module.splat(node.name) if node.op == "constant" else load(node))


class _StepWriter:
    """Writes a step: the addresses of a row's old and new values, and loads of them, for both directions."""

    def __init__(
        self, module: Module, name: str, parameters: Sequence[tuple[str, str]], plan: Plan, words: Words
    ) -> None:
        self.f = f = module.function(name, parameters)
        self.plan, self.words, self.cell = plan, words, plan.cell
        self.width, self.ldg, self._ldh = (words.integer(f, label) for label in ("width", "ldg", "ldh"))
        self._g, self._peepholes = words.pointer(f, "G"), words.pointer(f, "P")
        self._states = [words.pointer(f, f"S_{name}") for name in self.cell.states]
        self._old_states = [
            f.select("%fresh", "ptr", words.pointer(f, f"S0_{name}"), new)
            for name, new in zip(self.cell.states, self._states, strict=True)
        ]
        self._old_h = f.select("%fresh", "ptr", words.pointer(f, "H0"), words.pointer(f, "H"))
        self._exits = {node.name: _Exit(f, words, node.name) for node in plan.exits}
        self._new = {node: index for index, node in enumerate(plan.program.states.values())}

    def each(self, kept: str, before: str, before_kept: str, body: Callable[[str, str], None]) -> None:
        """Runs ``body(b, u)`` for every sequence b and vector of units u. The arguments are the first rows of what is
        kept of this step, of the outputs of the step before, and of what is kept of that."""
        f = self.f
        before, before_kept = (f.select("%fresh", "i64", "0", row) for row in (before, before_kept))
        with f.loop(0, "%count") as m:
            b = f.add("%lo", f.mul(m, "%stride"))
            row = f.add(kept, b)
            g_row = f.at(self._g, f.mul(row, self.ldg))
            new = [f.at(s, f.mul(row, self.width)) for s in self._states]
            old = [f.at(s, f.mul(f.add(before_kept, b), self.width)) for s in self._old_states]
            old_h = f.at(self._old_h, f.mul(f.add(before, b), self._ldh))
            with f.loop(0, self.width, f.module.lanes) as u:
                self.places = [f.at(g_row, f.add(f.mul(self.width, n), u)) for n in range(len(self.plan.slots))]
                self.new_places = [f.at(s, u) for s in new]
                self._old_places = [f.at(s, u) for s in old]
                self._old_h_place = f.at(old_h, u)
                self.exit_places = {name: exit.place(row, self.width, u) for name, exit in self._exits.items()}
                self._u = u
                body(b, u)

    def leaf(self, node: Node) -> str | None:
        """Old states, weights, and pre-activations as long as they stand in their slots."""
        if node.op != "leaf":
            return None
        f, (kind, name) = self.f, node.name
        if kind == "s":
            return f.load(self._old_h_place if name == "h" else self._old_places[self.cell.states.index(name)])
        if kind == "p":
            at = f.add(f.mul(self.width, self.cell.peepholes.index(name)), self._u)
            return f.load(f.at(self._peepholes, at))
        return f.load(self.places[self.plan.slots.index(node)]) if node in self.plan.slots else None

    def later(self, node: Node) -> str | None:
        """What is there once the step has run forward: what was saved, the new states, what leaves the carrousel."""
        f = self.f
        if node in self.plan.saved:
            return f.load(self.places[self.plan.saved.index(node)])
        if node in self._new:
            return f.load(self.new_places[self._new[node]])
        if node.op == "exit":
            return self._exits[node.name].value(self.exit_places[node.name], self._u)
        return None if node in self.plan.slots else self.leaf(node)


class _Exit:
    """Where layer norm acts on a state on its way out: what stands there, normalised, and its gain and bias."""

    def __init__(self, f: Function, words: Words, name: str) -> None:
        self._f = f
        self._rows, self._gain, self._bias = (words.pointer(f, f"{kind}_{name}") for kind in ("E", "gain", "shift"))

    def place(self, row: str, width: str, u: str) -> str:
        return self._f.at(self._rows, self._f.add(self._f.mul(row, width), u))

    def value(self, place: str, u: str) -> str:
        f = self._f
        return f.fma(f.load(place), f.load(f.at(self._gain, u)), f.load(f.at(self._bias, u)))


def forward_step(module: Module, plan: Plan, words: Words, *, keep: bool) -> None:
    """``forward_step``: from pre-activations in ``G`` and old states to new states, output, and what is kept.

    Where layer norm cuts the equations it stops at the cut, and ``forward_rest`` makes the output.
    """
    rows = _StepWriter(module, "forward_step", FORWARD_STEP, plan, words)
    store_h = None if plan.exits else _output(rows)

    def body(b: str, u: str) -> None:
        f, value, program = rows.f, Values(rows.f, rows.leaf), plan.program
        results = [] if store_h is None else [(value(program.h), store_h(b, u))]
        results += [(value(node), place) for node, place in zip(program.states.values(), rows.new_places, strict=True)]
        results += [(value(node.args[0]), rows.exit_places[node.name]) for node in plan.exits]
        if keep or plan.exits:
            results += [(value(node), place) for node, place in zip(plan.saved, rows.places, strict=False)]
        for result, place in results:
            f.store(result, place)

    rows.each("%kept", "%before", "%before_kept", body)
    if not plan.exits:
        return
    rest = _StepWriter(module, "forward_rest", FORWARD_STEP, plan, words)
    store_rest = _output(rest)
    rest.each(
        "%kept", "%before", "%before_kept",
        lambda b, u: rest.f.store(Values(rest.f, rest.later)(plan.program.h), store_rest(b, u)),
    )  # fmt: skip


def _output(rows: _StepWriter) -> Callable[[str, str], str]:
    """Returns the place of the cell's output: among what is kept if it is to be projected, else among the outputs."""
    f, words = rows.f, rows.words
    out, ldout = words.pointer(f, "out"), words.integer(f, "ldout")
    kept = f.op(f"icmp ne i64 {words.integer(f, 'out_kept')}, 0")
    row = f.select(kept, "i64", "%kept", "%at")
    return lambda b, u: f.at(out, f.add(f.mul(f.add(row, b), ldout), u))


def _adjoint_of_output(rows: _StepWriter, *, projected: bool) -> Callable[[str, str], str]:
    f, words = rows.f, rows.words
    dh, dy, lddy = words.pointer(f, "dh"), words.pointer(f, "dY"), words.integer(f, "lddy")

    def load(b: str, u: str) -> str:
        back = f.load(f.at(dh, f.add(f.mul(b, rows.width), u)))
        if projected:  # it has come through the projection, with the output's own adjoint in it
            return back
        return f.arithmetic("fadd", back, f.load(f.at(dy, f.add(f.mul(f.add("%at", b), lddy), u))))

    return load


def backward_exits(module: Module, plan: Plan, words: Words, *, projected: bool) -> None:
    """``backward_exits``: the adjoints of what leaves the carrousel, where layer norm cuts the equations."""
    rows = _StepWriter(module, "backward_exits", BACKWARD_STEP, plan, words)
    f, of_output = rows.f, _adjoint_of_output(rows, projected=projected)
    targets = [words.pointer(f, f"dE_{node.name}") for node in plan.exits]
    units = words.integer(f, "units")

    def body(b: str, u: str) -> None:
        def load(node: Node) -> str | None:
            return of_output(b, u) if node.op == "leaf" and node.name == ("adj", "h") else rows.later(node)

        value, real = Values(f, load), f.first_lanes(f.sub(units, u))
        for node, target in zip(plan.d_exits, targets, strict=True):
            result = f.choose(real, value(node), "zeroinitializer")
            f.store(result, f.at(target, f.add(f.mul(b, rows.width), u)))

    rows.each("%at", "%before", "%before", body)


def backward_step(module: Module, plan: Plan, words: Words, *, bias: bool, projected: bool) -> None:
    """``backward_step``: from adjoints of the new states to those of the old and, in ``G``, of the pre-activations."""
    rows = _StepWriter(module, "backward_step", BACKWARD_STEP, plan, words)
    f, cell, width = rows.f, plan.cell, rows.width
    of_output, units = _adjoint_of_output(rows, projected=projected), words.integer(f, "units")
    running = [words.pointer(f, f"dS_{name}") for name in cell.states]
    given = [(words.pointer(f, f"dY_{name}"), words.integer(f, f"lddy_{name}")) for name in cell.states]
    direct, dbias, dpeep = (words.pointer(f, name) for name in ("direct", "dbias", "dP"))
    d_exits = {node.name: words.pointer(f, f"dE_{node.name}") for node in plan.exits}

    def body(b: str, u: str) -> None:
        at_b = f.add(f.mul(b, width), u)
        run_places = [f.at(s, at_b) for s in running]

        def load(node: Node) -> str | None:
            if node.op != "leaf" or node.name[0] not in ("adj", "adj.exit"):
                return rows.later(node)
            kind, name = node.name
            if kind == "adj.exit":
                return f.load(f.at(d_exits[name], at_b))
            if name == "h":
                return of_output(b, u)
            k = cell.states.index(name)
            own = f.load(f.at(given[k][0], f.add(f.mul(f.add("%at", b), given[k][1]), u)))
            return f.arithmetic("fadd", f.load(run_places[k]), own)

        value = Values(f, load)
        # Padding holds what the equations make of nothing, be it NaN; it must not reach the products.
        real = f.first_lanes(f.sub(units, u))
        d_slots = [f.choose(real, value(node), "zeroinitializer") for node in plan.d_slots]
        results = list(zip(d_slots, rows.places, strict=True))
        results += [(value(node), place) for node, place in zip(plan.d_states[1:], run_places, strict=True)]
        if cell.reads_output:
            results.append((f.choose(real, value(plan.d_states[0]), "zeroinitializer"), f.at(direct, at_b)))
        sums: list[tuple[str, str]] = []
        if bias:
            at = f.at(dbias, f.mul(b, rows.ldg))
            sums += [(dz, f.at(at, f.add(f.mul(width, n), u))) for n, dz in enumerate(d_slots)]
        for k, node in enumerate(plan.d_peepholes):
            at = f.at(dpeep, f.mul(f.mul(b, len(cell.peepholes)), width))
            sums.append((value(node), f.at(at, f.add(f.mul(width, k), u))))
        for result, place in results:
            f.store(result, place)
        for result, place in sums:
            f.store(f.arithmetic("fadd", f.load(place), result), place)

    rows.each("%at", "%before", "%before", body)


def unsupported(nodes: Iterable[Node]) -> str | None:
    """Returns the first operation that the emitter lacks, if there is one."""
    return next((node.op for node in nodes if node.op not in {*OPERATIONS, *_GIVEN}), None)
