"""How much a network has to compute: the operations of its matrix products."""

from __future__ import annotations

from math import prod

from carrousel.engine import Layer

__all__ = ["operations"]

_PRODUCTS = ("weight_hh", "weight_gh", "weight_hr")
"""The matrices of the recursion; a diagonal one is a vector and makes no product."""


def operations(layer: Layer, mode: str, rows: float) -> float:
    """Returns the operations of one go's matrix products; a multiplication and an addition are two.

    Args:
        layer: the layer.
        mode: the mode of a workload: what needs derivatives.
        rows: all steps of all sequences.
    """
    shapes = layer.shapes()
    of_x = 2 * rows * prod(shapes["weight_ih"])
    inside = 2 * rows * sum(prod(shapes[name]) for name in _PRODUCTS if len(shapes.get(name, ())) == 2)
    if not mode.startswith("train"):
        return of_x + inside
    # Backward: the weights' derivatives, and what flows back through the recurrence and, if asked for, to x.
    return (3 if mode == "train-dx" else 2) * of_x + 3 * inside
