"""A pass as one call of native code.

What a pass does is a list of calls of kernels, with numbers and addresses as their arguments. For a layer, a packing's
sizes and all else that decides about it the list is the same every time, only the memory is another. So it is written
down once, with every address as a *place*: an offset from the beginning of a tensor. Native code goes through the list
and calls the kernels.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from carrousel.engine.cpu import _buffers
from carrousel.engine.cpu._buffers import empty, solid, zeros
from carrousel.engine.cpu.llvm._compile import Code
from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._words import Arguments

__all__ = ["Place", "Program", "emit_play"]

_NUMBER = 1
"""The base of what is no address: it begins at zero."""


class Place(NamedTuple):
    """An address: a tensor by its number, how many bytes after its beginning, and the bytes of a number there."""

    base: int
    offset: int
    each: int

    def after(self, numbers: int) -> Place:
        """Returns the :class:`Place` so many numbers further on."""
        return Place(self.base, self.offset + numbers * self.each, self.each)


class Program:
    """Calls of kernels that can be run on other tensors again and again.

    Args:
        dtype: the type of numbers.
        code: the code with ``play``.

    Attributes:
        each: the bytes of a number.
    """

    def __init__(self, dtype: torch.dtype, code: Code) -> None:
        self._dtype, self.each, self._play = dtype, dtype.itemsize, code.function("play")
        self._bases: dict[Hashable, int] = {}
        self._hows: dict[int, Callable[[Any], Tensor]] = {}
        self._made: dict[int, tuple[str, tuple[int, ...], bool]] = {}
        self._room = {False: 0, True: 0}
        self._words: list[int] = []
        self._count = self._most = 0
        self._held: list[Any] = []

    # Memory

    def _base(self, key: Hashable) -> int:
        return self._bases.setdefault(key, 2 + len(self._bases))

    def given(self, key: Hashable, how: Callable[[Any], Tensor], each: int = 0) -> Place:
        """Returns the :class:`Place` of a tensor that ``how`` takes, or makes, from what a run is given. ``each`` is the
        size of a number where that is not of the program's type.
        """
        base = self._base(("given", key))
        self._hows[base] = how
        return Place(base, 0, each or self.each)

    def result(self, name: str, *shape: int, cleared: bool = False) -> Place:
        """Returns the :class:`Place` of a tensor of its own that every run makes and gives back; ``cleared``, of zeros."""
        base = self._base(("made", name))
        self._made[base] = name, shape, cleared
        return Place(base, 0, self.each)

    def room(self, count: int, *, cleared: bool = False) -> Place:
        """Returns the :class:`Place` of so many numbers that every run has for itself; ``cleared``, of zeros."""
        begin, name = self._room[cleared], "cleared" if cleared else "room"
        if _buffers.poisoned():  # so that nothing lies behind it that could be taken for its own
            self._room[cleared] += 1
            return self.result(f"{name} {begin}", count, cleared=cleared)
        # Every room begins where a line of the cache does.
        self._room[cleared] = begin + -(-count * self.each // 64) * 64 // self.each
        return self.result(name, self._room[cleared], cleared=cleared).after(begin)

    def constant(self, tensor: Tensor) -> int:
        """Returns the address of a tensor that is the same in every run, and holds it."""
        self._held.append(tensor)
        return tensor.data_ptr()

    # Calls

    def call(self, code: Code, name: str, arguments: Arguments, **words: int | Place) -> None:
        """Adds the call of a public function; its varying words by name."""
        ordered = arguments.ordered(words)
        self._held.append(code)
        self._words += code.address(name), len(ordered)
        for word in ordered:
            self._words += word[:2] if isinstance(word, Place) else (_NUMBER, int(word))
        self._count, self._most = self._count + 1, max(self._most, len(ordered))

    def seal(self) -> Program:
        """Ends the writing; returns the :class:`Program`."""
        words = [self._count, self._most, *self._words]
        self._text = (ctypes.c_int64 * len(words))(*words)
        self._words = []
        self._order = [(self._hows.get(base), *self._made.get(base, ("", (), False))) for base in self._bases.values()]
        self._kind = ctypes.c_int64 * (2 + len(self._order))
        self._begin = ctypes.addressof(self._text)
        return self

    def run(self, given: Any) -> dict[str, Tensor]:
        """Runs it on what is given; returns the tensors that it made, by name."""
        dtype, made, held, words = self._dtype, dict[str, Tensor](), [], [self._begin, 0]
        for how, name, shape, cleared in self._order:
            if how is None:
                tensor = made[name] = (zeros if cleared else empty)(*shape, dtype=dtype)
            else:
                tensor = how(given)
                if not tensor.is_contiguous() or tensor.is_neg():
                    tensor = solid(tensor)
                held.append(tensor)  # until the kernels are done
            words.append(tensor.data_ptr())
        self._play(self._kind(*words))
        return made


def emit_play(module: Module) -> None:
    """Emits ``play``. Its array holds the address of a program, a zero, and the beginnings of all tensors."""
    f = module.function("play", [("ptr", "a")], public=True)

    def word(base: str, index: str | int, kind: str = "i64") -> str:
        return f.op(f"load {kind}, ptr {f.op(f'getelementptr i64, ptr {base}, i64 {index}')}")

    program = f.op("load ptr, ptr %a")
    room = f.op(f"alloca i64, i64 {word(program, 1)}, align 64")
    place = f.variable("i64", "2")
    with f.loop(0, word(program, 0)):
        at = f.get("i64", place)
        function, count = word(program, at, "ptr"), word(program, f.add(at, 1))
        begin = f.add(at, 2)
        with f.loop(0, count) as k:
            pair = f.add(begin, f.mul(k, 2))
            value = f.add(word("%a", word(program, pair)), word(program, f.add(pair, 1)))
            f.put("i64", f.op(f"getelementptr i64, ptr {room}, i64 {k}"), value)
        f.line(f"call void {function}(ptr {room})")
        f.put("i64", place, f.add(begin, f.mul(count, 2)))
