"""A layer's kernels for one type of numbers: sizes in whole vectors, compiled code, and products with weights."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from carrousel.engine._layer import Layer, Weights
from carrousel.engine._memory import CPU
from carrousel.engine._plan import Plan
from carrousel.engine.cpu._buffers import empty, padded, solid, zeros
from carrousel.engine.cpu._gemm import BULK, OUTER, PACK, gemm_code, outer_room
from carrousel.engine.cpu._sequence import Variant, backward_code, backward_words, forward_code, forward_words
from carrousel.engine.cpu.llvm import _parallel
from carrousel.engine.cpu.llvm._target import Target, host

__all__ = ["KINDS", "Kernels", "kernels_of"]

KINDS = {torch.float32: "float", torch.float64: "double"}
"""The types of numbers that there are kernels for, in LLVM's terms."""

_SMALL = 1 << 22
"""Products of fewer multiplications than this run on one thread: waking the others would take longer."""

_SET = 256

Kernel = Callable[[Any], None]


class Kernels:
    """Holds a layer's kernels for one type of numbers, its sizes in whole vectors, and the packing of its weights.

    Attributes:
        plan: what its cell's kernels compute.
        width, ldh, ldx: the sizes of the cell's states, of h and of x in whole vectors.
        ldg: the distance of rows of slots: slots · width, or a little more.
        zeros: as many zeros as anything is wide.
        plain: whether slots stand as the weights' rows do, and every row has a recurrent part.
    """

    def __init__(self, layer: Layer, dtype: torch.dtype, target: Target) -> None:
        self.layer, self.dtype, self.target = layer, dtype, target
        self.kind = KINDS[dtype]
        self._lanes = self.target.lanes(self.kind)
        self.variant = Variant(layer.cell, bool(layer.proj_size), layer.layer_norm, layer.bias)
        self.plan: Plan = self.variant.plan
        self.width, self.ldh = self.whole(layer.hidden_size), self.whole(layer.output_size)
        self.ldx, self.ldg = self.whole(layer.input_size), len(self.plan.slots) * self.width
        if self.ldg % _SET == 0:
            # Rows a power of two apart fall on few sets of the cache, and drive one another out.
            self.ldg += self._lanes
        self.zeros = zeros(max(self.ldg, self.ldh, self.ldx), dtype=dtype)
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
            "ldx": layer.input_size, "KH": layer.output_size if layer.cell.recurrent else 0,
            "out_kept": int(bool(layer.proj_size)),
        }  # fmt: skip
        self.forward_arguments = _arguments(forward_words(self.variant), fixed)
        self.backward_arguments = _arguments(backward_words(self.variant), fixed)
        self._forward: dict[bool, Kernel] = {}
        self._backward: Kernel | None = None
        starts = dict(zip(layer.cell.rows, _running_sum(layer.row_sizes), strict=True))
        rows = [starts[row] for row in self.plan.rows]
        inputs, shared = self.plan.inputs, self.plan.shared
        self.rows_in, self.rows_recurrent = (
            torch.tensor(rows[:inputs], device=CPU),
            torch.tensor(rows[shared:], device=CPU),
        )
        self.rows_both, self.rows_only = (
            torch.tensor(rows[shared:inputs], device=CPU),
            torch.tensor(rows[inputs:], device=CPU),
        )
        self.one_row = torch.zeros(1, dtype=torch.int64, device=CPU)
        self._panels, self._panels_size = self._lay_panels()
        self.plain = self.width == layer.hidden_size and not layer.cell.split and layer.cell.recurrent

    def whole(self, size: int) -> int:
        """Returns a size rounded up to whole vectors."""
        return -(-size // self._lanes) * self._lanes

    def threads(self, work: int) -> int:
        """Tells how many threads a piece of work of so many multiplications is worth."""
        return 1 if work < _SMALL else _parallel.threads()

    def forward_kernel(self, *, keep: bool) -> Kernel:
        if keep not in self._forward:
            code = forward_code(self.variant, self.kind, self.target, keep)
            self._forward[keep] = code.function("forward")
        return self._forward[keep]

    def backward_kernel(self) -> Kernel:
        if self._backward is None:
            code = backward_code(self.variant, self.kind, self.target)
            self._backward = code.function("backward")
        return self._backward

    def _lay_panels(self) -> tuple[list[tuple[str, Tensor, int, int]], int]:
        """What a forward pass multiplies with: the weight, the rows of it, their size, and the byte where its panels
        start; and how many numbers these are in all."""
        layer = self.layer
        named = [("weight_ih", self.rows_in, layer.hidden_size, layer.input_size)]
        if layer.cell.recurrent:
            # Normalised in one piece, the recurrent part is computed in one piece; else apart from what only it feeds.
            together = self.rows_recurrent if layer.layer_norm else self.rows_both
            named.append(("weight_hh", together, layer.hidden_size, layer.output_size))
            if layer.cell.split and not layer.layer_norm:
                named.append(("weight_hh", self.rows_only, layer.hidden_size, layer.output_size))
        if layer.proj_size:
            named.append(("weight_hr", self.one_row, layer.proj_size, layer.hidden_size))
        sizes = [len(rows) * self.whole(size) * columns for _, rows, size, columns in named]
        starts = _running_sum(tuple(sizes))
        bytes_each = self.dtype.itemsize
        laid = [(name, rows, size, n * bytes_each) for (name, rows, size, _), n in zip(named, starts, strict=True)]
        return laid, sum(sizes)

    def panels(self, weights: Weights) -> tuple[Tensor, list[int]]:
        """Panels of the W^T of all that a forward pass multiplies with, for products with W's columns: see ``_gemm``.

        Returns:
            The buffer that holds them, and the addresses of those of W_ih, of W_hh, of the rows of W_hh that are
            apart, and of W_hr, where there are such.
        """
        buffer = empty(self._panels_size, dtype=self.dtype)
        base, places = buffer.data_ptr(), []
        for name, rows, size, start in self._panels:
            places.append(base + start)
            self._pack(self._pack_rows, weights[name], rows, size, places[-1])
        return buffer, places

    def pack_columns(self, weight: Tensor, rows: Tensor, size: int) -> Tensor:
        """Panels of W, for products with W's rows."""
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
        K, M = a.shape
        results = [empty(M, b.shape[1], dtype=self.dtype) for b in factors]
        words: list[int] = []
        for b, c in zip(factors, results, strict=True):
            words += b.data_ptr(), b.stride(0), b.shape[1], c.data_ptr()
        threads = self.threads(M * K * sum(b.shape[1] for b in factors))
        room = empty(threads, self._outer_room, dtype=self.dtype)
        arguments = self._outer_arguments(
            threads, room.data_ptr(), a.data_ptr(), a.stride(0), K, M, *words, *[0] * (8 - len(words))
        )
        self._outer(ctypes.byref(arguments))
        return results

    def column_sum(self, values: Tensor) -> Tensor:
        """Returns the sum over the rows, in an order that does not depend on the threads."""
        B = values.shape[0]
        if B == 1:
            return values[0]
        return self.outer(torch.ones(B, 1, dtype=values.dtype, device=CPU), values)[0][0]

    def bias(self, weights: Weights) -> Tensor:
        """Both biases together in the order of the slots, ``[slots · width]``."""
        bias_ih, bias_hh = weights.get("bias_ih"), weights.get("bias_hh")
        if bias_ih is None:
            return self.zeros
        if self.plain and bias_hh is not None:
            return bias_ih + bias_hh
        bias = zeros(len(self.plan.slots), self.width, dtype=self.dtype)
        bias[: self.plan.inputs] += self._in_slots(bias_ih, self.rows_in)
        if bias_hh is not None:
            bias[self.plan.shared :] += self._in_slots(bias_hh, self.rows_recurrent)
        return bias

    def _in_slots(self, vector: Tensor, rows: Tensor) -> Tensor:
        """Returns a vector of a weight's rows as ``[slots, width]``, in one piece."""
        if self.plain:
            return solid(vector)
        return padded(vector[rows.unsqueeze(-1) + torch.arange(self.layer.hidden_size, device=CPU)], self.width)

    def gain_and_shift(self, weights: Weights, name: str) -> tuple[Tensor, Tensor]:
        """Layer norm's gain and bias for what is named in :attr:`Variant.norms`, in slots."""
        if name in self.variant.parts:
            ending, rows = ("ih", self.rows_in) if name == "X" else ("hh", self.rows_recurrent)
            bias = weights.get(f"bias_{ending}")
            shift = self.zeros if bias is None else self._in_slots(bias, rows)
            return self._in_slots(weights[f"norm_{ending}"], rows), shift
        bias = weights.get(f"norm_bias_{name}")
        return padded(weights[f"norm_{name}"], self.width), self.zeros if bias is None else padded(bias, self.width)

    def norm_size(self, name: str) -> int:
        """Returns the numbers in a row of what is normalised."""
        low, high = self.variant.parts.get(name, (0, 1))
        return (high - low) * self.width

    def peepholes(self, weights: Weights) -> Tensor:
        """Returns the peephole weights ``[P, width]``."""
        return padded(weights["weight_peephole"], self.width) if self.layer.cell.peepholes else self.zeros

    def unpack(self, slots: Tensor, rows: Tensor, columns: int) -> Tensor:
        """Takes slots, ``[slots · width, columns]`` padded, to the rows of a weight."""
        H = self.layer.hidden_size
        if self.width == H and slots.shape[-1] == columns and not self.layer.cell.split:
            return slots
        count = len(rows)
        slots = slots.view(count, self.width, -1)
        if self.layer.cell.split:
            slots = slots[torch.argsort(rows)]
        if self.width != H or slots.shape[-1] != columns:
            slots = slots[:, :H, :columns]
        return slots.reshape(count * H, columns).contiguous()  # of whole vectors there is a view, with gaps


def _arguments(words: Any, fixed: dict[str, int]) -> Any:
    return words.arguments(**{name: fixed[name] for name in words.fixed})


def _running_sum(sizes: tuple[int, ...]) -> list[int]:
    return [sum(sizes[:k]) for k in range(len(sizes))]


def kernels_of(layer: Layer, dtype: torch.dtype) -> Kernels:
    """Returns the :class:`Kernels` of a layer. They live as long as the layer."""
    kernels = layer.kernels.get(dtype)
    if kernels is None:
        kernels = layer.kernels[dtype] = _made(layer, dtype, host())
    return kernels


@lru_cache(maxsize=64)  # who makes one network after the other, all alike, finds what the last one had
def _made(layer: Layer, dtype: torch.dtype, target: Target) -> Kernels:
    # Their own copy: they would else be in a circle with the layer that holds them, for the garbage collector to find.
    return Kernels(replace(layer), dtype, target)
