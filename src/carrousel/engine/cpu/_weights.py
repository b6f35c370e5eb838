"""A layer's weights as the kernels have them, a row for each unit, and derivatives of these as the layer has them.

In a layer of blocks the cells of a block share the rows of their gates; here each cell has its own, all alike. Slots
are what the kernels compute for a unit, in the order of ``Plan``, each ``width`` wide: H in whole vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from carrousel.engine._layer import Layer
from carrousel.engine._memory import CPU
from carrousel.engine._plan import Variant
from carrousel.engine.cpu._buffers import zeros

__all__ = ["Places"]

_OF_ROWS = ("weight_ih", "bias_ih", "bias_hh", "norm_ih", "norm_hh")
"""The weights that have a row for each of the layer's, besides the recurrent ones."""


class Places:
    """Where the rows of a layer's weights stand, one for each unit of each slot.

    Attributes:
        into, recurrent: the first of the unit's rows for each slot that the input feeds, that the recurrence feeds.
        both, only: the same for those of the latter that the input feeds too, and that it does not.
        gated: the first of the unit's rows of each gated row, by name.
        in_recurrence: those of all rows of ``weight_hh``: ``recurrent``, then ``gated``.
        apart: whether each head's product is computed by itself; otherwise the weights are filled up with zeros.
    """

    def __init__(self, layer: Layer, variant: Variant, width: int) -> None:
        self.layer, self.variant, self.width = layer, variant, width
        plan, H, cell = variant.plan, layer.hidden_size, layer.cell
        starts = {row: index * H for index, row in enumerate(cell.rows)}
        rows = [starts[row] for row in plan.rows]
        inputs, shared = plan.inputs, plan.shared
        self.into, self.recurrent, self.both, self.only = (
            torch.tensor(part, dtype=torch.int64, device=CPU)
            for part in (rows[:inputs], rows[shared:], rows[shared:inputs], rows[inputs:])
        )
        self.gated = {row: torch.tensor([starts[row]], dtype=torch.int64, device=CPU) for row in variant.gated}
        self.in_recurrence = torch.cat([self.recurrent, *self.gated.values()])
        self.first = torch.zeros(1, dtype=torch.int64, device=CPU)
        self._spread = self._of_units(cell.rows) if layer.block_size > 1 else None
        self.apart = variant.heads

    def _of_units(self, rows: tuple[str, ...]) -> Tensor:
        """Returns for each unit of some rows its row in a weight that has these rows and no others."""
        layer, parts, begin = self.layer, [], 0
        for row in rows:
            size = layer.row_sizes[layer.cell.rows.index(row)]
            parts.append(begin + torch.arange(size, device=CPU).repeat_interleave(layer.hidden_size // size))
            begin += size
        return torch.cat(parts)

    def of_units(self, weight: Tensor) -> Tensor:
        """Turns a weight ``[rows, ...]`` to one with a row for each unit."""
        return weight if self._spread is None else weight.index_select(0, self._spread)

    def stands(self, name: str) -> bool:
        """Says whether the weight of a name has a row for each unit as it is."""
        spread = self._spread is not None and name in ("weight_hh", *_OF_ROWS)
        return not spread and not (name == "weight_hh" and self.layer.heads > 1 and not self.apart)

    def units_of(self, name: str, weight: Tensor) -> Tensor:
        """Returns the weight of a name with a row for each unit."""
        if name == "weight_hh":
            return self.recurrent_weight(weight)
        return self.of_units(weight) if name in _OF_ROWS else weight

    def of_rows(self, units: Tensor) -> Tensor:
        """The adjoint of :meth:`of_units`: what belongs to the cells of a block is added."""
        if self._spread is None:
            return units
        return units.new_zeros(sum(self.layer.row_sizes), *units.shape[1:]).index_add_(0, self._spread, units)

    def recurrent_weight(self, weight: Tensor) -> Tensor:
        """Returns ``weight_hh`` with a row for each unit; where heads are not apart, with zeros between them."""
        layer, weight = self.layer, self.of_units(weight)
        if layer.heads == 1 or self.apart:
            return weight
        heads, H, out = layer.heads, layer.hidden_size, layer.output_size
        blocks = weight.view(-1, heads, H // heads, out // heads)
        whole = weight.new_zeros(blocks.shape[0], heads, H // heads, heads, out // heads)
        whole.diagonal(dim1=1, dim2=3).copy_(blocks.permute(0, 2, 3, 1))
        return whole.view(weight.shape[0], out)

    def of_recurrent_weight(self, units: Tensor) -> Tensor:
        """The adjoint of :meth:`recurrent_weight`."""
        layer = self.layer
        if layer.heads > 1 and not self.apart:
            heads, H, out = layer.heads, layer.hidden_size, layer.output_size
            whole = units.view(-1, heads, H // heads, heads, out // heads)
            units = whole.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2).reshape(-1, out // heads)
        return self.of_rows(units)

    def _hearing(self, hearers: Sequence[str]) -> Tensor:
        """Returns for each unit of some rows its row in ``weight_gh``."""
        layer, cell = self.layer, self.layer.cell
        rows = layer.fed_back if layer.gate_recurrence == "gates" else cell.rows
        units = self._of_units(rows).view(len(rows), layer.hidden_size)
        return torch.cat([units[rows.index(row)] for row in hearers])

    def _sending(self) -> Tensor:
        """Returns for each column of ``weight_gh`` its place among the activations that are sent: the first cell of a
        block speaks for it.
        """
        layer = self.layer
        first = torch.arange(0, layer.hidden_size, layer.block_size, device=CPU)
        return torch.cat([first + k * self.width for k in range(len(layer.fed_back))])

    def gate_weight(self, weight: Tensor, hearers: Sequence[str]) -> Tensor:
        """Returns the weights of some rows for what gates send, ``[units, gates · width]``."""
        rows = self._hearing(hearers)
        whole = weight.new_zeros(len(rows), len(self.layer.fed_back) * self.width)
        whole[:, self._sending()] = weight.index_select(0, rows)
        return whole

    def of_gate_weight(self, parts: Sequence[tuple[Tensor, Sequence[str]]]) -> Tensor:
        """The adjoint of :meth:`gate_weight`: of ``[slots · width, gates · width]`` for all groups of rows."""
        total = parts[0][0].new_zeros(self.layer.shapes()["weight_gh"])
        for slots, hearers in parts:
            units = slots.view(len(hearers), self.width, -1)[:, : self.layer.hidden_size].flatten(0, 1)
            total.index_add_(0, self._hearing(hearers), units[:, self._sending()])
        return total

    def of_name(self, name: str, units: Tensor) -> Tensor:
        """The adjoint of :meth:`units_of`."""
        if name == "weight_hh":
            return self.of_recurrent_weight(units)
        return self.of_rows(units) if name in _OF_ROWS else units

    def shares(self, name: str, dtype: torch.dtype) -> Tensor:
        """Returns for each slot of what is normalised the share with which each of its numbers counts."""
        low, high = self.variant.parts.get(name, (0, 0))
        gates, size = self.layer.cell.gates, self.layer.block_size
        rows = [name] if name in self.variant.gated else self.variant.plan.rows[low:high]
        counts = [size if row in gates else 1 for row in rows] or [1]
        return torch.tensor([1 / count for count in counts], dtype=dtype, device=CPU)

    def sent(self, values: Sequence[Tensor | None], count: int, dtype: torch.dtype) -> Tensor:
        """Returns activations of gates ``[count, blocks]`` side by side as they are sent; zeros for those not given."""
        layer = self.layer
        whole = zeros(count, len(layer.fed_back), self.width, dtype=dtype)
        for k, value in enumerate(values):
            if value is not None:
                whole[:, k, : layer.hidden_size : layer.block_size] = value
        return whole.view(count, -1)

    def of_sent(self, whole: Tensor, gate: str) -> Tensor:
        """Returns of activations that stand side by side those of a gate, one for each block."""
        begin = self.layer.fed_back.index(gate) * self.width
        return whole[:, begin : begin + self.layer.hidden_size : self.layer.block_size]
