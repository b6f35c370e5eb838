"""The recursion going back."""

from __future__ import annotations

from functools import lru_cache

from carrousel.engine._cuts import cut_name
from carrousel.engine._plan import FROM_H, Variant
from carrousel.engine.cpu._blocks import emit_block_sum
from carrousel.engine.cpu._norm import emit_norm
from carrousel.engine.cpu._pointwise import SENT
from carrousel.engine.cpu._pointwise_backward import BACKWARD_STEP, backward_cuts, backward_step
from carrousel.engine.cpu._sequence import Norm, Share, Steps, backward_words, mine, product, runs_of_product
from carrousel.engine.cpu.llvm._compile import LOADED, Code, compile_module
from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._parallel import emit_parallel
from carrousel.engine.cpu.llvm._target import Target
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["backward_code"]

_FROM_NEXT = (
    ("ptr", "a"), ("i64", "first"), ("i64", "count"), ("i64", "after"), ("i64", "at"), ("i64", "stride"),
    ("i64", "begin"), ("i64", "end"),
)  # fmt: skip
"""Parameters of ``from_next``: sequences ``first, first + stride, ...``, the first row of the step after and of this
one, and the columns of h."""


@lru_cache(maxsize=LOADED)
def backward_code(variant: Variant, kind: str, target: Target) -> Code:
    """Returns the compiled backward pass of a cell: ``backward``, and ``to_start``, which goes on to the initial h."""
    module, words = Module(kind, target), backward_words(variant)
    if variant.norms:
        emit_norm(module, shared=variant.block_size > 1)
    if variant.summed:
        emit_block_sum(module, variant.block_size)
    for stage in range(1, variant.plan.stages):
        backward_cuts(module, variant, words, stage)
    backward_step(module, variant, words)
    _FromNext(module, variant, words).emit()
    _Backward(module, variant, words).emit()
    emit_parallel(module, "backward", "backward_share", words, together=variant.by_units)
    start = module.function("to_start_share", [("ptr", "a"), ("i64", "thread")])
    step = Steps(start, words, "0", backward=True)
    threads = words.integer(start, "threads")
    first, count = mine(start, threads, "0", step.count)
    _, end = _adjoint_of_h(start, variant, words)
    arguments = (first, count, step.at, step.at, threads, "0", end)
    start.line(f"call void @from_next(ptr %a, {', '.join(f'i64 {value}' for value in arguments)})")
    emit_parallel(module, "to_start", "to_start_share", words)
    return compile_module(module.text(), target)


def _adjoint_of_h(f: Function, variant: Variant, words: Words) -> tuple[str, str]:
    """Where the adjoint of h that comes back stands, and the distance of its rows. Projected, what comes back is the
    adjoint of the projection, and the cell's own is made of it.
    """
    if variant.projected:
        return words.pointer(f, "dout"), words.integer(f, "ldh")
    return words.pointer(f, "dh"), words.integer(f, "width")


