"""The recursion: all steps of all sequences of a batch, forward and backward.

The rows of a batch are *packed*: step after step, each step as many rows as there are sequences left, the longest
sequences first. Sequence b's row of step t is ``offsets[t] + b``. No padding is computed. A dense batch is the case
in which all steps have B rows. Each thread has every n-th sequence and runs all its steps without waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from carrousel.cells import Cell
from carrousel.engine._plan import Plan, plan
from carrousel.engine.cpu._gemm import PRODUCT
from carrousel.engine.cpu._norm import BACKWARD as NORM_BACKWARD
from carrousel.engine.cpu._norm import emit_norm
from carrousel.engine.cpu._pointwise import BACKWARD_STEP, FORWARD_STEP, backward_exits, backward_step, forward_step
from carrousel.engine.cpu.llvm._compile import LOADED, Code, compile_module
from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._parallel import TEAM, emit_parallel
from carrousel.engine.cpu.llvm._target import Target
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["Variant", "backward_code", "backward_words", "forward_code", "forward_words"]

_VARYING = ["threads", "offsets", "T", "reverse", "G", "H", "H0", "P"]
_FIXED = [*TEAM, "product", "zeros", "width", "ldg", "ldh", "ldout", "units"]


@dataclass(frozen=True)
class Variant:
    """Which kernel of a cell: its output projected, layer norm in it, a bias whose derivative is wanted."""

    cell: Cell
    projected: bool = False
    normed: bool = False
    bias: bool = True

    @cached_property
    def plan(self) -> Plan:
        return plan(self.cell, normed=self.normed)

    @cached_property
    def norms(self) -> tuple[str, ...]:
        """The names of what is normalised: the parts ``"X"`` of the input and ``"Z"`` of the recurrence in the
        pre-activations, and the states on their way out."""
        return (*self.parts, *(str(node.name) for node in self.plan.exits)) if self.normed else ()

    @cached_property
    def parts(self) -> dict[str, tuple[int, int]]:
        """The parts of the pre-activations: the slots that each feeds, from the first to before the last."""
        plan = self.plan
        recurrent = {"Z": (plan.shared, len(plan.slots))} if self.cell.recurrent else {}
        return {"X": (0, plan.inputs), **recurrent}


def forward_words(variant: Variant) -> Words:
    """Returns the arguments of ``forward``.

    ``width`` is H padded to whole vectors. ``keep`` is 1 if every step's values are kept and 0 if each sequence has
    but one row for them. ``KX`` is I, or 0 if the input's part stands in G already. Of what is normalised ``E`` holds
    the rows and ``scale`` 1 / their deviation.
    """
    states = [f"{kind}_{name}" for name in variant.cell.states for kind in ("S", "S0")]
    norms = [f"{kind}_{name}" for name in variant.norms for kind in ("E", "scale", "gain", "shift")]
    own = ["X", "KX", "WX", "WH", "WR", "WP", "bias", "keep", "out"]
    return Words([*_VARYING, *own, *states, *norms], [*_FIXED, "ldx", "KH", "out_kept"])


def backward_words(variant: Variant) -> Words:
    """The arguments of ``backward``: adjoints ``dY`` of the outputs, running ones ``dh`` and ``dS`` of the states."""
    states = [f"{kind}_{name}" for name in variant.cell.states for kind in ("S", "S0", "dS", "dY", "lddy")]
    kinds = ("E", "scale", "gain", "shift", "dE", "dgain", "dshift")
    norms = [f"{kind}_{name}" for name in variant.norms for kind in kinds]
    own = ["WH", "WP", "dY", "lddy", "dh", "dout", "direct", "dbias", "dP"]
    return Words([*_VARYING, *own, *states, *norms], _FIXED)


def _product(f: Function, words: Words, **values: str) -> None:
    """Calls ``product``; what is not given is nothing."""
    nothing = (
        dict.fromkeys(("a1", "b1", "a2", "b2"), "null") | dict.fromkeys(("m1", "K1", "m2", "K2"), "0") | {"k1": "1"}
    )
    values = nothing | values
    f.line(f"call void {words.pointer(f, 'product')}({', '.join(f'{kind} {values[name]}' for kind, name in PRODUCT)})")


def _mine(f: Function, threads: str, lo: str, hi: str) -> tuple[str, str]:
    """This thread's first sequence in a range, and how many it has there."""
    # lo + (thread - lo) mod threads, in whole numbers that are never negative
    shift = f.op(f"srem i64 {f.sub('%thread', lo)}, {threads}")
    shift = f.select(f.op(f"icmp slt i64 {shift}, 0"), "i64", f.add(shift, threads), shift)
    first = f.add(lo, shift)
    count = f.quotient(f.add(f.sub(hi, first), f.sub(threads, 1)), threads)
    return first, f.most(count, 0)


