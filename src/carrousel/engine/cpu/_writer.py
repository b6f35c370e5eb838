"""What the programs of both passes have in common: weights, noise and buffers as places, and calls of moves and
products.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from carrousel.engine._layer import QUIET, Masks, Weights
from carrousel.engine._memory import CPU
from carrousel.engine._plan import FROM_X
from carrousel.engine._rows import Rows
from carrousel.engine.cpu._counts import ROWS, STEPS, Count, Frame, valued
from carrousel.engine.cpu._gemm import BULK, OUTER, PACK, outer_room
from carrousel.engine.cpu._kernels import Kernels
from carrousel.engine.cpu._moves import PICK, SUM
from carrousel.engine.cpu._moves import ROWS as MOVED
from carrousel.engine.cpu._program import Place, Program
from carrousel.engine.cpu.llvm import _parallel

__all__ = ["Batch", "Buffer", "Writer", "forms_of"]

_FEW = 1 << 16
"""Fewer numbers than this are moved by one thread."""


class Batch(NamedTuple):
    """What a pass is given."""

    x: Tensor
    state: list[Tensor]
    weights: Weights
    rows: Rows
    masks: Masks
    kept: dict[str, Tensor]
    d_output: Tensor | None = None
    d_steps: dict[str, Tensor] = {}  # noqa: RUF012 - nobody writes to it
    d_final: Sequence[Tensor | None] = ()


class Buffer(NamedTuple):
    """A buffer of what is kept: its rows; in a uniform packing also the initial values, where there are such, and for
    every row what stood there a step before: the same memory, one step on.
    """

    rows: Place
    size: int
    initial: Place | None = None
    before: Place | None = None


def forms_of(masks: Masks) -> tuple[bool, ...]:
    """Returns what a program must know of noise besides the variant: which shares are tensors."""
    return () if masks is QUIET else tuple(isinstance(share, Tensor) for share in (masks.zoneout_h, masks.zoneout_c))


class Writer:
    """Writes a program for packings of a frame."""

    def __init__(self, kernels: Kernels, frame: Frame, forms: tuple[bool, ...], *, reverse: bool) -> None:
        self.kernels, self.layer, self.variant, self.plan = kernels, kernels.layer, kernels.variant, kernels.plan
        self.places, self.width, self.ldh, self.ldg = kernels.places, kernels.width, kernels.ldh, kernels.ldg
        self.frame, self._forms, self.reverse = frame, forms, reverse
        self.N, self.T, self.B, self.n = ROWS, STEPS, frame.sequences, 1 + len(self.layer.cell.states)
        self.program = Program(kernels.dtype, kernels.code)
        self.zeros = kernels.zeros.data_ptr()
        team = _parallel.runtime()
        self._rows, self._pick, self._sum = MOVED.arguments(**team), PICK.arguments(**team), SUM.arguments(**team)
        self._pack, self._bulk, self._outer = (words.arguments(**team) for words in (PACK, BULK, OUTER))
        self.x = self.program.given("x", lambda batch: batch.x)
        self.offsets = self.program.given("offsets", lambda batch: batch.rows.offsets, 8)

    # What is given

    def state(self, k: int) -> Place:
        """Returns an initial state, ``[B, size]``."""
        return self.program.given(("state", k), lambda batch: batch.state[k])

    def sent(self) -> Place:
        """Returns the initial activations of gates that feed the first step, side by side."""
        places, n, B, dtype = self.places, self.n, self.B, self.kernels.dtype
        return self.program.given("sent", lambda batch: places.sent(batch.state[n:], B, dtype))

    def weight(self, name: str) -> Place:
        """Returns a weight with a row for each unit."""
        if self.places.stands(name):
            return self.program.given(("weight", name), lambda batch: batch.weights[name])
        units_of = self.places.units_of
        return self.program.given(("weight", name), lambda batch: units_of(name, batch.weights[name]))

    def has(self, name: str) -> bool:
        """Says whether the layer has a weight of this name."""
        return name in self.layer.shapes()

    def weighed(self) -> Place:
        """Returns the initial h times its factors, ``[B, output]``."""
        dtype = self.kernels.dtype
        return self.program.given("weighed", lambda batch: batch.state[0] * batch.masks.variational.to(dtype))

    def noise(self) -> dict[str, Place | int]:
        """Returns the words of all noise."""
        variant, dtype, B = self.variant, self.kernels.dtype, self.B
        words: dict[str, Place | int] = {}

        def add(word: str, place: Place, rows: int | Count, size: int, width: int) -> None:
            words[word], words[f"ld_{word}"] = self.padded(place, rows, size, width), width

        def add_share(word: str, field: str, is_tensor: bool, size: int, width: int) -> None:
            if is_tensor:
                place = self.program.given(field, lambda batch: getattr(batch.masks, field).to(dtype))
                add(word, place, self.N, size, width)
                return

            def full(batch: Batch) -> Tensor:
                return torch.full((width,), float(getattr(batch.masks, field) or 0.0), dtype=dtype, device=CPU)

            words[word], words[f"ld_{word}"] = self.program.given(field, full), 0

        if variant.variational:
            factors = self.program.given("mask_h", lambda batch: batch.masks.variational.to(dtype))
            add("mask_h", factors, B, self.layer.output_size, self.ldh)
        for row in variant.cell.candidates if variant.masked else ():
            own = self.program.given(
                ("mask", row), partial(lambda row, batch: batch.masks.candidate[row].to(dtype), row)
            )
            add(f"mask_{row}", own, self.N, self.layer.hidden_size, self.width)
        if variant.zoned_h:
            add_share("zone_h", "zoneout_h", self._forms[0], self.layer.output_size, self.ldh)
        for state in variant.cell.states if variant.zoned else ():
            add_share(f"zone_{state}", "zoneout_c", self._forms[1], self.layer.hidden_size, self.width)
        return words

    def buffer(self, name: str, base: Place, *, deep: bool) -> Buffer:
        """Returns how a buffer of ``Kernels.kept`` lies in memory; ``deep``, with the rows of a step more."""
        size, more = self.kernels.kept[name]
        if not (more and deep):
            return Buffer(base, size)
        later = base.after(self.B * size)
        if self.reverse:
            return Buffer(base, size, base.after(self.N * size), later)
        return Buffer(later, size, base, base)

    # Moves

    def rows(
        self, source: Place | None, ld: int, target: Place, ldt: int, count: int | Count, columns: int, whole: int,
        also: Place | None = None,
    ) -> None:  # fmt: skip
        """Copies rows, or adds rows of two; no source is zeros."""
        self.program.call(
            self.kernels.code, "rows", self._rows, threads=self._movers(count * whole), source=source or 0,
            also=also or 0, ld=ld, target=target, ldt=ldt, count=count, columns=columns if source else 0, whole=whole,
        )  # fmt: skip

    def pick(
        self, source: Place, ld: int, index: Place, target: Place, ldt: int, count: int | Count, columns: int,
        whole: int, initial: Place | None = None, ldinitial: int = 0,
    ) -> None:  # fmt: skip
        """Copies rows of which an index says which; negative numbers are rows of ``initial``."""
        self.program.call(
            self.kernels.code, "pick", self._pick, threads=self._movers(count * whole), source=source, ld=ld,
            initial=initial or 0, ldinitial=ldinitial, index=index, target=target, ldt=ldt, count=count,
            columns=columns, whole=whole,
        )  # fmt: skip

    def sum(
        self, source: Place, ld: int, count: int | Count, columns: int, target: Place, factor: Place | None = None
    ) -> None:
        """Sums rows, or products of rows of two."""
        self.program.call(
            self.kernels.code, "sum", self._sum, threads=self._movers(count * columns), source=source, ld=ld,
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

    # Weights

    def in_slots(self, name: str, starts: Sequence[int]) -> Place:
        """Returns what a vector of rows has for the units of some rows, ``[slots, width]``."""
        H, vector = self.layer.hidden_size, self.weight(name)
        if self.width == H and [*starts] == [*range(starts[0], starts[0] + len(starts) * H, H)]:
            return vector.after(starts[0])
        room = self.program.room(len(starts) * self.width)
        for k, start in enumerate(starts):
            self.rows(vector.after(start), H, room.after(k * self.width), self.width, 1, H, self.width)
        return room

    def bias(self) -> Place | int:
        """Returns both biases together in the order of the slots, ``[slots · width]``."""
        if not self.has("bias_ih"):
            return self.zeros
        H, width, plan, cell = self.layer.hidden_size, self.width, self.plan, self.layer.cell
        room = self.program.room(len(plan.slots) * width)
        by_x, by_h = self.weight("bias_ih"), self.weight("bias_hh") if self.has("bias_hh") else None
        for k, row in enumerate(plan.rows):
            start = cell.rows.index(row) * H
            # A recurrent part within the equations has its bias to itself.
            alone = self.variant.pointwise and row not in cell.parted
            heard = by_h is not None and (alone or (self.variant.recurs and k >= plan.shared))
            parts = [by_x.after(start)] if k < plan.inputs else []
            parts += [by_h.after(start)] if heard and by_h is not None else []
            self.rows(parts[0], H, room.after(k * width), width, 1, H, width, parts[1] if parts[1:] else None)
        return room

    def vectors(self) -> Place | int:
        """Returns the weights that have a number for each unit, ``[vectors, width]``, in the order of the plan."""
        H, width, cell = self.layer.hidden_size, self.width, self.layer.cell
        parts = [self.weight("weight_peephole").after(k * H) for k in range(len(cell.peepholes))]
        if self.variant.pointwise:
            parts += [self.weight("weight_hh").after(k * H) for k in range(len(cell.rows))]
            alone = cell.parted if self.variant.bias else ()
            parts += [self.weight("bias_hh").after(cell.rows.index(row) * H) for row in alone]
        if not parts:
            return self.zeros
        if width == H and not self.variant.pointwise:
            return parts[0]
        room = self.program.room(len(parts) * width)
        for k, part in enumerate(parts):
            self.rows(part, H, room.after(k * width), width, 1, H, width)
        return room

    def diagonal(self) -> Place | None:
        """Returns the weights of a diagonal recurrence in slots, where it is no part of the equations."""
        if not self.layer.diagonal or self.variant.pointwise:
            return None
        starts = self.places.recurrent.tolist()
        return self.in_slots("weight_hh", starts) if starts else self.weight("weight_hh")

    def gated_vectors(self, name: str) -> dict[str, Place | int]:
        """Returns what a vector of the rows of ``weight_hh`` has for the units of each gated row; zeros without it."""
        return {
            row: self.in_slots(name, start.tolist()) if self.has(name) else self.zeros
            for row, start in self.places.gated.items()
        }

    def norm_words(self, name: str) -> dict[str, Place | int]:
        """Returns the words of layer norm's gain and bias of what is named in ``Variant.norms``, and its shares."""
        if name in self.variant.parts or name in self.places.gated:
            ending, rows = ("ih", self.places.into) if name == FROM_X else ("hh", self.places.recurrent)
            starts = self.places.gated.get(name, rows).tolist()
            gain: Place | int = self.in_slots(f"norm_{ending}", starts)
            shift = self.in_slots(f"bias_{ending}", starts) if self.has(f"bias_{ending}") else self.zeros
        else:
            bias = f"norm_bias_{name}"
            gain, shift = (
                self.padded(self.weight(each), 1, self.layer.hidden_size, self.width) if self.has(each) else self.zeros
                for each in (f"norm_{name}", bias)
            )
        words: dict[str, Place | int] = {f"gain_{name}": gain, f"shift_{name}": shift}
        if self.layer.block_size > 1:
            words[f"shares_{name}"] = self.program.constant(self.places.shares(name, self.kernels.dtype))
        return words

    # Products

    def pack(self, kernel: str, source: Place, columns: int, starts: Tensor, size: int, target: Place) -> None:
        """Packs groups of rows of a weight: see ``_pack``."""
        groups, tall = len(starts), self.kernels.whole(size)
        self.program.call(
            self.kernels.code, kernel, self._pack, threads=self.workers(groups * tall * columns), source=source,
            ld=columns, groups=groups, rows=self.program.constant(starts), size=size, padded=tall, K=columns,
            target=target,
        )  # fmt: skip

    def pack_apart(self, kernel: str, source: Place, columns: int, starts: Tensor, size: int, target: Place) -> None:
        """Packs groups of rows by themselves, one after the other."""
        # Packed at once they lie so too, if none of a group's panels has columns of two.
        if size % self.kernels.tile == 0 if kernel == "pack_rows" else columns <= self.kernels.tile:
            self.pack(kernel, source, columns, starts, size, target)
            return
        for k in range(len(starts)):
            place = target.after(k * self.kernels.whole(size) * columns)
            self.pack(kernel, source, columns, starts[k : k + 1], size, place)

    def pack_heads(self, kernel: str, source: Place, columns: int, starts: Tensor, target: Place) -> None:
        """Packs the rows of each slot and head by themselves, one after the other."""
        size = self.layer.hidden_size // self.layer.heads
        begin = (starts.unsqueeze(-1) + torch.arange(0, self.layer.hidden_size, size, device=CPU)).flatten()
        self.pack_apart(kernel, source, columns, begin, size, target)

    def gate_weights(self) -> list[tuple[str, Place, Tensor]]:
        """Returns of all that hear gates the name, the weights ``[units, gates · width]``, and where rows begin."""
        found, of = [], self.places.gate_weight
        for name, rows in self.variant.hearers:
            how = partial(lambda rows, batch: of(batch.weights["weight_gh"], rows), rows)
            starts = torch.arange(len(rows), device=CPU) * self.layer.hidden_size
            found.append((name, self.program.given(("gates", name), how), starts))
        return found

    def bulk(
        self, a: Place, lda: int, panels: Place, c: Place, ldc: int, *, M: int | Count, N: int, K: int,
        start: Place | int | None = None,
    ) -> None:  # fmt: skip
        """C = start + A B on all threads, with B in panels: see ``_gemm``."""
        self.program.call(
            self.kernels.code, "bulk", self._bulk, threads=self.workers(M * N * K),
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
            self.kernels.code, "outer", self._outer, threads=threads, room=self.outer_room(threads), a=a, lda=lda, K=K,
            M=M, **words,
        )  # fmt: skip

    def outer_room(self, threads: int) -> Place:
        """Returns the room that products of so many threads need, the same for all of them."""
        if not hasattr(self, "_outer_rooms"):
            self._outer_rooms: dict[int, Place] = {}
        if threads not in self._outer_rooms:
            size = outer_room(self.kernels.kind, self.kernels.target)
            self._outer_rooms[threads] = self.program.room(threads * size)
        return self._outer_rooms[threads]

    # Threads

    def workers(self, work: int | Count) -> int:
        """Tells how many threads a piece of work of so many multiplications is worth."""
        return self.kernels.threads(self._about(work))

    def _movers(self, numbers: int | Count) -> int:
        """Tells how many threads a move of so many numbers is worth."""
        return 1 if self._about(numbers) < _FEW else _parallel.threads()

    def _about(self, number: int | Count) -> int:
        return valued(number, self.frame.about, -(-self.frame.about // max(self.frame.running, 1)))
