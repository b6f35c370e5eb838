"""Images read in blocks by layers above each other, the body of networks over images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from carrousel.cells import Cell
from carrousel.nets._mdlstm import MDLSTM

__all__ = ["Block", "Hierarchy", "blocks_of", "inside"]

Block = tuple[int, int]
"""The height and the width of a block of places."""


def inside(lengths: Tensor, extent: Sequence[int]) -> Tensor:
    """Returns which places of a padded batch are an image's, ``[B, height, width]``, from sizes ``[B, 2]``."""
    found = torch.ones(len(lengths), *extent, dtype=torch.bool, device=lengths.device)
    for d, size in enumerate(extent):
        shape = [len(lengths), *[1] * len(extent)]
        along = [1] * (1 + len(extent))
        along[1 + d] = size
        found = found & (torch.arange(size, device=lengths.device).view(along) < lengths[:, d].view(shape))
    return found


def blocks_of(images: Tensor, lengths: Tensor, block: Block) -> tuple[Tensor, Tensor]:
    """Returns images whose places are blocks of places: their features side by side, and the new sizes.

    Args:
        images: ``[B, height, width, C]``; what stands past an image's end counts as zero, and fills its last blocks.
        lengths: the height and width of each image, ``[B, 2]``.
        block: the height and width of a block.
    """
    images = images.masked_fill(~inside(lengths, images.shape[1:3]).unsqueeze(-1), 0.0)
    if block == (1, 1):
        return images, lengths
    tall, wide = block
    images = nn.functional.pad(images, (0, 0, 0, -images.shape[2] % wide, 0, -images.shape[1] % tall))
    batch, height, width, features = images.shape
    parts = images.view(batch, height // tall, tall, width // wide, wide, features).permute(0, 1, 3, 2, 4, 5)
    size = torch.tensor(block, device=lengths.device)
    return parts.reshape(batch, height // tall, width // wide, -1), (lengths + size - 1) // size


class Hierarchy(nn.Module):
    """Layers of multidimensional LSTM above each other, each over blocks of what is below it.

    Graves & Schmidhuber 2009, "Offline handwriting recognition with multidimensional recurrent neural networks". The
    lowest layer sees blocks of the image. Between two layers stands one of tanh units without biases, which sees a
    block of all directions' outputs; so each layer has fewer places than the one below it, and may have more units.

    Args:
        channels: the channels of an image.
        hidden: the cells of a direction in each layer, from the lowest on; 2, 10, 50 in the paper.
        blocks: the height and width of the blocks that each layer sees, of the image and then of outputs; 3 x 4, 3 x 4
            and 2 x 4 in the paper, 1 x 1 for every place.
        features: the tanh units between each two layers; 6, 20 in the paper.
        dropout: the rate of dropout on the tanh units.
        cell: the cell of all layers.

    Attributes:
        width: the features of a place of the output.

    Raises:
        ValueError: the numbers of layers, blocks and features do not go together.
    """

    def __init__(
        self, channels: int, *, hidden: Sequence[int], blocks: Sequence[Block], features: Sequence[int] = (),
        dropout: float = 0.0, cell: str | Cell = "multidimensional",
    ) -> None:  # fmt: skip
        super().__init__()
        hidden, features, blocks = tuple(hidden), tuple(features), tuple((int(a), int(b)) for a, b in blocks)
        if not hidden or len(blocks) != len(hidden) or len(features) != len(hidden) - 1:
            raise ValueError(
                f"{len(hidden)} layers need as many blocks and, between them, features of one less; "
                f"got {len(blocks)} blocks and {len(features)} features"
            )
        if min(min(block) for block in blocks) < 1:
            raise ValueError(f"a block has at least one row and one column, got {blocks}")
        self.blocks = blocks
        below = [channels * blocks[0][0] * blocks[0][1], *features]
        self.layers = nn.ModuleList(MDLSTM(size, H, cell=cell) for size, H in zip(below, hidden, strict=True))
        widths = [4 * H for H in hidden]
        between = [
            nn.Linear(width * tall * wide, size, bias=False)
            for width, (tall, wide), size in zip(widths, blocks[1:], features, strict=False)
        ]
        for linear in between:
            nn.init.normal_(linear.weight, 0.0, 0.1)
        self.between = nn.ModuleList(between)
        self.dropout = nn.Dropout(dropout)
        self.width = widths[-1]

    def lengths(self, lengths: Tensor) -> Tensor:
        """Returns the sizes of the outputs for images of these sizes, ``[B, 2]``."""
        for block in self.blocks:
            size = torch.tensor(block, device=lengths.device)
            lengths = (lengths + size - 1) // size
        return lengths

    def forward(self, images: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the output of the highest layer ``[B, height, width, F]``, and its sizes ``[B, 2]``."""
        output, lengths = blocks_of(images, lengths, self.blocks[0])
        output = self.layers[0](output, lengths)
        for linear, layer, block in zip(self.between, list(self.layers)[1:], self.blocks[1:], strict=True):
            joined, lengths = blocks_of(output, lengths, block)
            output = layer(self.dropout(torch.tanh(linear(joined))), lengths)
        return output, lengths
