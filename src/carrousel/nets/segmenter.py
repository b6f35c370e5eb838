"""A class for every place of an image: textures, digits before a background."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from carrousel.cells import Cell
from carrousel.nets._hierarchy import inside
from carrousel.nets._losses import NO_LABEL, StepCrossEntropy
from carrousel.nets._mdlstm import MDLSTM

__all__ = ["Segmenter"]


class Segmenter(nn.Module):
    """A network that names the class of every place of an image: multidimensional LSTM, linear layer.

    Graves, Fernández & Schmidhuber 2007, where it segments textures and names digits. Every place sees the whole image,
    for the four directions come to it from all sides.

    Args:
        channels: the channels of an image.
        classes: the number of classes, K.
        hidden: the cells of a direction in each layer, from the lowest on; one layer of 25 in the paper.
        weights: how much each class counts in the loss, [K]; None for all alike.
        dropout: the rate of dropout before the linear layer.
        noise: the deviation of Gaussian noise on the input, in training only.
        cell: the cell of all layers.

    >>> import torch
    >>> from carrousel.nets.segmenter import Segmenter
    >>> network = Segmenter(1, 11)
    >>> sum(weight.numel() for weight in network.parameters())  # the paper's, for digits
    27511
    >>> lengths = torch.tensor([[4, 5], [3, 2]])
    >>> said = network.decode(network(torch.rand(2, 4, 5, 1), lengths), lengths)
    >>> [(len(rows), len(rows[0])) for rows in said]
    [(4, 5), (3, 2)]
    """

    def __init__(
        self, channels: int, classes: int, *, hidden: Sequence[int] = (25,), weights: Tensor | None = None,
        dropout: float = 0.0, noise: float = 0.0, cell: str | Cell = "multidimensional",
    ) -> None:  # fmt: skip
        super().__init__()
        if not hidden:
            raise ValueError("a network has at least one layer: hidden=(25,)")
        below = [channels, *(4 * H for H in hidden)]
        self.layers = nn.ModuleList(MDLSTM(size, H, cell=cell) for size, H in zip(below, hidden, strict=False))
        self.dropout, self.noise = nn.Dropout(dropout), noise
        self.head = nn.Linear(below[-1], classes)
        self.loss = StepCrossEntropy(classes, weights)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, height, width, C], [B, 2] -> [..., K]
        """Returns the logits of every place's classes, ``[B, height, width, K]``."""
        output = input + self.noise * torch.randn_like(input) if self.training and self.noise > 0 else input
        for layer in self.layers:
            output = layer(output, lengths)
        return self.head(self.dropout(output))

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each image [B], the mean over its places; targets ``[B, height, width]``, some -1."""
        return self.loss.each(output.flatten(1, 2), target.flatten(1))

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[list[int]]]:
        """Returns the number of the most probable class of every place, row by row for each image."""
        said, sizes = output.argmax(dim=3).tolist(), lengths.tolist()
        return [[row[:wide] for row in rows[:tall]] for rows, (tall, wide) in zip(said, sizes, strict=True)]

    def classes_of(self, output: Tensor, lengths: Tensor, background: int | None = None) -> Tensor:
        """Returns a class for each image, [B]: that whose probability, summed over all places, is greatest.

        Args:
            output: the logits, ``[B, height, width, K]``.
            lengths: the height and width of each image, ``[B, 2]``.
            background: the class of places that belong to none, which is no image's.
        """
        there = inside(lengths, output.shape[1:3])
        sums = (output.softmax(dim=3) * there.unsqueeze(-1)).sum(dim=(1, 2))
        if background is not None:
            sums[:, background] = -torch.inf
        return sums.argmax(dim=1)

    @classmethod
    def example(cls) -> tuple[Segmenter, dict[str, Tensor], Tensor]:
        """Returns a network of three classes and two layers, and a batch for it."""
        lengths = torch.tensor([[4, 3], [2, 5]])
        target = torch.full((2, 4, 5), NO_LABEL)
        for item, (tall, wide) in enumerate(lengths.tolist()):
            target[item, :tall, :wide] = torch.randint(3, (tall, wide))
        network = cls(2, 3, hidden=(2, 3), weights=torch.tensor([1.0, 2.0, 0.5]), dropout=0.2, noise=0.1)
        return network, {"input": torch.randn(2, 4, 5, 2), "lengths": lengths}, target
