"""numba's compiler, and its cache on disk made to notice every change of the sources."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numba

__all__ = ["entry", "jit"]

# No fastmath: results are the same on every call, and NaN stays NaN.
jit: Any = numba.njit(nogil=True)


def entry(*uses: ModuleType) -> Callable[[Any], Any]:
    """A decorator for a compiled function that Python calls: its machine code is kept on disk.

    numba drops what it kept when the function's own file changes; ``uses`` are further modules whose change counts.
    Where no directory can be written, or numba's cache is not as known here, the function is compiled in every process.
    """
    texts = [Path(module.__file__ or "").read_bytes() for module in uses]
    stamp = hashlib.sha256(b"\0".join(texts)).hexdigest()

    def decorate(function: Any) -> Any:
        try:
            dispatcher: Any = numba.njit(nogil=True, cache=True)(function)
            file = dispatcher._cache._cache_file
            file._source_stamp = (file._source_stamp, stamp)
        except (RuntimeError, AttributeError):
            return numba.njit(nogil=True)(function)
        return dispatcher

    return decorate
