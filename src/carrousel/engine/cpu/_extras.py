"""What a call asks of a layer's kernels, and which kernels these then are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from carrousel.engine._layer import QUIET, Layer, Masks
from carrousel.engine._plan import Variant

__all__ = ["PLAIN", "Extras", "variant_of"]


class Extras(NamedTuple):
    """What a call asks of a layer's kernels besides running it.

    Attributes:
        told: the gates and candidates whose activations are wanted of every step, but for those that feed the next.
        masked: whether candidates have factors.
        variational: whether h has factors on its way into the recurrence.
        zoned_h, zoned: whether a share of the old h, of the old states, is kept.
        by_units: whether threads share the units of the only sequence.
    """

    told: tuple[str, ...] = ()
    masked: bool = False
    variational: bool = False
    zoned_h: bool = False
    zoned: bool = False
    by_units: bool = False

    @classmethod
    def of(cls, layer: Layer, masks: Masks, steps: Sequence[str]) -> Extras:
        """Returns what a call asks for that has these masks and wants these values of every step."""
        if masks is QUIET and not steps:
            return PLAIN
        inner = {"h", *layer.cell.states, *layer.fed_back}
        told = tuple(name for name in steps if name not in inner)
        noise = masks.candidate, masks.variational, masks.zoneout_h, masks.zoneout_c
        return cls(told, *(mask is not None for mask in noise))


PLAIN = Extras()
"""Nothing but running it."""


def variant_of(layer: Layer, lanes: int = 1, extras: Extras = PLAIN) -> Variant:
    """Returns the :class:`Variant` of a layer's kernels, for vectors of so many numbers."""
    sizes = layer.output_size // layer.heads, layer.hidden_size // layer.heads
    apart = layer.heads > 1 and not any(size % lanes for size in sizes)
    fed = layer.gate_recurrence
    return Variant(
        layer.cell, bool(layer.proj_size), layer.layer_norm, layer.bias, layer.diagonal, apart, layer.block_size, fed,
        *extras,
    )  # fmt: skip
