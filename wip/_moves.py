"""Rows on their way in and out: copied, filled up to whole vectors, added."""

from __future__ import annotations

from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["ROWS", "SUM", "emit_moves"]

ROWS = Words(["source", "ld", "also", "target", "ldt", "count", "columns", "whole"], [])
"""The arguments of ``rows``: target rows have ``whole`` numbers, of which the first ``columns`` are the source's, or
the sum of the source's and another one's; the rest are zero."""

SUM = Words(["source", "count", "columns", "target"], [])
"""The arguments of ``sum``, over rows in their order."""


def emit_moves(module: Module) -> None:
    """Emits ``rows`` and ``sum``."""
    L = module.lanes
    f = module.function("rows", [("ptr", "a")], public=True)
    ld, ldt, count, columns, whole = (ROWS.integer(f, name) for name in ("ld", "ldt", "count", "columns", "whole"))
    source, also, target = (ROWS.pointer(f, name) for name in ("source", "also", "target"))
    added = f.op(f"icmp ne ptr {also}, null")
    with f.loop(0, count) as row:
        there, here, other = f.at(target, f.mul(row, ldt)), f.at(source, f.mul(row, ld)), f.at(also, f.mul(row, ld))
        with f.loop(0, whole, L) as u:
            real = f.first_lanes(f.sub(columns, u))
            total = f.variable(module.vector, f.load_lanes(f.at(here, u), real))
            with f.when(added):
                f.put(module.vector, total, f.arithmetic(
                    "fadd", f.get(module.vector, total), f.load_lanes(f.at(other, u), real)
                ))  # fmt: skip
            f.store_lanes(f.get(module.vector, total), f.at(there, u), f.first_lanes(f.sub(whole, u)))
    f = module.function("sum", [("ptr", "a")], public=True)
    count, columns = SUM.integer(f, "count"), SUM.integer(f, "columns")
    source, target = SUM.pointer(f, "source"), SUM.pointer(f, "target")
    with f.loop(0, columns, L) as u:
        real = f.first_lanes(f.sub(columns, u))
        total = f.variable(module.vector, "zeroinitializer")
        with f.loop(0, count) as row:
            part = f.load_lanes(f.at(source, f.add(f.mul(row, columns), u)), real)
            f.put(module.vector, total, f.arithmetic("fadd", f.get(module.vector, total), part))
        f.store_lanes(f.get(module.vector, total), f.at(target, u), real)
