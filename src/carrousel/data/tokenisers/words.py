"""A symbol for every word, or for whatever stands between spaces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from carrousel.data.tokenisers._base import SPECIAL, UNKNOWN, Encoded, Tokeniser, strings, units_of

__all__ = ["Symbols", "Words"]

WORD = re.compile(r" ?\w+| ?[^\w\s]+|\s")
MOST = 10_000


class Words(Tokeniser):
    """A symbol for every word, with the space before it, for punctuation, and for any other space.

    Words that were not learned are one symbol, which says nothing of what they were.

    >>> known = Words.learned(["the cat saw the dog."])
    >>> text = known.encode("the dog saw the cow.")
    >>> known.decode(text.symbols), dict(text.unknown)
    ('the dog saw the�.', {' cow': 1})
    """

    name = "words"
    unit = "word"
    usual: ClassVar[int | None] = MOST  # the symbols of a vocabulary

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.spellings = [word.encode() for word in words]
        self._numbers = {word: SPECIAL + k for k, word in enumerate(words)}

    @classmethod
    def split(cls, text: str) -> list[str]:
        """Returns the words of a text; together they are the text."""
        return WORD.findall(text)

    @classmethod
    def learned(cls, texts: Iterable[str], most: int | None = None) -> Words:
        """Returns a tokeniser of the ``most`` - 2 most frequent words; 10,000 - 2 if it is not given."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(word for word in cls.split(text) if not _halves(word))
        return cls(units_of(counts, cls.usual if most is None else most))

    def encode(self, text: str) -> Encoded:
        """Returns a text as symbols, without a boundary."""
        words = self.split(text)
        numbers = np.array([self._numbers.get(word, UNKNOWN) for word in words], dtype=np.int64)
        return Encoded(numbers, Counter(words[k] for k in np.flatnonzero(numbers == UNKNOWN).tolist()))

    def to_json(self) -> dict[str, Any]:
        """Returns all that makes it, as JSON."""
        return {"kind": self.name, "words": self.words}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Words:
        """Returns the tokeniser of what ``to_json`` returned, after checking it."""
        return cls(strings(facts["words"], "its words"))


class Symbols(Words):
    """A symbol for whatever stands between spaces: phones, moves of a game, names of chords.

    Text that is decoded has one space between two symbols, and none before the first.

    >>> known = Symbols.learned(["K AE T", "D AO G"])
    >>> known.decode(known.encode("D  AE G").symbols)
    'D AE G'
    """

    name = "symbols"
    unit = "symbol"
    separator = b" "
    usual = None

    @classmethod
    def split(cls, text: str) -> list[str]:
        """Returns what stands between spaces."""
        return text.split()


def _halves(word: str) -> bool:
    """Tells whether there is a half of a surrogate pair in a word."""
    return any("\ud800" <= sign <= "\udfff" for sign in word)
