"""A layer's kernels for one type of numbers: sizes in whole vectors, compiled code, and products with weights."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor

from carrousel.engine._layer import QUIET, Layer, Masks, Weights
from carrousel.engine._memory import CPU
from carrousel.engine._plan import FROM_X, Extras, Plan
from carrousel.engine._rows import Rows
from carrousel.engine.cpu._buffers import empty, padded, solid, zeros
from carrousel.engine.cpu._extras import PLAIN, variant_of
from carrousel.engine.cpu._gemm import BULK, OUTER, PACK, gemm_code, outer_room
from carrousel.engine.cpu._meeting import Meeting
from carrousel.engine.cpu._sequence import backward_words, forward_words
from carrousel.engine.cpu._sequence_backward import backward_code
from carrousel.engine.cpu._sequence_forward import forward_code
from carrousel.engine.cpu._weights import Places
from carrousel.engine.cpu.llvm import _parallel
from carrousel.engine.cpu.llvm._target import Target, host

__all__ = ["KINDS", "Kernel", "Kernels", "kernels_for", "kernels_of"]

KINDS = {torch.float32: "float", torch.float64: "double"}
"""The types of numbers that there are kernels for, in LLVM's terms."""

_SMALL = 1 << 22
"""Products of fewer multiplications than this run on one thread: waking the others would take longer."""

_REPAYS = 1 << 15
"""The multiplications of a step of a single sequence from which on two threads share them: waiting for one another at
every step takes a tenth of a microsecond."""

_SET = 256

Kernel = Callable[[Any], None]


