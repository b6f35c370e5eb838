"""The cell's equations on the rows of one step."""

from __future__ import annotations

from collections.abc import Callable

from carrousel.engine._plan import Variant
from carrousel.engine.cpu._pointwise import StepWriter, Values
from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["FORWARD_STEP", "forward_stage"]

FORWARD_STEP = (
    ("ptr", "a"), ("i64", "lo"), ("i64", "count"), ("i64", "stride"), ("i64", "at"), ("i64", "kept"),
    ("i64", "before"), ("i64", "before_kept"), ("i1", "fresh"), ("i64", "first_unit"), ("i64", "end_unit"),
)  # fmt: skip
"""Parameters of a forward stage: sequences ``lo, lo + stride, ...``; the step's first row among the outputs (``at``)
and among what is kept (``kept``), the same of the step before, whether the initial states are the old ones; and the
units, whole vectors."""


def forward_stage(module: Module, variant: Variant, words: Words, stage: int, *, keep: bool) -> None:
    """Writes ``forward_0``, ``forward_1``, ...: from pre-activations in ``G`` and old states to new states, output,
    and what is kept. A stage ends where the equations are cut.
    """
    rows = StepWriter(module, f"forward_{stage}", FORWARD_STEP, variant, words, stage, of_product="V")
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


def _output(rows: StepWriter) -> Callable[[str, str], str]:
    """Returns the place of the cell's output: among what is kept if it is to be projected, else among the outputs."""
    f, words = rows.f, rows.words
    out, ldout = words.pointer(f, "out"), words.integer(f, "ldout")
    kept = f.op(f"icmp ne i64 {words.integer(f, 'out_kept')}, 0")
    row = f.select(kept, "i64", "%kept", "%at")
    return lambda b, u: f.at(out, f.add(f.mul(f.add(row, b), ldout), u))
