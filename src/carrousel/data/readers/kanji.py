"""Characters as a pen draws them: the strokes of KanjiVG, which the package kanjivg carries."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from carrousel.data._errors import DataError, reading
from carrousel.data._labelled import Transcribed
from carrousel.data._make_labelled import make_transcribed
from carrousel.data._packages import inside
from carrousel.data._parts import PARTS, drawn
from carrousel.data._registry import reads_name
from carrousel.data._strokes import CHANNELS, SPACING, check_spacing, trajectory

__all__ = ["kanji_strokes", "stroke_types"]

BOX = 109.0  # units that a character is high and wide
STROKE = re.compile(r'<path\b[^>]*?\bid="kvg:[^"]*-s\d+"[^>]*>')
TYPE = re.compile(r'\bkvg:type="([㇀-㇣])')
WAY = re.compile(r'\bd="([^"]*)"')
AT = np.linspace(0, 1, 17)[1:, None]  # where a curve is looked at
CURVE = np.stack([(1 - AT) ** 3, 3 * AT * (1 - AT) ** 2, 3 * AT**2 * (1 - AT), AT**3])  # Bernstein, [4, 16, 1]
ONE_IN = 10  # characters are for the test


@reads_name("strings", "kanji-strokes", splits=PARTS)
def kanji_strokes(name: str, split: str, *, spacing: float = SPACING) -> Transcribed:
    """Reads the way of the pen through 6436 kanji and kana, each with the types of its 1 to 30 strokes.

    A type is a sign of Unicode such as ㇐ or ㇒: the source's own without the letters that tell its variants, and the
    first where it gives two. Characters with a stroke that has none are left out. A character is one drawing, of one
    hand. A tenth of the characters, drawn once, are the test part.

    Args:
        name: the data set's.
        split: the part.
        spacing: the distance of the points along a stroke, as a share of the box of a character.
    """
    check_spacing(spacing, name)
    folder = inside("kanji", "065e5.svg", name=name).parent
    with reading(folder):
        files = sorted(path for path in folder.glob("*.svg") if "-" not in path.stem)  # variants have a hyphen
        texts = [path.read_text(encoding="utf-8") for path in files]
    whole = [(path, text) for path, text in zip(files, texts, strict=True) if stroke_types(text)]
    if len(whole) < ONE_IN:
        raise DataError(f"{folder}: {len(whole)} of its {len(files)} characters have types for all their strokes")
    rows = drawn(np.zeros(len(whole)), len(whole) // ONE_IN)[split]
    chosen = [whole[row] for row in rows]
    return make_transcribed(
        [trajectory(_strokes(*each), spacing, BOX) for each in chosen],
        [stroke_types(text) for _, text in chosen],
        name=name,
        split=split,
        ids=[chr(int(path.stem, 16)) for path, _ in chosen],
        channels=CHANNELS,
        made={"spacing": spacing},
    )


def stroke_types(text: str) -> tuple[str, ...]:
    """Returns the types of the strokes of a file; none if one of them has none."""
    found = [TYPE.search(stroke) for stroke in STROKE.findall(text)]
    return tuple(match[1] for match in found if match is not None) if None not in found else ()


def _strokes(path: Path, text: str) -> list[np.ndarray]:
    """Returns the points of each stroke of a file, ``[P, 2]``."""
    from fontTools.pens.recordingPen import RecordingPen
    from fontTools.svgLib.path import parse_path

    strokes = []
    with reading(path):
        for stroke in STROKE.findall(text):
            pen = RecordingPen()
            way = WAY.search(stroke)
            if way is None:
                raise DataError(f"{path}: a stroke has no path")
            parse_path(way[1], pen)
            strokes.append(_points(pen.value))
    return strokes


def _points(recorded: list[tuple[str, tuple[tuple[float, float], ...]]]) -> np.ndarray:
    """Returns points close to one another along lines and cubic curves."""
    parts: list[np.ndarray] = []
    for verb, given in recorded:
        points = np.array(given, dtype=np.float64).reshape(-1, 2)
        if verb == "curveTo":
            corners = np.concatenate([parts[-1][-1:], points])  # [4, 2]
            parts.append((CURVE * corners[:, None]).sum(axis=0))
        elif verb in ("moveTo", "lineTo"):
            parts.append(points)
    return np.concatenate(parts)
