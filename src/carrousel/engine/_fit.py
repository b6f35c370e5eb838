"""Which sizes and options of a layer go together, and with its cell."""

from __future__ import annotations

from carrousel.engine._layer import Layer

__all__ = ["check_layer"]


def check_layer(layer: Layer) -> None:
    """Refuses a layer whose options, or whose options and cell, do not go together, by a ValueError."""
    _check_sizes(layer)
    _check_recurrence(layer)


def _check_sizes(layer: Layer) -> None:
    cell, H = layer.cell, layer.hidden_size
    if cell.dimensions > 1:
        raise ValueError(f"cell {cell.spec!r} is for {cell.dimensions} dimensions, and sequences have one")
    if layer.proj_size and layer.proj_size >= H:
        raise ValueError("proj_size has to be smaller than hidden_size")
    if layer.proj_size and cell.reads_output:
        raise ValueError(f"proj_size: cell {cell.spec!r} reads its own output, which cannot be projected")
    if layer.proj_size and cell.gated:
        raise ValueError(
            f"proj_size: cell {cell.spec!r} multiplies its units with the recurrent weights, which see the projection"
        )
    if H % layer.block_size:
        raise ValueError(f"block_size {layer.block_size} does not divide hidden_size {H}")
    if layer.block_size > 1 and not cell.gates:
        raise ValueError(f"block_size: cell {cell.spec!r} has no gates that its blocks could share")


def _check_recurrence(layer: Layer) -> None:
    cell = layer.cell
    if layer.gate_recurrence not in (None, "gates", "all"):
        raise ValueError(f"gate_recurrence should be None, 'gates' or 'all', got {layer.gate_recurrence!r}")
    asked = [
        name
        for name, on in (
            ("heads", layer.heads > 1),
            ("diagonal", layer.diagonal),
            ("gate_recurrence", layer.gate_recurrence),
        )
        if on
    ]
    if asked and not cell.recurrent:
        raise ValueError(f"{asked[0]}: cell {cell.spec!r} has no recurrent part")
    if layer.gate_recurrence and not cell.gates:
        raise ValueError(f"gate_recurrence: cell {cell.spec!r} has no gates")
    if layer.diagonal:
        for name, other in (
            ("heads", layer.heads > 1),
            ("proj_size", layer.proj_size),
            ("block_size", layer.block_size > 1),
        ):
            if other:
                raise ValueError(f"diagonal recurrence does not go together with {name}")
    sizes = {"the output's size": layer.output_size}
    sizes |= {f"the size of row {row!r}": size for row, size in zip(cell.rows, layer.row_sizes, strict=True)}
    for what, size in sizes.items():
        if size % layer.heads:
            raise ValueError(f"heads {layer.heads} does not divide {what}, {size}")
