"""The torch modules that the estimators train."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._lstm import LSTM

POOLINGS = ("last", "mean", "max", "mean-max")


def pool(output: Tensor, lengths: Tensor, how: str, directions: int) -> Tensor:
    """One vector for each sequence from an LSTM's output: [B, T, D·P], lengths [B] ≥ 1 -> [B, D·P], twice as wide
    for ``"mean-max"``. ``"last"`` takes each direction where it has read the whole sequence.
    """
    if how == "last":
        last = (lengths - 1)[:, None, None].expand(-1, 1, output.shape[2])
        ends = output.gather(1, last)[:, 0]  # [B, D·P]
        if directions == 1:
            return ends
        half = output.shape[2] // 2
        return torch.cat([ends[:, :half], output[:, 0, half:]], dim=1)
    inside = (torch.arange(output.shape[1], device=output.device) < lengths[:, None])[:, :, None]  # [B, T, 1]
    # The network promises zeros past a length, so the sum needs no mask.
    mean = output.sum(dim=1) / lengths[:, None] if how != "max" else None
    highest = output.masked_fill(~inside, -torch.inf).amax(dim=1) if how != "mean" else None
    return torch.cat([part for part in (mean, highest) if part is not None], dim=1)


class SequenceNet(nn.Module):
    """LSTM -> pooling over time -> dropout -> linear: one vector of ``outputs`` for each sequence.

    ``noise`` is the deviation of the Gaussian noise added to the (standardised) input while training; ``lstm`` holds
    the keyword arguments of ``carrousel.LSTM``.
    """

    def __init__(
        self, channels: int, outputs: int, *, pooling: str, dropout: float, noise: float, lstm: dict[str, Any]
    ):
        super().__init__()
        if pooling not in POOLINGS:
            raise ValueError(f"unknown pooling {pooling!r}; choose from {', '.join(POOLINGS)}")
        between = dropout if lstm.get("num_layers", 1) > 1 else 0.0
        self.lstm = LSTM(channels, dropout=between, batch_first=True, **lstm)
        self.pooling, self.noise = pooling, noise
        self.directions = 2 if lstm.get("bidirectional") else 1
        width = self.directions * (lstm.get("proj_size") or lstm["hidden_size"])
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width if pooling == "mean-max" else width, outputs)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, C], [B] -> [B, K]
        if self.training and self.noise > 0:
            input = input + self.noise * torch.randn_like(input)
        # Where all are as long as the batch nothing has to be packed.
        ragged = bool((lengths < input.shape[1]).any())
        output = self.lstm(input, lengths=lengths if ragged else None)[0]
        return self.head(self.dropout(pool(output, lengths, self.pooling, self.directions)))
