"""What autocast does to a network: nothing to the types of its states and results, which are those of its weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

__all__ = ["widened"]


def widened(values: Any, dtype: torch.dtype) -> Any:
    """Returns inputs or states in the dtype of the weights if autocast is at work, which may have made them narrower.

    Args:
        values: a tensor, a packed sequence, a tuple of tensors, or None.
        dtype: that of the weights.
    """
    if values is None or not torch._C._is_any_autocast_enabled():
        return values
    if isinstance(values, PackedSequence):
        return values._replace(data=widened(values.data, dtype))
    if isinstance(values, Tensor):
        return values.to(dtype) if values.is_floating_point() else values
    return tuple(widened(value, dtype) for value in values)
