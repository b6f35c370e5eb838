"""A pass as one call of native code.

What a pass does is a list of calls of kernels, with numbers and addresses as their arguments. For a layer, a packing's
size and all else that decides about it the list is the same every time, only the memory is another. So it is written
down once, with every address as a *place*: an offset from the beginning of a tensor. Native code goes through the list
and calls the kernels.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from carrousel.engine.cpu import _buffers
from carrousel.engine.cpu._buffers import empty, zeros
from carrousel.engine.cpu._moves import ROWS, SUM
from carrousel.engine.cpu.llvm._compile import Code
from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._words import Arguments

__all__ = ["Made", "Place", "Program", "emit_play"]

_MOST = 512
"""The most words of a kernel."""

_NUMBER = 1
"""The base of what is no address: it begins at zero."""


class Place(NamedTuple):
    """An address: a tensor by its number, and how many bytes after its beginning."""

    base: int
    offset: int = 0

    def after(self, numbers: int, dtype: torch.dtype) -> Place:
        """Returns the :class:`Place` so many numbers further on."""
        return Place(self.base, self.offset + numbers * dtype.itemsize)


class _Room(NamedTuple):
    """A part of a buffer that a program makes."""

    buffer: str
    begin: int
    shape: tuple[int, ...]


class Made(dict[str, Tensor]):
    """The tensors that a program made in a run: results, and buffers with rooms in them."""

    def __init__(self, rooms: Mapping[str, _Room]) -> None:
        super().__init__()
        self._rooms = rooms

    def room(self, name: str) -> Tensor:
        """Returns what stands in a room."""
        room = self._rooms[name]
        return self[room.buffer][room.begin : room.begin + math.prod(room.shape)].view(room.shape)


class Program:
    """Calls of kernels that can be run on other tensors again and again.

    Args:
        dtype: the type of numbers.
        code: the code with ``play`` and the moves of ``_moves``.
    """

    def __init__(self, dtype: torch.dtype, code: Code) -> None:
        self._dtype, self._code = dtype, code
        self._hows: dict[Hashable, Callable[[Any], Tensor]] = {}
        self._bases: dict[Hashable, int] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._rooms: dict[str, _Room] = {}
        self._calls: list[tuple[Code, int, list[int | Place]]] = []
        self._rows, self._sum = ROWS.arguments(), SUM.arguments()
        self._sealed: ctypes.Array[ctypes.c_int64] | None = None

    # Memory

    def _base(self, key: Hashable) -> Place:
        return Place(self._bases.setdefault(key, 2 + len(self._bases)))

    def given(self, key: Hashable, how: Callable[[Any], Tensor]) -> Place:
        """Returns the :class:`Place` of a tensor that ``how`` takes from what a run is given."""
        self._hows.setdefault(key, how)
        return self._base(key)

    def result(self, name: str, *shape: int) -> Place:
        """Returns the :class:`Place` of a tensor of its own that every run makes and gives back, not cleared."""
        self._shapes[name] = shape
        return self._base(("made", name))

    def room(self, name: str, *shape: int, cleared: bool = False) -> Place:
        """Returns the :class:`Place` of memory that every run has for itself; ``cleared``, of zeros."""
        buffer = "cleared" if cleared else "scratch"
        if _buffers.is_apart():
            buffer += f" {name}"
        (begin,) = self._shapes.get(buffer, (0,))
        self._rooms[name] = _Room(buffer, begin, shape)
        # Every room begins where a line of the cache does.
        self._shapes[buffer] = (begin + -(-math.prod(shape) * self._dtype.itemsize // 64) * 64 // self._dtype.itemsize,)
        if _buffers.is_apart():
            self._shapes[buffer] = (math.prod(shape),)
        return self._base(("made", buffer)).after(begin, self._dtype)

    # Calls

    def call(self, code: Code, name: str, arguments: Arguments, **words: int | Place) -> None:
        """Adds the call of a public function; its varying words by name."""
        ordered = arguments.ordered(words)
        if len(ordered) > _MOST:
            raise ValueError(f"kernel {name!r} has {len(ordered)} words, more than {_MOST}")
        self._calls.append((code, code.address(name), ordered))
        self._sealed = None

    def rows(
        self, source: Place | None, ld: int, target: Place, ldt: int, count: int, columns: int, whole: int,
        also: Place | None = None,
    ) -> None:  # fmt: skip
        """Adds: copy ``count`` rows, or their sums with others; zeros from ``columns`` to ``whole`` numbers."""
        self.call(
            self._code, "rows", self._rows, source=source or 0, also=also or 0, ld=ld, target=target, ldt=ldt,
            count=count, columns=columns if source else 0, whole=whole,
        )  # fmt: skip

    def sum(self, source: Place, count: int, columns: int, target: Place) -> None:
        """Adds: sum ``count`` rows of ``columns`` numbers that lie one after the other."""
        self.call(self._code, "sum", self._sum, source=source, count=count, columns=columns, target=target)

    # Running

    def _seal(self) -> ctypes.Array[ctypes.c_int64]:
        words = [len(self._calls)]
        for _, address, ordered in self._calls:
            words += address, len(ordered)
            for word in ordered:
                words += word if isinstance(word, Place) else (_NUMBER, word)
        self._sealed = (ctypes.c_int64 * len(words))(*words)
        self._play = self._code.function("play")
        kinds = [(key, key[1] if isinstance(key, tuple) and key[0] == "made" else None) for key in self._bases]
        self._order = [
            (None, name, self._shapes[name], name.startswith("cleared")) if name is not None
            else (self._hows[key], "", (), False)
            for key, name in kinds
        ]  # fmt: skip
        self._kind = ctypes.c_int64 * (2 + len(self._order))
        self._begin = ctypes.addressof(self._sealed)
        return self._sealed

    def run(self, given: Any) -> Made:
        """Runs it on what is given, and returns what it :class:`Made`."""
        if self._sealed is None:
            self._seal()
        dtype, made, held, words = self._dtype, Made(self._rooms), [], [self._begin, 0]
        for how, name, shape, cleared in self._order:
            if how is None:
                tensor = made[name] = (zeros if cleared else empty)(*shape, dtype=dtype)
            else:
                tensor = how(given)
                held.append(tensor)  # until the kernels are done
            words.append(tensor.data_ptr())
        self._play(self._kind(*words))
        return made


def emit_play(module: Module) -> None:
    """Emits ``play``. Its array holds the address of a program, a zero, and the beginnings of all tensors."""
    f = module.function("play", [("ptr", "a")], public=True)
    room = f.room_for_words(_MOST)

    def word(base: str, index: str | int, kind: str = "i64") -> str:
        return f.op(f"load {kind}, ptr {f.op(f'getelementptr i64, ptr {base}, i64 {index}')}")

    program = f.op("load ptr, ptr %a")
    place = f.variable("i64", "1")
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
