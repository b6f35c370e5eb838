"""A string of labels for an image of unsegmented text: a line of handwriting to its letters."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from carrousel.cells import Cell
from carrousel.nets._ctc import best_path, blank_past, ctc
from carrousel.nets._hierarchy import Block, Hierarchy

__all__ = ["ImageTranscriber"]


class ImageTranscriber(nn.Module):
    """A network that says a string of labels for an image: layers over blocks, the sum of each column, CTC.

    Graves & Schmidhuber 2009, "Offline handwriting recognition with multidimensional recurrent neural networks". The
    highest layer's outputs are summed over the rows, so that each column says a label or the blank. The outputs are log
    probabilities of the K labels and, last, of the blank; a column past an image's end says blank for certain, which
    changes no string's probability.

    Args:
        channels: the channels of an image.
        labels: the number of labels, K.
        hidden, blocks, features: the layers, see ``Hierarchy``; by default the paper's.
        dropout: the rate of dropout between layers and before the linear layer.
        noise: the deviation of Gaussian noise on the input, in training only.
        cell: the cell of all layers.

    >>> import torch
    >>> from carrousel.nets.image_transcriber import ImageTranscriber
    >>> network = ImageTranscriber(1, 120)
    >>> sum(weight.numel() for weight in network.parameters())  # the paper's, for Arabic
    159369
    >>> network.steps(torch.tensor([[28, 100], [28, 200]]))  # a column is 64 places of the image wide
    tensor([2, 4])
    """

    def __init__(
        self, channels: int, labels: int, *, hidden: Sequence[int] = (2, 10, 50),
        blocks: Sequence[Block] = ((3, 4), (3, 4), (2, 4)), features: Sequence[int] = (6, 20), dropout: float = 0.0,
        noise: float = 0.0, cell: str | Cell = "multidimensional",
    ) -> None:  # fmt: skip
        super().__init__()
        about = {"hidden": hidden, "blocks": blocks, "features": features}
        self.body = Hierarchy(channels, dropout=dropout, cell=cell, **about)  # type: ignore[arg-type]
        self.noise, self.dropout = noise, nn.Dropout(dropout)
        self.head = nn.Linear(self.body.width, labels + 1)

    @property
    def blank(self) -> int:
        """The number of the output that says nothing."""
        return self.head.out_features - 1

    def steps(self, lengths: Tensor) -> Tensor:
        """Returns how many columns images of these sizes ``[B, 2]`` have, at which labels can be said, [B]."""
        return self.body.lengths(lengths)[:, 1]

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, height, width, C], [B, 2] -> [B, steps, K + 1]
        """Returns the log probabilities of every column's labels, the blank last."""
        if self.training and self.noise > 0:
            input = input + self.noise * torch.randn_like(input)
        output, sizes = self.body(input, lengths)
        said = self.head(self.dropout(output.sum(dim=1))).log_softmax(dim=2)
        return blank_past(said, sizes[:, 1])

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns minus the log probability of each string, [B]; targets are [B, U], -1 past the end of a string.

        Raises:
            ValueError: a string needs more columns than its image has.
        """
        return ctc(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[int]]:
        """Returns the string of the most probable path of each image."""
        return [best_path(said) for said in output.detach().cpu().numpy()]

    @classmethod
    def example(cls) -> tuple[ImageTranscriber, dict[str, Tensor], Tensor]:
        """Returns a transcriber of three labels with two layers, and a batch for it."""
        about = {"hidden": (2, 3), "blocks": ((2, 2), (2, 1)), "features": (4,)}
        network = cls(2, 3, dropout=0.2, noise=0.1, **about)  # type: ignore[arg-type]
        lengths = torch.tensor([[6, 9], [3, 2], [5, 8]])
        target = torch.tensor([[0, 0, 2], [1, -1, -1], [2, 1, -1]])
        return network, {"input": torch.randn(3, 6, 9, 2), "lengths": lengths}, target
