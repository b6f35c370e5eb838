"""The cell's equations, and their reverse, on the rows of one step."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from carrousel.engine._graph import Node, order
from carrousel.engine.cpu._emit import Function, Module
from carrousel.engine.cpu._math import UNARY
from carrousel.engine.cpu._plan import Plan
from carrousel.engine.cpu._slots import Slots

__all__ = ["BACKWARD_STEP", "FORWARD_STEP", "SUPPORTED", "backward_step", "forward_step", "unsupported"]

_BINARY = {"add": "fadd contract", "sub": "fsub contract", "mul": "fmul contract", "div": "fdiv"}
_COMPARE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "equal": "oeq"}
SUPPORTED = frozenset(
    {"leaf", "constant", "neg", "where", "maximum", "minimum", "stop_gradient", *_BINARY, *_COMPARE, *UNARY}
)
"""The operations that the emitter has."""

FORWARD_STEP = (("ptr", "a"), ("i64", "lo"), ("i64", "count"), ("i64", "stride"), ("i64", "at"), ("i64", "kept"), ("i64", "before"), ("i64", "before_kept"), ("i1", "fresh"))  # fmt: skip
"""Parameters of the forward step: sequences ``lo, lo + stride, ...``; the step's first row among the outputs (``at``)
and among what is kept (``kept``), the same of the step before, and whether the initial states are the old ones."""

BACKWARD_STEP = (("ptr", "a"), ("i64", "lo"), ("i64", "count"), ("i64", "stride"), ("i64", "at"), ("i64", "before"), ("i1", "fresh"))  # fmt: skip


class _Values:
    """The values of a graph's nodes at one vector of units, computed when they are first needed."""

    def __init__(self, f: Function, load: Callable[[Node], str | None]) -> None:
        self._f, self._load, self._known = f, load, dict[Node, str]()

    def __call__(self, root: Node) -> str:
        for node in order([root], self._is_given):
            if node not in self._known:
                self._known[node] = self._emit(node)
        return self._known[root]

    def _is_given(self, node: Node) -> bool:
        if node not in self._known:
            value = self._load(node)
            if value is None:
                return False
            self._known[node] = value
        return True

    def _emit(self, node: Node) -> str:
        f, m, op = self._f, self._f.module, node.op
        args = [self._known[arg] for arg in node.args]
        if op == "constant":
            return m.splat(node.name)
        if op in _BINARY:
            return f.arithmetic(_BINARY[op], *args)
        if op in _COMPARE:
            return f.compare(_COMPARE[op], *args)
        if op == "neg":
            return f.op(f"fneg {m.vector} {args[0]}")
        if op == "stop_gradient":
            return args[0]
        if op == "where":
            return f.choose(*args)
        if op in ("maximum", "minimum"):
            # A NaN on either side wins, as in torch.
            a, b = args
            first = f.choose(f.compare("ogt" if op == "maximum" else "olt", a, b), a, b)
            return f.choose(f.compare("uno", a, a), a, first)
        return UNARY[op](f, args[0])


def _each_row(f: Function, body: Callable[[str], None]) -> None:
    with f.loop(0, "%count") as m:
        body(f.add("%lo", f.mul(m, "%stride")))


def forward_step(module: Module, plan: Plan, slots: Slots, *, keep: bool) -> None:
    """``forward_step``: from pre-activations in ``G`` and old states to new states, output, and what is kept."""
    f = module.function("forward_step", FORWARD_STEP)
    L, program = module.lanes, plan.program
    width, ldg, ldh = (slots.integer(f, name) for name in ("width", "ldg", "ldh"))
    g, out, h = (slots.pointer(f, name) for name in ("G", "out", "H"))
    ldout = slots.integer(f, "ldout")
    out_kept = slots.integer(f, "out_kept")
    states = [slots.pointer(f, f"S_{name}") for name in plan.cell.states]
    peepholes = slots.pointer(f, "P")
    old_states = [
        f.select("%fresh", "ptr", slots.pointer(f, f"S0_{name}"), new)
        for name, new in zip(plan.cell.states, states, strict=True)
    ]
    old_h = f.select("%fresh", "ptr", slots.pointer(f, "H0"), h)
    before = f.select("%fresh", "i64", "0", "%before")
    before_kept = f.select("%fresh", "i64", "0", "%before_kept")
    # Where the cell's output is projected it is kept like the rest, else it is the output.
    out_row = f.select(f.op(f"icmp ne i64 {out_kept}, 0"), "i64", "%kept", "%at")

    def row(b: str) -> None:
        g_row = f.at(g, f.mul(f.add("%kept", b), ldg))
        out_at = f.at(out, f.mul(f.add(out_row, b), ldout))
        new = [f.at(s, f.mul(f.add("%kept", b), width)) for s in states]
        old = [f.at(s, f.mul(f.add(before_kept, b), width)) for s in old_states]
        h_at = f.at(old_h, f.mul(f.add(before, b), ldh))
        with f.loop(0, width, L) as u:
            places = {node: f.at(g_row, f.add(f.mul(width, n), u)) for n, node in enumerate(plan.slots)}

            def load(node: Node) -> str | None:
                if node.op != "leaf":
                    return None
                kind, name = node.name
                if kind == "s":
                    return f.load(f.at(h_at if name == "h" else old[plan.cell.states.index(name)], u))
                if kind == "p":
                    return f.load(f.at(peepholes, f.add(f.mul(width, plan.cell.peepholes.index(name)), u)))
                return f.load(places[node])

            value = _Values(f, load)
            results = [(value(program.h), f.at(out_at, u))]
            results += [(value(program.states[n]), f.at(s, u)) for n, s in zip(plan.cell.states, new, strict=True)]
            if keep:
                kept = [(value(node), place) for node, place in zip(plan.saved, places.values(), strict=False)]
                results += kept
            for result, place in results:
                f.store(result, place)

    _each_row(f, row)


