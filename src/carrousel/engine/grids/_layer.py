"""A layer over grids of several dimensions, such as images, as the engine sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, ClassVar

from torch import Tensor

from carrousel.cells import Cell

__all__ = ["GridLayer", "GridWeights"]

GridWeights = Mapping[str, Tensor]
"""The layer's parameters by the names of :meth:`GridLayer.shapes`."""


@dataclass(frozen=True)
class GridLayer:
    """A cell over n dimensions in all 2^n directions, each with weights of its own.

    Attributes:
        cell: the cell, over these dimensions.
        input_size, hidden_size: the features of a place, and the units of a direction.
        kernels: what the kernels make for it, which so lives as long as it does.
    """

    cell: Cell
    input_size: int
    hidden_size: int
    bias: bool = True
    kernels: ClassVar[dict[Any, Any]]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernels", {})
        object.__setattr__(self, "_hash", hash((self.cell, self.input_size, self.hidden_size, self.bias)))

    def __hash__(self) -> int:
        return self._hash

    def __deepcopy__(self, memo: dict[int, Any]) -> GridLayer:
        return self  # nothing in it changes

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.cell, self.input_size, self.hidden_size, self.bias)  # kernels are a process's own

    def apart(self) -> GridLayer:
        """Returns the same layer as an object of its own, which holds no kernels."""
        return replace(self)

    @property
    def dimensions(self) -> int:
        """The number of dimensions, n."""
        return self.cell.dimensions

    @property
    def flips(self) -> list[tuple[bool, ...]]:
        """For each direction the dimensions along which it runs from the last place to the first."""
        return list(product((False, True), repeat=self.dimensions))

    @property
    def directions(self) -> int:
        """The number of directions, 2^n."""
        return 2**self.dimensions

    @property
    def output_size(self) -> int:
        """The features of a place of the output: the units of all directions."""
        return self.directions * self.hidden_size

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The parameters: names and shapes, those of all directions together.

        The columns of ``weight_hh`` see the units of the neighbours that come before along each dimension, those of the
        first dimension first.
        """
        rows, H = len(self.cell.rows) * self.hidden_size, self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (self.directions, rows, self.input_size),
            "weight_hh": (self.directions, rows, self.dimensions * H),
        }
        if self.bias:
            shapes["bias"] = (self.directions, rows)
        if self.cell.peepholes:
            shapes["weight_peephole"] = (self.directions, len(self.cell.peepholes), H)
        return shapes
