"""Where a layer does something to all units at once, and so cuts the equations."""

from __future__ import annotations

from carrousel.engine._graph import Node

__all__ = ["cut_name", "is_cut"]


def is_cut(node: Node) -> bool:
    """Tells whether the equations are cut at a node."""
    return node.op in ("exit", "block_sum", "gated")


def cut_name(cut: Node) -> str:
    """Returns the name of a cut: that of its state or row, or one that none of these can have."""
    return f"block of {cut.name}" if cut.op == "block_sum" else str(cut.name)
