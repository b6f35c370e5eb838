"""Tasks that random weight guessing solves: latch, 2-sequence, parity, and three of Tomita's grammars."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from carrousel.tasks._drawn import Drawn, WithGoals, ends_only, near, random_spans, steps

__all__ = ["FirstElements", "FreeLatch", "Parity", "Tomita"]


class _OneGoal:
    """What the tasks of this file share: one number is wanted at the end of each sequence."""

    input_size = 1
    output_size = 1
    tolerance: float

    @staticmethod
    def _drawn(inputs: np.ndarray, goals: np.ndarray, spans: np.ndarray) -> WithGoals:
        return WithGoals(inputs, ends_only(spans, goals[:, None]), spans, goals[:, None])

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges each sequence's last output: whether it is near enough to its goal, ``[sequences]``."""
        return near(outputs, drawn.wanted(1), self.tolerance)


@dataclass(frozen=True)
class FreeLatch(_OneGoal):
    """The first variant of the latch problem: two kinds of sequences whose first elements are free parameters.

    Three inputs: 1 in the first step of a sequence of the first class, the same for the second class, and Gaussian
    noise in every step but the first. The weights of the first two are the free initial inputs, the noise is added as
    it is. Targets are 0.8 and -0.8.

    Bengio, Simard & Frasconi 1994; Schmidhuber & Hochreiter 1996.

    Args:
        spread: standard deviation of the noise.
        shortest, longest: lengths are uniform between these.
        tolerance: a sequence is right if its output is nearer than this to its target; 0.8 asks for its sign alone.

    >>> FreeLatch(shortest=3, longest=3).draw(np.random.default_rng(0), 2).inputs[[0, 3]].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    spread: float = 0.2
    shortest: int = 500
    longest: int = 600
    tolerance: float = 0.8

    input_size = 3

    def draw(self, rng: np.random.Generator, count: int) -> WithGoals:
        """Draws ``count`` sequences as a :class:`WithGoals`; the classes take turns."""
        spans = random_spans(rng, count, self.shortest, self.longest)
        first = np.arange(count) % 2 == 0
        inputs = np.zeros((steps(spans), 3))
        inputs[:, 2] = rng.normal(0.0, self.spread, len(inputs))
        inputs[spans[:, 0]] = np.stack([first, ~first, np.zeros(count)], 1)
        return self._drawn(inputs, np.where(first, 0.8, -0.8), spans)


@dataclass(frozen=True)
class FirstElements(_OneGoal):
    """Which of two classes, by the first elements alone: 1 in one class, -1 in the other; the rest is Gaussian noise.

    With one relevant element and targets 1 and -1 it is the second variant of the latch problem, with targets 1 and 0
    the 2-sequence problem. Bengio, Simard & Frasconi 1994; Bengio & Frasconi 1994; Schmidhuber & Hochreiter 1996.

    Args:
        relevant: how many elements say the class.
        spread: standard deviation of the noise.
        low: target of the class that begins with -1; that of the other is 1.
        shortest, longest: lengths are uniform between these.
        tolerance: a sequence is right if its output is nearer than this to its target.

    Raises:
        ValueError: a sequence could have fewer elements than are relevant.

    >>> drawn = FirstElements(relevant=2, shortest=5, longest=5).draw(np.random.default_rng(0), 2)
    >>> drawn.inputs[[0, 1, 5, 6], 0].tolist(), drawn.goals[:, 0].tolist()
    ([1.0, 1.0, -1.0, -1.0], [1.0, 0.0])
    """

    relevant: int = 1
    spread: float = 0.2
    low: float = 0.0
    shortest: int = 500
    longest: int = 600
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        if not 1 <= self.relevant <= self.shortest:
            raise ValueError(f"relevant must be from 1 to the shortest length, {self.shortest}; got {self.relevant}")

    def draw(self, rng: np.random.Generator, count: int) -> WithGoals:
        """Draws ``count`` sequences as a :class:`WithGoals`; the classes take turns."""
        spans = random_spans(rng, count, self.shortest, self.longest)
        first = np.arange(count) % 2 == 0
        inputs = rng.normal(0.0, self.spread, (steps(spans), 1))
        for place in range(self.relevant):
            inputs[spans[:, 0] + place, 0] = np.where(first, 1.0, -1.0)
        return self._drawn(inputs, np.where(first, 1.0, self.low), spans)


@dataclass(frozen=True)
class Parity(_OneGoal):
    """Whether the number of ones in a string is odd: target 1, else 0. Inputs are 1 for a one and -1 for a zero.

    Bengio, Simard & Frasconi 1994; Schmidhuber & Hochreiter 1996.

    Args:
        noise: uniform noise in [-noise, noise] is added to every input.
        shortest, longest: lengths are uniform between these.
        tolerance: a sequence is right if its output is nearer than this to its target.

    >>> drawn = Parity(shortest=4, longest=4).draw(np.random.default_rng(0), 2)
    >>> (drawn.inputs.reshape(2, 4) > 0).sum(1) % 2, drawn.goals[:, 0]
    (array([1, 0]), array([1., 0.]))
    """

    noise: float = 0.0
    shortest: int = 500
    longest: int = 600
    tolerance: float = 0.1

    def draw(self, rng: np.random.Generator, count: int) -> WithGoals:
        """Draws ``count`` sequences as a :class:`WithGoals`; the classes take turns."""
        spans = random_spans(rng, count, self.shortest, self.longest)
        odd = np.arange(count) % 2 == 0
        bits = rng.integers(0, 2, steps(spans))
        # The last bit gives each string its class; strings of a class are still equally probable.
        bits[spans[:, 1] - 1] ^= (np.add.reduceat(bits, spans[:, 0]) % 2 == 1) != odd
        inputs = 2.0 * bits - 1.0 + rng.uniform(-self.noise, self.noise, len(bits))
        return self._drawn(inputs[:, None], odd.astype(float), spans)


_LANGUAGES = {1: re.compile("1*"), 2: re.compile("(10)*"), 4: re.compile("(?!.*000).*")}
_MEMBERS = {
    1: "1 11 111 1111 11111 111111 1111111 11111111",
    2: "10 1010 101010 10101010 10101010101010",
    4: "1 0 10 01 00 100100 001111110100 0100100100 11100 010",
}
_OTHERS = {
    1: "0 10 01 00 011 110 000 11111110 10111111",
    2: "1 0 11 00 01 101 100 1001010 10110 110101010",
    4: "000 11000 0001 000000000 11111000011 1101010000010111 1010010001 0000 00000",
}


@dataclass(frozen=True)
class Tomita(_OneGoal):
    """Whether a string belongs to a regular language: target 1, else 0. Inputs are 1 for a one and -1 for a zero.

    Language 1 is 1*, 2 is (10)*, 4 has all strings without 000. Tomita 1982.

    Args:
        language: 1, 2 or 4.
        longest: random strings have 1 to so many symbols.
        tolerance: a string is right if the output is nearer than this to its target.

    >>> [Tomita(4).contains(string) for string in ("0010", "10001")]
    [True, False]

    Raises:
        ValueError: the language is not 1, 2 or 4.
    """

    language: int = 1
    longest: int = 15
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        if self.language not in _LANGUAGES:
            raise ValueError(f"language must be one of 1, 2, 4; got {self.language!r}")

    def contains(self, string: str) -> bool:
        """Says whether the string belongs to the language."""
        return _LANGUAGES[self.language].fullmatch(string) is not None

    def training(self) -> WithGoals:
        """Codes Tomita's training strings but for the empty one, which a network does not see; classes take turns."""
        members, others = _MEMBERS[self.language].split(), _OTHERS[self.language].split()
        both = min(len(members), len(others))
        turns = [string for pair in zip(members, others, strict=False) for string in pair]
        return self.encode([*turns, *members[both:], *others[both:]])

    def draw(self, rng: np.random.Generator, count: int) -> WithGoals:
        """Draws ``count`` strings as a :class:`WithGoals`, every other of the language."""
        return self.encode([self._string(rng, self.longest, k % 2 == 0) for k in range(count)])

    def encode(self, strings: list[str]) -> WithGoals:
        """Codes strings of 0 and 1 as a :class:`WithGoals`.

        Raises:
            ValueError: there is another symbol in one of them.
        """
        if wrong := [string for string in strings if set(string) - {"0", "1"}]:
            raise ValueError(f"strings must be of 0 and 1, got {wrong[0]!r}")
        inputs = np.array([1.0 if symbol == "1" else -1.0 for string in strings for symbol in string])
        goals = np.array([float(self.contains(string)) for string in strings])
        lengths = np.array([len(string) for string in strings], np.int64)
        ends = np.cumsum(lengths)
        return self._drawn(inputs[:, None], goals, np.stack([ends - lengths, ends], 1))

    def _string(self, rng: np.random.Generator, longest: int, member: bool) -> str:
        # Members of the first two languages are too rare to be found by chance.
        if member and self.language == 1:
            return "1" * int(rng.integers(1, longest + 1))
        if member and self.language == 2:
            return "10" * int(rng.integers(1, longest // 2 + 1))
        while True:
            string = "".join(rng.choice(["0", "1"], int(rng.integers(1, longest + 1))))
            if self.contains(string) == member:
                return string
