"""What training minimises: the mean over items of a loss that can be had for each item alone."""

from __future__ import annotations

import copy
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn


class ItemLoss(nn.Module):
    """A mean of ``each``, the losses of the items of a batch, [B].

    Where items count differently ``actual`` is a pair: the targets, and the items' weights [B] in units of their mean
    over all batches. Not over this one: a batch whose items all count little counts little.
    """

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:
        raise NotImplementedError

    def weighted(self, predicted: Tensor, actual: Any) -> Tensor:
        """``each``, times the items' weights if there are any."""
        if isinstance(actual, Tensor):
            return self.each(predicted, actual)
        targets, weights = actual
        return self.each(predicted, targets) * weights

    def forward(self, predicted: Tensor, actual: Any) -> Tensor:
        return self.weighted(predicted, actual).mean()

    def on(self, device: torch.device) -> ItemLoss:
        """Returns the loss on a device: itself if it is there, else a copy."""
        return self if _is_on(self, device) else copy.deepcopy(self).to(device)


class OfNetwork(ItemLoss):
    """The loss that a network has itself, in its ``each``."""

    def __init__(self, network: Any):
        super().__init__()
        self._network = (network,)  # in a tuple: its weights are not the loss's

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:
        return self._network[0].each(predicted, actual)

    def on(self, device: torch.device) -> OfNetwork:
        (network,) = self._network
        return self if _is_on(network, device) else OfNetwork(copy.deepcopy(network).to(device))


def _is_on(module: nn.Module, device: torch.device) -> bool:
    return all(value.device == device for value in chain(module.parameters(), module.buffers()))


class WeightedCrossEntropy(ItemLoss):
    """Cross-entropy, each item times its class's weight [K]; not divided by the weights of the batch, which would undo
    them in a batch of one class.
    """

    weight: Tensor

    def __init__(self, weight: Tensor):
        super().__init__()
        self.register_buffer("weight", weight)

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:  # logits [B, K], classes [B]
        return nn.functional.cross_entropy(predicted, actual, reduction="none") * self.weight[actual]


class SquaredError(ItemLoss):
    """Mean over an item's D values of the squared error."""

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:  # [B, D], [B, D]
        return (predicted - actual).square().mean(dim=1)


class PinballLoss(ItemLoss):
    """The quantiles' proper score: mean over steps and levels q of max(q·e, (q - 1)·e), e = actual - forecast."""

    levels: Tensor

    def __init__(self, levels: tuple[float, ...]):
        super().__init__()
        self.register_buffer("levels", torch.tensor(levels))

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:  # [B, H, Q], [B, H]
        error = actual[..., None] - predicted
        return torch.maximum(self.levels * error, (self.levels - 1) * error).mean(dim=(1, 2))


def close_to(losses: Tensor, least: Tensor) -> bool:
    """Whether losses [N] exceed the least so far, of the same items, by no more than the difference's standard error.

    The one-standard-error rule (Breiman et al. 1984), paired: on a small validation part the least loss is often
    chance, and of two epochs that it cannot tell apart the later one, with its lower learning rate, does better on
    new data.
    """
    difference = losses - least
    if len(difference) < 2:
        return bool(difference.mean() <= 0)
    return bool(difference.mean() <= difference.std() / len(difference) ** 0.5)
