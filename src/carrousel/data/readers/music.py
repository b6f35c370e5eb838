"""Music: files of MIDI, and scores in MusicXML and ABC."""

from __future__ import annotations

from carrousel.data._errors import DataError, reading
from carrousel.data._file import File
from carrousel.data._limit import MAX_SIZE
from carrousel.data._midi import notes_of_midi
from carrousel.data._pieces import Pieces, check_resolution, make_pieces
from carrousel.data._registry import reads_file
from carrousel.data._scores import notes_of_score, score_text, scores_of
from carrousel.data._unpack import unpacked

__all__ = ["RESOLUTION", "read_abc", "read_midi", "read_musicxml"]

RESOLUTION = 4
"""Frames in a quarter note of a file, where that is not said: each is a sixteenth."""


@reads_file("music", ".mid", ".midi")
def read_midi(file: File, *, resolution: int = RESOLUTION, max_size: float = MAX_SIZE) -> Pieces:
    """Reads a MIDI file as a piece, of all tracks together; of type 2, each track as a piece.

    Args:
        file: the file, which may be packed.
        resolution: frames in a quarter note.
        max_size: bytes that it may unpack to, and that its frames may take.

    Raises:
        DataError: it is no MIDI file, or has no notes.
    """
    check_resolution(resolution, file.name)
    with reading(file.path):
        data, _ = unpacked(file.path, max_size)
    pieces, drums = notes_of_midi(data, file.path)
    how = [f"{drums:,} note{'s' * (drums > 1)} of percussion"] if drums else []
    titles = [file.path.name] if len(pieces) == 1 else [f"{file.path.name} {k + 1}" for k in range(len(pieces))]
    return make_pieces(list(zip(titles, pieces, strict=True)), resolution, file.path, max_size, how)


@reads_file("music", ".musicxml", ".mxl", ".xml")
def read_musicxml(file: File, *, resolution: int = RESOLUTION, max_size: float = MAX_SIZE) -> Pieces:
    """Reads a score in MusicXML, packed or not, as a piece; it needs music21 (``carrousel[music]``).

    Repeats are read once.

    Args:
        file: the file.
        resolution: frames in a quarter note.
        max_size: bytes that it may unpack to, and that its frames may take.

    Raises:
        DataError: it is no MusicXML, or has no notes.
    """
    check_resolution(resolution, file.name)
    with reading(file.path):
        data = file.path.read_bytes() if file.ending == ".mxl" else unpacked(file.path, max_size)[0]
    text = score_text(file, data, max_size)
    if b"<score-" not in text:
        raise DataError(f"{file.name}: this is no MusicXML: it has no score")
    scores = scores_of(file.name, text.decode("utf-8", "replace"), "musicxml")
    read = [(file.path.name, notes_of_score(score, file.name)) for score in scores]
    return make_pieces(read, resolution, file.path, max_size)


@reads_file("music", ".abc")
def read_abc(
    file: File, *, resolution: int = RESOLUTION, encoding: str | None = None, max_size: float = MAX_SIZE
) -> Pieces:
    """Reads the tunes of a file in ABC notation, each as a piece; it needs music21 (``carrousel[music]``).

    Repeats are read once.

    Args:
        file: the file, which may be packed.
        resolution: frames in a quarter note.
        encoding: of the text; None tells it.
        max_size: bytes that it may unpack to, and that its frames may take.

    Raises:
        DataError: it is no ABC, or has no notes.
    """
    check_resolution(resolution, file.name)
    text = file.text(encoding, max_size)
    content = text.content.decode("utf-8", "replace")
    if "X:" not in content and "K:" not in content:
        raise DataError(f"{file.name}: this is no ABC notation: no tune begins in it (X:, K:)")
    scores = scores_of(file.name, content, "abc")
    read = []
    for k, score in enumerate(scores):
        title = score.metadata.title if score.metadata is not None else None
        read.append((f"{k + 1} {title or file.path.name}", notes_of_score(score, file.name)))
    return make_pieces(read, resolution, file.path, max_size)
