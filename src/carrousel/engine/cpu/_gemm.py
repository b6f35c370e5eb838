"""Matrix products with weights.

Everything here computes ``C = start + A1 B1 + A2 B2`` for row-major C. A tile of C stays in registers while the
product runs over k, or a block of it, in order; between two blocks its sums stand in C. So a number does not depend on
the tile that it fell into, nor on blocks, and so not on the number of threads either.

B is in *panels*: as many columns as a tile has (the last panel may have fewer, always whole vectors), for every k
a contiguous row. A panel that begins at column n stands at ``B + n * K``.
"""

from __future__ import annotations

from functools import cache

from carrousel.engine.cpu._moves import emit_moves
from carrousel.engine.cpu._outer import OUTER, emit_outer, outer_room
from carrousel.engine.cpu._pack import PACK, emit_pack
from carrousel.engine.cpu._program import emit_play
from carrousel.engine.cpu._tiles import LINE, call_tile, emit_tiles, most_panels, share_rows
from carrousel.engine.cpu.llvm._compile import Code, compile_module
from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._parallel import TEAM, emit_parallel
from carrousel.engine.cpu.llvm._target import Target
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["BULK", "OUTER", "PACK", "PRODUCT", "gemm_code", "outer_room"]

# One product, as the sequence kernels call it through a pointer.
PRODUCT = (
    ("ptr", "start"), ("i64", "ldstart"),
    ("ptr", "a1"), ("i64", "m1"), ("i64", "k1"), ("ptr", "b1"), ("i64", "K1"),
    ("ptr", "a2"), ("i64", "m2"), ("ptr", "b2"), ("i64", "K2"),
    ("ptr", "c"), ("i64", "ldc"), ("i64", "M"), ("i64", "N"),
)  # fmt: skip
"""The parameters of ``product``: addresses and strides in numbers; element (m, k) of A1 is ``a1[m * m1 + k * k1]``,
of A2 ``a2[m * m2 + k]``. ``ldstart`` may be 0 (a bias)."""

BLOCK = 512
"""The most steps of k that are taken at once, so that these rows of a panel stay in a near cache under all tiles."""

RESIDENT = 1 << 18
"""The bytes of A that are taken at once, if they are rows enough: they stay in the second cache under all panels."""

BULK = Words(["threads", "start", "ldstart", "a", "lda", "b", "K", "c", "ldc", "M", "N"], TEAM)
"""The arguments of ``bulk``, a large product with a B in panels, whose rows are shared among threads."""


def _product(module: Module) -> None:
    """Emits ``product``."""
    f = module.function("product", PRODUCT, public=True)
    few = f.op(f"icmp sle i64 %M, {module.target.tile[0]}")
    with f.when(few):
        _few_rows(f)
    with f.when(f.op(f"xor i1 {few}, true")):
        _many_rows(f)


def _few_rows(f: Function) -> None:
    """Emits a product of no more rows than a tile has: B is read once in any case, so k need not be in blocks."""
    target, L = f.module.target, f.module.lanes
    width, most_rows, at_once = target.tile[1] * L, target.tile[0], "1"
    for rows in range(1, most_rows + 1):
        if most_panels(target, rows) > 1:
            at_once = f.select(f.op(f"icmp eq i64 %M, {rows}"), "i64", str(most_panels(target, rows)), at_once)
    panels = f.quotient(f.add("%N", width - 1), width)
    groups = f.quotient(f.add(panels, f.sub(at_once, 1)), at_once)
    apart1, apart2 = f.mul("%K1", width), f.mul("%K2", width)
    done = f.variable("i64", "0")
    with f.loop(0, groups) as group:
        # Groups of nearly equal size: 5 panels are 3 + 2, not 4 + 1.
        first, rest = f.get("i64", done), f.sub(groups, group)
        count = f.quotient(f.add(f.sub(panels, first), f.sub(rest, 1)), rest)
        column = f.mul(first, width)
        last = f.add(column, f.mul(f.sub(count, 1), width))
        call_tile(
            f, "%M", count, f.quotient(f.least(f.sub("%N", last), width), L), wide=True,
            start=f.at("%start", column), b1=f.at("%b1", f.mul(column, "%K1")), apart1=apart1,
            b2=f.at("%b2", f.mul(column, "%K2")), apart2=apart2, c=f.at("%c", column), ahead="%c", pace="0",
        )  # fmt: skip
        f.put("i64", done, f.add(first, count))


