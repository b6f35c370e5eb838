"""Initial weights."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import init as torch_init

from carrousel.engine import Layer

__all__ = ["check_init", "fill"]


def check_init(layer: Layer, init: str | float, forget_bias: float | None) -> None:
    """Refuses an initialisation that the layer cannot have."""
    cell = layer.cell
    if isinstance(init, str):
        if init not in ("uniform", "orthogonal"):
            raise ValueError(f"init should be 'uniform', 'orthogonal' or a positive number, got {init!r}")
        if init == "orthogonal" and (layer.diagonal or not cell.recurrent):
            raise ValueError("init='orthogonal' needs a recurrent weight matrix, and this layer has none")
    elif not isinstance(init, numbers.Real) or isinstance(init, bool) or not 0 < init < math.inf:
        raise ValueError(f"init should be 'uniform', 'orthogonal' or a positive number, got {init!r}")
    if forget_bias is not None:
        if "f" not in cell.gates:
            raise ValueError(f"forget_bias: cell {cell.spec!r} has no forget gate 'f' of its own")
        if not layer.bias:
            raise ValueError("forget_bias needs bias=True")
        if not isinstance(forget_bias, numbers.Real) or isinstance(forget_bias, bool) or not math.isfinite(forget_bias):
            raise ValueError(f"forget_bias should be a finite number, got {forget_bias!r}")


@torch.no_grad()
def fill(layer: Layer, weights: Mapping[str, Tensor], init: str | float, forget_bias: float | None) -> None:
    """Fills a layer's parameters with their initial values, in place.

    Args:
        layer: the layer.
        weights: its parameters.
        init: ``"uniform"``, torch's own, uniform in ±1/sqrt(hidden_size); ``"orthogonal"``, the same but with
            orthogonal recurrent matrices, one for each gate and head; or a number a, uniform in ±a, as the papers
            have it (0.1 or 0.2 in Hochreiter & Schmidhuber 1997).
        forget_bias: the value of the forget gate's bias (of both its vectors together), or None.
    """
    bound = 1.0 / math.sqrt(max(layer.hidden_size, 1)) if isinstance(init, str) else float(init)
    for name, weight in weights.items():
        if name.startswith("norm_"):
            weight.fill_(0.0 if name.startswith("norm_bias_") else 1.0)
        else:
            torch_init.uniform_(weight, -bound, bound)
    if init == "orthogonal":
        for rows in weights["weight_hh"].split(layer.row_sizes):
            for head in rows.chunk(layer.heads):
                # The decomposition behind it wants at least single precision.
                precise = torch.empty_like(head, dtype=torch.promote_types(head.dtype, torch.float32))
                head.copy_(torch_init.orthogonal_(precise))
    if forget_bias is not None:
        row = layer.cell.rows.index("f")
        start = sum(layer.row_sizes[:row])
        forget = slice(start, start + layer.row_sizes[row])
        weights["bias_ih"][forget] = forget_bias
        if "bias_hh" in weights:
            weights["bias_hh"][forget] = 0.0
