"""Memory for kernels."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor

from carrousel.engine._memory import CPU

__all__ = ["empty", "handed_out", "maker", "poison", "poisoned", "solid", "zeros"]

_POISON = False

_OF = {dtype: torch.empty(0, dtype=dtype, device=CPU) for dtype in (torch.float32, torch.float64)}
"""Empty tensors, of whose type and device new buffers are: naming both takes as long as the allocation."""


def poison(on: bool) -> None:
    """Fills every new buffer with NaN, so that a test sees what is read before it is written; and parts none of them
    into several.
    """
    global _POISON
    _POISON = on


def poisoned() -> bool:
    """Says whether that is so."""
    return _POISON


def empty(*shape: int, dtype: torch.dtype) -> Tensor:
    """Makes a new buffer, not cleared."""
    buffer = _OF[dtype].new_empty(shape)
    return buffer.fill_(float("nan")) if _POISON else buffer


def zeros(*shape: int, dtype: torch.dtype) -> Tensor:
    """Makes a new buffer of zeros."""
    return _OF[dtype].new_zeros(shape)


def maker(dtype: torch.dtype, count: int, *, cleared: bool) -> Callable[..., Tensor]:
    """Returns what makes new buffers of a shape of so many numbers, its sizes one by one; ``cleared``, of zeros."""
    if cleared:
        return _OF[dtype].new_zeros
    if _POISON:
        return partial(empty, dtype=dtype)
    return _OF[dtype].new_empty if count * dtype.itemsize < _LARGE else partial(_large, dtype)


_LARGE = 1 << 23
"""The bytes from which on a buffer is memory that the system has to give anew every time."""


def _large(dtype: torch.dtype, *shape: int) -> Tensor:
    """Makes a large buffer. The system is asked to give it in large pages: page by page, that would take longer than
    what is computed.
    """
    buffer = _OF[dtype].new_empty(shape)
    advise = _advise()
    if advise is not None:
        page = 1 << 21
        begin = -(-buffer.data_ptr() // page) * page
        advise(begin, max(buffer.data_ptr() + buffer.nbytes - begin, 0) // page * page, 14)  # MADV_HUGEPAGE
    return buffer


@cache
def _advise() -> Callable[[int, int, int], int] | None:
    """Returns the C library's ``madvise``; None where there is no Linux that has it."""
    try:
        function = ctypes.CDLL(None).madvise if sys.platform == "linux" else None
    except (OSError, AttributeError, TypeError):
        return None
    if function is not None:
        function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return function


def solid(tensor: Tensor) -> Tensor:
    """Its numbers row by row in memory as they are: torch's lazy negation (of a conjugate's imaginary part) is done."""
    return tensor if tensor.is_contiguous() and not tensor.is_neg() else tensor.contiguous().resolve_neg()


def handed_out(buffer: Tensor, size: int) -> Tensor:
    """Returns the first columns of a padded buffer as a result of autograd's: never the tensor itself, which is kept.

    A result holds autograd's node, and the node what is kept: were a result kept, neither would ever be freed but by
    the garbage collector. Nor may a result be a view of a larger buffer, for torch forbids to write into such.
    """
    return buffer.detach() if buffer.shape[-1] == size else buffer[..., :size].contiguous()
