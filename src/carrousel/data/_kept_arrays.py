"""Arrays that take long to make, kept beside the compiled kernels for later processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from carrousel import _cache
from carrousel._format import pack

__all__ = ["kept_arrays"]

Unpacked = TypeVar("Unpacked")


def kept_arrays(
    kind: str,
    recipe: Any,
    make: Callable[[], dict[str, np.ndarray]],
    unpack: Callable[[dict[str, np.ndarray]], Unpacked],
) -> Unpacked:
    """Returns what is unpacked from arrays: those that were kept, else those that are made now, and kept.

    Args:
        kind: the beginning of the file's name.
        recipe: what they are made of, as JSON can hold it; another recipe is kept apart.
        make: makes them.
        unpack: makes of them what is wanted; a ``KeyError`` or ``ValueError`` says that kept ones are of no use.
    """
    key = f"{kind}-{hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:24]}"
    kept = _cache.read(key)
    if kept is not None:
        try:
            return unpack(load(kept))
        except (SafetensorError, KeyError, ValueError):  # of another version of what reads it
            pass
    arrays = make()
    _cache.write(key, pack(arrays))
    return unpack(arrays)
