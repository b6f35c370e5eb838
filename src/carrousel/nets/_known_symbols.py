"""Symbols as whole numbers: where they are real, and whether the network knows them."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["check_symbols", "inside"]


def inside(input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, ...], [B] -> [B, T]
    """Returns where the real steps are.

    Raises:
        ValueError: a sequence is empty, or longer than the batch.
    """
    steps = input.shape[1]
    bad = (lengths < 1) | (lengths > steps)
    if bool(bad.any()):
        item = int(bad.nonzero()[0, 0])
        reason = "is empty" if int(lengths[item]) == 0 else f"has {int(lengths[item])} of {steps} steps"
        raise ValueError(f"sequence {item} of the batch {reason}; 1 to {steps} steps are needed")
    return torch.arange(steps, device=input.device) < lengths.to(input.device)[:, None]


def check_symbols(input: Tensor, there: Tensor, count: int) -> Tensor:  # [B, T], [B, T] -> [B, T]
    """Returns symbols with 0 where there are none.

    Raises:
        ValueError: a symbol is not from 0 to ``count`` - 1.
        TypeError: they are no whole numbers.
    """
    if input.is_floating_point() or input.is_complex():
        raise TypeError(f"symbols are whole numbers, got {input.dtype}")
    real = input.masked_fill(~there, 0)
    if real.numel():
        low, high = torch.aminmax(real)
        if int(low) < 0 or int(high) >= count:
            item, step = ((real < 0) | (real >= count)).nonzero()[0].tolist()
            raise ValueError(
                f"sequence {item} of the batch has the symbol {int(real[item, step])} at step {step}; "
                f"the network knows {count}, 0 to {count - 1}"
            )
    return real
