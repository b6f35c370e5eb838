"""What a forward pass leaves for the backward pass: buffers of which no two share memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from carrousel.engine._backend import Outline
from carrousel.engine._layer import QUIET, Layer
from carrousel.engine.cpu._extras import extras_of
from carrousel.engine.cpu._kernels import kernels_of

__all__ = ["Kept", "kept_of", "shapes_of"]


@dataclass
class Kept:
    """What a forward pass leaves.

    Attributes:
        buffers: those of ``Kernels.kept`` by name, with a row for each of the packing. In a uniform packing those that
            begin with initial values have these too: before all other rows, going backward in time after them.
    """

    buffers: dict[str, Tensor]

    def tensors(self) -> list[Tensor | None]:
        """Lists all that it holds, in an order that :meth:`with_tensors` knows."""
        return [*self.buffers.values()]

    def with_tensors(self, tensors: Sequence[Tensor | None]) -> Kept:
        """Returns the same with other tensors in the places of its own."""
        return Kept(dict(zip(self.buffers, tensors, strict=True)))  # type: ignore[arg-type]

    def bare(self) -> Kept:
        """Returns the same without tensors: what is left is how many there are of which kind."""
        return self.with_tensors([None] * len(self.buffers))

    def spare(self) -> Kept:
        """Returns the same with copies of what a backward pass writes to."""
        used_up = ("G", "norm ")
        return Kept({name: b.clone() if name.startswith(used_up) else b for name, b in self.buffers.items()})


@lru_cache(maxsize=128)
def _sizes_of(
    layer: Layer, dtype: torch.dtype, noise: frozenset[str], steps: tuple[str, ...]
) -> dict[str, tuple[int, bool]]:
    extras = replace(
        extras_of(layer, QUIET, steps),
        masked="candidate" in noise,
        variational="variational" in noise,
        zoned_h="zoneout_h" in noise,
        zoned="zoneout_c" in noise,
    )
    with _disable_current_modes():  # kernels outlive the trace in which their sizes are first asked for
        return kernels_of(layer, dtype, extras).kept


def _sizes(outline: Outline) -> dict[str, tuple[int, bool]]:
    """Returns for each buffer the size of a row, and whether each sequence has a row more, of its initial values."""
    return _sizes_of(outline.layer, outline.dtype, outline.noise, outline.steps)


def shapes_of(outline: Outline) -> list[tuple[int, int]]:
    """Returns the shapes of the buffers."""
    N, B = outline.T * outline.B, outline.B
    return [(N + B if more else N, size) for size, more in _sizes(outline).values()]


def kept_of(outline: Outline, buffers: Sequence[Tensor]) -> Kept:
    """Returns a :class:`Kept` of buffers, which are its memory."""
    return Kept(dict(zip(_sizes(outline), buffers, strict=True)))
