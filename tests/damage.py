"""Damaged copies of files, for the tests that hand them to whatever reads files.

A fuzz test is marked ``@pytest.mark.fuzz`` and asks :func:`rounds` how many copies it should try: few in the whole
suite, as many as ``CARROUSEL_FUZZ`` says under ``make fuzz``.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

_INTERESTING = (0x00, 0x01, 0x7F, 0x80, 0xFF, 0x20, 0x22, 0x2C, 0x2D, 0x30, 0x39, 0x5B, 0x7B)
"""Bytes at which readers turn: ends of ranges, signs, digits, quotes, brackets."""

tried = asked = 0
"""Odd inputs that this process handed out, and how many were asked for last; ``tests/hard/fuzz.py`` reads them."""


def rounds(few: int) -> int:
    """Returns the number of damaged copies to try: ``few``, or what the variable ``CARROUSEL_FUZZ`` asks for."""
    global asked
    asked = int(os.environ.get("CARROUSEL_FUZZ", few))
    return asked


def one_more() -> None:
    """Counts an odd input that a test made by itself; those of :func:`damaged` are counted there."""
    global tried
    tried += 1


def damaged(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yields ``count`` copies of ``content``, each with one to four faults; the same ones for the same seed."""
    draw = random.Random(seed)
    for _ in range(count):
        copy = bytearray(content)
        for _ in range(draw.randint(1, 4)):
            draw.choice(_FAULTS)(copy, draw)
        one_more()
        yield bytes(copy)


def _flip(copy: bytearray, draw: random.Random) -> None:
    if copy:
        copy[draw.randrange(len(copy))] ^= 1 << draw.randrange(8)


def _replace(copy: bytearray, draw: random.Random) -> None:
    if copy:
        copy[draw.randrange(len(copy))] = draw.choice(_INTERESTING)


def _overwrite(copy: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(copy) + 1)
    copy[start : start + 8] = draw.randbytes(min(8, len(copy) - start))


def _remove(copy: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(copy) + 1)
    del copy[start : start + draw.randint(1, 64)]


def _repeat(copy: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(copy) + 1)
    copy[start:start] = copy[start : start + draw.randint(1, 64)]


def _insert(copy: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(copy) + 1)
    copy[start:start] = draw.randbytes(draw.randint(1, 16))


def _truncate(copy: bytearray, draw: random.Random) -> None:
    del copy[draw.randrange(len(copy) + 1) :]


_FAULTS = (_flip, _flip, _replace, _replace, _overwrite, _remove, _repeat, _insert, _truncate)
