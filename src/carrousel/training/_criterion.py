"""The criterion of a training, and when the difference of two epochs' losses may be chance."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from carrousel.nets._losses import ItemLoss, is_on

__all__ = ["OfNetwork", "close_to"]


class OfNetwork(ItemLoss):
    """The loss that a network has itself, in its ``each``."""

    def __init__(self, network: Any):
        super().__init__()
        self._network = (network,)  # in a tuple: its weights are not the loss's

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:
        return self._network[0].each(predicted, actual)

    def on(self, device: torch.device) -> OfNetwork:
        (network,) = self._network
        return self if is_on(network, device) else OfNetwork(copy.deepcopy(network).to(device))


def close_to(losses: Tensor, least: Tensor) -> bool:
    """Tells whether losses [N] exceed the least ones, of the same items, by at most the difference's standard error.

    The one-standard-error rule (Breiman et al. 1984), paired: on a small validation part the least loss is often
    chance, and of two epochs that it cannot tell apart the later one, with its lower learning rate, does better on
    new data.
    """
    difference = losses - least
    if len(difference) < 2:
        return bool(difference.mean() <= 0)
    return bool(difference.mean() <= difference.std() / len(difference) ** 0.5)
