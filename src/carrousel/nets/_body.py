"""What networks over an LSTM share: noise on the input, dropout between layers, and how wide the output is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._lstm import LSTM
from carrousel.nets._symbols import Symbols

__all__ = ["Body"]


class Body(nn.Module):
    """An LSTM with noise on its input and dropout; what stands above it is the subclass's.

    Args:
        channels: the number of features of the input.
        dropout: the rate of dropout between layers and, as ``self.dropout``, above the LSTM.
        noise: the deviation of Gaussian noise on the input, in training only.
        lstm: keyword arguments of ``carrousel.LSTM``.
        symbols: what makes vectors of an input of whole numbers; None for an input of vectors.

    Attributes:
        directions: 1 or 2.
        width: features of the LSTM's output, of all directions together.
    """

    def __init__(
        self, channels: int, *, dropout: float, noise: float, lstm: dict[str, Any], symbols: Symbols | None = None
    ) -> None:
        super().__init__()
        self.symbols = symbols
        between = dropout if lstm.get("num_layers", 1) > 1 else 0.0
        self.lstm = LSTM(channels, dropout=between, batch_first=True, **lstm)
        self.noise = noise
        self.directions = 2 if lstm.get("bidirectional") else 1
        self.width = self.directions * (lstm.get("proj_size") or lstm["hidden_size"])
        self.dropout = nn.Dropout(dropout)

    def read(self, input: Tensor, lengths: Tensor | None) -> Tensor:  # [B, T, C], [B] -> [B, T, width]
        """Returns the LSTM's output; None for lengths says that all sequences are as long as the batch."""
        # Where all are as long as the batch nothing has to be packed.
        ragged = lengths is not None and bool((lengths < input.shape[1]).any())
        return self.lstm(self.noisy(input), lengths=lengths if ragged else None)[0]

    def vectors(self, input: Tensor) -> Tensor:  # [B, T, 1], or [B, T, C] -> [B, T, C]
        """Returns the vectors of an input of symbols, another as it is."""
        return input if self.symbols is None else self.symbols(input)

    def noisy(self, input: Tensor) -> Tensor:
        """Returns the input with noise in training, as it is otherwise."""
        return input + self.noise * torch.randn_like(input) if self.training and self.noise > 0 else input
