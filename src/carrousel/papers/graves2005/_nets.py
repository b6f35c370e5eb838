"""The eleven networks of the paper's table, and the error that counts every phone alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._losses import NO_LABEL, ItemLoss
from carrousel.nets.tagger import Tagger

__all__ = ["ByDuration", "Window", "build"]


class Window(nn.Module):
    """A network without memory: a hidden layer of tanh units over the frames around each frame.

    Args:
        channels: features of a frame.
        classes: the number of classes.
        hidden: units.
        window: frames that are seen to either side; those before the first and after the last are zeros.
    """

    def __init__(self, channels: int, classes: int, *, hidden: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.hidden = nn.Linear((2 * window + 1) * channels, hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, C], [B] -> [B, T, K]
        """Returns the logits of every frame's classes."""
        inside = torch.arange(input.shape[1]) < lengths[:, None]
        input = nn.functional.pad(input.masked_fill(~inside[:, :, None], 0.0), (0, 0, self.window, self.window))
        seen = input.unfold(1, 2 * self.window + 1, 1).flatten(2)  # [B, T, C * frames]
        return self.head(self.hidden(seen).tanh())

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each utterance, [B], the mean over its frames."""
        return _mean(output, target, (target != NO_LABEL).to(output.dtype))

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[int]]:
        """Returns the number of the most probable class of every frame."""
        said = output.argmax(dim=2).tolist()
        return [codes[:length] for codes, length in zip(said, lengths.tolist(), strict=True)]


class ByDuration(ItemLoss):
    """Mean over an utterance's phones of the mean cross-entropy over each phone's frames: long ones count no more.

    >>> output, target = torch.zeros(1, 4, 2), torch.tensor([[0, 0, 0, 1]])
    >>> output[0, 3, 0] = 9.0  # the fourth frame is wrong
    >>> float(ByDuration().each(output, target)) > 4
    True
    """

    def each(self, output: Tensor, target: Tensor) -> Tensor:  # logits [B, T, K], classes [B, T] -> [B]
        """Returns the loss of each utterance."""
        begins = torch.ones_like(target)
        begins[:, 1:] = target[:, 1:] != target[:, :-1]
        phone = begins.cumsum(dim=1) - 1  # the number of each frame's phone
        lasts = torch.zeros_like(target).scatter_add(1, phone, torch.ones_like(target)).gather(1, phone)
        return _mean(output, target, (target != NO_LABEL) / lasts)


def _mean(output: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    losses = nn.functional.cross_entropy(output.mT, target, reduction="none", ignore_index=NO_LABEL)
    return (losses * weights).sum(dim=1) / weights.sum(dim=1)


def build(about: Mapping[str, Any], channels: int, classes: int) -> nn.Module:
    """Returns a network of the table by its ``cell``, ``hidden`` units, ``directions`` and ``delay``, or a window."""
    if about["cell"] is None:
        return Window(channels, classes, hidden=about["hidden"], window=about["window"])
    lstm = {"hidden_size": about["hidden"], "cell": about["cell"], "bidirectional": about["directions"] == 2}
    return Tagger(channels, classes, delay=about["delay"], noise=about["noise"], lstm=lstm)
