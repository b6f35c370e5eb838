"""Pieces of music as frames: which of a piano's keys sound at each of equal steps of musical time."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from carrousel.data._errors import DataError, DataWarning, option
from carrousel.data._limit import MAX_SIZE, check_size
from carrousel.data._wholes import held_out, joined

__all__ = [
    "KEYS",
    "LOWEST",
    "MOST_FRAMES",
    "Note",
    "Pieces",
    "check_resolution",
    "frames_of",
    "hold_out_pieces",
    "joined_pieces",
    "make_pieces",
    "notes_of",
]

LOWEST, KEYS = 21, 88
"""The number that MIDI gives to a piano's lowest key, and how many keys a piano has."""
MOST_FRAMES = 96
"""Most frames of a quarter note."""


@dataclass(frozen=True)
class Note:
    """A note.

    Attributes:
        key: its number in MIDI; 60 is the middle C.
        begin, end: when it sounds, in quarter notes from the beginning of the piece.
    """

    key: int
    begin: Fraction | float
    end: Fraction | float


@dataclass(frozen=True)
class Pieces:
    """Pieces of music.

    Attributes:
        frames: of each piece which keys sound, uint8 ``[T, 88]`` of 0 and 1, the lowest key of a piano first.
        titles: what each is called.
        resolution: frames in a quarter note.
        name: where they came from.
        split: ``"train"``, ``"test"`` or ``"all"``.
        how: what was left out.

    >>> print(Pieces([np.zeros((8, 88), "u1"), np.ones((4, 88), "u1")], ("rest", "noise"), 4))
    2 pieces of 4 to 8 frames, 4 a quarter note
    """

    frames: list[np.ndarray]
    titles: tuple[str, ...]
    resolution: int
    name: str = "music"
    split: str = "all"
    how: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def lengths(self) -> np.ndarray:
        """The frames of each piece, ``[N]``."""
        return np.array([len(each) for each in self.frames], dtype=np.int64)

    def take(self, rows: np.ndarray | Sequence[int]) -> Pieces:
        """Returns the pieces at these positions."""
        chosen = [int(k) for k in rows]
        frames, titles = [self.frames[k] for k in chosen], tuple(self.titles[k] for k in chosen)
        return replace(self, frames=frames, titles=titles)

    def __str__(self) -> str:
        count, low, high = len(self), int(self.lengths.min()), int(self.lengths.max())
        steps = f"{low}" if low == high else f"{low} to {high}"
        return f"{count:,} piece{'s' * (count != 1)} of {steps} frames, {self.resolution} a quarter note"


def check_resolution(resolution: int, name: str) -> None:
    """Refuses a number of frames in a quarter note that cannot be; messages begin with a name."""
    if not isinstance(resolution, int) or not 1 <= resolution <= MOST_FRAMES:
        raise DataError(
            f"{name}: {option('resolution', resolution)}: frames in a quarter note, from 1 to {MOST_FRAMES}"
        )


def frames_of(notes: Iterable[Note], resolution: int, path: Path, max_size: float = MAX_SIZE) -> tuple[np.ndarray, int]:
    """Returns which keys sound at the beginning of each frame, uint8 ``[T, 88]``, and how many notes sound at none.

    What begins or ends less than a sixteenth of a frame late does so at the beginning: files round their times. The
    last frame is the last that has a note.

    Args:
        notes: the notes, all of keys that a piano has.
        resolution: frames in a quarter note.
        path: the file, for messages.
        max_size: bytes that the frames may take, if they are more than the file has.
    """
    late = 1 / 16
    spans = [
        (note.key - LOWEST, math.ceil(note.begin * resolution - late), math.ceil(note.end * resolution - late))
        for note in notes
    ]
    heard = [(key, begin, end) for key, begin, end in spans if begin < end]
    length = max((end for _, _, end in heard), default=0)
    check_size(path, length * KEYS, max_size)
    frames = np.zeros((length, KEYS), dtype=np.uint8)
    for key, begin, end in heard:
        frames[begin:end, key] = 1
    return frames, len(spans) - len(heard)


def make_pieces(
    read: Sequence[tuple[str, Sequence[Note]]], resolution: int, path: Path, max_size: float, how: Sequence[str] = ()
) -> Pieces:
    """Returns the pieces of a file, and tells what of it no frame holds.

    Args:
        read: the title and the notes of each.
        resolution: frames in a quarter note.
        path: the file.
        max_size: bytes that the frames of all of them may take.
        how: what was left out before.

    Raises:
        DataError: there is no note.
    """
    frames, titles, beyond, between, size = [], [], 0, 0, 0
    for title, notes in read:
        kept = [note for note in notes if LOWEST <= note.key < LOWEST + KEYS]
        beyond += len(notes) - len(kept)
        found, missed = frames_of(kept, resolution, path, max_size - size)
        between += missed
        size += found.size
        if len(found):
            frames.append(found)
            titles.append(title)
    if not frames:
        lack = f" that {resolution} frames a quarter note would hold" if between else ""
        raise DataError(f"{path}: there is no note in it{lack}")
    told = [*how]
    if beyond:
        told.append(f"{beyond:,} note{'s' * (beyond > 1)} that no piano has")
    if between:
        told.append(f"{between:,} note{'s' * (between > 1)} too short for {resolution} frames a quarter note")
    notice = f"left out: {', '.join(told)}" if told else ""
    if notice:
        warnings.warn(f"{path}: {notice}", DataWarning, stacklevel=4)
    return Pieces(frames, tuple(titles), resolution, str(path), how=(notice,) if notice else ())


def notes_of(frames: np.ndarray) -> list[tuple[int, int, int]]:
    """Returns the notes of frames as key, first frame, and frame after the last, in the order in which they begin.

    A key that sounds in frames one after the other is one note.

    >>> frames = np.zeros((4, 88), "u1")
    >>> frames[:2, 39], frames[1:, 43] = 1, 1
    >>> notes_of(frames)
    [(60, 0, 2), (64, 1, 4)]
    """
    padded = np.pad(np.asarray(frames, dtype=np.int8), ((1, 1), (0, 0)))
    change = np.diff(padded, axis=0)
    begins, ends = np.argwhere(change.T == 1), np.argwhere(change.T == -1)  # key by key, each in the order of time
    found = [(int(key) + LOWEST, int(begin), int(end)) for (key, begin), (_, end) in zip(begins, ends, strict=True)]
    return sorted(found, key=lambda note: (note[1], note[0]))


def joined_pieces(parts: Sequence[Pieces]) -> Pieces:
    """Returns the pieces of several sources as those of one.

    Raises:
        DataError: they have different resolutions.
    """
    for part in parts:
        if part.resolution != parts[0].resolution:
            raise DataError(
                f"{part.name}: it has {part.resolution} frames a quarter note and {parts[0].name} "
                f"{parts[0].resolution}; {option('resolution')} makes them alike"
            )
    return joined(parts, "frames")


def hold_out_pieces(pieces: Pieces, share: float, *, seed: int = 0) -> tuple[Pieces, Pieces]:
    """Splits pieces into a training and a test part, which gets about ``share`` in (0, 1) of them.

    Whole pieces are held out, drawn by the seed; of fewer than five the end of each.

    Raises:
        DataError: they are too short.
    """
    return held_out(pieces, "frames", share, seed=seed, unit="frames", by_size=False)
