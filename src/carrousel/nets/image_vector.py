"""One vector for each image: the network that classifies them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._hierarchy import Hierarchy, inside
from carrousel.nets._losses import ItemLoss, SquaredError, WeightedCrossEntropy

__all__ = ["IMAGE_POOLINGS", "ImageVector"]

IMAGE_POOLINGS = ("mean", "max", "mean-max")


class ImageVector(nn.Module):
    """A network that gives one vector for each image: layers over blocks, pooling over places, dropout, linear layer.

    Args:
        channels: the channels of an image.
        outputs: the number of outputs, K.
        pooling: ``"mean"`` or ``"max"`` over all places, or ``"mean-max"``, both side by side.
        dropout: the rate of dropout between layers and before the linear layer.
        noise: the deviation of Gaussian noise on the input, in training only.
        hierarchy: keyword arguments of ``Hierarchy``: hidden, blocks, features, cell.
        loss: what it learns; None for the squared error of targets ``[B, K]``.

    Raises:
        ValueError: the pooling is unknown, or the parts of the hierarchy do not go together.
    """

    def __init__(
        self, channels: int, outputs: int, *, hierarchy: dict[str, Any], pooling: str = "mean", dropout: float = 0.0,
        noise: float = 0.0, loss: ItemLoss | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if pooling not in IMAGE_POOLINGS:
            raise ValueError(f"unknown pooling {pooling!r}; choose from {', '.join(IMAGE_POOLINGS)}")
        self.body = Hierarchy(channels, dropout=dropout, **hierarchy)
        self.pooling, self.noise, self.dropout = pooling, noise, nn.Dropout(dropout)
        self.head = nn.Linear(self.body.width * (2 if pooling == "mean-max" else 1), outputs)
        self.loss = SquaredError() if loss is None else loss

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, height, width, C], [B, 2] -> [B, K]
        """Returns the vector of each image."""
        if self.training and self.noise > 0:
            input = input + self.noise * torch.randn_like(input)
        output, sizes = self.body(input, lengths)
        return self.head(self.dropout(self.pooled(output, sizes)))

    def pooled(self, output: Tensor, sizes: Tensor) -> Tensor:  # [B, height, width, F], [B, 2] -> [B, F or 2 F]
        """Returns what is left of an image's places, zero past its end."""
        parts = []
        if self.pooling != "max":
            parts.append(output.sum(dim=(1, 2)) / sizes.prod(dim=1, keepdim=True))
        if self.pooling != "mean":
            there = inside(sizes, output.shape[1:3]).unsqueeze(-1)
            parts.append(output.masked_fill(~there, -torch.inf).amax(dim=(1, 2)))
        return torch.cat(parts, dim=1)

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each image, [B]."""
        return self.loss.each(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> Tensor:
        """Returns the class of each image [B], or its values [B, K], by the loss."""
        return self.loss.decode(output)

    @classmethod
    def example(cls) -> tuple[ImageVector, dict[str, Tensor], Tensor]:
        """Returns a classifier of three classes with two layers, and a batch for it."""
        hierarchy: dict[str, Any] = {"hidden": (2, 3), "blocks": ((2, 2), (1, 2)), "features": (4,)}
        loss = WeightedCrossEntropy(torch.ones(3))
        network = cls(2, 3, hierarchy=hierarchy, pooling="mean-max", dropout=0.2, noise=0.1, loss=loss)
        lengths = torch.tensor([[6, 5], [2, 7], [1, 1], [5, 2]])
        return network, {"input": torch.randn(4, 6, 7, 2), "lengths": lengths}, torch.arange(4) % 3
