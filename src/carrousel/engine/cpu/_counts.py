"""Numbers in a program that the packing decides when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from carrousel.engine._rows import Sizes

__all__ = ["ROWS", "STEPS", "Count", "Frame", "valued"]

_BITS = 3
"""The leading bits of the number of rows of which a program knows."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number that is known when a program runs: ``fixed``, so many for each row of the packing, and for each step."""

    fixed: int = 0
    rows: int = 0
    steps: int = 0

    def __add__(self, other: Count | int) -> Count:
        if isinstance(other, int):
            return Count(self.fixed + other, self.rows, self.steps)
        return Count(self.fixed + other.fixed, self.rows + other.rows, self.steps + other.steps)

    __radd__ = __add__

    def __sub__(self, other: int) -> Count:
        return Count(self.fixed - other, self.rows, self.steps)

    def __mul__(self, factor: int) -> Count:
        return Count(self.fixed * factor, self.rows * factor, self.steps * factor)

    __rmul__ = __mul__

    def rounded(self, unit: int) -> Count:
        """Returns the least :class:`Count` of whole units that is never less."""
        return Count(*(-(-part // unit) * unit for part in (self.fixed, self.rows, self.steps)))

    def value(self, rows: int, steps: int) -> int:
        """Returns the number for a packing of so many rows and steps."""
        return self.fixed + self.rows * rows + self.steps * steps


ROWS, STEPS = Count(rows=1), Count(steps=1)


def valued(number: Count | int, rows: int, steps: int) -> int:
    """Returns a number as it is for a packing of so many rows and steps."""
    return number if isinstance(number, int) else number.value(rows, steps)


class Frame(NamedTuple):
    """What a program knows of the packings that it is for. Lengths are new with every batch, and a program serves many.

    Attributes:
        sequences, running: the numbers of sequences, and of those that have any step.
        uniform: whether every step has all sequences.
        about: the number of rows, rounded down by a quarter at most: as so many they are counted where a program
            decides what is worth several threads.
    """

    sequences: int
    running: int
    uniform: bool
    about: int

    @classmethod
    def of(cls, sizes: Sizes) -> Frame:
        """Returns the :class:`Frame` of a packing."""
        return cls(sizes.sequences, sizes.running, sizes.uniform, cls.roughly(sizes.total))

    @staticmethod
    def roughly(rows: int) -> int:
        """Returns a number of rows rounded down to its leading bits."""
        less = max(rows.bit_length() - _BITS, 0)
        return rows >> less << less
