"""Twelve bars of blues as frames of units: a chart of chords, and melodies of two segments a bar to choose from."""

from __future__ import annotations

import numpy as np

from carrousel.data.music import KEYS, LOWEST

__all__ = [
    "BAR",
    "BARS",
    "CHART",
    "CHORD_UNITS",
    "CHORUS",
    "MELODY_UNITS",
    "SCALE",
    "SEGMENTS",
    "chords",
    "keys_of",
    "melody",
]

BAR, BARS = 8, 12  # steps of a bar, each an eighth; bars of a chorus
CHORUS = BAR * BARS
CHORD_UNITS, MELODY_UNITS = 12, 13
_CHORDS = {"C7": (0, 4, 7, 10), "F7": (5, 9, 0, 3), "A7": (9, 1, 4, 7), "Dm7": (2, 5, 9, 0), "G7": (7, 11, 2, 5)}
CHART = ("C7", "F7", "C7", "C7", "F7", "F7", "C7", "A7", "Dm7", "G7", "C7", "G7")
"""A chord for each bar, of a blues with a turn over A7, Dm7 and G7."""
SCALE = (0, 3, 5, 7, 10, 12)
"""The units of a minor pentatonic scale from C to the C above."""
SEGMENTS = (
    ("01122345", "5443 321"),
    ("23343221", "45543 12"),
    ("00112 10", "3 345543"),
    ("12321001", "5 544332"),
    ("22334 32", "10012234"),
    ("45 54332", "23 32110"),
    ("0 123321", "54 43210"),
    ("1 332211", "34554 32"),
    ("3 221012", "2 345432"),
    ("33 44554", "1 001123"),
    ("00 12321", "5 432101"),
    ("34432100", "1233 210"),
)
"""Two segments for each bar, a sign for each step: a note of the scale, or a rest. A note said twice is held."""
_LOWEST_CHORD, _LOWEST_MELODY = 48, 60  # in MIDI


def chords(choruses: int = 1) -> np.ndarray:
    """Returns which of the 12 units of a chord's notes are on at each step, float32 ``[96 choruses, 12]``.

    >>> chords().shape, chords()[8].nonzero()[0].tolist()
    ((96, 12), [0, 3, 5, 9])
    """
    frames = np.zeros((CHORUS, CHORD_UNITS), dtype=np.float32)
    for bar, name in enumerate(CHART):
        frames[bar * BAR : (bar + 1) * BAR, list(_CHORDS[name])] = 1
    return np.tile(frames, (choruses, 1))


def melody(choices: np.ndarray) -> np.ndarray:
    """Returns which of the 13 units of a melody is on at each step, float32 ``[8 bars, 13]``.

    Args:
        choices: of each bar 0 or 1, which of its segments is played; the chart begins again after twelve.
    """
    frames = np.zeros((len(choices) * BAR, MELODY_UNITS), dtype=np.float32)
    for bar, choice in enumerate(choices):
        for step, sign in enumerate(SEGMENTS[bar % BARS][int(choice)]):
            if sign != " ":
                frames[bar * BAR + step, SCALE[int(sign)]] = 1
    return frames


def keys_of(chord: np.ndarray, tune: np.ndarray | None = None) -> np.ndarray:
    """Returns units as a piano's keys, uint8 ``[T, 88]``: chords in the octave below the middle C, melodies above."""
    keys = np.zeros((len(chord), KEYS), dtype=np.uint8)
    keys[:, _LOWEST_CHORD - LOWEST :][:, :CHORD_UNITS] = chord > 0.5
    if tune is not None:
        keys[:, _LOWEST_MELODY - LOWEST :][:, :MELODY_UNITS] |= (tune > 0.5).astype(np.uint8)
    return keys
