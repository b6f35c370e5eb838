"""The module: one layer over images, or grids of any number of dimensions, in all directions."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from carrousel import cells
from carrousel.cells import Cell
from carrousel.engine import grids
from carrousel.engine.grids import GridLayer
from carrousel.nets._autocast import widened
from carrousel.nets._options import check_flag, check_size
from carrousel.nets._tools import Whole

__all__ = ["MDLSTM", "check_sizes"]


class MDLSTM(Whole):
    """Multidimensional LSTM: a layer over images, or grids of n dimensions, in all 2^n directions.

    Graves, Fernández & Schmidhuber 2007, "Multi-dimensional recurrent neural networks", with peepholes as Graves'
    RNNLIB lays them. A cell sees the input at its place and the outputs and states of its n neighbours that come
    before, one along each dimension, and has a forget gate for each of them. Each direction has weights of its own and
    begins in another corner, so that all of them together see the whole image from every place. Images of a batch may
    have different sizes. Over one dimension it is ``carrousel.LSTM`` in both directions with the cell ``peephole``.

    With n forget gates near one a state would grow from place to place, so no positive bias is given to them.

    Args:
        input_size: the number of features of a place, I: the channels of an image.
        hidden_size: the number of cells of a direction, H.
        dimensions: n, 2 for images.
        cell: a cell that can recur over several dimensions, see ``Cell.using``; ``"elman"`` is the multidimensional
            simple network of the same paper.
        bias: whether gates and candidates have a bias.
        init: the deviation of the Gaussian from which initial weights are drawn, 0.1 in the papers.
        device, dtype: of the parameters.

    Attributes:
        weight_ih: ``[2^n, rows, I]``, rows of H for each gate and candidate in the cell's order.
        weight_hh: ``[2^n, rows, n · H]``, what comes from the neighbours along the first dimension first.
        bias: ``[2^n, rows]``.
        weight_peephole: ``[2^n, peepholes, H]``, in the cell's order.

    The directions stand in the order of counting: of two dimensions, down and right, down and left, up and right, up
    and left.

    >>> import torch, carrousel
    >>> layer = carrousel.MDLSTM(3, 8)
    >>> images = torch.randn(2, 5, 6, 3)  # the second has 4 rows and 6 columns
    >>> output = layer(images, sizes=[[5, 6], [4, 6]])
    >>> output.shape, bool(output[1, 4].any())
    (torch.Size([2, 5, 6, 32]), False)
    """

    layer: GridLayer
    init: float
    weight_ih: nn.Parameter

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        dimensions: int = 2,
        *,
        cell: str | Cell = "multidimensional",
        bias: bool = True,
        init: float = 0.1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_size("input_size", input_size)
        check_size("hidden_size", hidden_size)
        check_size("dimensions", dimensions)
        check_flag("bias", bias)
        if not isinstance(init, numbers.Real) or isinstance(init, bool) or not 0 <= init < math.inf:
            raise ValueError(f"init should be a deviation of at least 0, got {init!r}")
        member = cells.get(cell)
        if member.dimensions not in (1, dimensions):
            raise ValueError(f"cell {member.spec!r} is not for {dimensions} dimensions")
        member = member.using(dimensions=dimensions)
        if member.parted or member.reads_output or not member.recurrent or (member.states and not member.several):
            raise ValueError(f"cell {member.spec!r} is for sequences; carrousel.LSTM runs it")
        self.layer = GridLayer(member, input_size, hidden_size, bias)
        self.init = float(init)
        for name, shape in self.layer.shapes().items():
            setattr(self, name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        if not bias:
            self.register_parameter("bias", None)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draws the initial weights anew."""
        for weight in self.parameters():
            weight.normal_(0.0, self.init)

    def forward(self, input: Tensor, sizes: Tensor | Sequence[Sequence[int]] | None = None) -> Tensor:
        """Returns the outputs of all directions side by side, ``[B, ..., 2^n · H]``, zero past the end of an image.

        Args:
            input: ``[B, ..., I]`` with n dimensions between the first and the last; of images ``[B, height, width,
                I]``. What stands past the end of an image is never read.
            sizes: ``[B, n]``, of images their heights and widths; None if all fill the batch.

        Raises:
            ValueError: a shape or a type does not fit.
        """
        n, input = self.layer.dimensions, widened(input, self.weight_ih.dtype)
        if input.dim() != n + 2:
            axes = "[B, height, width, features]" if n == 2 else f"[B, {n} dimensions, features]"
            raise ValueError(f"input should be {axes}, {n + 2} axes; it has the shape {list(input.shape)}")
        if input.shape[-1] != self.layer.input_size:
            raise ValueError(f"input should have {self.layer.input_size} features, got {input.shape[-1]}")
        if input.dtype != self.weight_ih.dtype:
            raise ValueError(f"input is {input.dtype}, the weights are {self.weight_ih.dtype}; they should be alike")
        weights = {name: getattr(self, name) for name in self.layer.shapes()}
        return grids.run(self.layer, weights, input, check_sizes(sizes, tuple(input.shape[:-1])))

    def named_layers(self) -> list[tuple[str, GridLayer]]:
        """Returns the one layer after the ending of its parameters' names, which is empty."""
        return [("", self.layer)]

    def extra_repr(self) -> str:
        layer = self.layer
        bias = "" if layer.bias else ", bias=False"
        return f"{layer.input_size}, {layer.hidden_size}, dimensions={layer.dimensions}, cell={layer.cell.name}{bias}"


def check_sizes(sizes: Any, shape: tuple[int, ...]) -> Tensor | None:
    """Returns the sizes of the grids of a batch ``[B, n]``, on the CPU; None where all fill it.

    Args:
        sizes: as the caller gave them.
        shape: of the batch without features, ``[B, ...]``.

    Raises:
        ValueError: they are not whole numbers ``[B, n]`` between 1 and the batch's.
    """
    if sizes is None:
        return None
    batch, *extent = shape
    found = torch.as_tensor(sizes)
    if found.is_floating_point() or found.is_complex() or found.dtype == torch.bool:
        raise ValueError(f"sizes should be whole numbers, got {found.dtype}")
    if found.shape != (batch, len(extent)):
        raise ValueError(
            f"sizes should be [{batch}, {len(extent)}], a size along each dimension; got {list(found.shape)}"
        )
    found = found.detach().to("cpu", torch.int64)
    bad = (found < 1) | (found > torch.tensor(extent))
    if bool(bad.any()):
        item, d = bad.nonzero()[0].tolist()
        raise ValueError(
            f"sizes of item {item}: {int(found[item, d])} along dimension {d}, where 1 to {extent[d]} are possible"
        )
    return None if bool((found == torch.tensor(extent)).all()) else found
