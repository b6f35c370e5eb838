"""Products C = A^T B whose sum runs over many rows, as the derivatives by weights are.

Both factors are ordinary matrices, whose rows fall on few sets of the caches. So parts of them are copied: of A, if B
has columns enough, into *strips* of as many columns as a tile has rows, for every k a contiguous row, which stay in the
second cache; and for each of these parts B panel by panel, which stays in the first.
"""

from __future__ import annotations

from carrousel.engine.cpu._tiles import LINE, call_tile, share_rows
from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._parallel import TEAM, emit_parallel
from carrousel.engine.cpu.llvm._target import Target
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["OUTER", "emit_outer", "outer_room"]

OUTER = Words(
    ["threads", "room", "a", "lda", "K", "M", "b", "ldb", "N", "c", "also_b", "also_ldb", "also_N", "also_c"], TEAM
)
"""The arguments of ``outer``, C = A^T B over K rows of A and of B, and the same with another B while A is at hand.
A's M columns, the rows of C, are shared among threads; C's rows have N columns and no distance. ``room`` is memory of
as many numbers as ``outer_room`` says, for each thread: the stack of a thread may be too small for it."""

DEPTH = 256
"""The most rows of A and B that are taken at once."""

STRIPS = 1 << 18
"""The bytes of A that are taken at once, or a little more: whole strips."""

COPIED = 512
"""The columns of B, of both B together, from which on A is copied: with fewer it is not read often enough."""

BESIDE = 4
"""The strips that are written at once, about a line of A: with more, they drive one another out of the first cache."""

_PRODUCT = (
    ("ptr", "start"), ("i64", "ldstart"), ("ptr", "a"), ("i64", "along"), ("i64", "apart"), ("ptr", "b"), ("i64", "K"),
    ("i64", "wide"), ("ptr", "c"), ("i64", "ldc"), ("i64", "M"),
)  # fmt: skip
"""The parameters of the product of strips and a panel ``wide`` columns wide: from row to row of a strip it is ``along``
numbers, from strip to strip ``apart``. So A where it stands is strips too."""


