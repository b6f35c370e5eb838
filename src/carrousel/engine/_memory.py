"""Whether the numbers of tensors are in memory, where a kernel would read them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["CPU", "PLAIN", "in_memory"]

CPU = torch.device("cpu")
"""Where packings and the CPU kernels' memory are, whatever the default device is at the moment."""

PLAIN = (Tensor, torch.nn.Parameter)
"""The types of tensor whose memory is what it seems."""


def in_memory(tensors: Sequence[Tensor]) -> bool:
    """Tells whether tensors have memory of their own; False for what torch only knows to be zero.

    Where tensors are not what they seem, under transformations or while tracing, nobody reads them here: True.

    Raises:
        RuntimeError: the memory of one was freed. Reading it would end the process.
    """
    if torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is not None:
        return True
    for tensor in tensors:
        if type(tensor) in PLAIN and not tensor.data_ptr() and tensor.numel() and not tensor.is_meta:
            if tensor._is_zerotensor():
                return False
            raise RuntimeError(
                f"a tensor of shape {list(tensor.shape)} has no memory: its storage was freed, or not gathered again"
            )
    return True
