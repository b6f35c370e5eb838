"""Matrix products: a register-tiled microkernel, and what packs its operands.

Everything here computes ``C = start + A1 B1 + A2 B2`` for row-major C. A tile of C stays in registers while the
product runs over k, in order and without a split, so a number does not depend on the tile that it fell into, and
so not on the number of threads either.

B is in *panels*: as many columns as a tile has (the last panel may have fewer, always whole vectors), for every k
a contiguous row. A panel that begins at column n stands at ``B + n * K``.
"""

from __future__ import annotations

from functools import cache

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

_KERNEL = (*tuple(item for item in PRODUCT if item[1] not in ("M", "N")), ("i64", "w1"), ("i64", "w2"))

DEPTH = 256
"""The rows of an ordinary B that are taken at once: so many that a panel of them stays in the first cache."""

RESIDENT = 1 << 19
"""The bytes of A that are taken at once where all of B's columns pass over them."""


BULK = Words(["threads", "start", "ldstart", "a", "lda", "b", "K", "c", "ldc", "M", "N"], TEAM)
"""The arguments of ``bulk``, a large product with a B in panels, whose rows are shared among threads."""

OUTER = Words(
    ["threads", "room", "a", "lda", "K", "M", "b", "ldb", "N", "c", "also_b", "also_ldb", "also_N", "also_c"], TEAM
)
"""The arguments of ``outer``, C = A^T B over K rows of A and of B, and the same with another B while A is at hand.
A's M columns, the rows of C, are shared among threads; C's rows have N columns and no distance. ``room`` is memory of
as many numbers as ``outer_room`` says, for each thread: the stack of a thread may be too small for it."""

PACK = Words(["threads", "source", "ld", "groups", "rows", "size", "padded", "K", "target"], TEAM)
"""The arguments of ``pack_rows`` and ``pack_columns``."""


def _microkernel(module: Module, rows: int, vectors: int) -> str:
    """Emits a tile of C with ``rows`` rows and ``vectors`` vectors."""
    name = f"tile_{rows}x{vectors}"
    f = module.function(name, _KERNEL)
    L = module.lanes
    tile = [(m, n) for m in range(rows) for n in range(vectors)]
    sums = {}
    for m, n in tile:
        row = f.at("%start", f.mul("%ldstart", m))
        sums[m, n] = f.variable(module.vector, f.load(f.at(row, n * L)))
    for a, stride, step, b, K, width in (
        ("%a1", "%m1", "%k1", "%b1", "%K1", "%w1"),
        ("%a2", "%m2", "1", "%b2", "%K2", "%w2"),
    ):
        starts = [f.at(a, f.mul(stride, m)) for m in range(rows)]
        with f.loop(0, K) as k:
            row = f.at(b, f.mul(k, width))
            parts = [f.load(f.at(row, n * L)) for n in range(vectors)]
            along = f.mul(k, step)
            for m in range(rows):
                factor = f.spread(f.load_number(f.at(starts[m], along)))
                for n in range(vectors):
                    f.put(module.vector, sums[m, n], f.fma(factor, parts[n], f.get(module.vector, sums[m, n])))
    for m, n in tile:
        f.store(f.get(module.vector, sums[m, n]), f.at(f.at("%c", f.mul("%ldc", m)), n * L))
    return name