def backward_step(module: Module, plan: Plan, slots: Slots, *, bias: bool, projected: bool) -> None:
    """``backward_step``: from adjoints of the new states to those of the old and, in ``G``, of the pre-activations."""
    f = module.function("backward_step", BACKWARD_STEP)
    L, cell = module.lanes, plan.cell
    width, ldg, ldh, units = (slots.integer(f, name) for name in ("width", "ldg", "ldh", "units"))
    g, dh, dbias, dpeep, peepholes = (slots.pointer(f, name) for name in ("G", "dh", "dbias", "dP", "P"))
    dy, lddy = slots.pointer(f, "dY"), slots.integer(f, "lddy")
    direct = slots.pointer(f, "direct") if cell.reads_output else ""
    states = [slots.pointer(f, f"S_{name}") for name in cell.states]
    running = [slots.pointer(f, f"dS_{name}") for name in cell.states]
    given = [(slots.pointer(f, f"dY_{name}"), slots.integer(f, f"lddy_{name}")) for name in cell.states]
    old_states = [
        f.select("%fresh", "ptr", slots.pointer(f, f"S0_{name}"), new)
        for name, new in zip(cell.states, states, strict=True)
    ]
    old_h = f.select("%fresh", "ptr", slots.pointer(f, "H0"), slots.pointer(f, "H"))
    before = f.select("%fresh", "i64", "0", "%before")
    new_nodes = {node: index for index, node in enumerate(plan.program.states.values())}

    def row(b: str) -> None:
        r, old_r = f.add("%at", b), f.add(before, b)
        g_row = f.at(g, f.mul(r, ldg))
        new = [f.at(s, f.mul(r, width)) for s in states]
        old = [f.at(s, f.mul(old_r, width)) for s in old_states]
        h_at = f.at(old_h, f.mul(old_r, ldh))
        dh_at = f.at(dh, f.mul(b, width))
        dy_at = f.at(dy, f.mul(r, lddy))
        run_at = [f.at(s, f.mul(b, width)) for s in running]
        given_at = [f.at(s, f.mul(r, ld)) for s, ld in given]
        with f.loop(0, width, L) as u:
            places = [f.at(g_row, f.add(f.mul(width, n), u)) for n in range(len(plan.slots))]

            def load(node: Node) -> str | None:
                if node in plan.saved:
                    return f.load(places[plan.saved.index(node)])
                if node in new_nodes:
                    return f.load(f.at(new[new_nodes[node]], u))
                if node.op != "leaf":
                    return None
                kind, name = node.name
                if kind == "adj" and name == "h":
                    if projected:  # it has come through the projection, with the output's own adjoint in it
                        return f.load(f.at(dh_at, u))
                    return f.arithmetic("fadd", f.load(f.at(dh_at, u)), f.load(f.at(dy_at, u)))
                if kind == "adj":
                    k = cell.states.index(name)
                    return f.arithmetic("fadd", f.load(f.at(run_at[k], u)), f.load(f.at(given_at[k], u)))
                if kind == "s":
                    return f.load(f.at(h_at if name == "h" else old[cell.states.index(name)], u))
                if kind == "p":
                    return f.load(f.at(peepholes, f.add(f.mul(width, cell.peepholes.index(name)), u)))
                raise AssertionError(f"the backward pass has no {node!r}")

            value = _Values(f, load)
            # Padding holds what the equations make of nothing, be it NaN; it must not reach the products.
            real = f.first_lanes(f.sub(units, u))
            results = [
                (f.choose(real, value(node), "zeroinitializer"), place)
                for node, place in zip(plan.d_slots, places, strict=True)
            ]
            olds = [(value(node), f.at(at, u)) for node, at in zip(plan.d_states[1:], run_at, strict=True)]
            if cell.reads_output:
                olds.append(
                    (f.choose(real, value(plan.d_states[0]), "zeroinitializer"), f.at(f.at(direct, f.mul(b, width)), u))
                )
            sums: list[tuple[str, str]] = []
            if bias:
                at = f.at(dbias, f.mul(b, ldg))
                sums += [(dz, f.at(at, f.add(f.mul(width, n), u))) for n, (dz, _) in enumerate(results)]
            for k, node in enumerate(plan.d_peepholes):
                at = f.at(dpeep, f.mul(f.mul(b, len(cell.peepholes)), width))
                sums.append((value(node), f.at(at, f.add(f.mul(width, k), u))))
            for result, place in [*results, *olds]:
                f.store(result, place)
            for result, place in sums:
                f.store(f.arithmetic("fadd", f.load(place), result), place)

    _each_row(f, row)


def unsupported(nodes: Iterable[Node]) -> str | None:
    """The first operation that the emitter lacks, if there is one."""
    return next((node.op for node in nodes if node.op not in SUPPORTED), None)
