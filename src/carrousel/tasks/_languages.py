"""The counting languages: a^n b^n, a^n b^m B^m A^n, a^n b^n c^n."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from carrousel.tasks._drawn import Drawn
from carrousel.tasks._reber import Strings

__all__ = ["CountingLanguage"]

START, STOP = "S", "T"


@dataclass(frozen=True)
class CountingLanguage:
    """Predict which symbols can follow, in strings whose letters are repeated equally often.

    A string is each letter in turn, repeated n times, or n and m times. It begins with S, which is only an input, and
    ends with T, which is only predicted. While a number is not known yet the letter or the next one can follow; from
    then on everything is determined by counting.

    Gers & Schmidhuber 2001. Only strings of the language are shown. A string is accepted if at every step the outputs
    of all symbols that can follow, and no others, are above the threshold half-way between the targets.

    Args:
        letters: the letters in their order.
        counts: for each letter which of the numbers says how often it is repeated.
        most: random strings have numbers whose sum is at most this, all of these being equally probable.
        high, low: the targets for symbols that can follow and for the others.

    >>> anbn = CountingLanguage("ab", (0, 0))
    >>> anbn.string((2,)), anbn.followers((2,))
    ('SaabbT', ['a', 'ab', 'ab', 'b', 'T'])
    >>> CountingLanguage("abBA", (0, 1, 1, 0)).string((1, 2))
    'SabbBBAT'
    """

    letters: str = "ab"
    counts: tuple[int, ...] = (0, 0)
    most: int = 10
    high: float = 1.0
    low: float = -1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be less than high, got {self.low} and {self.high}")
        if self.most <= max(self.counts, default=0):
            raise ValueError(
                f"most must be at least {max(self.counts) + 1}, the sum of the least numbers; got {self.most}"
            )
        if len(self.counts) != len(self.letters):
            raise ValueError(f"{self.letters!r} needs {len(self.letters)} counts, got {len(self.counts)}")

    @property
    def input_symbols(self) -> str:
        """The symbols, by the input units that stand for them."""
        return START + self.letters

    @property
    def output_symbols(self) -> str:
        """The symbols, by the output units that stand for them."""
        return self.letters + STOP

    @property
    def input_size(self) -> int:
        """The number of symbols that can be an input."""
        return len(self.input_symbols)

    @property
    def output_size(self) -> int:
        """The number of symbols that can follow."""
        return len(self.output_symbols)

    @cached_property
    def all(self) -> Strings:
        """All strings whose numbers' sum is at most ``most``, in the order of this sum."""
        return self.encode(self.numbers(self.most))

    def draw(self, rng: np.random.Generator, count: int) -> Strings:
        """Draws ``count`` strings as a :class:`Strings`, whose steps are those of all that there are."""
        return self.all.chosen(rng.integers(0, len(self.all.spans), count))

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges every step of every string: whether all that can follow, and no others, are above it, ``[rows]``."""
        threshold = (self.high + self.low) / 2
        legal = drawn.wanted(self.output_size) > threshold
        return np.asarray(np.where(legal, outputs > threshold, outputs < threshold).all(1))

    def numbers(self, most: int) -> list[tuple[int, ...]]:
        """Returns the numbers of all strings, of at least 1 each and at most ``most`` together, shortest strings first.

        >>> CountingLanguage("abBA", (0, 1, 1, 0)).numbers(3)
        [(1, 1), (1, 2), (2, 1)]
        """
        size = max(self.counts) + 1
        choices = [each for each in itertools.product(range(1, most + 1), repeat=size) if sum(each) <= most]
        return sorted(choices, key=lambda each: (sum(each), each))

    def string(self, numbers: Sequence[int]) -> str:
        """Returns the string with these numbers."""
        repeated = (letter * numbers[k] for letter, k in zip(self.letters, self.counts, strict=True))
        return START + "".join(repeated) + STOP

    def followers(self, numbers: Sequence[int]) -> list[str]:
        """Returns for every symbol but the last all symbols that could follow."""
        return ["".join(np.array(list(self.output_symbols))[row]) for row in self._legal(numbers)]

    def encode(self, numbers: Iterable[Sequence[int]]) -> Strings:
        """Codes the strings with these numbers as a :class:`Strings`, symbols being numbered by their units."""
        numbers = list(numbers)
        text = tuple(self.string(each) for each in numbers)
        lengths = np.array([len(string) - 1 for string in text], np.int64)
        ends = np.cumsum(lengths)
        codes, targets = (np.zeros(int(lengths.sum()), np.int64) for _ in range(2))
        legal = np.zeros((len(codes), len(self.output_symbols)), bool)
        for each, begin, end in zip(numbers, ends - lengths, ends, strict=True):
            repeats = [each[k] for k in self.counts]
            codes[begin:end] = np.repeat(np.arange(len(self.input_symbols)), [1, *repeats])
            targets[begin:end] = np.repeat(np.arange(len(self.output_symbols)), [*repeats, 1])
            legal[begin:end] = self._legal(each)
        return Strings(codes, targets, np.stack([ends - lengths, ends], 1), legal, text, self.high, self.low)

    def _legal(self, numbers: Sequence[int]) -> np.ndarray:
        """Returns which symbols can follow each but the last, ``[steps, outputs]``."""
        repeats = [numbers[k] for k in self.counts]
        legal = np.zeros((1 + sum(repeats), len(self.output_symbols)), bool)
        legal[np.arange(len(legal)), np.repeat(np.arange(len(self.output_symbols)), [*repeats, 1])] = True
        at = 1
        for letter, (number, repeat) in enumerate(zip(self.counts, repeats, strict=True)):
            if number not in self.counts[:letter]:  # its first letter: nobody knows yet how many there will be
                legal[at : at + repeat, letter : letter + 2] = True
            at += repeat
        return legal
