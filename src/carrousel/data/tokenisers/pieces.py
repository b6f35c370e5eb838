"""Pieces of words: what stands together often is joined, again and again."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from carrousel.data.tokenisers._base import SPECIAL, UNKNOWN, Encoded, Tokeniser, strings

__all__ = ["Pieces"]

MOST = 2000
BYTES = 256
HALVES = re.compile("[\ud800-\udfff]")  # of a surrogate pair: no text


class Pieces(Tokeniser):
    """A symbol for every frequent piece of a word, and one for every byte: so any text can be said.

    Byte pair encoding (Sennrich, Haddow & Birch 2016) over the bytes of UTF-8, by the library ``tokenizers``
    (``pip install 'carrousel[text]'``).

    >>> known = Pieces.learned(["low lower lowest " * 20], 265)
    >>> text = "lowest: ☃"
    >>> known.decode(known.encode(text).symbols) == text, len(known.encode("lower").symbols) < 5
    (True, True)
    """

    name = "pieces"
    unit = "piece"

    def __init__(self, pieces: list[str], merges: list[tuple[str, str]]) -> None:
        from tokenizers import Tokenizer, models

        self.pieces, self.merges = pieces, merges
        signs = _signs()
        self.spellings = [bytes(signs[sign] for sign in piece) for piece in pieces]
        self._library = Tokenizer(models.BPE({piece: k for k, piece in enumerate(pieces)}, merges))
        self._library.pre_tokenizer = _by_bytes()

    @classmethod
    def learned(cls, texts: Iterable[str], most: int | None = None) -> Pieces:
        """Returns a tokeniser of ``most`` symbols at most, 2,000 if it is not given, 258 at least."""
        from tokenizers import Tokenizer, models, trainers

        size = MOST if most is None else most
        if size < SPECIAL + BYTES:
            raise ValueError(
                f"a vocabulary of pieces has a symbol for every byte: {SPECIAL + BYTES} at least, got {size}"
            )
        whole = [HALVES.sub(" ", text) for text in texts]
        if not any(whole):
            raise ValueError("there is no text to learn a vocabulary from")
        library = Tokenizer(models.BPE())
        library.pre_tokenizer = _by_bytes()
        trainer = trainers.BpeTrainer(vocab_size=size - SPECIAL, initial_alphabet=sorted(_signs()), show_progress=False)
        library.train_from_iterator(whole, trainer)
        numbers = library.get_vocab()
        counts: Counter[str] = Counter(dict.fromkeys(numbers, 0))
        for text in whole:
            counts.update(library.encode(text).tokens)
        ranked = sorted(counts, key=lambda piece: (-counts[piece], numbers[piece]))
        return cls(ranked, _merges(library))

    def encode(self, text: str) -> Encoded:
        """Returns a text as symbols, without a boundary. Only halves of surrogate pairs are not known."""
        parts: list[np.ndarray] = []
        unknown = HALVES.findall(text)
        for k, whole in enumerate(HALVES.split(text) if unknown else [text]):
            if k:
                parts.append(np.array([UNKNOWN], dtype=np.int64))
            parts.append(np.array(self._library.encode(whole).ids, dtype=np.int64) + SPECIAL)
        return Encoded(np.concatenate(parts), Counter(unknown))

    def to_json(self) -> dict[str, Any]:
        """Returns all that makes it, as JSON."""
        return {"kind": self.name, "pieces": self.pieces, "merges": [list(pair) for pair in self.merges]}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Pieces:
        """Returns the tokeniser of what ``to_json`` returned, after checking it."""
        pieces, signs = strings(facts["pieces"], "its pieces"), _signs()
        known = set(pieces)
        if not signs.keys() <= known or not all(sign in signs for piece in pieces for sign in piece):
            raise ValueError("its pieces are not made of bytes, or lack some")
        merges = facts["merges"]
        good = isinstance(merges, list) and all(
            isinstance(pair, list)
            and len(pair) == 2
            and all(isinstance(part, str) and part in known for part in pair)
            and pair[0] + pair[1] in known
            for pair in merges
        )
        if not good:
            raise ValueError("its merges are no list of pairs of its pieces")
        return cls(pieces, [(a, b) for a, b in merges])


def _by_bytes() -> Any:
    from tokenizers import pre_tokenizers

    return pre_tokenizers.ByteLevel(add_prefix_space=False)


def _merges(library: Any) -> list[tuple[str, str]]:
    merges = json.loads(library.to_str())["model"]["merges"]
    return [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in merges]


def _signs() -> dict[str, int]:
    """Returns the byte of each sign by which the library writes bytes: itself, or one that can be printed."""
    printed = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(BYTES) if byte not in printed]
    return {chr(byte): byte for byte in printed} | {chr(BYTES + k): byte for k, byte in enumerate(others)}
