"""Texts of files: one document, or JSON lines with a document on each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from carrousel.data._errors import DataError, listed, nearest, option
from carrousel.data._file import File
from carrousel.data._limit import MAX_SIZE
from carrousel.data._registry import ANY, reads_file
from carrousel.data._texts import Texts

__all__ = ["LINES", "json_lines", "read", "read_lines", "text_of"]

LINES = (".jsonl", ".ndjson")


@reads_file("texts", ANY)
def read(file: File, *, encoding: str | None = None, max_size: float = MAX_SIZE) -> Texts:
    """Reads a file of text, of whatever ending, as one document.

    Args:
        file: the file, which may be packed.
        encoding: of the text; None tells it.
        max_size: bytes that a packed file may unpack to.

    Raises:
        DataError: there is no text in it.
    """
    text = file.text(encoding, max_size)
    content = text.content.decode("utf-8", "replace")
    if not content:
        raise DataError(f"{file.name}: there is no text in it")
    return Texts([content], (file.path.name,), file.name, how=text.how)


@reads_file("texts", *LINES)
def read_lines(
    file: File, *, field: str | None = None, encoding: str | None = None, max_size: float = MAX_SIZE
) -> Texts:
    """Reads JSON lines: each an object with a text, or a text itself.

    Args:
        file: the file, which may be packed.
        field: the name of the text in an object; ``"text"`` if it is not given.
        encoding: of the text; None tells it.
        max_size: bytes that a packed file may unpack to.

    Raises:
        DataError: a line is no JSON, or has no such text.
    """
    documents, titles = [], []
    for where, value in json_lines(file, encoding, max_size):
        documents.append(text_of(value, field or "text", file, where))
        titles.append(where)
    if not documents:
        raise DataError(f"{file.name}: there is no document in it")
    return Texts(documents, tuple(titles), file.name, how=file.text(encoding, max_size).how)


def json_lines(file: File, encoding: str | None, max_size: float) -> Iterator[tuple[str, Any]]:
    """Yields the value of each line that is not empty, and where it stands."""
    content = file.text(encoding, max_size).content.decode("utf-8", "replace")
    for number, line in enumerate(content.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield f"line {number}", json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f'{file.name}: line {number} is no JSON: {error}; each line is an object such as {{"text": "Once"}}'
            ) from None


def text_of(value: Any, name: str, file: File, where: str) -> str:
    """Returns the text of this name in an object.

    Args:
        value: the object, or the text itself.
        name: its name.
        file: the file, for messages.
        where: where it stands there.

    Raises:
        DataError: there is none, or it is empty.
    """
    if isinstance(value, dict):
        if name not in value:
            raise DataError(
                f"{file.name}: {where} has no {name!r}{nearest(name, value)} (it has {listed(value)}); "
                f"{option('field')} says which it is"
            )
        value = value[name]
    if not isinstance(value, str) or not value:
        raise DataError(f"{file.name}: {where}: {name!r} is {'empty' if value == '' else 'no text'}")
    return value.encode("utf-8", "replace").decode()
