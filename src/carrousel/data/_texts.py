"""Texts, and pairs of texts, as the readers give them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from carrousel.data._errors import DataError
from carrousel.data._wholes import held_out, joined

__all__ = ["Pairs", "Texts", "by_hash", "hold_out_pairs", "hold_out_texts", "joined_texts", "tenth_of"]


@dataclass(frozen=True)
class Texts:
    """Documents, each a text that begins anew.

    Attributes:
        documents: their texts, none of them empty.
        titles: what each is called.
        name: where they came from.
        split: ``"train"``, ``"test"`` or ``"all"``.
        how: how the source was read where that had to be told from its content.

    >>> print(Texts(["one", "two or three"], ("a", "b")))
    2 documents, 15 characters
    """

    documents: list[str]
    titles: tuple[str, ...]
    name: str = "text"
    split: str = "all"
    how: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.documents)

    @property
    def characters(self) -> int:
        """The number of all characters."""
        return sum(map(len, self.documents))

    def take(self, rows: np.ndarray | list[int]) -> Texts:
        """Returns the documents at these positions."""
        chosen = [int(k) for k in rows]
        documents, titles = [self.documents[k] for k in chosen], tuple(self.titles[k] for k in chosen)
        return replace(self, documents=documents, titles=titles)

    def __str__(self) -> str:
        count = len(self)
        return f"{count:,} document{'s' * (count != 1)}, {self.characters:,} characters"


@dataclass(frozen=True)
class Pairs:
    """Texts, and what each is turned into. Where a text has several answers, each is a pair of its own.

    Attributes:
        sources: the texts.
        targets: what each is turned into, ``[N]``; None where that is not known.
        groups: pairs of one group stay together where some are held out; by default those of one source.
        name: where they came from.
        split: ``"train"``, ``"test"`` or ``"all"``.
        units: the tokenisers that suit sources and targets.
        how: how the source was read where that had to be told from its content.

    >>> print(Pairs(["one", "two", "two"], ["eins", "zwei", "zwo"]))
    3 pairs, 2 different sources
    """

    sources: list[str]
    targets: list[str] | None
    groups: tuple[str, ...] | None = None
    name: str = "pairs"
    split: str = "all"
    units: tuple[str, str] = ("characters", "characters")
    how: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sources)

    def take(self, rows: np.ndarray | list[int]) -> Pairs:
        """Returns the pairs at these positions."""
        chosen = [int(k) for k in rows]
        return replace(
            self,
            sources=[self.sources[k] for k in chosen],
            targets=None if self.targets is None else [self.targets[k] for k in chosen],
            groups=None if self.groups is None else tuple(self.groups[k] for k in chosen),
        )

    def __str__(self) -> str:
        count, different = len(self), len(set(self.sources))
        what = "source" if self.targets is None else "pair"
        words = f"{count:,} {what}{'s' * (count != 1)}"
        return words if different == count else f"{words}, {different:,} different source{'s' * (different != 1)}"


def joined_texts(parts: Sequence[Texts]) -> Texts:
    """Returns the documents of several sources as those of one."""
    return joined(parts, "documents")


def hold_out_texts(texts: Texts, share: float, *, seed: int = 0) -> tuple[Texts, Texts]:
    """Splits texts into a training and a test part, which gets about ``share`` in (0, 1) of the characters.

    Whole documents are held out, drawn by the seed; of fewer than five the end of each.

    Raises:
        DataError: they are too short.
    """
    return held_out(texts, "documents", share, seed=seed, unit="characters", by_size=True)


def hold_out_pairs(pairs: Pairs, share: float, *, seed: int = 0) -> tuple[Pairs, Pairs]:
    """Splits pairs into a training and a test part, which gets about ``share`` in (0, 1) of the groups.

    Raises:
        DataError: there are fewer than two groups.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share to hold out must lie between 0 and 1, not {share}")
    groups = np.array(pairs.sources if pairs.groups is None else pairs.groups)
    different = np.unique(groups)
    if len(different) < 2:
        raise DataError(f"{pairs.name}: all pairs have one source; none can be held out")
    count = int(np.clip(round(share * len(different)), 1, len(different) - 1))
    chosen = np.isin(groups, np.random.default_rng(seed).permutation(different)[:count])
    train, test = pairs.take(np.flatnonzero(~chosen)), pairs.take(np.flatnonzero(chosen))
    return replace(train, split="train"), replace(test, split="test")


def by_hash(words: Sequence[str], tenth: int = 0) -> np.ndarray:
    """Returns where words belong to one tenth of all, told by a hash: it does not depend on what else there is."""
    return np.array([zlib.crc32(word.encode()) % 10 == tenth for word in words], dtype=bool)


def tenth_of(pairs: Pairs, words: Sequence[str]) -> Pairs:
    """Returns the part of all pairs that their ``split`` names: the test part is a tenth, by a hash of the words."""
    if pairs.split == "all":
        return pairs
    return pairs.take(np.flatnonzero(by_hash(words) == (pairs.split == "test")))
