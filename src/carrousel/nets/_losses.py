"""Losses: what training minimises is the mean over items of a loss that each item has alone."""

from __future__ import annotations

import copy
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["NO_LABEL", "ItemLoss", "PinballLoss", "SquaredError", "StepCrossEntropy", "WeightedCrossEntropy", "is_on"]

NO_LABEL = -1
"""The class of a step that has none: past a sequence's end, or where nobody knows it. It counts in no loss."""


class ItemLoss(nn.Module):
    """A mean of ``each``, the losses of the items of a batch, [B].

    Where items count differently ``actual`` is a pair: the targets, and the items' weights [B] in units of their mean
    over all batches. Not over this one: a batch whose items all count little counts little.
    """

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:
        """Returns the loss of each item, [B]."""
        raise NotImplementedError

    def decode(self, predicted: Tensor) -> Tensor:
        """Returns what an output says, by item: itself, where it is what was asked for."""
        return predicted

    def weighted(self, predicted: Tensor, actual: Any) -> Tensor:
        """Returns the loss of each item, [B], times its weight if it has one."""
        if isinstance(actual, Tensor):
            return self.each(predicted, actual)
        targets, weights = actual
        return self.each(predicted, targets) * weights

    def forward(self, predicted: Tensor, actual: Any) -> Tensor:
        return self.weighted(predicted, actual).mean()

    def on(self, device: torch.device) -> ItemLoss:
        """Returns the loss on a device: itself if it is there, else a copy."""
        return self if is_on(self, device) else copy.deepcopy(self).to(device)


def is_on(module: nn.Module, device: torch.device) -> bool:
    """Says whether all weights and buffers of a module are on a device."""
    return all(value.device == device for value in chain(module.parameters(), module.buffers()))


class WeightedCrossEntropy(ItemLoss):
    """Cross-entropy, each item times its class's weight [K].

    It is not divided by the weights of the batch, which would undo them in a batch of one class.
    """

    weight: Tensor

    def __init__(self, weight: Tensor):
        super().__init__()
        self.register_buffer("weight", weight, persistent=False)

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:  # logits [B, K], classes [B]
        return nn.functional.cross_entropy(predicted, actual, reduction="none") * self.weight[actual]

    def decode(self, predicted: Tensor) -> Tensor:  # [B, K] -> [B]
        """Returns the number of the most probable class of each item."""
        return predicted.argmax(dim=1)


class StepCrossEntropy(ItemLoss):
    """Mean over a sequence's steps of the cross-entropy, each step times its class's weight [K].

    A sequence without any label has the loss 0.
    """

    weights: Tensor

    def __init__(self, classes: int, weights: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("weights", torch.ones(classes) if weights is None else weights, persistent=False)

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:  # logits [B, T, K], classes [B, T] -> [B]
        """Returns the loss of each sequence."""
        known = actual != NO_LABEL
        losses = nn.functional.cross_entropy(
            predicted.mT, actual, weight=self.weights, reduction="none", ignore_index=NO_LABEL
        )
        return losses.masked_fill(~known, 0.0).sum(dim=1) / known.sum(dim=1).clamp(min=1)


class SquaredError(ItemLoss):
    """Mean over an item's D values of the squared error."""

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:  # [B, D], [B, D]
        return (predicted - actual).square().mean(dim=1)


class PinballLoss(ItemLoss):
    """The quantiles' proper score: mean over steps and levels q of max(q·e, (q - 1)·e), e = actual - forecast.

    Steps whose actual value is missing, NaN, do not count.
    """

    levels: Tensor

    def __init__(self, levels: tuple[float, ...]):
        super().__init__()
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        self._levels = levels

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:  # [B, H, Q], [B, H]
        known = ~actual.isnan()
        error = torch.where(known, actual, 0.0)[..., None] - predicted
        lost = torch.maximum(self.levels * error, (self.levels - 1) * error).mean(dim=2)
        return torch.where(known, lost, 0.0).sum(dim=1) / known.sum(dim=1).clamp(min=1)

    def decode(self, predicted: Tensor) -> Tensor:  # [B, H, Q] -> [B, H]
        """Returns the median forecast of each step."""
        return predicted[..., self._levels.index(0.5)]
