"""What a call asks of a layer's kernels, and which kernels these then are."""

from __future__ import annotations

from collections.abc import Sequence

from carrousel.engine._layer import QUIET, Layer, Masks
from carrousel.engine._plan import Extras, Variant

__all__ = ["PLAIN", "extras_of", "variant_of"]


PLAIN = Extras()
"""Nothing but running it."""


def extras_of(layer: Layer, masks: Masks, steps: Sequence[str]) -> Extras:
    """Returns what a call asks for that has these masks and wants these values of every step."""
    if masks is QUIET and not steps:
        return PLAIN
    inner = {"h", *layer.cell.states, *layer.fed_back}
    return Extras(
        told=tuple(name for name in steps if name not in inner),
        masked=masks.candidate is not None,
        variational=masks.variational is not None,
        zoned_h=masks.zoneout_h is not None,
        zoned=masks.zoneout_c is not None,
    )


def variant_of(layer: Layer, lanes: int = 1, extras: Extras = PLAIN) -> Variant:
    """Returns the :class:`Variant` of a layer's kernels, for vectors of so many numbers."""
    sizes = layer.output_size // layer.heads, layer.hidden_size // layer.heads
    apart = layer.heads > 1 and not any(size % lanes for size in sizes)
    fed = layer.gate_recurrence
    return Variant(
        layer.cell, bool(layer.proj_size), layer.layer_norm, layer.bias, layer.diagonal, apart, layer.block_size, fed,
        **vars(extras),
    )  # fmt: skip
