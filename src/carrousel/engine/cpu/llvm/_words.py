"""How Python hands a kernel its arguments: an array of 64-bit words, each with a name."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import TypeVar

from carrousel.engine.cpu.llvm._emit import Function

__all__ = ["Arguments", "Words"]

_Word = TypeVar("_Word")


class Words:
    """The words that a kernel reads, by name: those that differ from call to call, then those that do not.

    The emitter loads them from the array that is the function's parameter ``%a``.
    """

    def __init__(self, varying: Sequence[str], fixed: Sequence[str]) -> None:
        self.varying, self.fixed = tuple(varying), tuple(fixed)
        if len({*varying, *fixed}) < len(varying) + len(fixed):
            raise ValueError(f"two words of a kernel have one name: {sorted((*varying, *fixed))}")
        self._index = {name: index for index, name in enumerate((*varying, *fixed))}

    def place(self, f: Function, name: str) -> str:
        """Returns the address of a word."""
        return f.op(f"getelementptr i64, ptr %a, i64 {self._index[name]}")

    def integer(self, f: Function, name: str) -> str:
        """Loads a word as an integer."""
        return f.op(f"load i64, ptr {self.place(f, name)}")

    def pointer(self, f: Function, name: str) -> str:
        """Loads a word as an address."""
        return f.op(f"load ptr, ptr {self.place(f, name)}")

    def arguments(self, **fixed: int) -> Arguments:
        """Makes the :class:`Arguments` of many calls that have the fixed words in common."""
        return Arguments(self, [fixed[name] for name in self.fixed])


class Arguments:
    """Makes the words of a call from the varying ones."""

    def __init__(self, words: Words, fixed: Sequence[int]) -> None:
        self._varying, self._fixed = words.varying, tuple(fixed)
        self._count = len(words.varying)
        self._kind = ctypes.c_int64 * (self._count + len(fixed))
        self._template = bytes(self._kind(*[0] * self._count, *fixed))

    def ordered(self, varying: Mapping[str, _Word]) -> list[_Word | int]:
        """Returns all words of a call in order, from the varying ones by name.

        Raises:
            ValueError: they are not these.
        """
        try:
            ordered = [varying[name] for name in self._varying]
        except KeyError as missing:
            raise ValueError(f"a word is missing: {missing}") from None
        if len(varying) > len(ordered):
            raise ValueError(f"words too many: {', '.join(sorted(varying.keys() - {*self._varying}))}")
        return [*ordered, *self._fixed]

    def __call__(self, *varying: int) -> ctypes.Array[ctypes.c_int64]:
        """Returns the array, of varying words in order."""
        array = self._kind.from_buffer_copy(self._template)
        array[: self._count] = varying  # type: ignore[call-overload]  # refuses any other number of words
        return array
