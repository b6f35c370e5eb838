"""A pass as one call of native code.

What a pass does is a list of calls of kernels, with numbers and addresses as their arguments. For a layer, a packing's
frame and all else that decides about it the list is the same every time; the memory is another, and so are the numbers
of rows and steps. So it is written down once, with every address as a *place*: an offset from the beginning of a
tensor; what rows and steps decide is a *count*. Native code goes through the list and calls the kernels.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from carrousel.engine.cpu import _buffers
from carrousel.engine.cpu._buffers import maker, solid
from carrousel.engine.cpu._counts import Count, valued
from carrousel.engine.cpu.llvm._compile import Code
from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._words import Arguments

__all__ = ["Place", "Program", "emit_play"]

_NUMBER, _FIRST = 1, 2
"""The base of what is no address: it begins at zero. And the first of all others."""

_SIZES = 8
"""The numbers of rows and steps for which a program keeps its list."""


class Place(NamedTuple):
    """An address: a tensor by its number, how many bytes after its beginning, and the bytes of a number there.

    What a program makes has negative numbers while it is written.
    """

    base: int
    offset: int | Count
    each: int

    def after(self, numbers: int | Count) -> Place:
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
        self._given: dict[Hashable, tuple[int, Callable[[Any], Tensor]]] = {}
        self._made: dict[str, tuple[int, tuple[int | Count, ...], bool]] = {}
        self._room: dict[bool, int | Count] = {False: 0, True: 0}
        self._poisons = 0
        self._calls: list[tuple[int, list[int | Count | Place]]] = []
        self._held: list[Any] = []

    # Memory

    def given(self, key: Hashable, how: Callable[[Any], Tensor], each: int = 0) -> Place:
        """Returns the :class:`Place` of a tensor that ``how`` takes, or makes, from what a run is given.

        ``each`` is the size of a number where that is not of the program's type.
        """
        base, _ = self._given.setdefault(key, (_FIRST + len(self._given), how))
        return Place(base, 0, each or self.each)

    def result(self, name: str, *shape: int | Count, cleared: bool = False) -> Place:
        """Returns the :class:`Place` of a tensor of its own that every run gives back; ``cleared``, of zeros."""
        base, _, _ = self._made.get(name, (-1 - len(self._made), shape, cleared))
        self._made[name] = base, shape, cleared
        return Place(base, 0, self.each)

    def room(self, count: int | Count, *, cleared: bool = False) -> Place:
        """Returns the :class:`Place` of so many numbers that every run has for itself; ``cleared``, of zeros."""
        name = "cleared" if cleared else "room"
        if _buffers.poisoned():  # so that nothing lies behind it that could be taken for its own
            self._poisons += 1
            return self.result(f"{name} {self._poisons}", count, cleared=cleared)
        begin, line = self._room[cleared], 64 // self.each
        # Every room begins where a line of the cache does.
        self._room[cleared] = begin + (count.rounded(line) if isinstance(count, Count) else -(-count // line) * line)
        return self.result(name, self._room[cleared], cleared=cleared).after(begin)

    def constant(self, tensor: Tensor) -> int:
        """Returns the address of a tensor that is the same in every run, and holds it."""
        self._held.append(tensor)
        return tensor.data_ptr()

    # Calls

    def call(self, code: Code, name: str, arguments: Arguments, **words: int | Count | Place) -> None:
        """Adds the call of a public function; its varying words by name."""
        self._held.append(code)
        self._calls.append((code.address(name), arguments.ordered(words)))

    def seal(self) -> Program:
        """Ends the writing; returns the :class:`Program`."""
        words: list[int | Count] = [len(self._calls), max(len(ordered) for _, ordered in self._calls)]
        first = _FIRST + len(self._given)  # what is made comes after what is given
        for address, ordered in self._calls:
            words += address, len(ordered)
            for word in ordered:
                if type(word) is Place:
                    base, offset, _ = word
                    words += base if base > 0 else first - 1 - base, offset
                else:
                    words += _NUMBER, word  # type: ignore[arg-type]
        counts = [(at, word) for at, word in enumerate(words) if isinstance(word, Count)]
        self._fixed = np.array([word.fixed if isinstance(word, Count) else word for word in words], np.int64)
        self._open = np.array([at for at, _ in counts], np.int64)
        # [count, 3]: the part that is fixed, and what is for each row and step.
        self._parts = np.array([(w.fixed, w.rows, w.steps) for _, w in counts], np.int64).reshape(-1, 3)
        self._hows = [how for _, how in self._given.values()]
        self._names = [*self._made]
        self._made_as = [(shape, cleared) for _, shape, cleared in self._made.values()]
        self._words = struct.Struct(f"{first + len(self._made)}q").pack
        self._lists: dict[tuple[int, int], _List] = {}
        self._calls, self._given, self._made = [], {}, {}
        return self

    def _list(self, rows: int, steps: int) -> _List:
        """Returns the list of calls for a packing of so many rows and steps."""
        found = self._lists.get((rows, steps))
        if found is None:
            while len(self._lists) >= _SIZES:
                self._lists.pop(next(iter(self._lists)), None)
            words = self._fixed.copy()
            words[self._open] = self._parts @ np.array([1, rows, steps])
            shapes = [tuple(valued(size, rows, steps) for size in shape) for shape, _ in self._made_as]
            makers = [
                (maker(self._dtype, math.prod(shape), cleared=cleared), shape)
                for (_, cleared), shape in zip(self._made_as, shapes, strict=True)
            ]
            found = self._lists[rows, steps] = _List(words, words.ctypes.data, makers)
        return found

    def run(self, given: Any, rows: int = 0, steps: int = 0) -> dict[str, Tensor]:
        """Runs it on what is given, a packing of so many rows and steps; returns the tensors that it made, by name."""
        calls = self._list(rows, steps)
        tensors = [how(given) for how in self._hows]
        for k, tensor in enumerate(tensors):
            if not tensor.is_contiguous() or tensor.is_neg():
                tensors[k] = solid(tensor)
        made = [make(*shape) for make, shape in calls.makers]  # sizes one by one: that is a third less time
        self._play(self._words(calls.begin, 0, *map(_address, tensors), *map(_address, made)))
        return dict(zip(self._names, made, strict=True))


class _List(NamedTuple):
    """The calls of a program for a packing: their words, where these begin in memory, and what makes the results."""

    words: np.ndarray
    begin: int
    makers: list[tuple[Callable[..., Tensor], tuple[int, ...]]]


_address = Tensor.data_ptr


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
