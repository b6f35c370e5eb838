"""The recursion going forward."""

from __future__ import annotations

from functools import lru_cache

from carrousel.engine._cuts import cut_name
from carrousel.engine._plan import FROM_H, FROM_X, Variant
from carrousel.engine.cpu._blocks import emit_block_sum
from carrousel.engine.cpu._norm import emit_norm
from carrousel.engine.cpu._pointwise import SENT
from carrousel.engine.cpu._pointwise_forward import FORWARD_STEP, forward_stage
from carrousel.engine.cpu._sequence import Norm, Share, Steps, forward_words, product, runs_of_product
from carrousel.engine.cpu.llvm._compile import LOADED, Code, compile_module
from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._parallel import emit_parallel
from carrousel.engine.cpu.llvm._target import Target
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["forward_code"]


@lru_cache(maxsize=LOADED)
def forward_code(variant: Variant, kind: str, target: Target, keep: bool) -> Code:
    """Returns the compiled forward pass of a cell, for training (``keep``) or inference."""
    module, words = Module(kind, target), forward_words(variant)
    if variant.norms:
        emit_norm(module, shared=variant.block_size > 1)
    if variant.summed:
        emit_block_sum(module, variant.block_size)
    for stage in range(variant.plan.stages):
        forward_stage(module, variant, words, stage, keep=keep)
    _Forward(module, variant, words).emit()
    emit_parallel(module, "forward", "forward_share", words, together=variant.by_units)
    return compile_module(module.text(), target)