class Kernels:
    """Holds a layer's kernels for one type of numbers, its sizes in whole vectors, and the packing of its weights.

    Attributes:
        plan: what its cell's kernels compute.
        places: where the rows of its weights stand.
        width, ldh, ldx: the sizes of the cell's states, of h and of x in whole vectors.
        ldg: the distance of rows of slots: slots · width, or a little more.
        recurrent: whether h is multiplied with recurrent weights, or each unit with its own.
        zeros: as many zeros as anything is wide.
    """

    def __init__(self, layer: Layer, dtype: torch.dtype, target: Target, extras: Extras) -> None:
        self.layer, self.dtype, self.target = layer, dtype, target
        self.kind = KINDS[dtype]
        self._lanes = self.target.lanes(self.kind)
        self.variant = variant_of(layer, self._lanes, extras)
        self.plan: Plan = self.variant.plan
        self.width, self.ldh = self.whole(layer.hidden_size), self.whole(layer.output_size)
        self.ldx, self.ldg = self.whole(layer.input_size), len(self.plan.slots) * self.width
        if self.ldg % _SET == 0:
            # Rows a power of two apart fall on few sets of the cache, and drive one another out.
            self.ldg += self._lanes
        sent = len(layer.fed_back) * self.width
        self.places = Places(layer, self.variant, self.width)
        self.recurrent = self.variant.recurs
        self.zeros = zeros(max(self.ldg, self.ldh, self.ldx, sent), dtype=dtype)
        code = gemm_code(self.kind, self.target)
        team = _parallel.runtime()
        self._pack_arguments, self._bulk_arguments = PACK.arguments(**team), BULK.arguments(**team)
        self._outer_arguments = OUTER.arguments(**team)
        self._bulk, self._outer = code.function("bulk"), code.function("outer")
        self._outer_room = outer_room(self.kind, self.target)
        self._pack_rows, self._pack_columns = code.function("pack_rows"), code.function("pack_columns")
        fixed = {
            **team, "product": code.address("product"), "zeros": self.zeros.data_ptr(),
            "width": self.width, "ldg": self.ldg, "ldh": self.ldh, "units": layer.hidden_size,
            "ldout": self.width if layer.proj_size else self.ldh,
            "ldx": layer.input_size, "KH": layer.output_size if self.recurrent else 0,
            "out_kept": int(bool(layer.proj_size)),
            "heads": layer.heads, "head_in": layer.output_size // layer.heads,
            "head_out": layer.hidden_size // layer.heads,
            "KF": sent, "yield": _parallel.yielding(),
        }  # fmt: skip
        self.forward_arguments = _arguments(forward_words(self.variant), fixed)
        self.backward_arguments = _arguments(backward_words(self.variant), fixed)
        self._forward: dict[bool, Kernel] = {}
        self._backward: dict[str, Kernel] = {}
        self._panels, self._panels_size = self._lay_panels()

    def whole(self, size: int) -> int:
        """Returns a size rounded up to whole vectors."""
        return -(-size // self._lanes) * self._lanes

    def threads(self, work: int) -> int:
        """Tells how many threads a piece of work of so many multiplications is worth."""
        return 1 if work < _SMALL else _parallel.threads()

    def share_units(self, rows: Rows) -> bool:
        """Says whether threads should share the units of a packing: of a single sequence, if that repays waiting."""
        if rows.count > 1 or not self._can_share_units or self.layer.hidden_size * self.ldg < _REPAYS:
            return False
        if time.monotonic() < Meeting.crowded:
            return False
        return self.threads(rows.total * self.ldg * self.layer.output_size) > 1

    @cached_property
    def _can_share_units(self) -> bool:
        """Whether nothing but the product of h with its weights needs all units at once."""
        v = self.variant
        other = v.normed or v.projected or v.heads or v.fed or v.plan.cuts or not self.recurrent
        return not other and bool(_parallel.yielding())

    def forward_kernel(self, *, keep: bool) -> Kernel:
        if keep not in self._forward:
            code = forward_code(self.variant, self.kind, self.target, keep)
            self._forward[keep] = code.function("forward")
        return self._forward[keep]

    def backward_kernel(self, name: str = "backward") -> Kernel:
        """Returns a function of the backward pass: ``backward``, or ``to_start``."""
        if name not in self._backward:
            self._backward[name] = backward_code(self.variant, self.kind, self.target).function(name)
        return self._backward[name]

    def _lay_panels(self) -> tuple[list[tuple[str, Tensor, int, int]], int]:
        """What a forward pass multiplies with: the weight, the rows of it, their size, and the byte where its panels
        start; and how many numbers these are in all.
        """
        layer, places = self.layer, self.places
        named = [("weight_ih", places.into, layer.hidden_size, layer.input_size)]
        columns = layer.output_size // layer.heads if places.apart else layer.output_size
        if self.recurrent and not layer.diagonal:
            # Normalised in one piece, the recurrent part is computed in one piece; else apart from what only it feeds.
            together = places.recurrent if layer.layer_norm else places.both
            named.append(("weight_hh", together, layer.hidden_size, columns))
            if layer.cell.split and not layer.layer_norm:
                named.append(("weight_hh", places.only, layer.hidden_size, columns))
        if not layer.diagonal:
            named += [("weight_hh", rows, layer.hidden_size, columns) for rows in places.gated.values()]
        if layer.proj_size:
            named.append(("weight_hr", places.first, layer.proj_size, layer.hidden_size))
        sizes = [len(rows) * self.whole(size) * columns for _, rows, size, columns in named]
        starts = _running_sum(tuple(sizes))
        bytes_each = self.dtype.itemsize
        laid = [(name, rows, size, n * bytes_each) for (name, rows, size, _), n in zip(named, starts, strict=True)]
        return laid, sum(sizes)

    def panels(self, weights: Weights) -> tuple[Tensor, list[int]]:
        """Panels of the W^T of all that a forward pass multiplies with, for products with W's columns: see ``_gemm``.

        Returns:
            The buffer that holds them, and the addresses of those of W_ih, of W_hh, of the rows of W_hh that are
            apart, of the gated rows, and of W_hr, where there are such.
        """
        buffer = empty(self._panels_size, dtype=self.dtype)
        base, addresses = buffer.data_ptr(), []
        for name, rows, size, start in self._panels:
            weight = self.places.units_of(name, weights[name])
            addresses.append(base + start)
            if name == "weight_hh" and self.places.apart:
                self._pack_heads(self._pack_rows, weight, rows, addresses[-1])
            elif name == "weight_hh" and self.variant.by_units:
                self._pack_apart(self._pack_rows, weight, rows, size, addresses[-1])
            else:
                self._pack(self._pack_rows, weight, rows, size, addresses[-1])
        return buffer, addresses

    @property
    def _tile(self) -> int:
        """The columns of a panel."""
        return self.target.tile[1] * self._lanes

    def recurrent_columns(self, weight: Tensor) -> Tensor:
        """Panels of W_hh itself, for products with its rows."""
        return self._columns(weight, self.places.recurrent)

    def gated_columns(self, weights: Weights) -> list[Tensor]:
        """Panels of the W_hh of each gated row; of a diagonal recurrence the weights themselves."""
        rows, weight = self.places.gated.values(), weights["weight_hh"]
        return self.gated_vectors(weight) if self.layer.diagonal else [self._columns(weight, row) for row in rows]

    def gated_vectors(self, vector: Tensor | None) -> list[Tensor]:
        """Returns what a vector of the rows of ``weight_hh`` has for the units of each gated row; zeros for None."""
        rows = self.places.gated.values()
        return [self.zeros if vector is None else self.places.in_slots(vector, row) for row in rows]

    def _columns(self, weight: Tensor, rows: Tensor) -> Tensor:
        layer, weight = self.layer, self.places.recurrent_weight(weight)
        if not self.places.apart:
            return self.pack_columns(weight, rows, layer.hidden_size)
        panels = empty(len(rows) * self.width * weight.shape[1], dtype=self.dtype)
        self._pack_heads(self._pack_columns, weight, rows, panels.data_ptr())
        return panels

    def _pack_heads(self, kernel: Kernel, weight: Tensor, rows: Tensor, into: int) -> None:
        """Packs the rows of each slot and head by themselves, one after the other."""
        size = self.layer.hidden_size // self.layer.heads
        begin = (rows.unsqueeze(-1) + torch.arange(0, self.layer.hidden_size, size, device=CPU)).flatten()
        self._pack_apart(kernel, weight, begin, size, into)

    def _pack_apart(self, kernel: Kernel, weight: Tensor, rows: Tensor, size: int, into: int) -> None:
        """Packs groups of rows by themselves, one after the other."""
        columns = weight.shape[1]
        # Packed at once they lie so too, if none of a group's panels has columns of two.
        if size % self._tile == 0 if kernel is self._pack_rows else columns <= self._tile:
            self._pack(kernel, weight, rows, size, into)
            return
        for k in range(len(rows)):
            place = into + k * self.whole(size) * columns * self.dtype.itemsize
            self._pack(kernel, weight, rows[k : k + 1], size, place)

    def gate_panels(self, weight: Tensor) -> list[Tensor]:
        """Panels of the W_gh^T of all that hear gates."""
        made = []
        for _, rows in self.variant.hearers:
            units = self.places.gate_weight(weight, rows)
            panels = empty(len(rows) * self.width * units.shape[1], dtype=self.dtype)
            self._pack(self._pack_rows, units, self._starts(len(rows)), self.layer.hidden_size, panels.data_ptr())
            made.append(panels)
        return made

    def gate_columns(self, weight: Tensor) -> list[Tensor]:
        """Panels of W_gh itself, of all that hear gates."""
        H, hearers = self.layer.hidden_size, [rows for _, rows in self.variant.hearers]
        return [
            self.pack_columns(self.places.gate_weight(weight, rows), self._starts(len(rows)), H) for rows in hearers
        ]

    def _starts(self, count: int) -> Tensor:
        return torch.arange(count, device=CPU) * self.layer.hidden_size

    def pack_columns(self, weight: Tensor, rows: Tensor, size: int) -> Tensor:
        """Panels of a weight with a row for each unit, for products with its rows."""
        panels = empty(len(rows) * self.whole(size) * self.whole(weight.shape[1]), dtype=self.dtype)
        self._pack(self._pack_columns, weight, rows, size, panels.data_ptr())
        return panels

    def _pack(self, kernel: Kernel, weight: Tensor, rows: Tensor, size: int, into: int) -> None:
        weight, groups, tall, columns = solid(weight), len(rows), self.whole(size), weight.shape[1]
        threads = self.threads(groups * tall * columns)
        arguments = self._pack_arguments(
            threads, weight.data_ptr(), columns, groups, rows.data_ptr(), size, tall, columns, into
        )
        kernel(ctypes.byref(arguments))

    def bulk(
        self, a: int, lda: int, panels: int, c: Tensor, *, M: int, N: int, K: int,
        start: Tensor | None = None, ldstart: int = 0,
    ) -> None:  # fmt: skip
        """C = start + A B on all threads, with B in panels; the addresses and the strides as in ``_gemm``."""
        begin = self.zeros if start is None else start
        arguments = self._bulk_arguments(
            self.threads(M * N * K), begin.data_ptr(), ldstart, a, lda, panels, K, c.data_ptr(), c.stride(0),
            M, N,
        )  # fmt: skip
        self._bulk(ctypes.byref(arguments))

    def outer(self, a: Tensor, *factors: Tensor) -> list[Tensor]:
        """A^T B for one or two B, each a whole number of vectors wide; A and B may be columns of wider matrices."""
        results = [empty(a.shape[1], b.shape[1], dtype=self.dtype) for b in factors]
        self._outer_into(a, list(zip(factors, results, strict=True)))
        return results

    def _outer_into(self, a: Tensor, pairs: Sequence[tuple[Tensor, Tensor]]) -> None:
        K, M = a.shape
        words: list[int] = []
        for b, c in pairs:
            words += b.data_ptr(), b.stride(0), b.shape[1], c.data_ptr()
        threads = self.threads(M * K * sum(b.shape[1] for b, _ in pairs))
        room = empty(threads, self._outer_room, dtype=self.dtype)
        arguments = self._outer_arguments(
            threads, room.data_ptr(), a.data_ptr(), a.stride(0), K, M, *words, *[0] * (8 - len(words))
        )
        self._outer(ctypes.byref(arguments))

    def outer_of_heads(self, a: Tensor, b: Tensor) -> Tensor:
        """A^T B of each slot and head, ``[slots · H, output / heads]``."""
        heads, size, seen = self.layer.heads, self.layer.hidden_size // self.layer.heads, b.shape[1] // self.layer.heads
        result = empty(a.shape[1], seen, dtype=self.dtype)
        for k in range(a.shape[1] // size):
            head = k % heads
            part = a[:, k * size : (k + 1) * size]
            self._outer_into(part, [(b[:, head * seen : (head + 1) * seen], result[k * size : (k + 1) * size])])
        return result

    def column_sum(self, values: Tensor) -> Tensor:
        """Returns the sum over the rows, in an order that does not depend on the threads."""
        B = values.shape[0]
        if B == 1:
            return values[0]
        return self.outer(torch.ones(B, 1, dtype=values.dtype, device=CPU), values)[0][0]

    def bias(self, weights: Weights) -> Tensor:
        """Both biases together in the order of the slots, ``[slots · width]``."""
        places, bias_ih, bias_hh = self.places, weights.get("bias_ih"), weights.get("bias_hh")
        if bias_ih is None:
            return self.zeros
        if places.plain and bias_hh is not None:
            return bias_ih + bias_hh
        bias = zeros(len(self.plan.slots), self.width, dtype=self.dtype)
        bias[: self.plan.inputs] += places.in_slots(bias_ih, places.into)
        if bias_hh is not None and self.recurrent:
            bias[self.plan.shared :] += places.in_slots(bias_hh, places.recurrent)
        elif bias_hh is not None and self.variant.pointwise:
            both = padded(bias_hh.view(-1, self.layer.hidden_size), self.width)
            rows = self.layer.cell.rows
            for slot, row in enumerate(self.plan.rows):
                if row not in self.layer.cell.parted:  # whose recurrent part has its bias to itself
                    bias[slot] += both[rows.index(row)]
        return bias

    def gain_and_shift(self, weights: Weights, name: str) -> tuple[Tensor, Tensor]:
        """Layer norm's gain and bias for what is named in :attr:`Variant.norms`, in slots."""
        if name in self.variant.parts or name in self.places.gated:
            ending, rows = ("ih", self.places.into) if name == FROM_X else ("hh", self.places.recurrent)
            rows = self.places.gated.get(name, rows)
            bias = weights.get(f"bias_{ending}")
            shift = self.zeros if bias is None else self.places.in_slots(bias, rows)
            return self.places.in_slots(weights[f"norm_{ending}"], rows), shift
        bias = weights.get(f"norm_bias_{name}")
        return padded(weights[f"norm_{name}"], self.width), self.zeros if bias is None else padded(bias, self.width)

    def of_norm(self, weights: Weights, name: str) -> list[Tensor]:
        """Returns the gain and the bias of what is normalised, and in a layer of blocks its shares."""
        shares = [self.places.shares(name, self.dtype)] if self.layer.block_size > 1 else []
        return [*self.gain_and_shift(weights, name), *shares]

    def diagonal(self, weights: Weights) -> Tensor | None:
        """Returns the weights of a diagonal recurrence in slots, where it is no part of the equations."""
        if not self.layer.diagonal or self.variant.pointwise:
            return None
        return self.places.in_slots(weights["weight_hh"], self.places.recurrent)

    def norm_size(self, name: str) -> int:
        """Returns the numbers in a row of what is normalised."""
        low, high = self.variant.parts.get(name, (0, 1))
        return (high - low) * self.width

    def vectors(self, weights: Weights) -> Tensor:
        """Returns the weights that have a number for each unit, ``[vectors, width]``; zeros where there are none."""
        return self.places.vectors(dict(weights)) if self.plan.vectors else self.zeros

    def noise(self, masks: Masks) -> list[tuple[Tensor, int]]:
        """Returns the rows of all noise, in the order of ``noise_words``, and their distances."""
        if masks is QUIET:
            return []
        variant = self.variant
        given: list[tuple[Tensor | float | None, int]] = []
        if variant.variational:
            given.append((masks.variational, self.ldh))
        if variant.masked and masks.candidate is not None:
            given += [(masks.candidate[row], self.width) for row in variant.cell.candidates]
        if variant.zoned_h:
            given.append((masks.zoneout_h, self.ldh))
        if variant.zoned:
            given += [(masks.zoneout_c, self.width) for _ in variant.cell.states]
        return [
            (padded(value.to(self.dtype), size), size) if isinstance(value, Tensor)
            else (torch.full((size,), float(value or 0.0), dtype=self.dtype, device=CPU), 0)
            for value, size in given
        ]  # fmt: skip


def _arguments(words: Any, fixed: dict[str, int]) -> Any:
    return words.arguments(**{name: fixed[name] for name in words.fixed})


def _running_sum(sizes: tuple[int, ...]) -> list[int]:
    return [sum(sizes[:k]) for k in range(len(sizes))]


def kernels_of(layer: Layer, dtype: torch.dtype, extras: Extras = PLAIN) -> Kernels:
    """Returns the :class:`Kernels` of a layer. They live as long as the layer."""
    kernels = layer.kernels.get((dtype, extras))
    if kernels is None:
        kernels = layer.kernels[dtype, extras] = _made(layer, dtype, host(), extras)
    return kernels


def kernels_for(layer: Layer, dtype: torch.dtype, extras: Extras, rows: Rows) -> Kernels:
    """Returns the :class:`Kernels` of a layer that suit a packing."""
    kernels = kernels_of(layer, dtype, extras)
    return kernels_of(layer, dtype, replace(extras, by_units=True)) if kernels.share_units(rows) else kernels


@lru_cache(maxsize=64)  # who makes one network after the other, all alike, finds what the last one had
def _made(layer: Layer, dtype: torch.dtype, target: Target, extras: Extras) -> Kernels:
    # Their own copy: they would else be in a circle with the layer that holds them, for the garbage collector to find.
    return Kernels(replace(layer), dtype, target, extras)
