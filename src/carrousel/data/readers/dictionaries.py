"""Words and their sounds, and German nouns and their plurals: files that packages carry."""

from __future__ import annotations

import re

from carrousel.data._packages import inside
from carrousel.data._registry import reads_name
from carrousel.data._texts import Pairs, tenth_of

__all__ = ["read_cmudict", "read_plurals"]

WORD = re.compile(r"[a-zäöüß]+", re.IGNORECASE)
SHORTEST = 3  # letters of a part of a compound


@reads_name("pairs", "cmudict", splits=("train", "test"))
def read_cmudict(name: str, split: str) -> Pairs:
    """Reads English words and their phones, without the stress, from the CMU pronouncing dictionary.

    A word with several pronunciations is a source of several pairs. A tenth of the words, by a hash, is the test part.

    Raises:
        DataError: the package cmudict is not installed.
    """
    path = inside("cmudict", "data", "cmudict.dict", name=name)
    rows: dict[tuple[str, str], None] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split("#")[0].split()
        if len(fields) > 1:
            phones = (phone.rstrip("012") for phone in fields[1:])
            rows[fields[0].split("(")[0], " ".join(phones)] = None  # some differ in their stress alone
    sources, targets = [word for word, _ in rows], [phones for _, phones in rows]
    return tenth_of(Pairs(sources, targets, None, name, split, ("characters", "symbols")), sources)


@reads_name("pairs", "german-plurals", splits=("train", "test"))
def read_plurals(name: str, split: str) -> Pairs:
    """Reads German nouns and their plurals, from Wiktionary.

    Compounds are a group with their last part, for they have its plural: a tenth of the groups, by a hash, is the test
    part.

    Raises:
        DataError: the package german-nouns is not installed.
    """
    import pandas as pd

    path = inside("german_nouns", "nouns.csv", name=name)
    columns = ["nominativ singular", "nominativ singular 1", "nominativ plural", "nominativ plural 1"]
    table = pd.read_csv(path, usecols=columns, dtype=str, keep_default_na=False)
    singular = table[columns[0]].where(table[columns[0]] != "", table[columns[1]])
    plural = table[columns[2]].where(table[columns[2]] != "", table[columns[3]])
    rows = dict.fromkeys(
        (one, many) for one, many in zip(singular, plural, strict=True) if WORD.fullmatch(one) and WORD.fullmatch(many)
    )
    sources, targets = [one for one, _ in rows], [many for _, many in rows]
    groups = _last_parts(sources)
    return tenth_of(Pairs(sources, targets, tuple(groups), name, split), groups)


def _last_parts(words: list[str]) -> list[str]:
    """Returns the shortest word among all that a word ends with."""
    known = {word.lower() for word in words}
    found = []
    for word in (word.lower() for word in words):
        ends = (word[k:] for k in range(len(word) - SHORTEST, 0, -1) if word[k:] in known)
        found.append(next(ends, word))
    return found