class _Forward:
    """Writes ``forward_share``: all steps of a thread's sequences."""

    def __init__(self, module: Module, variant: Variant, words: Words) -> None:
        team = [("i64", "team")] if variant.by_units else []
        self.f = f = module.function("forward_share", [("ptr", "a"), ("i64", "thread"), *team])
        self.variant, self.plan, self.words, self.lanes = variant, variant.plan, words, module.lanes
        self.width, self.ldg, self.ldh, self.ldx, self.KX, self.KH, self.keep = (
            words.integer(f, name) for name in ("width", "ldg", "ldh", "ldx", "KX", "KH", "keep")
        )
        self.share = Share(f, words, by_units=variant.by_units)
        self.threads = self.share.threads
        self.g, self.h, self.h0, self.x, self.wx, self.wh, self.wr, self.bias, self.zeros = (
            words.pointer(f, name) for name in ("G", "H", "H0", "X", "WX", "WH", "WR", "bias", "zeros")
        )
        self.norms = {name: Norm(f, words, name, shared=variant.block_size > 1) for name in variant.norms}
        self.fused = f.op(f"icmp sgt i64 {self.KX}, 0")

    def emit(self) -> None:
        """Writes the loop over the steps."""
        f, words = self.f, self.words
        with f.loop(0, words.integer(f, "T")) as s:
            step = Steps(f, words, s, backward=False)
            self._run(step, "0", step.old, fresh=False)
            self._run(step, step.old, step.count, fresh=True)
            self.share.wait()

    def _run(self, step: Steps, lo: str, hi: str, *, fresh: bool) -> None:
        """One step of the sequences from lo to hi, which go on from the step before or, ``fresh``, begin here."""
        f = self.f
        first, count = self.share.of(lo, hi)
        kept, before_kept = f.mul(step.at, self.keep), f.mul(step.before, self.keep)
        with f.when(f.op(f"icmp sgt i64 {count}, 0")):
            self._pre_activations(step, kept, before_kept, first, count, fresh=fresh)
            arguments = [first, count, self.threads, step.at, kept, step.before, before_kept, str(fresh).lower()]
            arguments += [self.share.first_unit, self.share.end_unit]
            names = ", ".join(f"{kind} {v}" for (kind, _), v in zip(FORWARD_STEP, ["%a", *arguments], strict=True))
            for stage in range(self.plan.stages):
                f.line(f"call void @forward_{stage}({names})")
                self._at_cuts(stage, step, kept, before_kept, first, count, fresh=fresh)
            if self.variant.projected:
                self._project(step, kept, first, count, fresh=fresh)
            if self.variant.variational:
                self._weigh(step, kept, first, count)

    def _pre_activations(
        self, step: Steps, kept: str, before_kept: str, first: str, count: str, *, fresh: bool
    ) -> None:
        f, variant, plan, words = self.f, self.variant, self.plan, self.words
        rows = f.at(self.g, f.mul(f.add(kept, first), self.ldg))
        stride_g, size = f.mul(self.threads, self.ldg), {"M": count}
        from_x = {
            "a1": f.at(self.x, f.mul(f.add(step.at, first), self.ldx)), "m1": f.mul(self.threads, self.ldx),
            "b1": self.wx, "K1": self.KX,
        }  # fmt: skip
        to_rows = {**size, "ldc": stride_g, "c": rows}
        start = {
            "start": f.select(self.fused, "ptr", self.bias, rows),
            "ldstart": f.select(self.fused, "i64", "0", stride_g),
        }
        columns = f.mul(self.width, plan.inputs)
        recurrent = variant.recurs
        if variant.normed:
            self._normalised(step, kept, before_kept, first, count, from_x, fresh=fresh)
            return
        if recurrent and not plan.cell.parted and not variant.heads and not variant.by_units:
            from_h = self._from_h(step, kept, before_kept, first, fresh=fresh)
            product(f, words, **start, **from_x, **from_h, **to_rows, N=columns)
        else:
            with f.when(self.fused):
                product(f, words, **start, **from_x, **to_rows, N=columns)
            if recurrent:
                from_h = self._from_h(step, kept, before_kept, first, fresh=fresh)
                shared = f.at(rows, f.mul(self.width, plan.shared))
                self._recurrent(
                    from_h, plan.inputs - plan.shared, **size, start=shared, ldstart=stride_g, c=shared, ldc=stride_g
                )
                only = {"start": f.at(self.bias, columns), "ldstart": "0", "c": f.at(rows, columns), "ldc": stride_g}
                if plan.cell.split:
                    self._recurrent({**from_h, "b2": self.wr}, len(plan.slots) - plan.inputs, **size, **only)
        for k, (low, high) in enumerate(variant.listening):
            self._from_gates(str(k), high - low, f.at(rows, f.mul(self.width, low)), stride_g, step, before_kept,
                             first, count, fresh=fresh)  # fmt: skip

    def _from_h(self, step: Steps, kept: str, before_kept: str, first: str, *, fresh: bool) -> dict[str, str]:
        """The factors of the recurrent product."""
        f, words = self.f, self.words
        source, initial, before = self.h, self.h0, step.before
        if self.variant.variational:
            source, initial, before = words.pointer(f, "R"), words.pointer(f, "R0"), before_kept
        row = f.at(initial, f.mul(first, self.ldh)) if fresh else f.at(source, f.mul(f.add(before, first), self.ldh))
        return {"a2": row, "m2": f.mul(self.threads, self.ldh), "b2": self.wh, "K2": self.KH}

    def _recurrent(self, from_h: dict[str, str], slots: int, **to: str) -> None:
        """Multiplies h with the weights of some slots."""
        if self.variant.heads:
            runs_of_product(self.f, self.words, slots, {**from_h, **to})
        elif self.variant.by_units:
            self._own_units(slots, {**from_h, **to})
        else:
            product(self.f, self.words, **from_h, **to, N=self.f.mul(self.width, slots))

    def _own_units(self, slots: int, values: dict[str, str]) -> None:
        """Multiplies h with the weights of the thread's units in some slots, which are packed one by one."""
        f, begin = self.f, self.share.first_unit
        N = f.sub(self.share.end_unit, begin)
        for slot in range(slots):
            column = f.add(f.mul(self.width, slot), begin)
            moved = {name: f.at(values[name], column) for name in ("start", "c")}
            product(f, self.words, **{**values, **moved, "b2": f.at(values["b2"], f.mul(column, self.KH)), "N": N})

    def _from_gates(
        self, name: str, slots: int, c: str, ldc: str, step: Steps, before_kept: str, first: str, count: str,
        *, fresh: bool,
    ) -> None:  # fmt: skip
        """Adds what the gates of the step before send to a run of slots, or to the product of a gated row.

        It is summed by itself first: in one sum with x and h, of thousands of numbers, rounding would show.
        """
        f, words = self.f, self.words
        ld_sent, kind = words.integer(f, "KF"), f"S0_{SENT}" if fresh else f"S_{SENT}"
        row = first if fresh else f.add(before_kept, first)
        columns = f.mul(self.width, slots)
        ld = f.mul(self.width, max(len(self.plan.slots) - self.plan.shared, 1))
        heard = f.at(words.pointer(f, "heard"), f.mul(first, ld))
        product(
            f, words, start=self.zeros, ldstart="0", a2=f.at(words.pointer(f, kind), f.mul(row, ld_sent)),
            m2=f.mul(self.threads, ld_sent), b2=words.pointer(f, f"WF_{name}"), K2=words.integer(f, "KF"), c=heard,
            ldc=f.mul(self.threads, ld), M=count, N=columns,
        )  # fmt: skip
        with f.loop(0, count) as m:
            source, target = f.at(heard, f.mul(m, f.mul(self.threads, ld))), f.at(c, f.mul(m, ldc))
            with f.loop(0, columns, self.lanes) as u:
                there = f.at(target, u)
                f.store(f.arithmetic("fadd", f.load(there), f.load(f.at(source, u))), there)

    def _normalised(
        self, step: Steps, kept: str, before_kept: str, first: str, count: str, from_x: dict[str, str], *, fresh: bool
    ) -> None:
        """The parts of the pre-activations, each normalised, and their sum."""
        f, variant, words = self.f, self.variant, self.words
        for name, (low, high) in variant.parts.items():
            ld = f.mul(self.width, high - low)
            own, ldc = f.at(self.norms[name].rows, f.mul(f.add(kept, first), ld)), f.mul(self.threads, ld)
            to = {"start": self.zeros, "ldstart": "0", "c": own, "ldc": ldc, "M": count}
            if name == FROM_X:
                with f.when(self.fused):
                    product(f, words, **to, **from_x, N=ld)
            elif variant.diagonal:
                from_h = self._from_h(step, kept, before_kept, first, fresh=fresh)
                self._diagonal(from_h, own, ldc, count, high - low)
            else:
                self._recurrent(self._from_h(step, kept, before_kept, first, fresh=fresh), high - low, **to)
            for k, (begin, end) in enumerate(variant.listening if name == FROM_H else ()):
                c = f.at(own, f.mul(self.width, begin - low))
                self._from_gates(str(k), end - begin, c, ldc, step, before_kept, first, count, fresh=fresh)
            self._normalise(name, kept, first, count)

    def _diagonal(self, from_h: dict[str, str], own: str, ldc: str, count: str, slots: int) -> None:
        """Multiplies each unit's h with its own weights."""
        f = self.f
        with f.loop(0, count) as m:
            source, target = f.at(from_h["a2"], f.mul(m, from_h["m2"])), f.at(own, f.mul(m, ldc))
            with f.loop(0, self.width, self.lanes) as u:
                value = f.load(f.at(source, u))
                for slot in range(slots):
                    at = f.add(f.mul(self.width, slot), u)
                    f.store(f.arithmetic("fmul", value, f.load(f.at(from_h["b2"], at))), f.at(target, at))

    def _normalise(self, name: str, kept: str, first: str, count: str) -> None:
        """Normalises a part of the pre-activations and adds it to the slots that it feeds."""
        f, plan = self.f, self.plan
        low, high = self.variant.parts[name]
        ld = f.mul(self.width, high - low)
        # Slots that the input feeds hold its part once the recurrent part comes; all others hold nothing yet.
        held = f.mul(self.width, plan.inputs - plan.shared) if name == FROM_H else "0"
        with f.loop(0, count) as m:
            row = f.add(kept, f.add(first, f.mul(m, self.threads)))
            place = self.norms[name].forward(row, ld, high - low)
            target = f.at(f.at(self.g, f.mul(row, self.ldg)), f.mul(self.width, low))
            with f.loop(0, ld, self.lanes) as u:
                there = f.at(target, u)
                before = f.load(f.select(f.op(f"icmp slt i64 {u}, {held}"), "ptr", there, self.zeros))
                f.store(f.arithmetic("fadd", before, self.norms[name].value(f.at(place, u), u)), there)

    def _at_cuts(
        self, stage: int, step: Steps, kept: str, before_kept: str, first: str, count: str, *, fresh: bool
    ) -> None:
        """What is done where the equations are cut after a stage."""
        f, words, cuts = self.f, self.words, self.plan.cuts_after(stage)
        for cut in cuts:
            if cut.op == "gated":
                self._gated(cut_name(cut), step, kept, before_kept, first, count, fresh=fresh)
        each = [cut for cut in cuts if cut.op != "gated" or self.variant.normed]
        if not each:
            return
        with f.loop(0, count) as m:
            row = f.add(kept, f.add(first, f.mul(m, self.threads)))
            for cut in each:
                if cut.op == "block_sum":
                    place = f.at(words.pointer(f, f"E_{cut_name(cut)}"), f.mul(row, self.width))
                    f.line(f"call void @block_sum(ptr {place}, i64 {words.integer(f, 'units')})")
                else:
                    self.norms[cut_name(cut)].forward(row, self.width, 1)

    def _gated(
        self, row: str, step: Steps, kept: str, before_kept: str, first: str, count: str, *, fresh: bool
    ) -> None:
        """The recurrent part of a gated row: its weights times what the equations made for it."""
        f, words, normed = self.f, self.words, self.variant.normed
        begin, ld = f.mul(f.add(kept, first), self.width), f.mul(self.threads, self.width)
        own = f.at(words.pointer(f, f"E_{row}"), begin)
        values = {
            "a2": f.at(words.pointer(f, f"V_{row}"), begin), "m2": ld, "b2": words.pointer(f, f"WG_{row}"),
            "K2": words.integer(f, "units"), "start": self.zeros if normed else words.pointer(f, f"bias_{row}"),
            "ldstart": "0", "c": own, "ldc": ld, "M": count, "N": self.width,
        }  # fmt: skip
        if self.variant.diagonal:
            self._diagonal(values, own, ld, count, 1)
        elif self.variant.heads:
            runs_of_product(f, words, 1, values)
        else:
            product(f, words, **values)
        if row in self.variant.gated_listening:
            self._from_gates(row, 1, own, ld, step, before_kept, first, count, fresh=fresh)

    def _project(self, step: Steps, kept: str, first: str, count: str, *, fresh: bool) -> None:
        f, words = self.f, self.words
        ldout = words.integer(f, "ldout")
        product(
            f, words,
            start=self.zeros, ldstart="0", a1=f.at(words.pointer(f, "out"), f.mul(f.add(kept, first), ldout)),
            m1=f.mul(self.threads, ldout), b1=words.pointer(f, "WP"), K1=words.integer(f, "units"),
            c=f.at(self.h, f.mul(f.add(step.at, first), self.ldh)), ldc=f.mul(self.threads, self.ldh), M=count,
            N=self.ldh,
        )  # fmt: skip
        if not self.variant.zoned_h:
            return
        shares, ld = words.pointer(f, "zone_h"), words.integer(f, "ld_zone_h")
        with f.loop(0, count) as m:
            b = f.add(first, f.mul(m, self.threads))
            row = f.add(step.at, b)
            old = f.at(self.h0, f.mul(b, self.ldh)) if fresh else f.at(self.h, f.mul(f.add(step.before, b), self.ldh))
            new, share = f.at(self.h, f.mul(row, self.ldh)), f.at(shares, f.mul(row, ld))
            with f.loop(0, self.ldh, self.lanes) as u:
                part, whole = f.load(f.at(share, u)), f.load(f.at(new, u))
                rest = f.arithmetic("fmul", f.arithmetic("fsub", f.module.splat(1.0), part), whole)
                f.store(f.fma(part, f.load(f.at(old, u)), rest), f.at(new, u))

    def _weigh(self, step: Steps, kept: str, first: str, count: str) -> None:
        """What the next step's recurrent weights are multiplied with: h times its factors."""
        f, words = self.f, self.words
        target, factors, ld = words.pointer(f, "R"), words.pointer(f, "mask_h"), words.integer(f, "ld_mask_h")
        with f.loop(0, count) as m:
            b = f.add(first, f.mul(m, self.threads))
            source = f.at(self.h, f.mul(f.add(step.at, b), self.ldh))
            own, factor = f.at(target, f.mul(f.add(kept, b), self.ldh)), f.at(factors, f.mul(b, ld))
            begin, end = (self.share.first_unit, self.share.end_unit) if self.variant.by_units else ("0", self.ldh)
            with f.loop(begin, end, self.lanes) as u:
                f.store(f.arithmetic("fmul", f.load(f.at(source, u)), f.load(f.at(factor, u))), f.at(own, u))
