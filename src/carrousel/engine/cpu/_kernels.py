"""A layer's kernels for one type of numbers: sizes in whole vectors, compiled code, and the programs of its passes."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import torch

from carrousel.engine._layer import Layer
from carrousel.engine._plan import Extras, Plan
from carrousel.engine._rows import Rows
from carrousel.engine.cpu._buffers import zeros
from carrousel.engine.cpu._counts import Frame
from carrousel.engine.cpu._extras import PLAIN, variant_of
from carrousel.engine.cpu._meeting import Meeting
from carrousel.engine.cpu._sequence import backward_words, forward_words
from carrousel.engine.cpu._sequence_backward import backward_code
from carrousel.engine.cpu._sequence_forward import forward_code
from carrousel.engine.cpu._sized import Sized
from carrousel.engine.cpu._weights import Places
from carrousel.engine.cpu.llvm import _parallel
from carrousel.engine.cpu.llvm._compile import Code
from carrousel.engine.cpu.llvm._target import Target, host

__all__ = ["Kernels", "kernels_for", "kernels_of"]

_REPAYS = 1 << 15
"""The multiplications of a step of a single sequence from which on two threads share them: waiting for one another at
every step takes a tenth of a microsecond."""


class Kernels(Sized):
    """Holds a layer's kernels for one type of numbers, its sizes in whole vectors, and its passes.

    Attributes:
        plan: what its cell's kernels compute.
        places: where the rows of its weights stand.
        width, ldh, ldx: the sizes of the cell's states, of h and of x in whole vectors.
        ldg: the distance of rows of slots: slots · width, or a little more.
        recurrent: whether h is multiplied with recurrent weights, or each unit with its own.
    """

    def __init__(self, layer: Layer, dtype: torch.dtype, target: Target, extras: Extras) -> None:
        super().__init__(dtype, target)
        self.layer = layer
        self.variant = variant_of(layer, self._lanes, extras)
        self.plan: Plan = self.variant.plan
        self.width, self.ldh = self.whole(layer.hidden_size), self.whole(layer.output_size)
        self.ldx, self.ldg = self.whole(layer.input_size), self.spaced(len(self.plan.slots) * self.width)
        sent = len(layer.fed_back) * self.width
        self.places = Places(layer, self.variant, self.width)
        self.recurrent = self.variant.recurs
        self.zeros = zeros(max(self.ldg, self.ldh, self.ldx, sent), dtype=dtype)
        team = _parallel.runtime()
        fixed = {
            **team, "product": self.code.address("product"), "zeros": self.zeros.data_ptr(),
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
        self._forward: dict[bool, Code] = {}

    def share_units(self, rows: Rows) -> bool:
        """Says whether threads should share the units of a packing: of a single sequence, if that repays waiting."""
        if rows.count > 1 or not self._can_share_units or self.layer.hidden_size * self.ldg < _REPAYS:
            return False
        if time.monotonic() < Meeting.crowded:
            return False
        return self.threads(Frame.roughly(rows.total) * self.ldg * self.layer.output_size) > 1

    @cached_property
    def _can_share_units(self) -> bool:
        """Whether nothing but the product of h with its weights needs all units at once."""
        v = self.variant
        other = v.normed or v.projected or v.heads or v.fed or v.plan.cuts or not self.recurrent
        return not other and bool(_parallel.yielding())

    def forward_code(self, *, keep: bool) -> Code:
        """Returns the code with ``forward``, for training or inference."""
        if keep not in self._forward:
            self._forward[keep] = forward_code(self.variant, self.kind, self.target, keep)
        return self._forward[keep]

    @cached_property
    def backward_code(self) -> Code:
        """The code with ``backward`` and ``to_start``."""
        return backward_code(self.variant, self.kind, self.target)

    @property
    def tile(self) -> int:
        """The columns of a panel."""
        return self.target.tile[1] * self._lanes

    def norm_size(self, name: str) -> int:
        """Returns the numbers in a row of what is normalised."""
        low, high = self.variant.parts.get(name, (0, 1))
        return (high - low) * self.width

    @cached_property
    def kept(self) -> dict[str, tuple[int, bool]]:
        """What is kept for the backward pass: for each buffer the size of a row, and whether there is a row more for
        each sequence, for its initial values.

        ``G`` are the values saved for the backward pass, whose place their adjoints take; ``H`` the outputs; ``R`` what
        the recurrent weights are multiplied with, where that is H times factors; ``sent`` the activations that feed the
        next step, side by side; ``out`` the cell's own output, where it is projected; ``state 0``, ... the cell's
        states, then the activations that are told; ``norm`` and ``scale`` of all that layer norm acts on the normalised
        rows and 1 / their deviation; ``cut`` of gates whose peepholes see a block what they see, and of gated rows that
        are not normalised their recurrent parts; ``value`` of gated rows what their weights are multiplied with.
        """
        layer, variant, width, ldh = self.layer, self.variant, self.width, self.ldh
        sizes = {"G": (self.ldg, False), "H": (ldh, not variant.variational)}
        if variant.variational:
            sizes["R"] = ldh, True
        if variant.sent:
            sizes["sent"] = len(layer.fed_back) * width, True
        if layer.proj_size:
            sizes["out"] = width, False
        sizes |= {f"state {k}": (width, False) for k in range(len(layer.cell.states) + len(variant.told))}
        sizes |= {f"cut {name}": (width, False) for name in variant.bare_cuts}
        sizes |= {f"value {name}": (width, False) for name in variant.gated}
        for name in variant.norms:
            sizes |= {f"norm {name}": (self.norm_size(name), False), f"scale {name}": (1, False)}
        return sizes


def _arguments(words: Any, fixed: dict[str, int]) -> Any:
    return words.arguments(**{name: fixed[name] for name in words.fixed})


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