def _most_strips(kind: str, target: Target) -> int:
    """Returns how many strips there are at once."""
    return -(-STRIPS // (DEPTH * target.tile[0] * (4 if kind == "float" else 8)))


def _apart(kind: str, target: Target) -> int:
    """Returns how far strips are apart: not a power of two, at which they would fall on the same sets of a cache."""
    return DEPTH * target.tile[0] + target.lanes(kind)


def outer_room(kind: str, target: Target) -> int:
    """Tells how many numbers a thread of ``outer`` needs room for: strips and a panel."""
    return _most_strips(kind, target) * _apart(kind, target) + DEPTH * target.tile[1] * target.lanes(kind)


def emit_outer(module: Module) -> None:
    """Emits ``outer``."""
    _strips_times_panel(module)
    f = module.function("outer_share", [("ptr", "a"), ("i64", "thread")])
    kind, target, L = module.kind, module.target, module.lanes
    width, at_once = target.tile[1] * L, _most_strips(kind, target) * target.tile[0]
    threads, lda, K, M = (OUTER.integer(f, name) for name in ("threads", "lda", "K", "M"))
    first, count = share_rows(f, threads, M)
    a = f.at(OUTER.pointer(f, "a"), first)
    panel = f.at(OUTER.pointer(f, "room"), f.mul("%thread", outer_room(kind, target)))
    strips = f.at(panel, DEPTH * width)
    nothing = f.array(width)
    with f.loop(0, width, L) as n:
        f.store("zeroinitializer", f.at(nothing, n))

    def step(part: str, k: str, depth: str, top: str, tall: str, which: str) -> None:
        """Adds what ``tall`` columns of A from ``top`` on and one B make in ``depth`` rows from k on."""
        b, ldb, N, c = (load(f, which + name) for load, name in zip(
            (OUTER.pointer, OUTER.integer, OUTER.integer, OUTER.pointer), ("b", "ldb", "N", "c"), strict=True
        ))  # fmt: skip
        fresh = f.op(f"icmp eq i64 {k}, 0")
        done, panels = f.variable("i64", "0"), f.quotient(f.add(N, width - 1), width)
        with f.loop(0, panels) as number:
            # Panels of nearly equal width: 4 vectors are 2 + 2, not 3 + 1.
            column, rest = f.get("i64", done), f.sub(panels, number)
            vectors = f.quotient(f.sub(N, column), L)
            wide = f.mul(f.quotient(f.add(vectors, f.sub(rest, 1)), rest), L)
            f.put("i64", done, f.add(column, wide))
            _copy_panel(f, f.at(b, f.add(f.mul(k, ldb), column)), ldb, depth, wide, panel)
            at = f.at(c, f.add(f.mul(f.add(first, top), N), column))
            values = {
                "start": f.select(fresh, "ptr", nothing, at), "ldstart": f.select(fresh, "i64", "0", N),
                "a": part, "along": along, "apart": apart, "b": panel, "K": depth, "wide": wide,
                "c": at, "ldc": N, "M": tall,
            }  # fmt: skip
            arguments = ", ".join(f"{kind} {values[name]}" for kind, name in _PRODUCT)
            f.line(f"call void @strips_times_panel({arguments})")

    copied = f.op(f"icmp sge i64 {f.add(OUTER.integer(f, 'N'), OUTER.integer(f, 'also_N'))}, {COPIED}")
    along = f.select(copied, "i64", str(target.tile[0]), lda)
    apart = f.select(copied, "i64", str(_apart(kind, target)), str(target.tile[0]))
    blocks = f.most(f.quotient(f.add(K, DEPTH - 1), DEPTH), 1)
    most = f.most(f.quotient(f.add(K, f.sub(blocks, 1)), blocks), 1)
    with f.when(f.op(f"icmp sgt i64 {count}, 0")), f.loop(0, K, most) as k:
        depth = f.least(f.sub(K, k), most)
        with f.loop(0, count, at_once) as top:
            tall = f.least(f.sub(count, top), at_once)
            source = f.at(f.at(a, f.mul(k, lda)), top)
            with f.when(copied):
                _copy_strips(f, source, lda, depth, tall, strips)
            for which in ("", "also_"):
                step(f.select(copied, "ptr", strips, source), k, depth, top, tall, which)
    emit_parallel(module, "outer", "outer_share", OUTER)


def _copy_strips(f: Function, source: str, ld: str, depth: str, tall: str, strips: str) -> None:
    """Copies ``tall`` columns of ``depth`` rows into strips."""
    m, rows = f.module, f.module.target.tile[0]
    apart = _apart(m.kind, m.target)
    part = f"<{rows} x {m.kind}>"

    def copy(first: str, count: int) -> None:
        """Copies so many strips, the first of which has the number ``first``."""
        column, to = f.at(source, f.mul(first, rows)), f.at(strips, f.mul(first, apart))
        with f.loop(0, depth) as k:
            here, there = f.at(column, f.mul(k, ld)), f.at(to, f.mul(k, rows))
            for n in range(count):
                numbers = f.op(f"load {part}, ptr {f.at(here, n * rows)}, align {m.bytes}")
                f.line(f"store {part} {numbers}, ptr {f.at(there, n * apart)}, align {m.bytes}")

    whole = f.quotient(tall, rows)
    beside = f.mul(f.quotient(whole, BESIDE), BESIDE)
    with f.loop(0, beside, BESIDE) as strip:
        copy(strip, BESIDE)
    with f.loop(beside, whole) as strip:
        copy(strip, 1)
    # What is left is less than a strip.
    left, last = f.mul(whole, rows), f.at(strips, f.mul(whole, apart))
    with f.loop(left, tall) as column, f.loop(0, depth) as k:
        number = f.load_number(f.at(f.at(source, column), f.mul(k, ld)))
        f.line(f"store {m.kind} {number}, ptr {f.at(f.at(last, f.sub(column, left)), f.mul(k, rows))}")


def _copy_panel(f: Function, source: str, ld: str, depth: str, wide: str, panel: str) -> None:
    """Copies ``wide`` columns, whole vectors, of ``depth`` rows into a panel."""
    L, most_vectors = f.module.lanes, f.module.target.tile[1]
    for vectors in f.cases(f.quotient(wide, L), range(1, most_vectors + 1)):
        with f.loop(0, depth) as k:
            here, there = f.at(source, f.mul(k, ld)), f.at(panel, f.mul(k, vectors * L))
            for n in range(vectors):
                f.store(f.load(f.at(here, n * L)), f.at(there, n * L))


def _strips_times_panel(module: Module) -> None:
    """Emits C = start + A B for A in strips and one panel of B."""
    f = module.function("strips_times_panel", _PRODUCT)
    most_rows, most_vectors = module.target.tile
    end = most_vectors * module.lanes - 1
    vectors = f.quotient("%wide", module.lanes)
    with f.loop(0, "%M", most_rows) as m:
        c = f.at("%c", f.mul("%ldc", m))
        below = f.at(c, f.mul("%ldc", most_rows))
        for r in range(most_rows):
            row = f.at(below, f.mul("%ldc", r))
            for n in (*range(0, end, LINE // module.bytes), end):
                f.prefetch(f.at(row, n), write=True)
        call_tile(
            f, f.least(f.sub("%M", m), most_rows), "1", vectors,
            start=f.at("%start", f.mul("%ldstart", m)),
            a1=f.at("%a", f.mul(f.quotient(m, most_rows), "%apart")), m1="1", k1="%along",
            b1="%b", K1="%K", apart1="0", a2="null", m2="0", b2="null", K2="0", apart2="0",
            c=c, ahead="%b", pace="0",
        )  # fmt: skip
