"""Pairs of texts: a line each with a tab between, or JSON lines."""

from __future__ import annotations

from carrousel.data._errors import DataError
from carrousel.data._file import File
from carrousel.data._limit import MAX_SIZE
from carrousel.data._registry import reads_file
from carrousel.data._texts import Pairs
from carrousel.data.readers.texts import LINES, json_lines, text_of

__all__ = ["lines_of", "read", "read_lines"]


@reads_file("pairs", ".tsv", ".txt", ".tab")
def read(file: File, *, known: bool = True, encoding: str | None = None, max_size: float = MAX_SIZE) -> Pairs:
    """Reads a pair from each line that is not empty: source and target, with a tab between.

    Args:
        file: the file, which may be packed.
        known: whether lines have targets; without them a line is a source, and what follows a tab is left out.
        encoding: of the text; None tells it.
        max_size: bytes that a packed file may unpack to.

    Raises:
        DataError: a line has no tab or several, or nothing on one side of it.
    """
    text = file.text(encoding, max_size)
    lines = lines_of(text.content.decode("utf-8", "replace"))
    if not lines:
        raise DataError(f"{file.name}: there are no pairs in it")
    sources, targets = [], []
    for number, line in lines:
        fields = line.split("\t")
        if known and len(fields) != 2:
            raise DataError(
                f"{file.name}: line {number} has {len(fields) - 1} tabs; a source, one tab and a target are needed"
            )
        for side, field in zip(("source", "target"), fields, strict=False):
            if not field.strip():
                raise DataError(f"{file.name}: line {number} has no {side}: one side of its tab is empty")
        sources.append(fields[0])
        targets.append(fields[1] if known else "")
    return Pairs(sources, targets if known else None, name=file.name, how=text.how)


@reads_file("pairs", *LINES)
def read_lines(
    file: File,
    *,
    known: bool = True,
    source: str | None = None,
    target: str | None = None,
    encoding: str | None = None,
    max_size: float = MAX_SIZE,
) -> Pairs:
    """Reads a pair from each JSON line: an object with a source and a target.

    Args:
        file: the file, which may be packed.
        known: whether there are targets.
        source: the name of the source; ``"source"`` if it is not given.
        target: the name of the target; ``"target"`` if it is not given.
        encoding: of the text; None tells it.
        max_size: bytes that a packed file may unpack to.

    Raises:
        DataError: a line is no JSON, or lacks a text.
    """
    sources, targets = [], []
    for where, value in json_lines(file, encoding, max_size):
        if not isinstance(value, dict):
            raise DataError(f'{file.name}: {where} is no object such as {{"source": "one", "target": "eins"}}')
        sources.append(text_of(value, source or "source", "source", file, where))
        if known:
            targets.append(text_of(value, target or "target", "target", file, where))
    if not sources:
        raise DataError(f"{file.name}: there are no pairs in it")
    return Pairs(sources, targets if known else None, name=file.name, how=file.text(encoding, max_size).how)


def lines_of(text: str) -> list[tuple[int, str]]:
    """Returns the lines of a text that are not empty, with their numbers."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