class _Steps:
    """The step of a loop over time: which one, where its rows begin, how many, and the same of its neighbour."""

    def __init__(self, f: Function, words: Words, s: str, *, backward: bool) -> None:
        T, reverse, offsets = words.integer(f, "T"), words.integer(f, "reverse"), words.pointer(f, "offsets")
        is_reverse = f.op(f"icmp ne i64 {reverse}, 0")
        last = f.sub(f.sub(T, 1), s)
        self.t = f.select(is_reverse, "i64", *((s, last) if backward else (last, s)))
        one = f.select(is_reverse, "i64", "1", "-1")

        def rows(t: str) -> tuple[str, str]:
            """First row and number of rows of a step, none outside of the sequence."""
            inside = f.op(f"icmp ult i64 {t}, {T}")
            safe = f.select(inside, "i64", t, "0")
            start, end = (
                f.op(f"load i64, ptr {f.op(f'getelementptr i64, ptr {offsets}, i64 {index}')}")
                for index in (safe, f.add(safe, 1))
            )
            return start, f.select(inside, "i64", f.sub(end, start), "0")

        self.at, self.count = rows(self.t)
        self.before, count_before = rows(f.add(self.t, one))
        self.after, count_after = rows(f.sub(self.t, one))
        # A sequence runs on from, or into, a neighbour only where that has the sequence too.
        self.old, self.next = f.least(self.count, count_before), f.least(self.count, count_after)


