"""The plain form of a layer over grids: the cell's own equations on torch tensors, diagonal after diagonal.

All directions are computed at once. It runs on any device, in any dtype, under every transformation of torch. The
kernels are tested against it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from carrousel.cells import Named, State
from carrousel.cells.math import identity
from carrousel.engine.grids._layer import GridLayer, GridWeights
from carrousel.engine.grids._walk import walk_over

__all__ = ["run"]


def run(layer: GridLayer, weights: GridWeights, x: Tensor, sizes: Tensor | None) -> Tensor:
    """Runs a layer over a padded batch of grids.

    Args:
        layer: the layer.
        weights: its parameters.
        x: ``[B, ..., input]``, n dimensions between the first and the last.
        sizes: of each grid, ``[B, n]``, on the CPU; None if all fill the batch. What stands past a grid's end does not
            matter, be it NaN.

    Returns:
        The outputs of all directions, ``[B, ..., 2^n · H]``, zero past a grid's end.
    """
    n, H, D = layer.dimensions, layer.hidden_size, layer.directions
    batch, *extent, _ = x.shape
    walk = walk_over(sizes, batch, tuple(extent), together=True)
    places, before = walk.places.to(x.device), walk.before.to(x.device)
    rows = x.flatten(0, n)[places]  # [D, rows, input]
    z = rows @ weights["weight_ih"].mT  # [D, rows, gates]
    if layer.bias:
        z = z + weights["bias"].unsqueeze(1)
    nothing = z.new_zeros(D, 1, H)  # the neighbour outside
    old_h, old = nothing, dict.fromkeys(layer.cell.states, nothing)
    outputs, first = [], 0
    for begin, end in walk.steps():
        at = (before[begin:end] - first + 1).clamp(min=0)  # [M, n]; row 0 is the neighbour outside
        seen = torch.cat([old_h[:, at[:, d]] for d in range(n)], dim=-1)  # [D, M, n · H]
        neighbours = {name: [value[:, at[:, d]] for d in range(n)] for name, value in old.items()}
        h, state = _advance(layer, weights, z[:, begin:end] + seen @ weights["weight_hh"].mT, neighbours)
        outputs.append(h)
        old_h = torch.cat([nothing, h], dim=1)
        old = {name: torch.cat([nothing, value], dim=1) for name, value in state.items()}
        first = begin
    said = torch.cat(outputs, dim=1) if outputs else nothing[:, :0]  # [D, rows, H]
    spread = said.new_zeros(D, walk.count, H).scatter(1, places.unsqueeze(-1).expand(-1, -1, H), said)
    return spread.transpose(0, 1).reshape(batch, *extent, D * H)


def _advance(
    layer: GridLayer, weights: GridWeights, z: Tensor, neighbours: dict[str, list[Tensor]]
) -> tuple[Tensor, dict[str, Tensor]]:
    """One diagonal: from pre-activations ``[D, M, gates]`` and the neighbours' states to outputs and states."""
    cell, H = layer.cell, layer.hidden_size
    rows = Named(**dict(zip(cell.rows, z.split(H, dim=-1), strict=True)))
    old = State(**dict(zip(cell.old, (value for values in neighbours.values() for value in values), strict=True)))
    ports: dict[str, Callable[[Tensor], Tensor]] = dict.fromkeys((*cell.candidates, *cell.states), identity)
    for k, gate in enumerate(cell.peepholes):
        ports[gate] = weights["weight_peephole"][:, k].unsqueeze(1).mul  # [D, 1, H]
    h, state, _ = cell(rows, old, Named(**ports))
    return h, {name: getattr(state, name) for name in cell.states}
