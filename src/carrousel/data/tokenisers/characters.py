"""A symbol for every character."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from carrousel.data.tokenisers._base import SPECIAL, UNKNOWN, Encoded, Tokeniser, strings, units_of

__all__ = ["Characters"]


class Characters(Tokeniser):
    """A symbol for every character, of whatever script: for every code point of Unicode that is one.

    >>> known = Characters.learned(["one two", "αβ"])
    >>> text = known.encode("two β, zwo")
    >>> known.decode(text.symbols), dict(text.unknown)
    ('two β� �wo', {',': 1, 'z': 1})
    """

    name = "characters"
    unit = "character"

    def __init__(self, characters: list[str]) -> None:
        self.characters = characters
        self.spellings = [character.encode() for character in characters]
        points = np.array([ord(character) for character in characters], dtype=np.uint32)
        self._order = np.argsort(points)
        self._points = points[self._order]

    @classmethod
    def learned(cls, texts: Iterable[str], most: int | None = None) -> Characters:
        """Returns a tokeniser of the characters that occur, or of the ``most`` - 2 most frequent of them."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text)
        for half in [sign for sign in counts if "\ud800" <= sign <= "\udfff"]:
            del counts[half]  # of a surrogate pair: no character
        return cls(units_of(counts, most))

    def encode(self, text: str) -> Encoded:
        """Returns a text as symbols, without a boundary."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        places = np.minimum(np.searchsorted(self._points, points), len(self._points) - 1)
        known = self._points[places] == points
        symbols = np.where(known, self._order[places] + SPECIAL, UNKNOWN)
        return Encoded(symbols.astype(np.int64), Counter(chr(point) for point in points[~known].tolist()))

    def to_json(self) -> dict[str, Any]:
        """Returns all that makes it, as JSON."""
        return {"kind": self.name, "characters": self.characters}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Characters:
        """Returns the tokeniser of what ``to_json`` returned, after checking it."""
        characters = strings(facts["characters"], "its characters")
        if any(len(character) != 1 for character in characters):
            raise ValueError("its characters are no list of single characters")
        return cls(characters)
