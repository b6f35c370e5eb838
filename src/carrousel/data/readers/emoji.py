"""Emoji as pictures with their names: those of Google's font Noto Color Emoji, where it is installed."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np

from carrousel.data._errors import DataError, reading
from carrousel.data._images import Images, make_images
from carrousel.data._parts import PARTS, drawn
from carrousel.data._registry import reads_name

__all__ = ["FONTS", "emoji"]

FONTS = tuple(
    Path(folder) / "NotoColorEmoji.ttf"
    for folder in (
        "/usr/share/fonts/truetype/noto",  # Debian, Ubuntu
        "/usr/share/fonts/noto",  # Arch, Alpine
        "/usr/share/fonts/google-noto-color-emoji-fonts",  # Fedora
        "/usr/share/fonts/google-noto-emoji",
        "~/.local/share/fonts",
        "~/.fonts",
    )
)
"""Where the font may be."""

DRAWN = 109  # the size at which it holds pictures
SIZE = 32
ONE_IN = 5  # pictures are for the test


@reads_name("images", "emoji", splits=PARTS)
def emoji(name: str, split: str) -> Images:
    """Reads some 1,300 emoji as pictures of 32 x 32 pixels on white, each with the words of its name in Unicode.

    Those of one code point are taken that this version of Python has a name for. A fifth of them, drawn once, are the
    test part: most names there have words that no name of the others has.
    """
    path = next((place for place in (font.expanduser() for font in FONTS) if place.is_file()), None)
    if path is None:
        raise DataError(
            f"{name}: it is drawn with the font Noto Color Emoji, which is not installed\n"
            "apt install fonts-noto-color-emoji"
        )
    with reading(path):
        symbols = _symbols(path)
    if len(symbols) < ONE_IN:
        raise DataError(f"{path}: it has {len(symbols)} emoji")
    rows = drawn(np.zeros(len(symbols)), len(symbols) // ONE_IN)[split]
    chosen = [symbols[row] for row in rows]
    with reading(path):
        images = _pictures(path, chosen)
    strings = [tuple(unicodedata.name(symbol).lower().split()) for symbol in chosen]
    return make_images(images, strings, name=name, split=split, ids=chosen)


def _symbols(path: Path) -> list[str]:
    """Returns the symbols that a font has and Unicode gives a name, in the order of their code points."""
    from fontTools.ttLib import TTFont

    with TTFont(path, lazy=True) as font:
        codes = sorted(font.getBestCmap())
    symbols = (chr(code) for code in codes)
    return [each for each in symbols if unicodedata.category(each) == "So" and unicodedata.name(each, None) is not None]


def _pictures(path: Path, symbols: list[str]) -> list[np.ndarray]:
    """Returns pictures of symbols, bytes ``[32, 32, 3]``."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(path, DRAWN)
    pictures = []
    for symbol in symbols:
        left, top, right, bottom = font.getbbox(symbol)
        side = max(int(right - left), int(bottom - top), 1)
        picture = Image.new("RGB", (side, side), "white")
        place = ((side - (right - left)) / 2 - left, (side - (bottom - top)) / 2 - top)
        ImageDraw.Draw(picture).text(place, symbol, font=font, embedded_color=True, fill="black")
        pictures.append(np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)))
    return pictures
