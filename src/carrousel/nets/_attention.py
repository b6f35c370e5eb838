"""What a decoder sees of the steps of its source, anew for each symbol."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ATTENTIONS", "Attention"]

ATTENTIONS = ("additive", "dot")


class Attention(nn.Module):
    """A mean of the source's steps, weighted by how well each fits the decoder's output, beside that output.

    It stands above the decoder's LSTM (Luong, Pham & Manning 2015). Scores are a small network's, ``"additive"``
    (Bahdanau, Cho & Bengio 2015), or products, ``"dot"``, with a matrix between if the sizes differ.

    Args:
        kind: ``"additive"`` or ``"dot"``.
        width: features of the decoder's output.
        memory: features of a step of the source.

    Raises:
        ValueError: there is no such kind.
    """

    def __init__(self, kind: str, width: int, memory: int) -> None:
        super().__init__()
        if kind not in ATTENTIONS:
            raise ValueError(f"attention must be one of {', '.join(map(repr, ATTENTIONS))} or None, got {kind!r}")
        self.kind = kind
        if kind == "additive":
            self.of_output, self.of_memory = nn.Linear(width, width), nn.Linear(memory, width, bias=False)
            self.score = nn.Linear(width, 1, bias=False)
        else:
            self.of_memory = nn.Identity() if memory == width else nn.Linear(memory, width, bias=False)  # type: ignore[assignment]
        self.join = nn.Linear(width + memory, width)

    def forward(self, output: Tensor, memory: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the output with what was seen, ``[B, U, width]``, and the weights of the steps, ``[B, U, T]``.

        Args:
            output: ``[B, U, width]``.
            memory: ``[B, T, memory]``.
            there: where the source's steps are real, ``[B, T]``.
        """
        keys = self.of_memory(memory)
        if self.kind == "additive":
            scores = self.score(torch.tanh(self.of_output(output)[:, :, None] + keys[:, None]))[..., 0]
        else:
            scores = output @ keys.mT
        weights = scores.masked_fill(~there[:, None], -torch.inf).softmax(dim=2)
        return torch.tanh(self.join(torch.cat([weights @ memory, output], dim=2))), weights
