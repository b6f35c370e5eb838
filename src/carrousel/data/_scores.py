"""Scores in MusicXML and ABC, through music21, which reads them into parts and notes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from carrousel.data._errors import DataError, reading
from carrousel.data._file import File
from carrousel.data._limit import refuse_size
from carrousel.data._pieces import Note

__all__ = ["INSTALL", "music21_for", "notes_of_score", "score_text", "scores_of"]

INSTALL = "pip install 'carrousel[music]'"


def music21_for(name: str) -> Any:
    """Returns the module music21.

    Args:
        name: what is to be read, for the message.

    Raises:
        DataError: it is not installed, or not all that it needs; the message has the command that installs it.
    """
    try:
        import music21
        from music21 import abcFormat, converter, musicxml  # noqa: F401
    except ModuleNotFoundError as error:
        raise DataError(f"{name}: it is read by the package music21, which is not installed\n{INSTALL}") from error
    return music21


def score_text(file: File, data: bytes, max_size: float) -> bytes:
    """Returns the score in a file of MusicXML, which is packed where its name ends in ``.mxl``.

    Args:
        file: the file.
        data: its bytes.
        max_size: bytes that it may unpack to.

    Raises:
        DataError: it is damaged, or holds no score.
    """
    if not data.startswith(b"PK"):
        return data
    with reading(file.path), zipfile.ZipFile(io.BytesIO(data)) as archive:
        scores = [each for each in archive.infolist() if _is_score(each.filename)]
        if not scores:
            raise DataError(f"{file.name}: there is no score in this archive")
        if scores[0].file_size > max(max_size, len(data)):
            refuse_size(file.path, scores[0].file_size, max_size)
        with archive.open(scores[0]) as member:
            text = member.read(scores[0].file_size + 1)
    return text


def _is_score(name: str) -> bool:
    return name.lower().endswith((".xml", ".musicxml")) and not name.startswith(("META-INF", "__MACOSX"))


def scores_of(name: str, text: str, form: str) -> list[Any]:
    """Returns the scores of a text, each as music21 has it.

    Args:
        name: the file.
        text: its text.
        form: ``"musicxml"`` or ``"abc"``.

    Raises:
        DataError: it is none of that form.
    """
    music21 = music21_for(name)
    with reading(name):
        made = music21.converter.parseData(text, format=form)
        if isinstance(made, music21.stream.Opus):
            return list(made.scores)
        return [made]


def notes_of_score(score: Any, name: str) -> list[Note]:
    """Returns the notes of a score or a part, those of all its parts together; a grace note has no time and is none."""
    with reading(name):
        return list(_notes(score))


def _notes(score: Any) -> Iterator[Note]:
    for each in score.flatten().notes:
        if each.quarterLength:
            for pitch in each.pitches:  # a chord has several
                yield Note(int(pitch.midi), each.offset, each.offset + each.quarterLength)
