"""Symbols and words as vectors that are learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Symbols"]


class Symbols(nn.Module):
    """A vector for each of V symbols, by its number; the symbol 0 is the unknown one, which stands for all others.

    Args:
        count: V, the unknown one among them.
        width: of a vector.
        unknown: how probably each symbol is read as the unknown one in training, [V], so that its vector is learned;
            None never does.

    >>> import torch
    >>> Symbols(5, 3)(torch.tensor([[[4], [0]]])).shape  # one sequence of two steps
    torch.Size([1, 2, 3])
    """

    unknown: Tensor

    def __init__(self, count: int, width: int, unknown: Tensor | None = None) -> None:
        super().__init__()
        self.vectors = nn.Embedding(count, width)
        self.register_buffer("unknown", torch.zeros(count) if unknown is None else unknown, persistent=False)

    def forward(self, input: Tensor) -> Tensor:  # [..., 1], whole numbers -> [..., width]
        """Returns the vector of each symbol."""
        numbers = input[..., 0]
        if self.training:
            numbers = numbers.masked_fill(torch.rand(numbers.shape, device=numbers.device) < self.unknown[numbers], 0)
        return self.vectors(numbers)
