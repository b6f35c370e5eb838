"""Which backend runs a layer, and why."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from torch import Tensor

from carrousel.engine import cpu, reference
from carrousel.engine._layer import Layer, Masks, Result, Weights

__all__ = ["Choice", "choose", "run", "step"]


class Choice(NamedTuple):
    """The backend that runs a layer.

    Attributes:
        backend: ``"cpu"``, the fused kernels; ``"reference"``, the equations on torch tensors; ``"torch"``, torch's
            own kernels, on devices for which carrousel has none.
        reason: why.
    """

    backend: str
    reason: str


_refuses_layer = lru_cache(maxsize=1024)(cpu.refuses_layer)


def choose(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: tuple[Tensor, ...],
    masks: Masks = Masks(),  # noqa: B008 - immutable
    keep: tuple[str, ...] = (),
) -> Choice:
    """The backend for one call of a layer."""
    reason = _refuses_layer(layer) or cpu.refuses_call(layer, weights, x, state, masks, keep)
    return Choice("cpu", "a fused kernel of the cell's equations") if reason is None else Choice("reference", reason)


def run(
    layer: Layer,
    weights: Weights,
    x: Tensor,
    state: tuple[Tensor, ...],
    *,
    reverse: bool = False,
    lengths: Tensor | None = None,
    resets: Tensor | None = None,
    masks: Masks = Masks(),  # noqa: B008 - immutable
    keep: tuple[str, ...] = (),
) -> Result:
    """Runs a layer over a batch of sequences on the best backend; arguments and result as in ``reference.run``."""
    if choose(layer, weights, x, state, masks, keep).backend == "cpu":
        return cpu.run(layer, weights, x, state, reverse=reverse, lengths=lengths, resets=resets, keep=keep)
    return reference.run(
        layer, weights, x, state, reverse=reverse, lengths=lengths, resets=resets, masks=masks, keep=keep
    )


step = reference.step
