"""Weights in panels, as the products read them: see ``_gemm``."""

from __future__ import annotations

from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._parallel import TEAM, emit_parallel
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["PACK", "emit_pack"]

PACK = Words(["threads", "source", "ld", "groups", "rows", "size", "padded", "K", "target"], TEAM)
"""The arguments of ``pack_rows`` and ``pack_columns``."""


def emit_pack(module: Module) -> None:
    """Emits ``pack_rows`` and ``pack_columns``."""
    _pack_rows(module)
    _pack_columns(module)


def _pack_rows(module: Module) -> None:
    """Panels of W^T: for each group of W's rows (a gate), its rows become columns, padded to whole vectors.

    Source W ``[., ld]`` with group g's rows from ``rows[g]`` on, ``size`` of them, padded to ``padded`` columns.
    """
    f = module.function("pack_rows_share", [("ptr", "a"), ("i64", "thread")])
    L, width = module.lanes, module.target.tile[1] * module.lanes
    threads, ld, groups, size, padded, K = (
        PACK.integer(f, name) for name in ("threads", "ld", "groups", "size", "padded", "K")
    )
    source, target, rows = (PACK.pointer(f, name) for name in ("source", "target", "rows"))
    columns = f.mul(groups, padded)
    begin, end = _share(f, threads, padded, L)
    with f.loop(0, groups) as group, f.loop(begin, end, L) as unit:
        column = f.add(f.mul(group, padded), unit)
        first = f.op(f"load i64, ptr {f.op(f'getelementptr i64, ptr {rows}, i64 {group}')}")
        # Lanes past the last unit read the last row and are then cleared.
        starts = [
            f.at(source, f.mul(f.add(first, f.least(f.add(unit, lane), f.sub(size, 1))), ld)) for lane in range(L)
        ]
        mask = f.first_lanes(f.sub(size, unit))
        panel = f.mul(f.quotient(column, width), width)
        wide = f.least(f.sub(columns, panel), width)
        base = f.at(target, f.add(f.mul(panel, K), f.sub(column, panel)))
        whole = f.mul(f.quotient(K, L), L)
        with f.loop(0, whole, L) as k:
            square = _transposed(f, [f.load(f.at(start, k)) for start in starts])
            for step, vector in enumerate(square):
                f.store(f.choose(mask, vector, "zeroinitializer"), f.at(base, f.mul(f.add(k, step), wide)))
        with f.loop(whole, K) as k:
            vector = "poison"
            for lane in range(L):
                number = f.load_number(f.at(starts[lane], k))
                vector = f.op(f"insertelement {module.vector} {vector}, {module.kind} {number}, i32 {lane}")
            f.store(f.choose(mask, vector, "zeroinitializer"), f.at(base, f.mul(k, wide)))
    emit_parallel(module, "pack_rows", "pack_rows_share", PACK)


def _share(f: Function, threads: str, padded: str, L: int) -> tuple[str, str]:
    """The units of a group that fall to this thread, from which and to before which: those that lie together, so that
    no two threads write near one another, and those whose weights the thread itself reads where threads share units.
    """
    vectors = f.quotient(padded, L)
    ends = [f.mul(f.quotient(f.mul(vectors, thread), threads), L) for thread in ("%thread", f.add("%thread", 1))]
    return ends[0], ends[1]


def _transposed(f: Function, rows: list[str]) -> list[str]:
    """Returns the columns of a square of numbers, as many vectors as a vector has lanes."""
    rows, L, apart = list(rows), len(rows), 1
    while apart < L:
        # Of every square of 2 x 2 blocks, those off the diagonal change places.
        upper = ", ".join(f"i32 {L + (lane ^ apart) if lane & apart else lane}" for lane in range(L))
        lower = ", ".join(f"i32 {L + lane if lane & apart else lane ^ apart}" for lane in range(L))
        for i in (i for i in range(L) if not i & apart):
            pair = f"{f.module.vector} {rows[i]}, {f.module.vector} {rows[i | apart]}"
            rows[i] = f.op(f"shufflevector {pair}, <{L} x i32> <{upper}>")
            rows[i | apart] = f.op(f"shufflevector {pair}, <{L} x i32> <{lower}>")
        apart *= 2
    return rows


def _pack_columns(module: Module) -> None:
    """Panels of W itself: k runs over the groups' rows, each group padded with rows of zeros, n over W's columns.

    Here ``K`` is the number of W's columns; they are padded to whole vectors.
    """
    f = module.function("pack_columns_share", [("ptr", "a"), ("i64", "thread")])
    L, width = module.lanes, module.target.tile[1] * module.lanes
    threads, ld, groups, size, padded, N = (
        PACK.integer(f, name) for name in ("threads", "ld", "groups", "size", "padded", "K")
    )
    source, target, rows = (PACK.pointer(f, name) for name in ("source", "target", "rows"))
    depth = f.mul(groups, padded)
    whole = f.mul(f.quotient(f.add(N, L - 1), L), L)
    begin, end = _share(f, threads, padded, L)
    with f.loop(0, groups) as group, f.loop(begin, end) as unit:
        k = f.add(f.mul(group, padded), unit)
        first = f.op(f"load i64, ptr {f.op(f'getelementptr i64, ptr {rows}, i64 {group}')}")
        row = f.at(source, f.mul(f.add(first, f.least(unit, f.sub(size, 1))), ld))
        real = f.select(f.op(f"icmp slt i64 {unit}, {size}"), "i64", N, "0")
        with f.loop(0, whole, L) as n:
            vector = f.load_lanes(f.at(row, n), f.first_lanes(f.sub(real, n)))
            panel = f.mul(f.quotient(n, width), width)
            wide = f.least(f.sub(whole, panel), width)
            base = f.add(f.mul(panel, depth), f.sub(n, panel))
            f.store(vector, f.at(target, f.add(base, f.mul(k, wide))))
    emit_parallel(module, "pack_columns", "pack_columns_share", PACK)
