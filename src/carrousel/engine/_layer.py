"""One layer in one direction, as the engine sees it: a cell, its sizes and options, and its weights by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch

from carrousel.cells import Cell

__all__ = ["Layer", "Masks", "Result", "Weights"]

Weights = Mapping[str, torch.Tensor]
"""The layer's parameters by the names of :meth:`Layer.shapes`."""


@dataclass(frozen=True)
class Layer:
    """What a backend must know of a layer besides its weights. Rates of dropout are not here: see :class:`Masks`."""

    cell: Cell
    input_size: int
    hidden_size: int
    proj_size: int = 0
    bias: bool = True
    layer_norm: bool = False
    block_size: int = 1
    heads: int = 1
    diagonal: bool = False
    gate_recurrence: str | None = None

    @cached_property
    def output_size(self) -> int:
        """The size of h."""
        return self.proj_size or self.hidden_size

    @cached_property
    def blocks(self) -> int:
        """The number of blocks, which is the number of rows of a gate."""
        return self.hidden_size // self.block_size

    @cached_property
    def row_sizes(self) -> tuple[int, ...]:
        """The number of rows of each gate and candidate, in the cell's order."""
        candidates = self.cell.candidates
        return tuple(self.hidden_size if row in candidates else self.blocks for row in self.cell.rows)

    @cached_property
    def fed_back(self) -> tuple[str, ...]:
        """The gates whose activations are states too, for they feed the next step."""
        return self.cell.gates if self.gate_recurrence else ()

    @cached_property
    def state_names(self) -> tuple[str, ...]:
        """The names of all states in the order in which they are passed: h, the cell's, the gates fed back."""
        return ("h", *self.cell.states, *self.fed_back)

    @cached_property
    def state_sizes(self) -> tuple[int, ...]:
        """The sizes that go with :attr:`state_names`."""
        inner = (self.hidden_size,) * len(self.cell.states)
        return (self.output_size, *inner, *(self.blocks,) * len(self.fed_back))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Kernels are looked up by their layer at every call: its many fields are hashed once.
        return hash(tuple(getattr(self, name) for name in self.__dataclass_fields__))

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The layer's parameters: names and shapes, in the order of ``torch.nn.LSTM``, carrousel's own after."""
        return self._shapes

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        cell, rows = self.cell, sum(self.row_sizes)
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, self.input_size)}
        if cell.recurrent:
            seen = (rows, self.output_size // self.heads)
            shapes["weight_hh"] = (rows,) if self.diagonal else seen
        if self.bias:
            shapes["bias_ih"] = (rows,)
            if cell.recurrent:
                shapes["bias_hh"] = (rows,)
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        if cell.peepholes:
            shapes["weight_peephole"] = (len(cell.peepholes), self.hidden_size)
        if self.gate_recurrence:
            fed = sum(n for n, row in zip(self.row_sizes, cell.rows, strict=True) if row in cell.gates)
            shapes["weight_gh"] = (fed if self.gate_recurrence == "gates" else rows, fed)
        if self.layer_norm:
            shapes["norm_ih"] = (rows,)
            if cell.recurrent:
                shapes["norm_hh"] = (rows,)
            for state in cell.exits:
                shapes[f"norm_{state}"] = (self.hidden_size,)
                if self.bias:
                    shapes[f"norm_bias_{state}"] = (self.hidden_size,)
        return shapes


class Masks(NamedTuple):
    """The noise of one call in training, drawn before the recursion so that every backend sees the same.

    Each is None where its option is off.

    Attributes:
        variational: ``[B, output]``, factors on the recurrent input h, the same at every step.
        candidate: ``[T, B, H]`` for each candidate, factors on it.
        zoneout_h: ``[T, B, output]``, the share of the old h that is kept: 0 or 1, or the rate itself in evaluation.
        zoneout_c: ``[T, B, H]``, the same for the cell's states.
    """

    variational: torch.Tensor | None = None
    candidate: dict[str, torch.Tensor] | None = None
    zoneout_h: torch.Tensor | float | None = None
    zoneout_c: torch.Tensor | float | None = None

    def at(self, t: int) -> Masks:
        """The masks of one step, without the axis of time."""
        return Masks(
            self.variational,
            self.candidate and {name: mask[t] for name, mask in self.candidate.items()},
            *(mask[t] if isinstance(mask, torch.Tensor) else mask for mask in (self.zoneout_h, self.zoneout_c)),
        )


class Result(NamedTuple):
    """What running a layer over a sequence gives.

    Attributes:
        output: ``[T, B, output]``; zero past a sequence's length.
        final: the states after each sequence's last step, in the order of :attr:`Layer.state_names`.
        steps: every step's values ``[T, B, size]`` by name, as far as they were asked for; zero past the length.
    """

    output: torch.Tensor
    final: tuple[torch.Tensor, ...]
    steps: dict[str, torch.Tensor]
