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
from carrousel.engine.cpu._calls import Calls
from carrousel.engine.cpu._counts import ROWS, STEPS, Count, Frame, valued
from carrousel.engine.cpu._kernels import Kernels
from carrousel.engine.cpu._program import Place

__all__ = ["Batch", "Buffer", "Writer", "forms_of"]


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


class Writer(Calls):
    """Writes a program for packings of a frame."""

    def __init__(self, kernels: Kernels, frame: Frame, forms: tuple[bool, ...], *, reverse: bool) -> None:
        super().__init__(kernels)
        self.kernels, self.layer, self.variant, self.plan = kernels, kernels.layer, kernels.variant, kernels.plan
        self.places, self.width, self.ldh, self.ldg = kernels.places, kernels.width, kernels.ldh, kernels.ldg
        self.frame, self._forms, self.reverse = frame, forms, reverse
        self.N, self.T, self.B, self.n = ROWS, STEPS, frame.sequences, 1 + len(self.layer.cell.states)
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

    def _about(self, number: int | Count) -> int:
        return valued(number, self.frame.about, -(-self.frame.about // max(self.frame.running, 1)))
