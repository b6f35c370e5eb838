"""One vector for each sequence: the network of the classifier and the regressor."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._body import Body
from carrousel.nets._losses import ItemLoss, SquaredError, WeightedCrossEntropy

__all__ = ["POOLINGS", "SequenceNet", "pool"]

POOLINGS = ("last", "mean", "max", "mean-max", "attention")


def pool(output: Tensor, lengths: Tensor, how: str, directions: int, scores: Tensor | None = None) -> Tensor:
    """Returns one vector for each sequence, [B, D·P], twice as wide for ``"mean-max"``.

    Args:
        output: an LSTM's, [B, T, D·P], zero past the lengths.
        lengths: [B], at least 1.
        how: one of ``POOLINGS``; ``"last"`` takes each direction where it has read the whole sequence, ``"attention"``
            the mean weighted by the softmax of ``scores``.
        directions: D, 1 or 2.
        scores: of every step, [B, T], for ``"attention"``.
    """
    if how == "last":
        last = (lengths - 1)[:, None, None].expand(-1, 1, output.shape[2])
        ends = output.gather(1, last)[:, 0]  # [B, D·P]
        if directions == 1:
            return ends
        half = output.shape[2] // 2
        return torch.cat([ends[:, :half], output[:, 0, half:]], dim=1)
    inside = (torch.arange(output.shape[1], device=output.device) < lengths[:, None])[:, :, None]  # [B, T, 1]
    if how == "attention":
        assert scores is not None
        weights = scores.masked_fill(~inside[:, :, 0], -torch.inf).softmax(dim=1)
        return torch.einsum("bt,btp->bp", weights, output)
    # The network promises zeros past a length, so the sum needs no mask.
    mean = output.sum(dim=1) / lengths[:, None] if how != "max" else None
    highest = output.masked_fill(~inside, -torch.inf).amax(dim=1) if how != "mean" else None
    return torch.cat([part for part in (mean, highest) if part is not None], dim=1)


class SequenceNet(Body):
    """A network that gives one vector for each sequence: LSTM, pooling over time, dropout, linear layer.

    Args:
        channels: the number of features of the input.
        outputs: the number of outputs, K.
        pooling: ``"last"``, ``"mean"``, ``"max"``, ``"mean-max"`` or ``"attention"`` (a mean in which the weight of
            each step is learned, Bahdanau et al. 2015).
        dropout: the rate of dropout between layers and before the linear layer.
        noise: the deviation of Gaussian noise on the input, in training only.
        lstm: keyword arguments of ``carrousel.LSTM``.
        loss: what it learns; None for the squared error of targets ``[B, K]``.

    Raises:
        ValueError: the pooling is unknown.
    """

    def __init__(
        self, channels: int, outputs: int, *, pooling: str, dropout: float, noise: float, lstm: dict[str, Any],
        loss: ItemLoss | None = None,
    ) -> None:  # fmt: skip
        if pooling not in POOLINGS:
            raise ValueError(f"unknown pooling {pooling!r}; choose from {', '.join(POOLINGS)}")
        super().__init__(channels, dropout=dropout, noise=noise, lstm=lstm)
        self.pooling = pooling
        self.head = nn.Linear(2 * self.width if pooling == "mean-max" else self.width, outputs)
        self.score = nn.Linear(self.width, 1, bias=False) if pooling == "attention" else None
        self.loss = SquaredError() if loss is None else loss

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, C], [B] -> [B, K]
        """Returns the vector of each sequence."""
        output = self.read(input, lengths)
        scores = None if self.score is None else self.score(output)[:, :, 0]
        return self.head(self.dropout(pool(output, lengths, self.pooling, self.directions, scores)))

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each sequence, [B]."""
        return self.loss.each(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> Tensor:
        """Returns the class of each sequence [B], or its values [B, K], by the loss."""
        return self.loss.decode(output)

    @classmethod
    def example(cls) -> tuple[SequenceNet, dict[str, Tensor], Tensor]:
        """Returns a classifier of three classes, and a batch for it."""
        loss = WeightedCrossEntropy(torch.ones(3))
        lstm = {"hidden_size": 5, "num_layers": 2, "bidirectional": True}
        network = cls(2, 3, pooling="mean-max", dropout=0.2, noise=0.1, lstm=lstm, loss=loss)
        return network, {"input": torch.randn(4, 6, 2), "lengths": torch.tensor([6, 2, 5, 1])}, torch.arange(4) % 3