def _product(module: Module) -> None:
    """Emits all tiles of a product: panels outside, so that each is read once while it is in the cache."""
    most_rows, most_vectors = module.target.tile
    L = module.lanes
    width = most_vectors * L
    kernels = {
        (rows, vectors): _microkernel(module, rows, vectors)
        for rows in range(1, most_rows + 1)
        for vectors in range(1, most_vectors + 1)
    }
    f = module.function("product", PRODUCT, public=True)
    with f.loop(0, "%N", width) as column:
        left = f.quotient(f.least(f.sub("%N", column), width), L)  # vectors
        stride = f.mul(left, L)
        b1, b2 = f.at("%b1", f.mul(column, "%K1")), f.at("%b2", f.mul(column, "%K2"))
        row = f.variable("i64", "0")
        groups = f.variable("i64", f.quotient(f.add("%M", most_rows - 1), most_rows))
        with f.loop(0, f.get("i64", groups)) as group:
            # Groups of nearly equal size: 8 rows are 4 + 4, not 6 + 2.
            m = f.get("i64", row)
            rest = f.sub(f.get("i64", groups), group)
            rows = f.quotient(f.add(f.sub("%M", m), f.sub(rest, 1)), rest)
            start = f.at(f.at("%start", f.mul("%ldstart", m)), column)
            a1, a2 = f.at("%a1", f.mul("%m1", m)), f.at("%a2", f.mul("%m2", m))
            c = f.at(f.at("%c", f.mul("%ldc", m)), column)
            choice = f.add(f.mul(rows, 8), left)
            cases, end = [], f"end_{most_rows}_{most_vectors}"
            for (r, v), kernel in kernels.items():
                cases.append((r * 8 + v, f"case_{r}_{v}", kernel))
            f.line(
                f"switch i64 {choice}, label %{end} [ {' '.join(f'i64 {n}, label %{label}' for n, label, _ in cases)} ]"
            )
            for _, label, kernel in cases:
                f.label(label)
                values = {
                    "start": start, "a1": a1, "b1": b1, "a2": a2, "b2": b2, "c": c, "w1": stride, "w2": stride,
                }  # fmt: skip
                arguments = ", ".join(f"{kind} {values.get(name, '%' + name)}" for kind, name in _KERNEL)
                f.line(f"call void @{kernel}({arguments})")
                f.line(f"br label %{end}")
            f.label(end)
            f.put("i64", row, f.add(m, rows))


def _share(f: Function, threads: str, M: str) -> tuple[str, str]:
    """Computes the first of M rows that fall to this thread, and their number: whole tiles as far as they go."""
    most_rows, _ = f.module.target.tile
    tiles = f.quotient(f.add(M, most_rows - 1), most_rows)
    first = f.mul(f.quotient(f.mul(tiles, "%thread"), threads), most_rows)
    last = f.least(f.mul(f.quotient(f.mul(tiles, f.add("%thread", 1)), threads), most_rows), M)
    return first, f.sub(last, first)


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
    first, count = _share(f, threads, M)
    with f.when(f.op(f"icmp sgt i64 {count}, 0")):
        _call_product(
            f, start=f.at(start, f.mul(first, ldstart)), ldstart=ldstart, a1=f.at(a, f.mul(first, lda)), m1=lda,
            k1="1", b1=b, K1=K, c=f.at(c, f.mul(first, ldc)), ldc=ldc, M=count, N=N,
        )  # fmt: skip
    emit_parallel(module, "bulk", "bulk_share", BULK)


def outer_room(kind: str, target: Target) -> int:
    """Tells how many numbers a thread of ``outer`` needs room for."""
    return DEPTH * target.tile[1] * target.lanes(kind)


