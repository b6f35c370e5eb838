"""Graphs of expressions computed on tensors, operation by operation: what kernels are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from carrousel.cells import math as cell_math
from carrousel.engine._graph import Node, order

_ON_TENSORS: dict[str, Callable[..., Any]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "neg": torch.neg,
    "exit": cell_math.identity,
    "gated": cell_math.identity,
    "lt": torch.lt,
    "le": torch.le,
    "gt": torch.gt,
    "ge": torch.ge,
}


def evaluate(roots: Sequence[Node], values: Mapping[tuple[str, str], torch.Tensor]) -> list[torch.Tensor]:
    """The roots' values on tensors, given those of the leaves by kind and name."""
    some = next(iter(values.values()))
    known: dict[Node, torch.Tensor] = {}
    for node in order(roots):
        if node.op == "leaf":
            known[node] = values[node.name]
        elif node.op == "constant":
            known[node] = torch.full_like(some, node.name)
        else:
            function = _ON_TENSORS.get(node.op) or getattr(cell_math, node.op)
            known[node] = function(*(known[arg] for arg in node.args))
    return [known[root] for root in roots]
