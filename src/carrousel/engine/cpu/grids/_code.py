"""The recursion over the diagonals of grids, as machine code.

A task is one direction of one group of grids: see ``Walk``. Tasks are shared among threads, and a thread runs all
diagonals of a task without waiting for others. Of every place of a diagonal the input, the neighbours' outputs and a
one are laid side by side, a row of ``A``. One product of these rows with the weights gives all pre-activations, and
the equations run on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from carrousel.cells import Cell
from carrousel.engine._graph import Node
from carrousel.engine.cpu._gemm import PRODUCT
from carrousel.engine.cpu._pointwise import Values
from carrousel.engine.cpu.grids._plan import GridPlan, plan_of
from carrousel.engine.cpu.llvm._compile import LOADED, Code, compile_module
from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._parallel import TEAM, emit_parallel
from carrousel.engine.cpu.llvm._target import Target
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["GATHER", "backward_words", "forward_words", "grid_code"]

_FIXED = [*TEAM, "product", "zeros", "width", "ldg", "lda", "ldd", "input", "units", "K", "one", "ldy"]
_WALK = ["threads", "directions", "tasks", "rows", "widest", "groups", "offsets", "before", "places", "W", "P", "G"]

GATHER = Words(["threads", "directions", "rows", "count", "found", "source", "lds", "columns", "target"], TEAM)
"""The arguments of ``gather``: row i of the target is the sum over all directions of the source's rows that stand in
``found``, ``[directions, count]``, at i, of none where that is -1. Each direction has ``rows`` rows."""


def forward_words(cell: Cell) -> Words:
    """Returns the arguments of ``forward``. ``one`` is 1 if a row of ``A`` ends with a one, for the bias."""
    return Words([*_WALK, "X", "A", "H", "Y", *(f"S_{name}" for name in cell.states)], _FIXED)


def backward_words(cell: Cell) -> Words:
    """Returns the arguments of ``backward``: ``dY`` are the adjoints of the outputs; ``dA`` and ``dS`` each thread's,
    for two diagonals, of the neighbours' outputs and states; ``dP`` each task's sums for the vectors.
    """
    states = [f"{kind}_{name}" for name in cell.states for kind in ("S", "dS")]
    return Words([*_WALK, "after", "dY", "dA", "dP", *states], _FIXED)


@lru_cache(maxsize=LOADED)
def grid_code(cell: Cell, kind: str, target: Target) -> Code:
    """Returns the compiled code of a cell over its dimensions: ``forward``, ``backward``, ``gather``."""
    module, plan = Module(kind, target), plan_of(cell)
    for keep in (True, False):
        _Forward(module, plan, keep=keep).emit()
    _Backward(module, plan).emit()
    _gather(module)
    return compile_module(module.text(), target)


class _Tasks:
    """Writes the loops over tasks and diagonals, and what both directions of time have in common."""

    def __init__(self, module: Module, plan: GridPlan, words: Words, name: str) -> None:
        self.f = f = module.function(name, [("ptr", "a"), ("i64", "thread")])
        self.module, self.plan, self.words, self.lanes = module, plan, words, module.lanes
        self.n, self.states = plan.cell.dimensions, plan.cell.states
        names = ("threads", "directions", "tasks", "rows", "widest", "width", "ldg", "input", "units", "ldy")
        self.threads, self.directions, self.tasks, self.count, self.widest, self.width, self.ldg, self.input, \
            self.units, self.ldy = (words.integer(f, name) for name in names)  # fmt: skip
        self.zeros, self.slots = words.pointer(f, "zeros"), len(plan.slots)

    def table(self, name: str, index: str) -> str:
        """Loads a number of a table."""
        f = self.f
        return f.op(f"load i64, ptr {f.op(f'getelementptr i64, ptr {self.words.pointer(f, name)}, i64 {index}')}")

    @contextmanager
    def each_task(self) -> Iterator[tuple[str, str, str, str]]:
        """Emits the loop over this thread's tasks: the task, its direction, its first diagonal and the end."""
        f = self.f
        low, high = (f.quotient(f.mul(self.tasks, number), self.threads) for number in ("%thread", f.add("%thread", 1)))
        with f.loop(low, high) as task:
            group = f.quotient(task, self.directions)
            direction = f.sub(task, f.mul(group, self.directions))
            yield task, direction, self.table("groups", group), self.table("groups", f.add(group, 1))

    def of_direction(self, name: str, direction: str, size: str) -> str:
        """Returns where a direction's part of an array begins."""
        return self.f.at(self.words.pointer(self.f, name), self.f.mul(direction, size))

    def neighbour(self, table: str, row: str, d: int) -> tuple[str, str]:
        """Returns the row of a neighbour, and whether it is outside."""
        index = self.table(table, self.f.add(self.f.mul(row, self.n), d))
        return index, self.f.op(f"icmp slt i64 {index}, 0")

    def or_zeros(self, outside: str, place: str) -> str:
        """Returns the place of a neighbour's values, which are zero outside."""
        return self.f.select(outside, "ptr", self.zeros, place)

    def product(self, **values: str) -> None:
        """Calls ``product``; what is not given is nothing."""
        nothing = dict.fromkeys(("a1", "b1", "a2", "b2"), "null") | dict.fromkeys(("m1", "K1", "m2", "K2"), "0")
        values = nothing | {"k1": "1", "start": self.zeros, "ldstart": "0"} | values
        arguments = ", ".join(f"{kind} {values[name]}" for kind, name in PRODUCT)
        self.f.line(f"call void {self.words.pointer(self.f, 'product')}({arguments})")


