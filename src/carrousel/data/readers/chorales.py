"""Bach's chorales, which the package music21 carries."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from carrousel.data._errors import DataError
from carrousel.data._file import File
from carrousel.data._kept_arrays import kept_arrays
from carrousel.data._limit import MAX_SIZE
from carrousel.data._packages import CARRIERS, inside
from carrousel.data._parts import PARTS
from carrousel.data._pieces import KEYS, Pieces, check_resolution, frames_of
from carrousel.data._registry import reads_name
from carrousel.data._scores import INSTALL, music21_for, notes_of_score, score_text, scores_of

__all__ = ["read"]

VERSION = 2  # of what is kept
VOICES = 4
EVERY = 5  # so many chorales one is held out
NUMBER = re.compile(r"bwv(\d+)(?:\.(\d+))?(.*)")


@reads_name("music", "chorales", splits=PARTS)
def read(name: str, split: str, *, resolution: int = 1) -> Pieces:
    """Reads 361 chorales of Bach's for four voices, sorted by their BWV numbers, a frame each quarter note.

    Every fifth is the test part. Works of other numbers of voices, and one of two that sound alike, are left out. They
    are read once by music21, which takes half a minute, and kept beside the compiled kernels.

    Args:
        name: the data set's.
        split: the part.
        resolution: frames in a quarter note.

    Raises:
        DataError: the package music21 is not installed.
    """
    check_resolution(resolution, name)
    titles, frames = _chorales(name, resolution)
    last = [k for k in range(len(frames)) if k % EVERY == EVERY - 1]
    rows = {"train": sorted({*range(len(frames))} - {*last}), "test": last, "all": range(len(frames))}[split]
    return Pieces([frames[k] for k in rows], tuple(titles[k] for k in rows), resolution, name, split)


def _chorales(name: str, resolution: int) -> tuple[list[str], list[np.ndarray]]:
    """Returns titles and frames: as they were kept in the cache, else they are read."""
    try:
        folder = inside("music21", "corpus", "bach", name=name)
    except DataError as error:  # music21 itself is needed here, and what it needs
        raise DataError(f"{str(error).splitlines()[0]}\n{INSTALL}") from None
    recipe = [VERSION, CARRIERS["music21"], resolution]
    return kept_arrays("chorales", recipe, lambda: _read_all(folder, name, resolution), _unpacked)


def _read_all(folder: Path, name: str, resolution: int) -> dict[str, np.ndarray]:
    """Returns the frames of all chorales laid end to end, their lengths and titles."""
    music21_for(name)
    known: dict[bytes, str] = {}
    frames = []
    for path in sorted(folder.glob("bwv*.mxl"), key=_number):
        text = score_text(File.of(path), path.read_bytes(), MAX_SIZE).decode("utf-8", "replace")
        (score,) = scores_of(str(path), text, "musicxml")
        if len(score.parts) != VOICES:
            continue
        found = frames_of(notes_of_score(score, str(path)), resolution, path)[0]
        if known.setdefault(found.tobytes(), path.stem) == path.stem:
            frames.append(found)
    if len(frames) < EVERY:
        raise DataError(f"{folder}: there are {len(frames)} chorales for {VOICES} voices in it")
    return {
        "frames": np.packbits(np.concatenate(frames), axis=1),
        "lengths": np.array([len(each) for each in frames]),
        "titles": np.frombuffer("\n".join(known.values()).encode(), dtype=np.uint8),
    }


def _unpacked(arrays: dict[str, np.ndarray]) -> tuple[list[str], list[np.ndarray]]:
    titles = arrays["titles"].tobytes().decode().split("\n")
    frames = np.unpackbits(arrays["frames"], axis=1, count=KEYS)
    parts = np.split(frames, np.cumsum(arrays["lengths"])[:-1])
    if len(parts) != len(titles):
        raise ValueError("there is not a title for each")
    return titles, parts


def _number(path: Path) -> tuple[int, int, str]:
    """Returns the BWV number of a file, as what it is sorted by.

    >>> sorted(["bwv101.7", "bwv9.1", "bwv101.10"], key=lambda name: _number(Path(name + ".mxl")))
    ['bwv9.1', 'bwv101.7', 'bwv101.10']
    """
    found = NUMBER.fullmatch(path.stem)
    return (int(found[1]), int(found[2] or 0), found[3]) if found else (10**6, 0, path.stem)
