"""How Python hands a kernel its arguments: an array of 64-bit words, each with a name."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

from carrousel.engine.cpu._emit import Function

__all__ = ["Slots"]


class Slots:
    """The words that a kernel reads, by name. The emitter loads them; Python fills an array with them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._index = {name: index for index, name in enumerate(self.names)}
        self._array = ctypes.c_int64 * len(self.names)

    def integer(self, f: Function, name: str) -> str:
        """Loads a word as an integer; the array is the function's parameter ``%a``."""
        return f.op(f"load i64, ptr {f.op(f'getelementptr i64, ptr %a, i64 {self._index[name]}')}")

    def pointer(self, f: Function, name: str) -> str:
        """Loads a word as an address."""
        return f.op(f"load ptr, ptr {f.op(f'getelementptr i64, ptr %a, i64 {self._index[name]}')}")

    def fill(self, **values: int) -> ctypes.Array[ctypes.c_int64]:
        """The array for one call; every word must be given."""
        return self._array(*[values[name] for name in self.names])
