"""Calls of the kernels that have no cell in them: moves of rows, weights into panels, large products."""

from __future__ import annotations

from torch import Tensor

from carrousel.engine.cpu._counts import Count
from carrousel.engine.cpu._gemm import BULK, OUTER, PACK, outer_room
from carrousel.engine.cpu._moves import PICK, ROWS, SUM
from carrousel.engine.cpu._program import Place, Program
from carrousel.engine.cpu._sized import Sized
from carrousel.engine.cpu.llvm import _parallel

__all__ = ["Calls"]

_FEW = 1 << 16
"""Fewer numbers than this are moved by one thread."""


class Calls:
    """Writes into a program the calls of kernels that have no cell in them."""

    def __init__(self, sized: Sized) -> None:
        self._sized = sized
        self.program = Program(sized.dtype, sized.code)
        self.zeros = sized.zeros.data_ptr()
        team = _parallel.runtime()
        self._rows, self._pick, self._sum = ROWS.arguments(**team), PICK.arguments(**team), SUM.arguments(**team)
        self._pack, self._bulk, self._outer = (words.arguments(**team) for words in (PACK, BULK, OUTER))

    # Moves

    def rows(
        self, source: Place | None, ld: int, target: Place, ldt: int, count: int | Count, columns: int, whole: int,
        also: Place | None = None,
    ) -> None:  # fmt: skip
        """Copies rows, or adds rows of two; no source is zeros."""
        self.program.call(
            self._sized.code, "rows", self._rows, threads=self._movers(count * whole), source=source or 0,
            also=also or 0, ld=ld, target=target, ldt=ldt, count=count, columns=columns if source else 0, whole=whole,
        )  # fmt: skip

    def pick(
        self, source: Place, ld: int, index: Place, target: Place, ldt: int, count: int | Count, columns: int,
        whole: int, initial: Place | None = None, ldinitial: int = 0,
    ) -> None:  # fmt: skip
        """Copies rows of which an index says which; negative numbers are rows of ``initial``."""
        self.program.call(
            self._sized.code, "pick", self._pick, threads=self._movers(count * whole), source=source, ld=ld,
            initial=initial or 0, ldinitial=ldinitial, index=index, target=target, ldt=ldt, count=count,
            columns=columns, whole=whole,
        )  # fmt: skip

    def sum(
        self, source: Place, ld: int, count: int | Count, columns: int, target: Place, factor: Place | None = None
    ) -> None:
        """Sums rows, or products of rows of two."""
        self.program.call(
            self._sized.code, "sum", self._sum, threads=self._movers(count * columns), source=source, ld=ld,
            factor=factor or 0, count=count, columns=columns, target=target,
        )  # fmt: skip

    def padded(self, place: Place, count: int | Count, size: int, width: int) -> Place:
        """Returns rows filled up with zeros to ``width``; what needs no filling up as it is."""
        if size == width:
            return place
        room = self.program.room(count * width)
        self.rows(place, size, room, width, count, size, width)
        return room

    def cut(self, place: Place, ld: int, count: int | Count, size: int, name: str, *shape: int) -> None:
        """Makes a result of the first columns of rows."""
        self.rows(place, ld, self.program.result(name, *(shape or (count, size))), size, count, size, size)

    # Weights and products

    def pack(self, kernel: str, source: Place, columns: int, starts: Tensor, size: int, target: Place) -> None:
        """Packs groups of rows of a weight: see ``_pack``."""
        groups, tall = len(starts), self._sized.whole(size)
        self.program.call(
            self._sized.code, kernel, self._pack, threads=self.workers(groups * tall * columns), source=source,
            ld=columns, groups=groups, rows=self.program.constant(starts), size=size, padded=tall, K=columns,
            target=target,
        )  # fmt: skip

    def bulk(
        self, a: Place, lda: int, panels: Place, c: Place, ldc: int, *, M: int | Count, N: int, K: int,
        start: Place | int | None = None,
    ) -> None:  # fmt: skip
        """C = start + A B on all threads, with B in panels: see ``_gemm``."""
        self.program.call(
            self._sized.code, "bulk", self._bulk, threads=self.workers(M * N * K),
            start=self.zeros if start is None else start, ldstart=0, a=a, lda=lda, b=panels, K=K, c=c, ldc=ldc, M=M,
            N=N,
        )  # fmt: skip

    def outer(self, a: Place, lda: int, K: int | Count, M: int, *factors: tuple[Place, int, int, Place]) -> None:
        """A^T B for one or two B: each with the distance of its rows, its columns, and the place of the product."""
        threads = self.workers(M * K * sum(columns for _, _, columns, _ in factors))
        words: dict[str, int | Count | Place] = dict.fromkeys(("also_b", "also_ldb", "also_N", "also_c"), 0)
        for prefix, (b, ldb, columns, c) in zip(("", "also_"), factors, strict=False):
            words |= {prefix + "b": b, prefix + "ldb": ldb, prefix + "N": columns, prefix + "c": c}
        self.program.call(
            self._sized.code, "outer", self._outer, threads=threads, room=self.outer_room(threads), a=a, lda=lda, K=K,
            M=M, **words,
        )  # fmt: skip

    def outer_room(self, threads: int) -> Place:
        """Returns the room that products of so many threads need, the same for all of them."""
        if not hasattr(self, "_outer_rooms"):
            self._outer_rooms: dict[int, Place] = {}
        if threads not in self._outer_rooms:
            size = outer_room(self._sized.kind, self._sized.target)
            self._outer_rooms[threads] = self.program.room(threads * size)
        return self._outer_rooms[threads]

    # Threads

    def workers(self, work: int | Count) -> int:
        """Tells how many threads a piece of work of so many multiplications is worth."""
        return self._sized.threads(self._about(work))

    def _movers(self, numbers: int | Count) -> int:
        """Tells how many threads a move of so many numbers is worth."""
        return 1 if self._about(numbers) < _FEW else _parallel.threads()

    def _about(self, number: int | Count) -> int:
        """Returns a number that is known when the program runs, about as it will be."""
        raise NotImplementedError
