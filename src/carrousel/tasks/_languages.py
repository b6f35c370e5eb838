"""The counting languages: a^n b^n, a^n b^m B^m A^n, a^n b^n c^n."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from carrousel.tasks._reber import Strings

__all__ = ["CountingLanguage"]

START, STOP = "S", "T"


@dataclass(frozen=True)
class CountingLanguage:
    """Predict which symbols can follow, in strings whose letters are repeated equally often.

    A string is each letter in turn, repeated n times, or n and m times. It begins with S, which is only an input, and
    ends with T, which is only predicted. While a number is not known yet the letter or the next one can follow; from
    then on everything is determined by counting.

    Gers & Schmidhuber 2001. Only strings of the language are shown.

    Args:
        letters: the letters in their order.
        counts: for each letter which of the numbers says how often it is repeated.

    >>> anbn = CountingLanguage("ab", (0, 0))
    >>> anbn.string((2,)), anbn.followers((2,))
    ('SaabbT', ['a', 'ab', 'ab', 'b', 'T'])
    >>> CountingLanguage("abBA", (0, 1, 1, 0)).string((1, 2))
    'SabbBBAT'
    """

    letters: str
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.letters):
            raise ValueError(f"{self.letters!r} needs {len(self.letters)} counts, got {len(self.counts)}")

    @property
    def inputs(self) -> str:
        """The symbols of the input units."""
        return START + self.letters

    @property
    def outputs(self) -> str:
        """The symbols of the output units."""
        return self.letters + STOP

    def numbers(self, most: int) -> list[tuple[int, ...]]:
        """The numbers of all strings of at least 1 each and at most ``most`` together, shortest strings first.

        >>> CountingLanguage("abBA", (0, 1, 1, 0)).numbers(3)
        [(1, 1), (1, 2), (2, 1)]
        """
        size = max(self.counts) + 1
        found = [each for each in itertools.product(range(1, most + 1), repeat=size) if sum(each) <= most]
        return sorted(found, key=lambda each: (sum(each), each))

    def string(self, numbers: Sequence[int]) -> str:
        """The string with these numbers."""
        repeated = (letter * numbers[k] for letter, k in zip(self.letters, self.counts, strict=True))
        return START + "".join(repeated) + STOP

    def followers(self, numbers: Sequence[int]) -> list[str]:
        """For every symbol but the last, all symbols that could follow."""
        return ["".join(np.array(list(self.outputs))[row]) for row in self._legal(numbers)]

    def encode(self, numbers: Iterable[Sequence[int]]) -> Strings:
        """The coding of the strings with these numbers; symbols are numbered as ``inputs`` and ``outputs`` are."""
        numbers = list(numbers)
        text = tuple(self.string(each) for each in numbers)
        lengths = np.array([len(string) - 1 for string in text], np.int64)
        ends = np.cumsum(lengths)
        codes, targets = (np.zeros(int(lengths.sum()), np.int64) for _ in range(2))
        legal = np.zeros((len(codes), len(self.outputs)), bool)
        for each, begin, end in zip(numbers, ends - lengths, ends, strict=True):
            repeats = [each[k] for k in self.counts]
            codes[begin:end] = np.repeat(np.arange(len(self.inputs)), [1, *repeats])
            targets[begin:end] = np.repeat(np.arange(len(self.outputs)), [*repeats, 1])
            legal[begin:end] = self._legal(each)
        return Strings(codes, targets, np.stack([ends - lengths, ends], 1), legal, text)

    def _legal(self, numbers: Sequence[int]) -> np.ndarray:
        """What can follow each symbol but the last, ``[steps, outputs]``."""
        repeats = [numbers[k] for k in self.counts]
        legal = np.zeros((1 + sum(repeats), len(self.outputs)), bool)
        legal[np.arange(len(legal)), np.repeat(np.arange(len(self.outputs)), [*repeats, 1])] = True
        at = 1
        for letter, (number, repeat) in enumerate(zip(self.counts, repeats, strict=True)):
            if number not in self.counts[:letter]:  # its first letter: nobody knows yet how many there will be
                legal[at : at + repeat, letter : letter + 2] = True
            at += repeat
        return legal

    def accepted(self, outputs: np.ndarray, strings: Strings, threshold: float = 0.0) -> np.ndarray:
        """The criterion for each string: at every step all symbols that can follow, and no others, are above it.

        Args:
            outputs: ``[steps, outputs]`` of all strings.
            strings: what was coded.
            threshold: half-way between the targets.
        """
        right = np.where(strings.legal, outputs > threshold, outputs < threshold).all(1)
        wrong = np.concatenate([[0], np.cumsum(~right)])
        return wrong[strings.spans[:, 1]] == wrong[strings.spans[:, 0]]