def _forward(module: Module, variant: Variant, words: Words) -> None:
    f, plan = module.function("forward_share", [("ptr", "a"), ("i64", "thread")]), variant.plan
    threads, width, ldg, ldh, ldx, KX, KH, keep, T = (
        words.integer(f, name) for name in ("threads", "width", "ldg", "ldh", "ldx", "KX", "KH", "keep", "T")
    )
    g, h, h0, x, wx, wh, wr, bias, zeros = (
        words.pointer(f, name) for name in ("G", "H", "H0", "X", "WX", "WH", "WR", "bias", "zeros")
    )
    norms = {name: _Norm(f, words, name) for name in variant.norms}
    columns_in, columns_both = f.mul(width, plan.inputs), f.mul(width, plan.inputs - plan.shared)
    fused = f.op(f"icmp sgt i64 {KX}, 0")
    strides = {name: f.mul(threads, value) for name, value in (("g", ldg), ("h", ldh), ("x", ldx))}

    def normalise(name: str, kept: str, first: str, count: str) -> None:
        """Normalises a part of the pre-activations and adds it to the slots that it feeds."""
        low, high = variant.parts[name]
        ld = f.mul(width, high - low)
        # Words that the input feeds hold its part once the recurrent part comes; all others hold nothing yet.
        held = columns_both if name == "Z" else "0"
        with f.loop(0, count) as m:
            row = f.add(kept, f.add(first, f.mul(m, threads)))
            place = norms[name].forward(row, ld, high - low)
            target = f.at(f.at(g, f.mul(row, ldg)), f.mul(width, low))
            with f.loop(0, ld, module.lanes) as u:
                there = f.at(target, u)
                before = f.load(f.select(f.op(f"icmp slt i64 {u}, {held}"), "ptr", there, zeros))
                f.store(f.arithmetic("fadd", before, norms[name].value(f.at(place, u), u)), there)

    def pre_activations(step: _Steps, kept: str, first: str, count: str, *, fresh: bool) -> None:
        rows = f.at(g, f.mul(f.add(kept, first), ldg))
        x_rows = f.at(x, f.mul(f.add(step.at, first), ldx))
        h_rows = f.at(h0 if fresh else h, f.mul(first if fresh else f.add(step.before, first), ldh))
        from_x = {"a1": x_rows, "m1": strides["x"], "b1": wx, "K1": KX}
        from_h = {"a2": h_rows, "m2": strides["h"], "b2": wh, "K2": KH}
        size = {"ldc": strides["g"], "M": count}
        start = {"start": f.select(fused, "ptr", bias, rows), "ldstart": f.select(fused, "i64", "0", strides["g"])}
        if variant.normed:
            for name, (low, high) in variant.parts.items():
                ld = f.mul(width, high - low)
                own = f.at(norms[name].rows, f.mul(f.add(kept, first), ld))
                to = {"start": zeros, "ldstart": "0", "c": own, "ldc": f.mul(threads, ld), "M": count, "N": ld}
                if name == "Z":
                    _product(f, words, **to, **from_h)
                else:
                    with f.when(fused):
                        _product(f, words, **to, **from_x)
                normalise(name, kept, first, count)
            return
        if plan.cell.recurrent and not plan.cell.split:
            _product(f, words, **start, **from_x, **from_h, **size, c=rows, N=columns_in)
            return
        with f.when(fused):
            _product(f, words, **start, **from_x, **size, c=rows, N=columns_in)
        if plan.cell.split:
            both = f.at(rows, f.mul(width, plan.shared))
            _product(f, words, start=both, ldstart=strides["g"], **from_h, **size, c=both, N=columns_both)
            only = {"start": f.at(bias, columns_in), "ldstart": "0", "c": f.at(rows, columns_in)}
            N = f.mul(width, len(plan.slots) - plan.inputs)
            _product(f, words, **only, **{**from_h, "b2": wr}, **size, N=N)

    def run(step: _Steps, lo: str, hi: str, *, fresh: bool) -> None:
        first, count = _mine(f, threads, lo, hi)
        kept, before_kept = f.mul(step.at, keep), f.mul(step.before, keep)
        with f.when(f.op(f"icmp sgt i64 {count}, 0")):
            pre_activations(step, kept, first, count, fresh=fresh)
            arguments = [first, count, threads, step.at, kept, step.before, before_kept, str(fresh).lower()]
            names = ", ".join(f"{kind} {v}" for (kind, _), v in zip(FORWARD_STEP, ["%a", *arguments], strict=True))
            f.line(f"call void @forward_step({names})")
            if plan.exits:
                with f.loop(0, count) as m:
                    for node in plan.exits:
                        norms[str(node.name)].forward(f.add(kept, f.add(first, f.mul(m, threads))), width, 1)
                f.line(f"call void @forward_rest({names})")
            if variant.projected:
                ldout = words.integer(f, "ldout")
                _product(
                    f, words,
                    start=zeros, ldstart="0", a1=f.at(words.pointer(f, "out"), f.mul(f.add(kept, first), ldout)),
                    m1=f.mul(threads, ldout), b1=words.pointer(f, "WP"), K1=words.integer(f, "units"),
                    c=f.at(h, f.mul(f.add(step.at, first), ldh)), ldc=strides["h"], M=count, N=ldh,
                )  # fmt: skip

    with f.loop(0, T) as s:
        step = _Steps(f, words, s, backward=False)
        run(step, "0", step.old, fresh=False)
        run(step, step.old, step.count, fresh=True)
    emit_parallel(module, "forward", "forward_share", words)