def _many_rows(f: Function) -> None:
    """Emits a product of many rows: rows in blocks, for each of these all panels, for each of these k in blocks."""
    m = f.module
    most_rows, most_vectors = m.target.tile
    L, width = m.lanes, most_vectors * m.lanes
    K = f.add("%K1", "%K2")

    def parts(size: str, most: str, whole: int) -> str:
        """Returns the size of equal parts of not more than ``most``, rounded up to multiples of ``whole``."""
        part = f.variable("i64", f.most(size, 1))
        with f.when(f.op(f"icmp sgt i64 {size}, {most}")):
            count = f.quotient(f.add(size, f.sub(most, 1)), most)
            equal = f.quotient(f.add(size, f.sub(count, 1)), count)
            f.put("i64", part, f.mul(f.quotient(f.add(equal, whole - 1), whole), whole))
        return f.get("i64", part)

    tall = parts("%M", f.most(f.quotient(str(RESIDENT // m.bytes), f.most(K, 1)), 4 * most_rows), most_rows)
    deep = parts(K, str(BLOCK), 8)

    def block(top: str, end: str, groups: str, pace: str, column: str, low: str) -> None:
        """The rows from ``top`` to before ``end``, the panel at ``column``, and k from ``low`` on."""
        vectors = f.quotient(f.least(f.sub("%N", column), width), L)
        stride = f.mul(vectors, L)
        high = f.least(f.add(low, deep), K)
        low1, high1 = f.least(low, "%K1"), f.least(high, "%K1")
        low2, high2 = f.sub(low, low1), f.sub(high, high1)
        b1, b2 = f.at("%b1", f.mul(column, "%K1")), f.at("%b2", f.mul(column, "%K2"))
        begins = f.op(f"icmp eq i64 {low}, 0")
        start, ldstart = f.select(begins, "ptr", "%start", "%c"), f.select(begins, "i64", "%ldstart", "%ldc")
        # The next block: of the same panel, of the next, or of the first again.
        after = f.add(column, stride)
        after = f.select(f.op(f"icmp slt i64 {after}, %N"), "i64", after, "0")
        next1, next2 = f.at("%b1", f.mul(after, "%K1")), f.at("%b2", f.mul(after, "%K2"))
        next_panel = f.select(f.op("icmp sgt i64 %K1, 0"), "ptr", next1, next2)
        in_first, in_panel = (f.op(f"icmp slt i64 {high}, {size}") for size in ("%K1", K))
        same = f.select(in_first, "ptr", f.at(b1, f.mul(high1, stride)), f.at(b2, f.mul(high2, stride)))
        ahead = f.variable("ptr", f.select(in_panel, "ptr", same, next_panel))
        row = f.variable("i64", top)
        asked = f.mul(f.sub(high, low), pace)
        with f.loop(0, groups) as group:
            # Groups of nearly equal size: 8 rows are 4 + 4, not 6 + 2.
            at, rest = f.get("i64", row), f.sub(groups, group)
            rows = f.quotient(f.add(f.sub(end, at), f.sub(rest, 1)), rest)
            call_tile(
                f, rows, "1", vectors,
                start=f.at(f.at(start, f.mul(ldstart, at)), column), ldstart=ldstart,
                a1=f.at(f.at("%a1", f.mul("%m1", at)), f.mul("%k1", low1)), b1=f.at(b1, f.mul(low1, stride)),
                K1=f.sub(high1, low1), apart1="0",
                a2=f.at(f.at("%a2", f.mul("%m2", at)), low2), b2=f.at(b2, f.mul(low2, stride)),
                K2=f.sub(high2, low2), apart2="0",
                c=f.at(f.at("%c", f.mul("%ldc", at)), column), ahead=f.get("ptr", ahead), pace=pace,
            )  # fmt: skip
            f.put("ptr", ahead, f.op(f"getelementptr i8, ptr {f.get('ptr', ahead)}, i64 {asked}"))
            f.put("i64", row, f.add(at, rows))

    with f.loop(0, "%M", tall) as top:
        end = f.least(f.add(top, tall), "%M")
        groups = f.quotient(f.add(f.sub(end, top), most_rows - 1), most_rows)
        # Every group of rows prefetches its part of the next block, unless that were more than a line with every step.
        pace = f.quotient(f.add(groups, width * m.bytes - 1), groups)
        pace = f.select(f.op(f"icmp sgt i64 {pace}, {LINE}"), "i64", "0", pace)
        with f.loop(0, "%N", width) as column, f.loop(0, f.most(K, 1), deep) as low:
            block(top, end, groups, pace, column, low)


def _call_product(f: Function, **values: str) -> None:
    """Calls ``product`` with one pair of factors."""
    values |= {"a2": "null", "m2": "0", "b2": "null", "K2": "0"}
    f.line(f"call void @product({', '.join(f'{kind} {values[name]}' for kind, name in PRODUCT)})")


def _bulk(module: Module) -> None:
    """Emits a large product on all threads, each with its share of C's rows."""
    f = module.function("bulk_share", [("ptr", "a"), ("i64", "thread")])
    threads, ldstart, lda, K, ldc, M, N = (
        BULK.integer(f, name) for name in ("threads", "ldstart", "lda", "K", "ldc", "M", "N")
    )
    start, a, b, c = (BULK.pointer(f, name) for name in ("start", "a", "b", "c"))
    first, count = share_rows(f, threads, M)
    with f.when(f.op(f"icmp sgt i64 {count}, 0")):
        _call_product(
            f, start=f.at(start, f.mul(first, ldstart)), ldstart=ldstart, a1=f.at(a, f.mul(first, lda)), m1=lda,
            k1="1", b1=b, K1=K, c=f.at(c, f.mul(first, ldc)), ldc=ldc, M=count, N=N,
        )  # fmt: skip
    emit_parallel(module, "bulk", "bulk_share", BULK)


@cache
def gemm_code(kind: str, target: Target) -> Code:
    """Returns the compiled code that has no cell in it, for numbers of one kind: products, moves, and ``play``."""
    module = Module(kind, target)
    emit_tiles(module)
    _product(module)
    _bulk(module)
    emit_outer(module)
    emit_pack(module)
    emit_moves(module)
    emit_play(module)
    return compile_module(module.text(), target)
