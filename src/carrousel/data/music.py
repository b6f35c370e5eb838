"""Music as it is heard and read: frames written as MIDI and as sound."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from carrousel._atomic import write_file
from carrousel.data._midi import midi_of
from carrousel.data._pieces import KEYS, LOWEST, notes_of
from carrousel.data._synthesiser import sound_of, wave_of

__all__ = ["KEYS", "LOWEST", "TEMPO", "check_tempo", "notes_of", "sound_of", "write_midi", "write_sound"]

TEMPO = 100.0
"""Quarter notes in a minute where that is not said."""
SLOWEST, FASTEST = 4.0, 1000.0


def write_midi(
    path: str | Path, frames: np.ndarray, *, resolution: int, tempo: float = TEMPO, program: int = 0
) -> Path:
    """Writes frames as a MIDI file, in one step, and returns its path. It needs mido (``carrousel[music]``).

    A key that sounds in frames one after the other becomes one note.

    Args:
        path: the file.
        frames: which keys sound, ``[T, 88]`` of 0 and 1, the lowest key of a piano first.
        resolution: frames in a quarter note.
        tempo: quarter notes in a minute.
        program: the instrument by its number in General MIDI, from 0; 0 is a piano.

    Raises:
        ValueError: the frames are none, or a number is out of its range.
    """
    frames, path = _checked(frames, resolution, tempo), Path(path)
    if not 0 <= program < 128:
        raise ValueError(f"program must lie between 0 and 127, got {program!r}")
    _write(path, midi_of(frames, resolution, tempo, program))
    return path


def write_sound(path: str | Path, frames: np.ndarray, *, resolution: int, tempo: float = TEMPO) -> Path:
    """Writes frames as sound, a WAV file made by a small additive synthesiser; the arguments are as in write_midi."""
    frames, path = _checked(frames, resolution, tempo), Path(path)
    _write(path, wave_of(frames, resolution, tempo))
    return path


def check_tempo(tempo: float) -> None:
    """Refuses a tempo that nobody plays, with a ValueError."""
    if not (math.isfinite(tempo) and SLOWEST <= tempo <= FASTEST):
        raise ValueError(f"tempo must be quarter notes in a minute, from {SLOWEST:g} to {FASTEST:g}, got {tempo!r}")


def _checked(frames: np.ndarray, resolution: int, tempo: float) -> np.ndarray:
    frames = np.asarray(frames)
    if frames.ndim != 2 or frames.shape[1] != KEYS or not np.isin(frames, (0, 1)).all():
        raise ValueError(f"frames must be 0 and 1, [T, {KEYS}], got {list(frames.shape)}")
    if not isinstance(resolution, int) or resolution < 1:
        raise ValueError(f"resolution must be an integer of at least 1, got {resolution!r}")
    check_tempo(tempo)
    return frames.astype(np.uint8)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content)
