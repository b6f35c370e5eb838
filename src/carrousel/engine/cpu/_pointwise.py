"""The cell's equations, and their reverse, on the rows of one step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from carrousel.engine._cuts import cut_name, is_cut
from carrousel.engine._graph import Node, order
from carrousel.engine._plan import Variant
from carrousel.engine._print import Printer
from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._operations import OPERATIONS
from carrousel.engine.cpu.llvm._words import Words

__all__ = [
    "BACKWARD_STEP",
    "FORWARD_STEP",
    "SENT",
    "Values",
    "backward_cuts",
    "backward_step",
    "forward_stage",
    "unsupported",
]

SENT = "sent gates"
"""The name of the buffers of all activations that are sent. No state can have it."""

_GIVEN = ("leaf", "constant", "exit", "block_sum", "gated")
"""What is no operation: it is there, or the layer computes it."""

FORWARD_STEP = (
    ("ptr", "a"), ("i64", "lo"), ("i64", "count"), ("i64", "stride"), ("i64", "at"), ("i64", "kept"),
    ("i64", "before"), ("i64", "before_kept"), ("i1", "fresh"), ("i64", "first_unit"), ("i64", "end_unit"),
)  # fmt: skip
"""Parameters of a forward stage: sequences ``lo, lo + stride, ...``; the step's first row among the outputs (``at``)
and among what is kept (``kept``), the same of the step before, whether the initial states are the old ones; and the
units, whole vectors."""

BACKWARD_STEP = (
    ("ptr", "a"), ("i64", "lo"), ("i64", "count"), ("i64", "stride"), ("i64", "at"), ("i64", "before"), ("i1", "fresh"),
    ("i64", "first_unit"), ("i64", "end_unit"),
)  # fmt: skip
"""Parameters of a backward stage, where everything is kept."""


class Values(Printer[str]):
    """The values of a graph's nodes at one vector of units, computed when they are first needed."""

    def __init__(self, f: Function, load: Callable[[Node], str | None]) -> None:
        super().__init__(OPERATIONS, f, lambda node: f.module.splat(node.name) if node.op == "constant" else load(node))


class _StepWriter:
    """Writes a stage of a step: the addresses of a row's old and new values, and loads of them, for both directions.

    Args:
        module: where the function goes.
        name: its name.
        parameters: ``FORWARD_STEP`` or ``BACKWARD_STEP``.
        variant: what is computed.
        words: the kernel's arguments.
        stage: the stage, whose values are not in memory yet; None if all are.
    """

    def __init__(
        self,
        module: Module,
        name: str,
        parameters: Sequence[tuple[str, str]],
        variant: Variant,
        words: Words,
        stage: int | None = None,
    ) -> None:
        self.f = f = module.function(name, parameters)
        self.variant, self.plan, self.words, self.cell = variant, variant.plan, words, variant.cell
        self._stage = self.plan.stages if stage is None else stage
        self.width, self.ldg, self._ldh = (words.integer(f, label) for label in ("width", "ldg", "ldh"))
        self._g, self._vectors = words.pointer(f, "G"), words.pointer(f, "P")
        self._states = [_State(self, name) for name in self.plan.program.states]
        self._old_h = f.select("%fresh", "ptr", words.pointer(f, "H0"), words.pointer(f, "H"))
        self._noise = {node.name: _Noise(self, node.name) for node in _noise(variant)}
        # Going back, what a product was made of is not asked for, and its own adjoint is kept of every row.
        made_of = "V" if parameters is FORWARD_STEP else "D"
        self._cuts = {
            cut: _Cut(
                f, words, cut, made_of if cut.op == "gated" else "E", normed=variant.normed and cut.op != "block_sum"
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

    def __init__(self, step: _StepWriter, name: str) -> None:
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

    def __init__(self, step: _StepWriter, name: tuple[str, str]) -> None:
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
        self._rows, self._arguments = (
            words.pointer(f, f"E_{cut_name(cut)}"),
            words.pointer(f, f"{argument}_{cut_name(cut)}"),
        )
        if self._normed:
            self._gain, self._bias = (words.pointer(f, f"{kind}_{cut_name(cut)}") for kind in ("gain", "shift"))

    def argument_place(self, at: str) -> str:
        return self._f.at(self._arguments, at)

    def value(self, at: str, u: str) -> str:
        f = self._f
        value = f.load(f.at(self._rows, at))
        return f.fma(value, f.load(f.at(self._gain, u)), f.load(f.at(self._bias, u))) if self._normed else value


def forward_stage(module: Module, variant: Variant, words: Words, stage: int, *, keep: bool) -> None:
    """Writes ``forward_0``, ``forward_1``, ...: from pre-activations in ``G`` and old states to new states, output,
    and what is kept. A stage ends where the equations are cut.
    """
    rows = _StepWriter(module, f"forward_{stage}", FORWARD_STEP, variant, words, stage)
    plan = variant.plan
    program, sent = plan.program, variant.sent
    last = plan.stage[program.h]
    output = _output(rows) if stage == last else None
    units = words.integer(rows.f, "units") if sent else ""

    def body(b: str, u: str) -> None:
        f, value = rows.f, Values(rows.f, rows.load)
        results = [] if output is None else [(value(program.h), output(b, u))]
        # What gates send is multiplied with weights, padding too, and that may be NaN.
        real = f.first_lanes(f.sub(units, u)) if sent else ""
        for (name, node), place in zip(program.states.items(), rows.new_places, strict=True):
            if plan.stage[node] == stage:
                result = value(node)
                results.append((f.choose(real, result, "zeroinitializer") if name in sent else result, place))
        results += [(value(cut.args[0]), rows.argument_place(cut)) for cut in plan.cuts_after(stage)]
        if keep or plan.cuts:
            results += [
                (value(node), rows.places[place]) for node, place in plan.saved.items()
                if plan.stage.get(node, 0) == stage and node is not plan.slots[place]
            ]  # fmt: skip
        for result, place in results:
            f.store(result, place)

    rows.each("%kept", "%before", "%before_kept", body)


def _output(rows: _StepWriter) -> Callable[[str, str], str]:
    """Returns the place of the cell's output: among what is kept if it is to be projected, else among the outputs."""
    f, words = rows.f, rows.words
    out, ldout = words.pointer(f, "out"), words.integer(f, "ldout")
    kept = f.op(f"icmp ne i64 {words.integer(f, 'out_kept')}, 0")
    row = f.select(kept, "i64", "%kept", "%at")
    return lambda b, u: f.at(out, f.add(f.mul(f.add(row, b), ldout), u))


class _AdjointOfState:
    """Where a state's adjoint stands: what goes from step to step, and what every step is given.

    Of an activation that is told nothing goes from step to step.
    """

    def __init__(self, rows: _StepWriter, name: str) -> None:
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

    def __init__(self, rows: _StepWriter) -> None:
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
    rows = _StepWriter(module, f"backward_cuts_{stage}", BACKWARD_STEP, variant, words)
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
    rows = _StepWriter(module, "backward_step", BACKWARD_STEP, variant, words)
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


def unsupported(nodes: Iterable[Node]) -> str | None:
    """Returns the first operation that the emitter lacks, if there is one."""
    return next((node.op for node in nodes if node.op not in {*OPERATIONS, *_GIVEN}), None)
