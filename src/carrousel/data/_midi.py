"""Files of MIDI, through mido: their notes, and frames as such a file."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.data._errors import DataError, reading
from carrousel.data._pieces import Note, notes_of

__all__ = ["midi_of", "notes_of_midi"]

PERCUSSION = 9  # the channel of instruments without a pitch, as MIDI counts them from 0
APART = 2  # the type of a file whose tracks are pieces of their own
TICKS = 480  # of a quarter note, in files that are written, or the next number that the resolution divides
LOUDNESS = 80


def notes_of_midi(data: bytes, path: Path) -> tuple[list[list[Note]], int]:
    """Returns the notes of each piece in a file, and how many were left out because they are of percussion.

    The times are those of the score; how fast it is played is not looked at. A note that is never ended sounds until
    the end of its track.

    Args:
        data: the file's bytes.
        path: the file, for messages.

    Raises:
        DataError: it is no MIDI, is damaged, or counts time in seconds.
    """
    if not data.startswith((b"MThd", b"RIFF")):
        raise DataError(f"{path}: this is no MIDI file: it does not begin with MThd")
    import mido

    with reading(path, "it is no intact MIDI file"):
        file = mido.MidiFile(file=io.BytesIO(data))
        ticks, kind, tracks = file.ticks_per_beat, file.type, file.tracks
    if ticks <= 0:
        raise DataError(f"{path}: its time is counted in seconds (SMPTE); quarter notes are needed")
    pieces, drums = [], 0
    for group in [[track] for track in tracks] if kind == APART else [tracks]:
        found: list[Note] = []
        for track in group:
            notes, left = _of_track(track, ticks)
            found += notes
            drums += left
        pieces.append(found)
    return pieces, drums


def _of_track(track: Iterable[Any], ticks: int) -> tuple[list[Note], int]:
    """Returns the notes of a track, and how many are of percussion."""
    sounding: dict[tuple[int, int], list[int]] = defaultdict(list)
    found, drums, now = [], 0, 0
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        place = message.channel, message.note
        if message.type == "note_on" and message.velocity:
            if message.channel == PERCUSSION:
                drums += 1
            else:
                sounding[place].append(now)
        elif sounding[place]:
            found.append(Note(message.note, Fraction(sounding[place].pop(0), ticks), Fraction(now, ticks)))
    for (_, key), begun in sounding.items():
        found += [Note(key, Fraction(begin, ticks), Fraction(now, ticks)) for begin in begun]
    return found, drums


def midi_of(frames: np.ndarray, resolution: int, tempo: float, program: int = 0) -> bytes:
    """Returns frames ``[T, 88]`` as a MIDI file of one track.

    Args:
        frames: which keys sound.
        resolution: frames in a quarter note.
        tempo: quarter notes in a minute.
        program: the instrument by its number in General MIDI, from 0; 0 is a piano.
    """
    import mido

    of_frame = -(-TICKS // resolution)
    events = []
    for key, begin, end in notes_of(frames):
        events += [(begin, 1, key), (end, 0, key)]  # at one time the old notes end before the new begin
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo))])
    track.append(mido.Message("program_change", program=program))
    last = 0
    for frame, begins, key in sorted(events):
        at = frame * of_frame
        kind = "note_on" if begins else "note_off"
        track.append(mido.Message(kind, note=key, velocity=LOUDNESS * begins, time=at - last))
        last = at
    rest = len(frames) * of_frame - last
    track.append(mido.MetaMessage("end_of_track", time=rest))
    file = mido.MidiFile(type=0, ticks_per_beat=of_frame * resolution, tracks=[track])
    file.save(file=(held := io.BytesIO()))
    return held.getvalue()
