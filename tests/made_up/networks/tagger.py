"""A network that somebody else might write: one file, found by itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from carrousel.nets._body import Body


class Tagger(Body):
    """A network that names the class of every step."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(channels, dropout=0.1, noise=0.0, lstm={"hidden_size": 4})
        self.head = nn.Linear(self.width, classes)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, C], [B] -> [B, T, K]
        return self.head(self.dropout(self.read(input, lengths)))

    def each(self, output: Tensor, target: Tensor) -> Tensor:  # [B, T, K], [B, T], -1 past the end -> [B]
        return nn.functional.cross_entropy(output.mT, target, reduction="none", ignore_index=-1).mean(dim=1)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[int]]:
        classes = output.argmax(dim=2).tolist()
        return [said[:n] for said, n in zip(classes, lengths.tolist(), strict=True)]

    @classmethod
    def example(cls) -> tuple[Tagger, dict[str, Tensor], Tensor]:
        lengths = torch.tensor([5, 2, 4])
        target = torch.where(torch.arange(5) < lengths[:, None], torch.randint(3, (3, 5)), -1)
        return cls(2, 3), {"input": torch.randn(3, 5, 2), "lengths": lengths}, target
