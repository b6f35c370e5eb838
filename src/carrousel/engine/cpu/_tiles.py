"""The microkernel of all products: a tile of C, which stays in registers while the product runs over k."""

from __future__ import annotations

from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._target import Target

__all__ = ["LINE", "call_tile", "emit_tiles", "most_panels", "share_rows"]

SUMS = 12
"""The vectors of sums that keep the units for multiplication busy: with fewer, they wait for one another's results."""

LINE = 64
"""The bytes of a line of the caches."""

_TILE = (
    ("ptr", "start"), ("i64", "ldstart"),
    ("ptr", "a1"), ("i64", "m1"), ("i64", "k1"), ("ptr", "b1"), ("i64", "K1"), ("i64", "apart1"),
    ("ptr", "a2"), ("i64", "m2"), ("ptr", "b2"), ("i64", "K2"), ("i64", "apart2"),
    ("ptr", "c"), ("i64", "ldc"), ("ptr", "ahead"), ("i64", "pace"),
)  # fmt: skip
"""The parameters of a tile: those of ``product``; how far panels are apart; and where what is wanted next begins, of
which the tile prefetches ``pace`` bytes with every step of k."""


def most_panels(target: Target, rows: int) -> int:
    """Returns how many panels of B a tile of so many rows takes: several if there are few rows."""
    return max(1, SUMS // (rows * target.tile[1]))


def _name(rows: int, panels: int, vectors: int) -> str:
    """Returns the name of a tile: its rows, its panels, the vectors in the last of them."""
    return f"tile_{rows}x{panels}x{vectors}"


def emit_tiles(module: Module) -> None:
    """Emits tiles of every size, as :func:`call_tile` calls them."""
    most_rows, most_vectors = module.target.tile
    for rows in range(1, most_rows + 1):
        for panels in range(1, most_panels(module.target, rows) + 1):
            for vectors in range(1, most_vectors + 1):
                _tile(module, rows, [most_vectors] * (panels - 1) + [vectors])


def _tile(module: Module, rows: int, panels: list[int]) -> None:
    """Emits a tile of so many rows, and for each panel of so many vectors."""
    f = module.function(_name(rows, len(panels), panels[-1]), _TILE)
    vector, L, whole = module.vector, module.lanes, module.target.tile[1]
    columns = [(p, n) for p, vectors in enumerate(panels) for n in range(vectors)]
    tile = [(m, p, n) for m in range(rows) for p, n in columns]
    # Of what a step of k reads only one kind is held, numbers of A or vectors of B: that of which there are fewer. With
    # both there would not be registers enough.
    order = sorted(tile, key=lambda at: at[1:]) if rows < len(columns) else tile

    def place(matrix: str, ld: str, m: int, p: int, n: int) -> str:
        return f.at(f.at(matrix, f.mul(ld, m)), (p * whole + n) * L)

    sums = {at: f.variable(vector, f.load(place("%start", "%ldstart", *at))) for at in tile}
    ahead = f.variable("ptr", "%ahead")
    for a, stride, along, b, K, apart in (
        ("%a1", "%m1", "%k1", "%b1", "%K1", "%apart1"),
        ("%a2", "%m2", "1", "%b2", "%K2", "%apart2"),
    ):
        at_a = f.variable("ptr", a)
        at_b = [f.variable("ptr", f.at(b, f.mul(apart, p))) for p in range(len(panels))]
        offsets = [f.mul(stride, m) for m in range(rows)]

        with f.loop(0, K):
            column, panel = f.get("ptr", at_a), [f.get("ptr", p) for p in at_b]
            factors: dict[int, str] = {}
            parts: dict[tuple[int, int], str] = {}
            for m, p, n in order:
                if m not in factors:
                    factors[m] = f.spread(f.load_number(f.at(column, offsets[m])))
                if (p, n) not in parts:
                    parts[p, n] = f.load(f.at(panel[p], n * L))
                f.put(vector, sums[m, p, n], f.fma(factors[m], parts[p, n], f.get(vector, sums[m, p, n])))
            f.put("ptr", at_a, f.at(column, along))
            for p, vectors in enumerate(panels):
                f.put("ptr", at_b[p], f.at(panel[p], vectors * L))
            if len(panels) == 1:
                f.prefetch(f.get("ptr", ahead))
                f.put("ptr", ahead, f.op(f"getelementptr i8, ptr {f.get('ptr', ahead)}, i64 %pace"))
    for at in tile:
        f.store(f.get(vector, sums[at]), place("%c", "%ldc", *at))


def call_tile(f: Function, rows: str, panels: str, vectors: str, *, wide: bool = False, **values: str) -> None:
    """Calls the tile of so many rows, of so many panels (one unless it may be ``wide``), and vectors in the last."""
    target = f.module.target
    sizes = {
        (r * 8 + p) * 8 + v: (r, p, v)
        for r in range(1, target.tile[0] + 1)
        for p in range(1, (most_panels(target, r) if wide else 1) + 1)
        for v in range(1, target.tile[1] + 1)
    }
    arguments = ", ".join(f"{kind} {values.get(name, '%' + name)}" for kind, name in _TILE)
    for number in f.cases(f.add(f.mul(f.add(f.mul(rows, 8), panels), 8), vectors), list(sizes)):
        f.line(f"call void @{_name(*sizes[number])}({arguments})")


def share_rows(f: Function, threads: str, M: str) -> tuple[str, str]:
    """Computes the first of M rows that fall to this thread, and their number: whole tiles as far as they go."""
    most_rows, _ = f.module.target.tile
    tiles = f.quotient(f.add(M, most_rows - 1), most_rows)
    first = f.mul(f.quotient(f.mul(tiles, "%thread"), threads), most_rows)
    last = f.least(f.mul(f.quotient(f.mul(tiles, f.add("%thread", 1)), threads), most_rows), M)
    return first, f.sub(last, first)
