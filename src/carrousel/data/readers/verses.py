"""The verses of the Bible in English and in Spanish, side by side: modules of SWORD, which Debian packages."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.data._errors import DataError, reading
from carrousel.data._kept_arrays import kept_arrays
from carrousel.data._registry import reads_name
from carrousel.data._texts import Pairs, tenth_of

__all__ = ["LIBRARIES", "read"]

LIBRARIES = ("/usr/share/sword", "/usr/local/share/sword", "~/.sword")
"""Where modules may be installed."""

MODULES = ("engWEB2015eb", "spaRV1909eb")
INSTALL = "apt install sword-text-web sword-text-sparv\npip install 'pysword==0.2.8'"
VERSION = 1  # of what is kept
LONGEST = 120  # characters of a verse
BESIDE = re.compile(r"<(note|title)\b[^>]*>.*?</\1>|<(?:note|title)\b[^>]*/>", re.DOTALL)  # what is no part of a verse
TAG, GAP, STOP = re.compile(r"<[^>]*>"), re.compile(r"\s+"), re.compile(r" (?=[,.;:!?])")


@reads_name("pairs", "verses", splits=("train", "test"))
def read(name: str, split: str) -> Pairs:
    """Reads verses of the World English Bible and of Reina-Valera 1909, of at most 120 characters in both.

    Verses are paired by their book, chapter and number. A chapter is a group: a tenth of the chapters, by a hash, is
    the test part.

    Raises:
        DataError: the modules or the package pysword are not installed, or hold something else.
    """
    folder = next((path for path in (Path(each).expanduser() for each in LIBRARIES) if _there(path)), None)
    if folder is None:
        raise DataError(f"{name}: it is read from two modules of SWORD, which are not installed\n{INSTALL}")
    try:
        from pysword.modules import SwordModules
    except ImportError:
        raise DataError(f"{name}: it is read by the package pysword, which is not installed\n{INSTALL}") from None
    with reading(folder):
        library = SwordModules(str(folder))
        versions = [library.parse_modules()[module].get("version", "") for module in MODULES]
        recipe = [VERSION, LONGEST, *versions]
        rows = kept_arrays("verses", recipe, lambda: {"rows": _packed(_read_all(library))}, _unpacked)
    if not rows:
        raise DataError(f"{folder}: {' and '.join(MODULES)} have no verses in common")
    chapters, sources, targets = (list(column) for column in zip(*rows, strict=True))
    pairs = Pairs(sources, targets, tuple(chapters), name, split, ("pieces", "pieces"))
    return tenth_of(pairs, chapters)


def _there(folder: Path) -> bool:
    return all((folder / "mods.d" / f"{module}.conf").is_file() for module in MODULES)


def _read_all(library: Any) -> list[tuple[str, str, str]]:
    """Returns the chapter and the texts of every verse that both modules have."""
    first, second = (dict(_verses(library.get_bible_from_module(module))) for module in MODULES)
    return [
        (f"{place[0]} {place[1]}", text, second[place])
        for place, text in first.items()
        if place in second and max(len(text), len(second[place])) <= LONGEST
    ]


def _verses(bible: Any) -> Iterator[tuple[tuple[str, int, int], str]]:
    """Gives the book, chapter and number of every verse that has a text, and the text."""
    if hasattr(bible, "_decompressed_text"):  # it would unpack the whole book for each verse
        bible._decompressed_text = lru_cache(2)(bible._decompressed_text)
    for books in bible.get_structure().get_books().values():
        for book in books:
            for chapter in range(1, book.num_chapters + 1):
                texts = bible.get_iter(books=[book.name], chapters=[chapter], clean=False)
                for number, marked in enumerate(texts, 1):
                    text = _plain(marked)
                    if text:
                        yield (book.name, chapter, number), text


def _plain(marked: str) -> str:
    """Returns the words of a verse without its marks, notes and headings.

    >>> _plain('<w lemma="x">In the beginning</w>, God<note n="a">Hebrew: Elohim</note>created  light .')
    'In the beginning, God created light.'
    """
    words = html.unescape(TAG.sub("", BESIDE.sub(" ", marked)))
    return STOP.sub("", GAP.sub(" ", words)).strip()


def _packed(rows: list[tuple[str, str, str]]) -> np.ndarray:
    return np.frombuffer(json.dumps(rows, ensure_ascii=False).encode(), dtype=np.uint8)


def _unpacked(arrays: dict[str, np.ndarray]) -> list[tuple[str, str, str]]:
    rows = json.loads(arrays["rows"].tobytes())
    if not all(isinstance(row, list) and len(row) == 3 and all(isinstance(each, str) for each in row) for row in rows):
        raise ValueError("these are no verses")
    return [(chapter, one, other) for chapter, one, other in rows]
