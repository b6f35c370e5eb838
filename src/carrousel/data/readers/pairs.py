"""Pairs of texts: a line each with a tab between, or JSON lines."""

from __future__ import annotations

from collections.abc import Sequence

from carrousel.data._errors import DataError, option
from carrousel.data._file import File
from carrousel.data._limit import MAX_SIZE
from carrousel.data._registry import reads_file
from carrousel.data._texts import Pairs
from carrousel.data.readers.texts import LINES, json_lines, text_of

__all__ = ["lines_of", "read", "read_lines"]


@reads_file("pairs", ".tsv", ".txt", ".tab")
def read(file: File, *, encoding: str | None = None, max_size: float = MAX_SIZE) -> Pairs:
    """Reads a pair from each line that is not empty: source and target, with a tab between.

    Where no line has a tab the lines are sources, whose targets are not known.

    Args:
        file: the file, which may be packed.
        encoding: of the text; None tells it.
        max_size: bytes that a packed file may unpack to.

    Raises:
        DataError: a line has another number of tabs than the first, or nothing on one side of it.
    """
    text = file.text(encoding, max_size)
    lines = lines_of(text.content.decode("utf-8", "replace"))
    if not lines:
        raise DataError(f"{file.name}: there is nothing in it")
    known = "\t" in lines[0][1]
    sources, targets = [], []
    for number, line in lines:
        fields = line.split("\t")
        if len(fields) != 1 + known:
            tabs, wanted = len(fields) - 1, "a source, one tab and a target are needed" if known else "line 1 has none"
            raise DataError(f"{file.name}: line {number} has {tabs} tab{'s' * (tabs != 1)}; {wanted}")
        for side, field in zip(("source", "target"), fields, strict=False):
            if not field.strip():
                raise DataError(f"{file.name}: line {number} has no {side}: that side of its tab is empty")
        sources.append(fields[0])
        targets.append(fields[-1])
    return Pairs(sources, targets if known else None, name=file.name, how=text.how)


@reads_file("pairs", *LINES)
def read_lines(
    file: File,
    *,
    field: str | Sequence[str] | None = None,
    encoding: str | None = None,
    max_size: float = MAX_SIZE,
) -> Pairs:
    """Reads a pair from each JSON line: an object with a source and a target.

    Where the first object has no target, none has one, or it is not looked at.

    Args:
        file: the file, which may be packed.
        field: the names of source and target; ``"source,target"`` if they are not given.
        encoding: of the text; None tells it.
        max_size: bytes that a packed file may unpack to.

    Raises:
        DataError: a line is no JSON, or lacks a text.
    """
    given = "source,target" if field is None else field
    names = [name.strip() for name in given.split(",")] if isinstance(given, str) else list(given)
    if len(names) != 2:
        raise DataError(f"{file.name}: {option('field', ','.join(names))} gives {len(names)} names; 2 are needed, "
                        "source,target")  # fmt: skip
    sources: list[str] = []
    targets: list[str] = []
    known = True
    for where, value in json_lines(file, encoding, max_size):
        if not isinstance(value, dict):
            raise DataError(f'{file.name}: {where} is no object such as {{"source": "one", "target": "eins"}}')
        known = known and (bool(sources) or names[1] in value)
        sources.append(text_of(value, names[0], file, where))
        if known:
            targets.append(text_of(value, names[1], file, where))
    if not sources:
        raise DataError(f"{file.name}: there is nothing in it")
    return Pairs(sources, targets if known else None, name=file.name, how=file.text(encoding, max_size).how)


def lines_of(text: str) -> list[tuple[int, str]]:
    """Returns the lines of a text that are not empty, with their numbers."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