class _Norm:
    """Where layer norm acts: rows that it normalises in place, and its gain and bias."""

    def __init__(self, f: Function, words: Words, name: str) -> None:
        self._f, self._words, self._name = f, words, name
        self.rows, self._scale, self._gain, self._shift = (
            words.pointer(f, f"{kind}_{name}") for kind in ("E", "scale", "gain", "shift")
        )

    def forward(self, row: str, size: str, groups: int) -> str:
        """Normalises a row of ``size`` numbers in groups; returns its place."""
        f, place = self._f, self._f.at(self.rows, self._f.mul(row, size))
        width, units = (self._words.integer(f, name) for name in ("width", "units"))
        scale = f.at(self._scale, row)
        f.line(f"call void @norm_forward(ptr {place}, i64 {groups}, i64 {width}, i64 {units}, ptr {scale})")
        return place

    def value(self, place: str, u: str) -> str:
        """Returns what a normalised vector becomes."""
        f = self._f
        return f.fma(f.load(place), f.load(f.at(self._gain, u)), f.load(f.at(self._shift, u)))

    def backward(self, dy: str, row: str, b: str, size: str, groups: int, dx: str, *, shift: bool) -> None:
        """From the adjoint dy of a row of sequence b to dx; ``shift``: whether the bias' derivative is wanted here."""
        f = self._f
        width, units = (self._words.integer(f, name) for name in ("width", "units"))
        dgain, dshift = (
            f.at(self._words.pointer(f, f"{kind}_{self._name}"), f.mul(b, size)) for kind in ("dgain", "dshift")
        )
        values = {
            "dy": dy, "gain": self._gain, "x": f.at(self.rows, f.mul(row, size)), "groups": str(groups),
            "width": width, "units": units, "scale": f.at(self._scale, row), "dx": dx, "dgain": dgain,
            "dshift": dshift if shift else "null",
        }  # fmt: skip
        f.line(f"call void @norm_backward({', '.join(f'{kind} {values[name]}' for kind, name in NORM_BACKWARD)})")


