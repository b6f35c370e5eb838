"""Tunes of old collections in ABC notation, which the package music21 carries."""

from __future__ import annotations

import re

from carrousel.data._errors import DataError
from carrousel.data._packages import inside
from carrousel.data._parts import PARTS
from carrousel.data._registry import reads_name
from carrousel.data._texts import Texts, by_hash

__all__ = ["read", "tunes_of"]

BOOKS = ("airdsAirs", "oneills1850", "ryansMammoth")
BEGIN = re.compile(r"^X:", re.MULTILINE)
TITLE = re.compile(r"^T:\s*(.*?)\s*$", re.MULTILINE)
LETTERS = re.compile(r"[^a-z0-9]+")


@reads_name("texts", "folk-tunes", splits=PARTS)
def read(name: str, split: str) -> Texts:
    """Reads 4,000 tunes in ABC notation, each a document, from the books of Aird, O'Neill and Ryan.

    A tenth of the titles, by a hash, is the test part: a tune that stands in two books is in one part. A tune whose
    text stands there already is left out.

    Raises:
        DataError: the package music21 is not installed.
    """
    found: dict[str, str] = {}
    for book in BOOKS:
        folder = inside("music21", "corpus", book, name=name)
        for path in sorted(folder.glob("*.abc")):
            for tune in tunes_of(path.read_text(encoding="utf-8", errors="replace")):
                title = TITLE.search(tune)
                found.setdefault(tune, title[1] if title and title[1] else f"{path.stem} {len(found) + 1}")
    if not found:
        raise DataError(f"{inside('music21', 'corpus', name=name)}: there are no tunes in it")
    tunes, titles = list(found), list(found.values())
    test = by_hash([LETTERS.sub("", title.lower()) for title in titles])
    rows = [k for k in range(len(tunes)) if split == "all" or test[k] == (split == "test")]
    return Texts([tunes[k] for k in rows], tuple(titles[k] for k in rows), name, split)


def tunes_of(text: str) -> list[str]:
    r"""Returns the tunes of a file: each begins at a line with ``X:`` and ends at an empty line.

    >>> tunes_of("a book\n\nX:1\nT:A\nK:C\nCDE|\n\na word\n\nX:2\nK:G\nG2|")
    ['X:1\nT:A\nK:C\nCDE|\n', 'X:2\nK:G\nG2|\n']
    """
    parts = BEGIN.split(text.replace("\r\n", "\n").replace("\r", "\n"))[1:]
    return ["X:" + part.split("\n\n")[0].rstrip("\n") + "\n" for part in parts]
