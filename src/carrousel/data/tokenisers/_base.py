"""What all tokenisers share: two symbols that stand for no text, and how symbols are spelled."""

from __future__ import annotations

import codecs
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

__all__ = ["BOUNDARY", "SPECIAL", "UNKNOWN", "Encoded", "Speller", "Tokeniser", "strings", "units_of"]

BOUNDARY = 0
"""The symbol with which every document begins, and so the one before ends."""

UNKNOWN = 1
"""The symbol of what was not in the text that was learned from."""

SPECIAL = 2
"""The number of the first symbol that stands for text."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()


@dataclass(frozen=True)
class Encoded:
    """A text as symbols.

    Attributes:
        symbols: whole numbers, int64 ``[S]``.
        unknown: how often what is not known came, by what it is.
    """

    symbols: np.ndarray
    unknown: Counter[str] = field(default_factory=Counter)


class Tokeniser(ABC):
    """A vocabulary that was learned from texts, the frequent first, so that a softmax can be divided by frequency.

    What is decoded is what was encoded, but that the sign � stands for each thing that is not known.
    """

    name: ClassVar[str]
    """What it is called in options and in JSON."""

    unit: ClassVar[str]
    """What a symbol is called in figures: ``"character"``."""

    separator: ClassVar[bytes] = b""
    """What stands between the texts of two symbols."""

    spellings: list[bytes]
    """The text in UTF-8 of every symbol from ``SPECIAL`` on. A symbol may be a part of a character."""

    @classmethod
    @abstractmethod
    def learned(cls, texts: Iterable[str], most: int | None = None) -> Tokeniser:
        """Returns a tokeniser for texts like these.

        Args:
            texts: what it is learned from.
            most: the most symbols, with the two that stand for no text; None for as many as are usual of this kind.

        Raises:
            ValueError: there is no text, or ``most`` is too small.
        """

    @abstractmethod
    def encode(self, text: str) -> Encoded:
        """Returns a text as symbols, without a boundary."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Returns all that makes it, as JSON."""

    @classmethod
    @abstractmethod
    def from_json(cls, facts: dict[str, Any]) -> Tokeniser:
        """Returns the tokeniser of what ``to_json`` returned, after checking it."""

    @property
    def size(self) -> int:
        """The number of symbols, with the two that stand for no text."""
        return SPECIAL + len(self.spellings)

    def spelled(self, symbol: int) -> bytes:
        """Returns the text of a symbol in UTF-8; nothing of a boundary."""
        if symbol == UNKNOWN:
            return REPLACEMENT
        return b"" if symbol == BOUNDARY else self.spellings[symbol - SPECIAL]

    def decode(self, symbols: Iterable[int]) -> str:
        """Returns the text of symbols."""
        speller = Speller(self)
        return "".join([*(speller.add(int(symbol)) for symbol in symbols), speller.rest()])


class Speller:
    """The text of symbols that come one after the other, of which no character is ever cut.

    Args:
        tokeniser: whose symbols they are.
        begun: whether other symbols went before.

    >>> from carrousel.data.tokenisers.characters import Characters
    >>> known = Characters.learned(["né"])
    >>> speller = Speller(known)
    >>> [speller.add(int(symbol)) for symbol in known.encode("né").symbols]
    ['n', 'é']
    """

    def __init__(self, tokeniser: Tokeniser, *, begun: bool = False) -> None:
        self._tokeniser, self._begun = tokeniser, begun
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, symbol: int) -> str:
        """Returns what a further symbol adds: nothing, if it ends within a character."""
        said = self._tokeniser.spelled(symbol)
        if said and self._begun:
            said = self._tokeniser.separator + said
        self._begun = self._begun or bool(said)
        return self._decoder.decode(said)

    def rest(self) -> str:
        """Returns the sign � if the text ends within a character."""
        return self._decoder.decode(b"", final=True)


def units_of(counts: Counter[str], most: int | None) -> list[str]:
    """Returns the units that occur most often, the most frequent first, equally frequent ones in their order.

    Raises:
        ValueError: there are none, or ``most`` leaves room for none.
    """
    if not counts:
        raise ValueError("there is no text to learn a vocabulary from")
    if most is not None and most <= SPECIAL:
        raise ValueError(f"a vocabulary of {most} symbols has no room beside the two that stand for no text")
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [unit for unit, _ in ranked[: None if most is None else most - SPECIAL]]


def strings(values: Any, what: str) -> list[str]:
    """Returns a list of distinct texts.

    Raises:
        ValueError: it is none.
    """
    good = isinstance(values, list) and values and all(isinstance(v, str) and v for v in values)
    if not good or len(set(values)) < len(values):
        raise ValueError(f"{what} are no list of distinct texts")
    for value in values:
        value.encode()  # a half of a surrogate pair is no text
    return values
