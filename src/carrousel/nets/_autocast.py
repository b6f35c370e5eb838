"""What autocast does to a network: nothing to the types of its states and results, which are those of its weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

__all__ = ["widened"]


def widened(given: Any, dtype: torch.dtype) -> Any:
    """Gives inputs or states the type of the weights if autocast is at work, which may have made them narrower.

    Args:
        given: a tensor, a packed sequence, a tuple of tensors, or None.
        dtype: the type of the weights.
    """
    if given is None or not torch._C._is_any_autocast_enabled():
        return given
    if isinstance(given, PackedSequence):
        return given._replace(data=widened(given.data, dtype))
    if isinstance(given, Tensor):
        return given.to(dtype) if given.is_floating_point() else given
    return tuple(widened(value, dtype) for value in given)