def _backward(module: Module, variant: Variant, words: Words) -> None:
    f, plan, projected = (
        module.function("backward_share", [("ptr", "a"), ("i64", "thread")]),
        variant.plan,
        variant.projected,
    )
    threads, width, ldg, T = (words.integer(f, name) for name in ("threads", "width", "ldg", "T"))
    g, wh, zeros, dh = (words.pointer(f, name) for name in ("G", "WH", "zeros", "dh"))
    norms = {name: _Norm(f, words, name) for name in variant.norms}
    cell = plan.cell
    recurrent = f.mul(width, len(plan.slots) - plan.shared)
    # Projected, what comes back is the adjoint of the projection, and the cell's own is made of it below.
    back, ld_back = (words.pointer(f, "dout"), words.integer(f, "ldh")) if projected else (dh, width)

    def from_next(step: _Steps) -> None:
        """Returns the adjoint of h that comes back through the recurrence."""
        first, count = _mine(f, threads, "0", step.next)
        with f.when(f.op(f"icmp sgt i64 {count}, 0")):
            row = f.add(step.after, first)
            if variant.normed:
                rows, ld = f.at(norms["Z"].rows, f.mul(row, recurrent)), recurrent
            else:
                rows, ld = f.at(f.at(g, f.mul(row, ldg)), f.mul(width, plan.shared)), ldg
            if cell.reads_output:
                start, ldstart = f.at(words.pointer(f, "direct"), f.mul(first, width)), f.mul(threads, width)
            else:
                start, ldstart = zeros, "0"
            _product(
                f, words,
                start=start, ldstart=ldstart, a2=rows, m2=f.mul(threads, ld), b2=wh, K2=recurrent,
                c=f.at(back, f.mul(first, ld_back)), ldc=f.mul(threads, ld_back), M=count, N=ld_back,
            )  # fmt: skip

    def without_recurrence(step: _Steps) -> None:
        """Without recurrent weights the adjoint of h comes back by the equations alone, if at all."""
        first, count = _mine(f, threads, "0", step.next)
        with f.loop(0, count) as m:
            at = f.mul(f.add(first, f.mul(m, threads)), ld_back)
            target = f.at(back, at)
            source = f.at(words.pointer(f, "direct"), at) if cell.reads_output else zeros
            with f.loop(0, ld_back, module.lanes) as u:
                f.store(f.load(f.at(source, u)), f.at(target, u))

    def through_projection(step: _Steps) -> None:
        """dh = dout W_hr, with the output's own adjoint added to dout and kept for W_hr's derivative."""
        first, count = _mine(f, threads, "0", step.count)
        dy, lddy = words.pointer(f, "dY"), words.integer(f, "lddy")
        with f.when(f.op(f"icmp sgt i64 {count}, 0")):
            with f.loop(0, count) as m:
                b = f.add(first, f.mul(m, threads))
                row, whole = f.at(back, f.mul(b, ld_back)), f.at(dy, f.mul(f.add(step.at, b), lddy))
                with f.loop(0, ld_back, module.lanes) as u:
                    total = f.arithmetic("fadd", f.load(f.at(row, u)), f.load(f.at(whole, u)))
                    f.store(total, f.at(whole, u))
            _product(
                f, words,
                start=zeros, ldstart="0", a1=f.at(dy, f.mul(f.add(step.at, first), lddy)), m1=f.mul(threads, lddy),
                b1=words.pointer(f, "WP"), K1=ld_back,
                c=f.at(dh, f.mul(first, width)), ldc=f.mul(threads, width), M=count, N=width,
            )  # fmt: skip

    def run(step: _Steps, lo: str, hi: str, *, fresh: bool) -> None:
        first, count = _mine(f, threads, lo, hi)
        arguments = [first, count, threads, step.at, step.before, str(fresh).lower()]
        names = ", ".join(f"{kind} {v}" for (kind, _), v in zip(BACKWARD_STEP, ["%a", *arguments], strict=True))
        if plan.exits:
            f.line(f"call void @backward_exits({names})")
            with f.loop(0, count) as m:
                b = f.add(first, f.mul(m, threads))
                for name in (str(node.name) for node in plan.exits):
                    adjoint = f.at(words.pointer(f, f"dE_{name}"), f.mul(b, width))
                    norms[name].backward(adjoint, f.add(step.at, b), b, width, 1, adjoint, shift=True)
        f.line(f"call void @backward_step({names})")
        for name, (low, high) in variant.parts.items() if variant.normed else ():
            ld = f.mul(width, high - low)
            with f.loop(0, count) as m:
                b = f.add(first, f.mul(m, threads))
                row = f.add(step.at, b)
                dz = f.at(f.at(g, f.mul(row, ldg)), f.mul(width, low))
                # The biases' derivatives are summed elsewhere; the adjoint takes the place of the row.
                own = f.at(norms[name].rows, f.mul(row, ld))
                norms[name].backward(dz, row, b, ld, high - low, own, shift=False)

    with f.loop(0, T) as s:
        step = _Steps(f, words, s, backward=True)
        if cell.recurrent:
            from_next(step)
        else:
            without_recurrence(step)
        if projected:
            through_projection(step)
        run(step, "0", step.old, fresh=False)
        run(step, step.old, step.count, fresh=True)
    emit_parallel(module, "backward", "backward_share", words)


@lru_cache(maxsize=LOADED)
def forward_code(variant: Variant, kind: str, target: Target, keep: bool) -> Code:
    """Returns the compiled forward pass of a cell, for training (``keep``) or inference."""
    module, words = Module(kind, target), forward_words(variant)
    if variant.norms:
        emit_norm(module)
    forward_step(module, variant.plan, words, keep=keep)
    _forward(module, variant, words)
    return compile_module(module.text(), target)


@lru_cache(maxsize=LOADED)
def backward_code(variant: Variant, kind: str, target: Target) -> Code:
    """Returns the compiled backward pass of a cell."""
    module, words = Module(kind, target), backward_words(variant)
    if variant.norms:
        emit_norm(module)
    if variant.plan.exits:
        backward_exits(module, variant.plan, words, projected=variant.projected)
    backward_step(module, variant.plan, words, bias=variant.bias, projected=variant.projected)
    _backward(module, variant, words)
    return compile_module(module.text(), target)
