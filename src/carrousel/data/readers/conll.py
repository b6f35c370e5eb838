"""CoNLL's columns: a word in each line, its labels beside it, an empty line between sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from carrousel.data._errors import DataError, listed, nearest, option
from carrousel.data._file import File
from carrousel.data._labelled import Tagged
from carrousel.data._limit import MAX_SIZE
from carrousel.data._make_labelled import make_tagged
from carrousel.data._registry import reads_file
from carrousel.data._time_columns import named

__all__ = ["ENDINGS", "look", "read"]

ENDINGS = (".conll", ".conllu", ".conllx", ".iob", ".bio")
UNIVERSAL = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
WITH_NAMES = (".conllu", ".conllx")
NONE = "_"  # of a universal column: nothing stands there
COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.+)")
NAME = re.compile(r"#\s*sent_id\s*=\s*(.+)")
ASIDE = re.compile(r"\d+-\d+|\d+\.\d+")  # the numbers of what is no word of the sentence by itself
DOCUMENT = "-DOCSTART-"


@dataclass
class _Sentence:
    """A sentence: the number of its first line, its name if it has one, and the fields of its words."""

    line: int
    name: str | None = None
    words: list[list[str]] = field(default_factory=list)


def look(file: File, *, encoding: str | None = None, max_size: float = MAX_SIZE) -> None:
    """Decodes the text."""
    file.text(encoding, max_size)


@reads_file("tags", *ENDINGS, look=look)
def read(
    file: File,
    *,
    channels: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    encoding: str | None = None,
    max_size: float = MAX_SIZE,
) -> Tagged:
    """Reads sentences of words with a label each.

    Columns are separated by tabs, or by spaces. They have names in ``.conllu`` and ``.conllx`` (``FORM``, ``UPOS``) and
    where the first comments say ``# global.columns = ...``; else they are called by their numbers, from 1.

    Args:
        file: the file, which may be packed.
        channels: the column of the words; by default ``FORM``, or the first.
        label: the column of the labels; by default ``UPOS``, or the last. Of a file of one column there is none.
        encoding: as in tables.
        max_size: bytes that a packed file may unpack to.
    """
    text = file.text(encoding, max_size)
    universal = file.ending in WITH_NAMES
    sentences, names, dropped = _sentences(text.content.decode("utf-8", "surrogatepass"), file.name, universal)
    if not sentences:
        raise DataError(f"{file.name}: there are no sentences: each line is a word and its label, as in 'dogs NOUN'")
    width = len(sentences[0].words[0])
    if names and len(names) != width:
        raise DataError(
            f"{file.name}: line {sentences[0].line} has {width} columns, and # global.columns names {len(names)}"
        )
    names = names or ([*UNIVERSAL[:width]] if universal else [str(k + 1) for k in range(width)])
    word = _place(channels, "channels", "FORM" if "FORM" in names else names[0], names, file.name)
    last = "UPOS" if "UPOS" in names else None if universal or width == 1 else names[-1]
    tag = None if label is None and last is None else _place(label, "label", last or "", names, file.name)
    if tag == word:
        raise DataError(
            f"{file.name}: column {names[word]} is the input and also the label; {option('label')} names another"
        )
    rows = [f"the sentence of line {each.line}" for each in sentences]
    ids = [each.name for each in sentences]
    named_all = None not in ids and len(set(ids)) == len(ids)
    y = None if tag is None else [[_label(w[tag], universal) for w in each.words] for each in sentences]
    how = (*text.how, f"words in column {names[word]}" + (f", labels in {names[tag]}" if tag is not None else ""))
    if dropped:
        how = (*how, f"{dropped} lines of {DOCUMENT} left out")
    return make_tagged(
        [np.array([w[word] for w in each.words], dtype=object) for each in sentences],
        y,
        name=file.name,
        ids=ids if named_all else None,
        channels=[names[word]],
        rows=rows,
        how=how,
    )


def _label(word: str, universal: bool) -> str:
    return "" if universal and word == NONE else word


def _place(asked: str | Sequence[str] | None, what: str, usual: str, names: list[str], name: str) -> int:
    """Returns the place of the one column that is asked for."""
    columns = named(asked) or [usual]
    if len(columns) > 1:
        raise DataError(f"{name}: {option(what, ','.join(columns))}: one column is needed")
    if columns[0] not in names:
        raise DataError(
            f"{name}: no column {columns[0]!r} ({what}){nearest(columns[0], names)}\n"
            f"its columns are {listed(names, 20)}"
        )
    return names.index(columns[0])


def _sentences(text: str, name: str, universal: bool) -> tuple[list[_Sentence], list[str], int]:
    """Returns the sentences, the names of the columns if there are any, and how many lines of documents there are."""
    found: list[_Sentence] = []
    names: list[str] = []
    dropped, width, now, called = 0, None, None, None
    tabs: bool | None = None
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if not line.strip():
            now = None
            continue
        if line.startswith("#") and now is None and (universal or line[1:2] in ("", " ", "\t", "!") or "=" in line):
            said, sentence = COLUMNS.match(line), NAME.match(line)
            if said:
                names = said[1].split()
            called = sentence[1].strip() if sentence else called
            continue
        if tabs is None:
            tabs = "\t" in line
        fields = [each.strip() for each in line.rstrip("\t ").split("\t")] if tabs else line.split()
        if fields[0] == DOCUMENT:
            dropped += 1
            continue
        if universal and ASIDE.fullmatch(fields[0]):
            continue
        if width is not None and len(fields) != width:
            raise DataError(
                f"{name}: line {number} has {len(fields)} column{'s' * (len(fields) != 1)}, the lines before it have "
                f"{width}\nan empty line stands between sentences, # begins a comment"
            )
        width = len(fields)
        if "" in fields:
            raise DataError(f"{name}: line {number}, column {fields.index('') + 1}: the field is empty")
        if now is None:
            now = _Sentence(number, called)
            found.append(now)
            called = None
        now.words.append(fields)
    return found, names, dropped
