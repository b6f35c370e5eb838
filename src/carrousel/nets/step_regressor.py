"""Numbers for every step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._body import Body

__all__ = ["StepRegressor"]


class StepRegressor(Body):
    """A network that says numbers at every step: LSTM, dropout, linear layer.

    Args:
        channels: the number of features of the input.
        outputs: how many numbers, O.
        squash: ``"sigmoid"`` for numbers between 0 and 1, or ``"identity"``.
        dropout: the rate of dropout between layers and before the linear layer.
        noise: the deviation of Gaussian noise on the input, in training only.
        lstm: keyword arguments of ``carrousel.LSTM``.

    Raises:
        ValueError: squash is neither.

    >>> network = StepRegressor(3, 1, lstm={"hidden_size": 8})
    >>> network(torch.randn(2, 6, 3), torch.tensor([6, 4])).shape
    torch.Size([2, 6, 1])
    """

    def __init__(
        self, channels: int, outputs: int = 1, *, lstm: dict[str, Any], squash: str = "identity",
        dropout: float = 0.0, noise: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(channels, dropout=dropout, noise=noise, lstm=lstm)
        if squash not in ("identity", "sigmoid"):
            raise ValueError(f"squash must be 'identity' or 'sigmoid', got {squash!r}")
        self.squash = squash
        self.head = nn.Linear(self.width, outputs)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, C], [B] -> [B, T, O]
        """Returns the numbers of every step."""
        return self._said(self.read(input, lengths))

    def carry(self, input: Tensor, lengths: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Returns the numbers of a piece of sequences, and the states after it; None begins."""
        output, state = self.lstm(self.noisy(input), state, lengths=lengths)
        return self._said(output), state

    def _said(self, output: Tensor) -> Tensor:
        sums: Tensor = self.head(self.dropout(output))
        return torch.sigmoid(sums) if self.squash == "sigmoid" else sums

    def each(self, output: Tensor, target: Tensor) -> Tensor:  # [B, T, O], [B, T, O], NaN where there is none -> [B]
        """Returns the mean squared error of each sequence, [B]; 0 for one without targets."""
        there = ~target.isnan()
        errors = torch.where(there, output - torch.where(there, target, 0.0), 0.0)
        return (errors * errors).sum((1, 2)) / there.sum((1, 2)).clamp(min=1)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[list[float]]]:
        """Returns the numbers of every step, a list for each sequence."""
        return [said[:length] for said, length in zip(output.tolist(), lengths.tolist(), strict=True)]

    @classmethod
    def example(cls) -> tuple[StepRegressor, dict[str, Tensor], Tensor]:
        """Returns a network of two numbers a step, and a batch for it in which steps have no targets."""
        lengths = torch.tensor([5, 2, 4])
        target = torch.randn(3, 5, 2).masked_fill((torch.arange(5) >= lengths[:, None])[:, :, None], torch.nan)
        target[0, 1] = torch.nan
        network = cls(2, 2, squash="sigmoid", dropout=0.2, noise=0.1, lstm={"hidden_size": 5, "num_layers": 2})
        return network, {"input": torch.randn(3, 5, 2), "lengths": lengths}, target