def _outer(module: Module) -> None:
    """C = A^T B in steps along k, each of which reads a panel of B that stays in the cache."""
    f = module.function("outer_share", [("ptr", "a"), ("i64", "thread")])
    L, width = module.lanes, module.target.tile[1] * module.lanes
    threads, lda, K, M = (OUTER.integer(f, name) for name in ("threads", "lda", "K", "M"))
    first, count = _share(f, threads, M)
    a = f.at(OUTER.pointer(f, "a"), first)
    # The rows of an ordinary matrix fall on few sets of the cache; a copy of the part in use does not.
    panel = f.at(OUTER.pointer(f, "room"), f.mul("%thread", outer_room(module.kind, module.target)))
    nothing = f.array(width)
    with f.loop(0, width, L) as n:
        f.store("zeroinitializer", f.at(nothing, n))

    def step(k: str, depth: str, which: str) -> None:
        b, ldb, N, c = (load(f, which + name) for load, name in zip(
            (OUTER.pointer, OUTER.integer, OUTER.integer, OUTER.pointer), ("b", "ldb", "N", "c"), strict=True
        ))  # fmt: skip
        with f.loop(0, N, width) as column:
            wide = f.least(f.sub(N, column), width)
            source = f.at(b, f.add(f.mul(k, ldb), column))
            with f.loop(0, depth) as row, f.loop(0, wide, L) as n:
                f.store(f.load(f.at(source, f.add(f.mul(row, ldb), n))), f.at(panel, f.add(f.mul(row, wide), n)))
            fresh = f.op(f"icmp eq i64 {k}, 0")
            at = f.at(c, f.add(f.mul(first, N), column))
            _call_product(
                f, start=f.select(fresh, "ptr", nothing, at), ldstart=f.select(fresh, "i64", "0", N),
                a1=f.at(a, f.mul(k, lda)), m1="1", k1=lda, b1=panel, K1=depth, c=at, ldc=N, M=count, N=wide,
            )  # fmt: skip

    # As many rows at once as leave A's share of them in the second cache.
    most = f.least(f.most(f.quotient(str(RESIDENT // module.bytes), f.most(count, 1)), DEPTH // 4), DEPTH)
    with f.when(f.op(f"icmp sgt i64 {count}, 0")), f.loop(0, K, most) as k:
        depth = f.least(f.sub(K, k), most)
        for which in ("", "also_"):
            step(k, depth, which)
    emit_parallel(module, "outer", "outer_share", OUTER)


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
    with f.loop(f.mul("%thread", L), columns, f.mul(threads, L)) as column:
        group = f.quotient(column, padded)
        unit = f.sub(column, f.mul(group, padded))
        first = f.op(f"load i64, ptr {f.op(f'getelementptr i64, ptr {rows}, i64 {group}')}")
        # Lanes past the last unit read the last row and are then cleared.
        starts = [
            f.at(source, f.mul(f.add(first, f.least(f.add(unit, lane), f.sub(size, 1))), ld)) for lane in range(L)
        ]
        mask = f.first_lanes(f.sub(size, unit))
        panel = f.mul(f.quotient(column, width), width)
        wide = f.least(f.sub(columns, panel), width)
        base = f.at(target, f.add(f.mul(panel, K), f.sub(column, panel)))
        with f.loop(0, K) as k:
            vector = "poison"
            for lane in range(L):
                number = f.load_number(f.at(starts[lane], k))
                vector = f.op(f"insertelement {module.vector} {vector}, {module.kind} {number}, i32 {lane}")
            f.store(f.choose(mask, vector, "zeroinitializer"), f.at(base, f.mul(k, wide)))
    emit_parallel(module, "pack_rows", "pack_rows_share", PACK)


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
    masked = f"llvm.masked.load.v{L}f{module.bits}.p0"
    module.declare(masked, f"{module.vector} (ptr, {module.mask}, {module.vector})")
    with f.loop("%thread", depth, threads) as k:
        group = f.quotient(k, padded)
        unit = f.sub(k, f.mul(group, padded))
        first = f.op(f"load i64, ptr {f.op(f'getelementptr i64, ptr {rows}, i64 {group}')}")
        row = f.at(source, f.mul(f.add(first, f.least(unit, f.sub(size, 1))), ld))
        real = f.select(f.op(f"icmp slt i64 {unit}, {size}"), "i64", N, "0")
        with f.loop(0, whole, L) as n:
            mask = f.first_lanes(f.sub(real, n))
            vector = f.op(
                f"call {module.vector} @{masked}(ptr align {module.bytes} {f.at(row, n)}, {module.mask} {mask}, "
                f"{module.vector} zeroinitializer)"
            )
            panel = f.mul(f.quotient(n, width), width)
            wide = f.least(f.sub(whole, panel), width)
            base = f.add(f.mul(panel, depth), f.sub(n, panel))
            f.store(vector, f.at(target, f.add(base, f.mul(k, wide))))
    emit_parallel(module, "pack_columns", "pack_columns_share", PACK)


@cache
def gemm_code(kind: str, target: Target) -> Code:
    """Returns the compiled products for numbers of one kind; no cell is in them, so all cells share them."""
    module = Module(kind, target)
    _product(module)
    _bulk(module)
    _outer(module)
    _pack_rows(module)
    _pack_columns(module)
    return compile_module(module.text(), target)