class _FromNext:
    """Writes ``from_next``: the adjoints of h, and of gates, that come back from the step after."""

    def __init__(self, module: Module, variant: Variant, words: Words) -> None:
        self.f = f = module.function("from_next", _FROM_NEXT)
        self.variant, self.plan, self.words, self.lanes = variant, variant.plan, words, module.lanes
        self.width, self.ldg = words.integer(f, "width"), words.integer(f, "ldg")
        self.back, self.ld = _adjoint_of_h(f, variant, words)

    def emit(self) -> None:
        f, variant, words = self.f, self.variant, self.words
        direct = words.pointer(f, "direct") if variant.keeps_direct else None
        if variant.recurs:
            self._through_weights(direct)
        else:
            self._take(direct)
        for row in variant.gated_listening:
            with f.when(f.op("icmp sgt i64 %count, 0")):
                rows = words.pointer(f, f"D_{row}")
                source = f.at(rows, f.mul(f.add("%after", "%first"), self.width))
                self._to_gates(row, source, f.mul("%stride", self.width), 1)

    def _through_weights(self, direct: str | None) -> None:
        """Multiplies the adjoints of what the recurrence feeds with its weights."""
        f, variant, plan, words = self.f, self.variant, self.plan, self.words
        recurrent = f.mul(self.width, len(plan.slots) - plan.shared)
        if variant.normed:
            rows, ld = f.at(words.pointer(f, f"E_{FROM_H}"), f.mul(f.add("%after", "%first"), recurrent)), recurrent
        else:
            g = f.at(words.pointer(f, "G"), f.mul(f.add("%after", "%first"), self.ldg))
            rows, ld = f.at(g, f.mul(self.width, plan.shared)), self.ldg
        ahead = direct is not None and not variant.variational and not variant.diagonal
        start = {"start": words.pointer(f, "zeros"), "ldstart": "0"}
        if direct is not None and ahead:
            start = {"start": f.at(direct, f.mul("%first", self.ld)), "ldstart": f.mul("%stride", self.ld)}
        with f.when(f.op("icmp sgt i64 %count, 0")):
            values = {
                **start, "a2": rows, "m2": f.mul("%stride", ld), "b2": words.pointer(f, "WH"), "K2": recurrent,
                "c": f.at(self.back, f.mul("%first", self.ld)), "ldc": f.mul("%stride", self.ld), "M": "%count",
                "N": self.ld,
            }  # fmt: skip
            if variant.by_units:
                # Of the panels of all columns those of the thread's own.
                begun = {name: f.at(values[name], "%begin") for name in ("c", *(["start"] if ahead else []))}
                panels = f.at(values["b2"], f.mul("%begin", recurrent))
                values |= {**begun, "b2": panels, "N": f.sub("%end", "%begin")}
            if variant.diagonal:
                self._diagonal(rows, f.mul("%stride", ld), len(plan.slots) - plan.shared)
            elif variant.heads:
                runs_of_product(f, words, len(plan.slots) - plan.shared, values, transposed=True)
            else:
                product(f, words, **values)
            if not ahead and (direct or variant.variational):
                self._weigh(direct)
            for k, (low, high) in enumerate(variant.listening):
                source = f.at(rows, f.mul(self.width, low - plan.shared))
                self._to_gates(str(k), source, f.mul("%stride", ld), high - low)

    def _take(self, direct: str | None) -> None:
        """Where h itself is not multiplied its adjoint comes back by the equations alone, if at all."""
        f = self.f
        with f.loop(0, "%count") as m:
            at = f.mul(f.add("%first", f.mul(m, "%stride")), self.ld)
            with f.loop("%begin", "%end", self.lanes) as u:
                place = f.add(at, u)
                f.store(f.load(f.at(direct, place)) if direct else "zeroinitializer", f.at(self.back, place))

    def _weigh(self, direct: str | None) -> None:
        """Takes an adjoint through the factors on h, and adds what goes back past the recurrent weights."""
        f, words = self.f, self.words
        factors = words.pointer(f, "mask_h") if self.variant.variational else None
        with f.loop(0, "%count") as m:
            b = f.add("%first", f.mul(m, "%stride"))
            at = f.mul(b, self.ld)
            factor = f.at(factors, f.mul(b, words.integer(f, "ld_mask_h"))) if factors else ""
            with f.loop("%begin", "%end", self.lanes) as u:
                place = f.at(self.back, f.add(at, u))
                total = f.load(place)
                if factors:
                    total = f.arithmetic("fmul", total, f.load(f.at(factor, u)))
                if direct:
                    total = f.arithmetic("fadd", total, f.load(f.at(direct, f.add(at, u))))
                f.store(total, place)

    def _diagonal(self, rows: str, ld: str, slots: int) -> None:
        """Each unit's adjoint by its own weights, and the derivatives by these."""
        f, words = self.f, self.words
        weights, source, sums = words.pointer(f, "WH"), words.pointer(f, "R"), words.pointer(f, "dR")
        size = f.mul(self.width, slots)
        with f.loop(0, "%count") as m:
            b = f.add("%first", f.mul(m, "%stride"))
            row = f.at(rows, f.mul(m, ld))
            old = f.at(source, f.mul(f.add("%at", b), words.integer(f, "ldh")))
            own, target = f.at(sums, f.mul(b, size)), f.at(self.back, f.mul(b, self.ld))
            with f.loop(0, self.width, self.lanes) as u:
                total, h = "zeroinitializer", f.load(f.at(old, u))
                real = f.first_lanes(f.sub(words.integer(f, "units"), u))
                h = f.choose(real, h, "zeroinitializer")
                for slot in range(slots):
                    at = f.add(f.mul(self.width, slot), u)
                    d, place = f.load(f.at(row, at)), f.at(own, at)
                    total = f.fma(d, f.load(f.at(weights, at)), total)
                    f.store(f.fma(d, h, f.load(place)), place)
                f.store(total, f.at(target, u))

    def _to_gates(self, name: str, rows: str, ld: str, slots: int) -> None:
        """Adds what comes back from a run of slots, or from a gated row, to the adjoints of the gates that fed it."""
        f, words = self.f, self.words
        ld_sent = words.integer(f, "KF")
        place = f.at(words.pointer(f, f"dS_{SENT}"), f.mul("%first", ld_sent))
        product(
            f, words, start=place, ldstart=f.mul("%stride", ld_sent), a2=rows, m2=ld, b2=words.pointer(f, f"WF_{name}"),
            K2=f.mul(self.width, slots), c=place, ldc=f.mul("%stride", ld_sent), M="%count", N=words.integer(f, "KF"),
        )  # fmt: skip


