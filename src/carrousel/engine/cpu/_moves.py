"""Rows on their way in and out of a pass: copied, filled up to whole vectors, picked, summed."""

from __future__ import annotations

from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._parallel import TEAM, emit_parallel
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["PICK", "ROWS", "SUM", "emit_moves"]

_TARGET = ["target", "ldt", "count", "columns", "whole"]

ROWS = Words(["threads", "source", "also", "ld", *_TARGET], TEAM)
"""The arguments of ``rows``: ``count`` rows of ``whole`` numbers, of which the first ``columns`` are the source's, or,
unless ``also`` is null, the sum of the source's and its; the rest are zero."""

PICK = Words(["threads", "source", "ld", "initial", "ldinitial", "index", *_TARGET], TEAM)
"""The arguments of ``pick``, the same but that row i is the source's row ``index[i]``; of n below zero, row -1 - n of
``initial``."""

SUM = Words(["threads", "source", "ld", "factor", "count", "columns", "target"], TEAM)
"""The arguments of ``sum``, over rows in their order; each times that of ``factor``, unless that is null."""


def emit_moves(module: Module) -> None:
    """Emits ``rows``, ``pick`` and ``sum``."""
    _rows(module)
    _pick(module)
    _sum(module)


def _copy(f: Function, words: Words, row: str, source: str, also: str | None = None) -> None:
    """Emits the copy of a row."""
    L, vector = f.module.lanes, f.module.vector
    ldt, columns, whole = (words.integer(f, name) for name in ("ldt", "columns", "whole"))
    there = f.at(words.pointer(f, "target"), f.mul(row, ldt))
    with f.loop(0, whole, L) as u:
        real, total = f.first_lanes(f.sub(columns, u)), f.variable(vector, "zeroinitializer")
        f.put(vector, total, f.load_lanes(f.at(source, u), real))
        if also is not None:
            with f.when(f.op(f"icmp ne ptr {words.pointer(f, 'also')}, null")):
                other = f.load_lanes(f.at(also, u), real)
                f.put(vector, total, f.arithmetic("fadd", f.get(vector, total), other))
        f.store_lanes(f.get(vector, total), f.at(there, u), f.first_lanes(f.sub(whole, u)))


def _rows(module: Module) -> None:
    f = module.function("rows_share", [("ptr", "a"), ("i64", "thread")])
    count, threads, ld = (ROWS.integer(f, name) for name in ("count", "threads", "ld"))
    source, also = (ROWS.pointer(f, name) for name in ("source", "also"))
    with f.loop("%thread", count, threads) as row:
        _copy(f, ROWS, row, f.at(source, f.mul(row, ld)), f.at(also, f.mul(row, ld)))
    emit_parallel(module, "rows", "rows_share", ROWS)


def _pick(module: Module) -> None:
    f = module.function("pick_share", [("ptr", "a"), ("i64", "thread")])
    count, threads, ld, ldinitial = (PICK.integer(f, name) for name in ("count", "threads", "ld", "ldinitial"))
    source, initial, index = (PICK.pointer(f, name) for name in ("source", "initial", "index"))
    with f.loop("%thread", count, threads) as row:
        at = f.op(f"load i64, ptr {f.op(f'getelementptr i64, ptr {index}, i64 {row}')}")
        own, first = f.at(source, f.mul(at, ld)), f.at(initial, f.mul(f.sub("-1", at), ldinitial))
        _copy(f, PICK, row, f.select(f.op(f"icmp slt i64 {at}, 0"), "ptr", first, own))
    emit_parallel(module, "pick", "pick_share", PICK)


def _sum(module: Module) -> None:
    f = module.function("sum_share", [("ptr", "a"), ("i64", "thread")])
    L, vector = module.lanes, module.vector
    count, columns, threads, ld = (SUM.integer(f, name) for name in ("count", "columns", "threads", "ld"))
    source, factor, target = (SUM.pointer(f, name) for name in ("source", "factor", "target"))
    weighed = f.op(f"icmp ne ptr {factor}, null")
    with f.loop(f.mul("%thread", L), columns, f.mul(threads, L)) as u:
        real, total = f.first_lanes(f.sub(columns, u)), f.variable(vector, "zeroinitializer")
        f.put(vector, total, "zeroinitializer")
        with f.loop(0, count) as row:
            at = f.add(f.mul(row, ld), u)
            part = f.variable(vector, "zeroinitializer")
            f.put(vector, part, f.load_lanes(f.at(source, at), real))
            with f.when(weighed):
                f.put(vector, part, f.arithmetic("fmul", f.get(vector, part), f.load_lanes(f.at(factor, at), real)))
            f.put(vector, total, f.arithmetic("fadd", f.get(vector, total), f.get(vector, part)))
        f.store_lanes(f.get(vector, total), f.at(target, u), real)
    emit_parallel(module, "sum", "sum_share", SUM)