class _Forward(_Tasks):
    """Writes ``forward``; or ``forward_only`` for a pass of which nothing is kept, in which each thread has memory for
    one diagonal, and for two of outputs and states.
    """

    def __init__(self, module: Module, plan: GridPlan, *, keep: bool) -> None:
        self.name = "forward" if keep else "forward_only"
        super().__init__(module, plan, forward_words(plan.cell), f"{self.name}_share")
        self.keep = keep
        self.lda, self.K = (self.words.integer(self.f, name) for name in ("lda", "K"))

    def _base(self, name: str, direction: str, size: str, diagonals: int) -> str:
        """Returns where an array begins: a direction's, or a thread's for so many diagonals."""
        f = self.f
        if self.keep:
            return self.of_direction(name, direction, f.mul(self.count, size))
        return f.at(self.words.pointer(f, name), f.mul(f.mul("%thread", diagonals), f.mul(self.widest, size)))

    def emit(self) -> None:
        f = self.f
        with self.each_task() as (_, direction, first, last):
            self.weights = self.of_direction("W", direction, f.mul(f.mul(self.width, self.slots), self.K))
            self.vectors = self.of_direction("P", direction, f.mul(self.width, len(self.plan.vectors)))
            self.x, self.direction = self.words.pointer(f, "X"), direction
            self.g, self.a = self._base("G", direction, self.ldg, 1), self._base("A", direction, self.lda, 1)
            self.h = self._base("H", direction, self.width, 2)
            self.s = {name: self._base(f"S_{name}", direction, self.width, 2) for name in self.states}
            with f.loop(first, last) as step:
                self._diagonal(step, f.op(f"icmp eq i64 {step}, {first}"))
        emit_parallel(self.module, self.name, f"{self.name}_share", self.words)

    def _diagonal(self, step: str, is_first: str) -> None:
        f = self.f
        begin, end = self.table("offsets", step), self.table("offsets", f.add(step, 1))
        count = f.sub(end, begin)
        before = self.table("offsets", f.select(is_first, "i64", step, f.sub(step, 1)))
        if self.keep:
            row, here, shift = begin, begin, "0"
        else:  # rows stand in two places by turns
            odd = f.op(f"and i64 {step}, 1")
            row, here = "0", f.mul(odd, self.widest)
            shift = f.sub(f.mul(f.sub("1", odd), self.widest), before)
        with f.loop(0, count) as m:
            self._gather(f.add(begin, m), f.add(row, m), shift)
        self.product(
            a1=f.at(self.a, f.mul(row, self.lda)), m1=self.lda, b1=self.weights, K1=self.K,
            c=f.at(self.g, f.mul(row, self.ldg)), ldc=self.ldg, M=count, N=f.mul(self.width, self.slots),
        )  # fmt: skip
        with f.loop(0, count) as m:
            self._equations(f.add(begin, m), f.add(row, m), f.add(here, m), shift)

    def _gather(self, row: str, at: str, shift: str) -> None:
        """Lays side by side what a place is computed of: its input, its neighbours' outputs, a one."""
        f = self.f
        own, place = (
            f.at(self.a, f.mul(at, self.lda)),
            self.table("places", f.add(f.mul(self.direction, self.count), row)),
        )
        source = f.at(self.x, f.mul(place, self.input))
        with f.loop(0, self.input, self.lanes) as u:
            f.store(f.load_lanes(f.at(source, u), f.first_lanes(f.sub(self.input, u))), f.at(own, u))
        for d in range(self.n):  # what is written past a part's end is written again by the next
            index, outside = self.neighbour("before", row, d)
            h = self.or_zeros(outside, f.at(self.h, f.mul(f.add(index, shift), self.width)))
            target = f.at(own, f.add(self.input, f.mul(self.units, d)))
            with f.loop(0, self.width, self.lanes) as u:
                f.store(f.load(f.at(h, u)), f.at(target, u))
        end, m = f.at(own, f.add(self.input, f.mul(self.units, self.n))), self.module
        with f.when(f.op(f"icmp ne i64 {self.words.integer(f, 'one')}, 0")):
            f.line(f"store {m.kind} {m.number(1.0)}, ptr {end}")

    def _equations(self, row: str, at: str, here: str, shift: str) -> None:
        f, plan = self.f, self.plan
        g = f.at(self.g, f.mul(at, self.ldg))
        old: dict[tuple[str, int], str] = {}
        for d in range(self.n):
            index, outside = self.neighbour("before", row, d)
            there = f.mul(f.add(index, shift), self.width)
            old |= {(name, d): self.or_zeros(outside, f.at(self.s[name], there)) for name in self.states}
        own = f.mul(here, self.width)
        place = self.table("places", f.add(f.mul(self.direction, self.count), row))
        said = f.at(self.words.pointer(f, "Y"), f.add(f.mul(place, self.ldy), f.mul(self.direction, self.units)))
        with f.loop(0, self.width, self.lanes) as u:
            slots = [f.at(g, f.add(f.mul(self.width, k), u)) for k in range(self.slots)]

            def load(node: Node, u: str = u, slots: list[str] = slots) -> str | None:
                if node in plan.slots:
                    return f.load(slots[plan.slots.index(node)])
                if node in plan.olds:
                    return f.load(f.at(old[plan.neighbour(node)], u))
                return _vector(f, plan, node, self.vectors, self.width, u)

            value = Values(f, load)
            h = value(plan.program.h)
            results = [(h, f.at(f.at(self.h, own), u))]
            results += [(value(plan.program.states[name]), f.at(f.at(self.s[name], own), u)) for name in self.states]
            if self.keep:
                results += [(value(node), slots[k]) for node, k in plan.saved.items() if node is not plan.slots[k]]
            for result, target in results:
                f.store(result, target)
            f.store_lanes(h, f.at(said, u), f.first_lanes(f.sub(self.units, u)))


