"""One step by itself, of a few sequences without any preparation: the weights are read as they stand, once.

For a single step of a few sequences packing weights would cost more than the step itself. Rows of W are multiplied
with x lane by lane, as many rows at once as a vector has lanes, and their sums are then gathered in one vector: that of
their units. Other steps, and those of layers with an option, are sequences of one step.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable
from functools import lru_cache

import torch
from torch import Tensor

from carrousel.engine._layer import QUIET, Layer, Weights
from carrousel.engine._memory import PLAIN, in_memory
from carrousel.engine._plan import Variant
from carrousel.engine._recorders import recorded
from carrousel.engine._rows import dense
from carrousel.engine.cpu._buffers import empty, zeros
from carrousel.engine.cpu._forward import forward
from carrousel.engine.cpu._kernels import Kernels, kernels_of
from carrousel.engine.cpu._pointwise_forward import forward_stage
from carrousel.engine.cpu._sized import KINDS
from carrousel.engine.cpu.llvm._compile import LOADED, Code, compile_module
from carrousel.engine.cpu.llvm._emit import Function, Module
from carrousel.engine.cpu.llvm._target import Target
from carrousel.engine.cpu.llvm._words import Words

__all__ = ["packs_in_vain", "quick_step"]

_FEW, _LARGE = 8, 1 << 17
"""For more sequences than this packing weights pays in any case; for fewer if the weights have no more numbers."""

_LITTLE = 1 << 20
"""With fewer multiplications than this a step is sooner done without."""

_STACK = 1 << 14
"""The most bytes that the kernel puts on the stack, which in a thread may be small."""


def _words(variant: Variant) -> Words:
    states = [f"{kind}_{name}" for name in variant.cell.states for kind in ("S", "S0")]
    varying = ["count", "G", "X", "H0", "out", "copy", "WX", "WH", "bias_x", "bias_h", "P", *states]
    return Words(varying, ["H", "width", "ldg", "ldh", "ldout", "out_kept", "I"])


def _sum_of_lanes(f: Function, vectors: list[str]) -> str:
    """One vector with the sums of as many vectors as it has lanes."""
    m, size = f.module, f.module.lanes
    kind = m.vector
    while len(vectors) > 1:
        half = size // 2
        # Of every segment of the first vector, then of the second, its first half; and its second half.
        starts = range(0, 2 * m.lanes, size)
        masks = ([i + start + lane for start in starts for lane in range(half)] for i in (0, half))
        picks = [f"<{m.lanes} x i32> <{', '.join(f'i32 {n}' for n in mask)}>" for mask in masks]
        vectors = [
            f.arithmetic("fadd", *(f.op(f"shufflevector {kind} {a}, {kind} {b}, {pick}") for pick in picks))
            for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
        size = half
    return vectors[0]


def _step(module: Module, variant: Variant, words: Words) -> None:
    f, p = module.function("step", [("ptr", "a")], public=True), variant.plan
    L, V = module.lanes, module.vector
    width, I, count, ldg = (words.integer(f, name) for name in ("width", "I", "count", "ldg"))
    x, h = words.pointer(f, "X"), words.pointer(f, "H0")
    # The pre-activations stand in the caller's memory, or on the stack if the caller has none for them.
    given = words.pointer(f, "G")
    none = f.op(f"icmp eq ptr {given}, null")
    own = f.op(f"alloca {module.kind}, i64 {f.select(none, 'i64', f.mul(count, ldg), '0')}, align 64")
    g = f.select(none, "ptr", own, given)
    f.line(f"store ptr {g}, ptr {words.place(f, 'G')}")
    index = {row: n for n, row in enumerate(p.cell.rows)}

    def product(sums: list[str], weight: str, first: str, vector: str, K: str) -> None:
        """Adds rows times vector, lane by lane."""
        rows = [f.at(weight, f.mul(f.add(first, lane), K)) for lane in range(L)]
        with f.loop(0, K, L) as k:
            real = f.first_lanes(f.sub(K, k))
            factor = f.load_lanes(f.at(vector, k), real)
            for row, total in zip(rows, sums, strict=True):
                f.put(V, total, f.fma(f.load_lanes(f.at(row, k), real), factor, f.get(V, total)))

    for n, row in enumerate(p.rows):
        parts = []
        if n < p.inputs:
            parts.append(("WX", "bias_x", x, I))
        if n >= p.shared:
            parts.append(("WH", "bias_h", h, width))
        with f.loop(0, width, L) as u, f.loop(0, count) as b:
            first = f.add(f.mul(width, index[row]), u)
            sums = [f.variable(V, "zeroinitializer") for _ in range(L)]
            for total in sums:
                f.put(V, total, "zeroinitializer")
            for weight, _, vector, K in parts:
                product(sums, words.pointer(f, weight), first, f.at(vector, f.mul(b, K)), K)
            z = _sum_of_lanes(f, [f.get(V, total) for total in sums])
            for _, bias, _, _ in parts:
                z = f.arithmetic("fadd", z, f.load(f.at(words.pointer(f, bias), first)))
            f.store(z, f.at(g, f.add(f.mul(b, ldg), f.add(f.mul(width, n), u))))
    arguments = ("0", count, "1", "0", "0", "0", "0")
    numbers = ", ".join(f"i64 {value}" for value in arguments)
    f.line(f"call void @forward_0(ptr %a, {numbers}, i1 true, i64 0, i64 {width})")
    out, copy = words.pointer(f, "out"), words.pointer(f, "copy")
    with f.loop(0, f.mul(count, width), L) as u:
        f.store(f.load(f.at(out, u)), f.at(copy, u))


@lru_cache(maxsize=LOADED)
def _code(variant: Variant, kind: str, target: Target) -> Code:
    module, words = Module(kind, target), _words(variant)
    forward_stage(module, variant, words, 0, keep=False)
    _step(module, variant, words)
    return compile_module(module.text(), target)


class _Stepper:
    """Runs single steps of a layer."""

    def __init__(self, kernels: Kernels) -> None:
        layer, H = kernels.layer, kernels.layer.hidden_size
        words = _words(kernels.variant)
        fixed = {
            "H": 0,
            "width": H,
            "ldg": len(kernels.plan.slots) * H,
            "ldh": H,
            "ldout": H,
            "out_kept": 0,
            "I": layer.input_size,
        }
        self._arguments = words.arguments(**fixed)
        self._kernel = _code(kernels.variant, kernels.kind, kernels.target).function("step")
        self._units, self._square = H, layer.input_size == H
        self._room, self._dtype = len(kernels.plan.slots) * H, kernels.dtype  # the pre-activations of a sequence
        self._on_stack = _STACK // (self._room * kernels.dtype.itemsize)
        self._nothing = zeros(sum(layer.row_sizes), dtype=kernels.dtype)
        # Where the kernel's weights stand among the layer's; one past the last stands for nothing.
        names = list(layer.shapes())
        wanted = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_peephole")
        self._places = [names.index(name) if name in names else len(names) for name in wanted]

    def __call__(
        self, B: int, weights: Iterable[Tensor], x: Tensor, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...] | None:
        """From x ``[..., input]`` and the old states ``[..., size]`` of B sequences to the new states, all contiguous;
        and before them the new h as the output, in memory of its own and in x's form. None if one has no memory.
        """
        at = [weight.data_ptr() for weight in weights]
        at.append(self._nothing.data_ptr())
        wx, wh, bias_x, bias_h, peepholes = [at[place] for place in self._places]
        of_x, old = x.data_ptr(), [value.data_ptr() for value in state]
        if not (of_x and all(old) and all(at)):
            return None
        new = [torch.empty_like(value) for value in state]
        output = torch.empty_like(x) if self._square else x.new_empty(*x.shape[:-1], self._units)
        room = None if self._on_stack >= B else empty(B, self._room, dtype=self._dtype)
        of_states: list[int] = []
        for k in range(1, len(new)):
            of_states += new[k].data_ptr(), old[k]
        arguments = self._arguments(
            B, 0 if room is None else room.data_ptr(), of_x, old[0], new[0].data_ptr(), output.data_ptr(), wx, wh,
            bias_x, bias_h, peepholes, *of_states,
        )  # fmt: skip
        self._kernel(ctypes.byref(arguments))
        return (output, *new)


def _stepper(layer: Layer, dtype: torch.dtype) -> _Stepper | None:
    """Returns the stepper of a layer; None where its states are not whole vectors, or more than a cell is at work."""
    try:
        return layer.kernels["step", dtype]
    except KeyError:
        found = layer.kernels["step", dtype] = _stepper_of(layer, dtype)
        return found


def _stepper_of(layer: Layer, dtype: torch.dtype) -> _Stepper | None:
    plain = Layer(layer.cell, layer.input_size, layer.hidden_size, bias=layer.bias)
    if layer.refusal_of("cpu") is not None or layer != plain:
        return None
    kernels = kernels_of(layer, dtype)
    whole = kernels.width == layer.hidden_size and kernels.plan.stages == 1
    return _Stepper(kernels) if whole else None


def quick_step(layer: Layer, weights: Weights, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """Runs one step: see ``engine.quick_step``."""
    if torch.is_grad_enabled() or torch.compiler.is_compiling() or torch._C._is_any_autocast_enabled() or recorded():
        return None
    if torch._C._functorch.peek_interpreter_stack() is not None or torch.autograd.forward_ad._current_level >= 0:
        return None
    dtype, B = x.dtype, 1 if x.dim() == 1 else x.shape[0]
    if dtype not in KINDS or not B or layer.refusal_of("cpu") is not None:
        return None
    given = (x, *state, *weights.values())
    for tensor in given:
        if tensor.dtype is not dtype or type(tensor) not in PLAIN or not tensor.is_cpu or not tensor.is_contiguous():
            return None
    # What is lazily negated is not in memory as it is, and what is too small (written to .data) would be read past.
    if any(map(Tensor.is_neg, given)):
        return None
    sizes = [weight.numel() for weight in weights.values()]
    if sizes != [math.prod(shape) for shape in layer.shapes().values()]:
        return None
    stepper = _stepper(layer, dtype) if B <= _FEW or B * sum(sizes) <= _LITTLE else None
    if stepper is not None:
        return stepper(B, weights.values(), x, state)
    if packs_in_vain(B, sum(sizes)) or not in_memory(given):
        return None
    flat = [value.view(B, -1) for value in state]
    (output, *new), _ = forward(
        layer, weights, x.view(B, -1), flat, dense(1, B), reverse=False, keep=False, masks=QUIET, steps=()
    )
    new = [value.view_as(old) for value, old in zip(new, state, strict=True)]
    return (output.view(*x.shape[:-1], layer.output_size), *new)


def packs_in_vain(B: int, numbers: int) -> bool:
    """Says whether a step of B sequences is sooner done, by whatever means, than weights of so many numbers packed."""
    return B <= _FEW and numbers > _LARGE