class _Backward:
    """Writes ``backward_share``: all steps of a thread's sequences, the last one first."""

    def __init__(self, module: Module, variant: Variant, words: Words) -> None:
        team = [("i64", "team")] if variant.by_units else []
        self.f = f = module.function("backward_share", [("ptr", "a"), ("i64", "thread"), *team])
        self.variant, self.plan, self.words, self.lanes = variant, variant.plan, words, module.lanes
        self.width, self.ldg = words.integer(f, "width"), words.integer(f, "ldg")
        self.share = Share(f, words, by_units=variant.by_units)
        self.threads = self.share.threads
        self.norms = {name: Norm(f, words, name, shared=variant.block_size > 1) for name in variant.norms}

    def emit(self) -> None:
        f, words = self.f, self.words
        with f.loop(0, words.integer(f, "T")) as s:
            step = Steps(f, words, s, backward=True)
            first, count = self.share.of("0", step.next)
            end = self.share.end_unit if self.variant.by_units else _adjoint_of_h(f, self.variant, words)[1]
            arguments = (first, count, step.after, step.at, self.threads, self.share.first_unit, end)
            f.line(f"call void @from_next(ptr %a, {', '.join(f'i64 {value}' for value in arguments)})")
            if self.variant.projected:
                self._through_projection(step)
            self._run(step, "0", step.old, fresh=False)
            self._run(step, step.old, step.count, fresh=True)
            self.share.wait()

    def _through_projection(self, step: Steps) -> None:
        """Dh = dout W_hr, with the output's own adjoint added to dout and kept for W_hr's derivative."""
        f, words = self.f, self.words
        back, ld = _adjoint_of_h(f, self.variant, words)
        first, count = self.share.of("0", step.count)
        dy, lddy = words.pointer(f, "dY"), words.integer(f, "lddy")
        with f.when(f.op(f"icmp sgt i64 {count}, 0")):
            with f.loop(0, count) as m:
                b = f.add(first, f.mul(m, self.threads))
                row, whole = f.at(back, f.mul(b, ld)), f.at(dy, f.mul(f.add(step.at, b), lddy))
                with f.loop(0, ld, self.lanes) as u:
                    total = f.arithmetic("fadd", f.load(f.at(row, u)), f.load(f.at(whole, u)))
                    f.store(self._zoned(step, b, u, total, ld), f.at(whole, u))
            product(
                f, words, start=words.pointer(f, "zeros"), ldstart="0",
                a1=f.at(dy, f.mul(f.add(step.at, first), lddy)), m1=f.mul(self.threads, lddy),
                b1=words.pointer(f, "WP"), K1=ld, c=f.at(words.pointer(f, "dh"), f.mul(first, self.width)),
                ldc=f.mul(self.threads, self.width), M=count, N=self.width,
            )  # fmt: skip

    def _zoned(self, step: Steps, b: str, u: str, total: str, ld: str) -> str:
        """Returns the part of the adjoint of h that goes to the new h; what was kept of the old goes back directly."""
        f, words = self.f, self.words
        if not self.variant.zoned_h:
            return total
        at = f.add(f.mul(f.add(step.at, b), words.integer(f, "ld_zone_h")), u)
        share = f.load(f.at(words.pointer(f, "zone_h"), at))
        kept = f.arithmetic("fmul", share, total)
        f.store(kept, f.at(words.pointer(f, "direct"), f.add(f.mul(b, ld), u)))
        return f.arithmetic("fsub", total, kept)

    def _run(self, step: Steps, lo: str, hi: str, *, fresh: bool) -> None:
        f, variant, plan = self.f, self.variant, self.plan
        first, count = self.share.of(lo, hi)
        arguments = [first, count, self.threads, step.at, step.before, str(fresh).lower()]
        arguments += [self.share.first_unit, self.share.end_unit]
        names = ", ".join(f"{kind} {v}" for (kind, _), v in zip(BACKWARD_STEP, ["%a", *arguments], strict=True))
        for stage in reversed(range(1, plan.stages)):
            f.line(f"call void @backward_cuts_{stage}({names})")
            self._at_cuts(step, stage, first, count)
        f.line(f"call void @backward_step({names})")
        for name, (low, high) in variant.parts.items() if variant.normed else ():
            ld = f.mul(self.width, high - low)
            with f.loop(0, count) as m:
                b = f.add(first, f.mul(m, self.threads))
                row = f.add(step.at, b)
                dz = f.at(f.at(self.words.pointer(f, "G"), f.mul(row, self.ldg)), f.mul(self.width, low))
                # The biases' derivatives are summed elsewhere; the adjoint takes the place of the row.
                own = f.at(self.norms[name].rows, f.mul(row, ld))
                self.norms[name].backward(dz, row, b, ld, high - low, own, shift=False)

    def _at_cuts(self, step: Steps, stage: int, first: str, count: str) -> None:
        """The adjoint of what is done where the equations are cut before a stage."""
        f, words = self.f, self.words
        cuts = [cut for cut in self.plan.cuts if self.plan.stage[cut] == stage]
        with f.loop(0, count) as m:
            b = f.add(first, f.mul(m, self.threads))
            row = f.add(step.at, b)
            for cut in cuts:
                name = cut_name(cut)
                place = f.at(words.pointer(f, f"dE_{name}"), f.mul(b, self.width))
                if cut.op == "exit":
                    self.norms[name].backward(place, row, b, self.width, 1, place, shift=True)
                elif cut.op == "block_sum":
                    f.line(f"call void @block_sum(ptr {place}, i64 {words.integer(f, 'units')})")
                elif self.variant.normed:
                    d = f.at(words.pointer(f, f"D_{name}"), f.mul(row, self.width))
                    self.norms[name].backward(d, row, b, self.width, 1, d, shift=True)
        with f.when(f.op(f"icmp sgt i64 {count}, 0")):
            for cut in cuts:
                if cut.op == "gated":
                    self._gated(cut_name(cut), step, first, count)

    def _gated(self, row: str, step: Steps, first: str, count: str) -> None:
        """The adjoint of what a gated row's weights were multiplied with."""
        f, words, variant, width = self.f, self.words, self.variant, self.width
        rows = words.pointer(f, f"D_{row}")
        weights, ld = words.pointer(f, f"WG_{row}"), f.mul(self.threads, width)
        source = f.at(rows, f.mul(f.add(step.at, first), width))
        target = f.at(words.pointer(f, f"dE_{row}"), f.mul(first, width))
        if variant.diagonal:
            with f.loop(0, count) as m, f.loop(0, width, self.lanes) as u:
                at = f.add(f.mul(m, ld), u)
                f.store(f.arithmetic("fmul", f.load(f.at(source, at)), f.load(f.at(weights, u))), f.at(target, at))
            return
        values = {
            "start": words.pointer(f, "zeros"), "ldstart": "0", "a2": source, "m2": ld, "b2": weights, "K2": width,
            "c": target, "ldc": ld, "M": count, "N": width,
        }  # fmt: skip
        if variant.heads:
            runs_of_product(f, words, 1, values, transposed=True)
        else:
            product(f, words, **values)
