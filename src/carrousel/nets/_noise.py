"""The noise of one call: dropout in the recursion, and zoneout."""

from __future__ import annotations

import torch

from carrousel.engine import Layer, Masks
from carrousel.nets._options import Rates

__all__ = ["draw"]


def draw(layer: Layer, rates: Rates, T: int, like: torch.Tensor, *, training: bool) -> Masks:
    """Draws the masks of one layer for T steps of a batch as large as ``like``, ``[T, B, input]``.

    Dropout on h is drawn once for a sequence (Gal & Ghahramani 2016), dropout on the candidates at every step
    (Semeniuta, Severyn & Barth 2016), zoneout at every step (Krueger et al. 2017). In evaluation dropout does
    nothing, and zoneout takes the mean of its noise.
    """
    B, H = like.shape[1], layer.hidden_size
    if not training:
        return Masks(zoneout_h=rates.zoneout_h or None, zoneout_c=rates.zoneout_c or None)

    def chance(rate: float, *shape: int) -> torch.Tensor:
        # Made without ``like``: under vmap that is one of each sample, of which "same" noise cannot be drawn. A number
        # below the rate takes a third of the time of torch.bernoulli.
        return (torch.rand(shape, dtype=torch.float32, device=like.device) < rate).to(like.dtype)

    def dropout(rate: float, *shape: int) -> torch.Tensor:
        return chance(1 - rate, *shape) / (1 - rate)

    return Masks(
        variational=dropout(rates.variational, B, layer.output_size) if rates.variational else None,
        candidate={name: dropout(rates.candidate, T, B, H) for name in layer.cell.candidates}
        if rates.candidate
        else None,
        zoneout_h=chance(rates.zoneout_h, T, B, layer.output_size) if rates.zoneout_h else None,
        zoneout_c=chance(rates.zoneout_c, T, B, H) if rates.zoneout_c else None,
    )