def _vector(f: Function, plan: GridPlan, node: Node, vectors: str, width: str, u: str) -> str | None:
    """Loads a weight that has a number for each unit; None for another node."""
    if node not in plan.vectors:
        return None
    return f.load(f.at(vectors, f.add(f.mul(width, plan.vectors.index(node)), u)))


class _Backward(_Tasks):
    """Writes ``backward``: from the adjoints of the outputs to those of the pre-activations, in ``G``."""

    def __init__(self, module: Module, plan: GridPlan) -> None:
        super().__init__(module, plan, backward_words(plan.cell), "backward_share")
        self.ldd, self.whole = self.words.integer(self.f, "ldd"), self.f.mul(self.width, self.slots)
        self.lds = self.f.mul(self.width, self.n)

    def emit(self) -> None:
        f, words = self.f, self.words
        room = f.mul(f.mul("%thread", 2), self.widest)
        self.back = f.at(words.pointer(f, "dA"), f.mul(room, self.ldd))
        self.d_states = {n: f.at(words.pointer(f, f"dS_{n}"), f.mul(room, self.lds)) for n in self.states}
        with self.each_task() as (task, direction, first, last):
            self.direction = direction
            columns = f.sub(self.ldd, self.lanes)
            self.weights = self.of_direction("W", direction, f.mul(self.whole, columns))
            self.vectors = self.of_direction("P", direction, f.mul(self.width, len(self.plan.vectors)))
            self.sums = f.at(words.pointer(f, "dP"), f.mul(task, f.mul(self.width, len(self.plan.vectors))))
            self.g = self.of_direction("G", direction, f.mul(self.count, self.ldg))
            self.s = {n: self.of_direction(f"S_{n}", direction, f.mul(self.count, self.width)) for n in self.states}
            with f.loop(0, f.sub(last, first)) as k:
                self._diagonal(f.sub(f.sub(last, 1), k), first, columns)
        emit_parallel(self.module, "backward", "backward_share", words)

    def _diagonal(self, step: str, first: str, columns: str) -> None:
        f = self.f
        begin, end = self.table("offsets", step), self.table("offsets", f.add(step, 1))
        count, odd = f.sub(end, begin), f.op(f"and i64 {step}, 1")
        here = f.mul(odd, self.widest)
        shift = f.sub(f.mul(f.sub("1", odd), self.widest), end)  # the next diagonal's rows stand in the other place
        with f.loop(0, count) as m:
            self._equations(f.add(begin, m), f.add(here, m), shift)
        with f.when(f.op(f"icmp sgt i64 {step}, {first}")):
            self.product(
                a2=f.at(self.g, f.mul(begin, self.ldg)), m2=self.ldg, b2=self.weights, K2=self.whole,
                c=f.at(self.back, f.mul(here, self.ldd)), ldc=self.ldd, M=count, N=columns,
            )  # fmt: skip

    def _equations(self, row: str, here: str, shift: str) -> None:
        f, plan = self.f, self.plan
        g = f.at(self.g, f.mul(row, self.ldg))
        old: dict[tuple[str, int], str] = {}
        from_h, from_s = list[str](), {name: list[str]() for name in self.states}
        for d in range(self.n):
            index, outside = self.neighbour("before", row, d)
            there = f.mul(index, self.width)
            old |= {(name, d): self.or_zeros(outside, f.at(self.s[name], there)) for name in self.states}
            index, outside = self.neighbour("after", row, d)
            there = f.add(index, shift)
            at = f.add(f.mul(there, self.ldd), f.mul(self.units, d))
            from_h.append(self.or_zeros(outside, f.at(self.back, at)))
            at = f.add(f.mul(there, self.lds), f.mul(self.width, d))
            for name in self.states:
                from_s[name].append(self.or_zeros(outside, f.at(self.d_states[name], at)))
        own = f.mul(row, self.width)
        place = self.table("places", f.add(f.mul(self.direction, self.count), row))
        given = f.at(self.words.pointer(f, "dY"), f.add(f.mul(place, self.ldy), f.mul(self.direction, self.units)))
        with f.loop(0, self.width, self.lanes) as u:
            slots = [f.at(g, f.add(f.mul(self.width, k), u)) for k in range(self.slots)]
            real = f.first_lanes(f.sub(self.units, u))

            def total(parts: list[str], start: str | None = None, u: str = u) -> str:
                for part in parts:
                    one = f.load(f.at(part, u))
                    start = one if start is None else f.arithmetic("fadd", start, one)
                assert start is not None
                return start

            def load(node: Node, u: str = u, slots: list[str] = slots, real: str = real) -> str | None:
                if node in plan.saved:
                    return f.load(slots[plan.saved[node]])
                for name, new in plan.program.states.items():
                    if node is new:
                        return f.load(f.at(f.at(self.s[name], own), u))
                if node in plan.olds:
                    return f.load(f.at(old[plan.neighbour(node)], u))
                if node.op == "leaf" and node.name[0] == "adj":
                    if node.name[1] == "h":
                        return total(from_h, f.load_lanes(f.at(given, u), real))
                    return total(from_s[node.name[1]])
                return _vector(f, plan, node, self.vectors, self.width, u)

            value = Values(f, load)
            # Padding holds what the equations make of nothing, be it NaN; it must not reach the products.
            results = [
                (f.choose(real, value(node), "zeroinitializer"), slot)
                for node, slot in zip(plan.d_slots, slots, strict=True)
            ]
            for node, leaf in zip(plan.d_olds, plan.olds, strict=True):
                name, d = plan.neighbour(leaf)
                at = f.add(f.add(f.mul(here, self.lds), f.mul(self.width, d)), u)
                results.append((value(node), f.at(self.d_states[name], at)))
            sums = [
                (value(node), f.at(self.sums, f.add(f.mul(self.width, k), u))) for k, node in enumerate(plan.d_vectors)
            ]
            for result, target in results:
                f.store(result, target)
            for result, target in sums:
                f.store(f.arithmetic("fadd", f.load(target), result), target)


