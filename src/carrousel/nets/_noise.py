"""The noise of one call: dropout in the recursion, and zoneout."""

from __future__ import annotations

import math

import torch

from carrousel.engine import Layer, Masks
from carrousel.nets._options import Rates

__all__ = ["draw"]


def draw(layer: Layer, rates: Rates, T: int, B: int, like: torch.Tensor, *, training: bool) -> Masks:
    """Draws the masks of one layer for T steps of B sequences, of the type of ``like``.

    Dropout on h is drawn once for a sequence (Gal & Ghahramani 2016), dropout on the candidates at every step
    (Semeniuta, Severyn & Barth 2016), zoneout at every step (Krueger et al. 2017). In evaluation dropout does
    nothing, and zoneout takes the mean of its noise.
    """
    H = layer.hidden_size
    if not training:
        return Masks(zoneout_h=rates.zoneout_h or None, zoneout_c=rates.zoneout_c or None)

    def chance(rate: float, *shape: int) -> torch.Tensor:
        # Made without ``like``: under vmap that is one of each sample, of which "same" noise cannot be drawn. Of each
        # 64 bits that are drawn the halves are two numbers, a share of which is low enough: the rate to within 2**-32.
        # That takes three quarters of the time of torch.rand, and half of that of torch.bernoulli.
        if torch._C._get_tracing_state() is not None:  # torch.jit.trace cannot write down that a number is two
            return (torch.rand(shape, device=like.device) < rate).to(like.dtype)
        most, count = round(rate * 2**32) - 2**31 - 1, math.prod(shape)
        if most < -(2**31):
            return torch.zeros(shape, dtype=like.dtype, device=like.device)
        drawn = torch.randint(-(2**63), 2**63 - 1, (-(-count // 2),), device=like.device)
        return (drawn.view(torch.int32)[:count].view(shape) <= most).to(like.dtype)

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