def _gather(module: Module) -> None:
    """Writes ``gather``: rows of all directions, summed where they are places of the padded batch."""
    f = module.function("gather_share", [("ptr", "a"), ("i64", "thread")])
    threads, directions, rows, count, lds, columns = (
        GATHER.integer(f, name) for name in ("threads", "directions", "rows", "count", "lds", "columns")
    )
    found, source, target = (GATHER.pointer(f, name) for name in ("found", "source", "target"))
    vector, L = module.vector, module.lanes
    with f.loop("%thread", count, threads) as place, f.loop(0, columns, L) as u:
        real, total = f.first_lanes(f.sub(columns, u)), f.variable(vector, "zeroinitializer")
        f.put(vector, total, "zeroinitializer")
        with f.loop(0, directions) as direction:
            at = f.add(f.mul(direction, count), place)
            row = f.op(f"load i64, ptr {f.op(f'getelementptr i64, ptr {found}, i64 {at}')}")
            with f.when(f.op(f"icmp sge i64 {row}, 0")):
                there = f.mul(f.add(f.mul(direction, rows), row), lds)
                part = f.load_lanes(f.at(source, f.add(there, u)), real)
                f.put(vector, total, f.arithmetic("fadd", f.get(vector, total), part))
        f.store_lanes(f.get(vector, total), f.at(target, f.add(f.mul(place, columns), u)), real)
    emit_parallel(module, "gather", "gather_share", GATHER)
