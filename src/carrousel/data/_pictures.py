"""Pictures as arrays: files of PNG, JPEG and others that Pillow reads."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.data._errors import DataError, listed, nearest, option, reading
from carrousel.data._limit import amount

__all__ = ["COLOURS", "PICTURES", "check_colours", "read_picture"]

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
"""The endings of pictures."""
COLOURS = ("grey", "rgb")
PLAIN = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB", "RGBA": "RGBA", "LA": "LA", "PA": "RGBA", "CMYK": "RGB",
         "YCbCr": "RGB", "LAB": "RGB", "HSV": "RGB"}  # fmt: skip
"""What a picture becomes, by how Pillow calls the kind of its pixels."""


def check_colours(colours: str | None, name: str) -> None:
    """Refuses what is no kind of colours."""
    if colours is not None and colours not in COLOURS:
        raise DataError(f"{name}: {option('colours', colours)}: it is {listed(COLOURS)}{nearest(colours, COLOURS)}")


def read_picture(path: Path, colours: str | None, where: str, max_size: float) -> np.ndarray:
    """Returns a picture, bytes ``[H, W, C]``, or of 16 bits a pixel float32, 0 to 1.

    Args:
        path: the file.
        colours: ``"grey"`` or ``"rgb"`` makes it that, what is transparent white; None leaves it as it is.
        where: what messages begin with.
        max_size: bytes that it may unpack to.

    Raises:
        DataError: it cannot be read, or is too large.
    """
    from PIL import Image

    if not path.is_file():
        raise DataError(f"{where}: there is no such file")
    with reading(where, "it is no intact picture"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its size, which has a limit here
        with Image.open(path) as picture:
            size = picture.width * picture.height * 4 * len(picture.getbands())
            if size > max(max_size, os.path.getsize(path)):
                raise DataError(
                    f"{where}: its {picture.width} x {picture.height} pixels take {amount(size)}; "
                    f"{option('max_size')} allows more"
                )
            return _pixels(picture, colours)


def _pixels(picture: Any, colours: str | None) -> np.ndarray:
    if picture.mode.startswith("I") or picture.mode == "F":  # 16 bits a pixel, or what came of them
        grey = np.asarray(picture).astype(np.float32)[:, :, None] / (1 if picture.mode == "F" else 65535)
        return grey.repeat(3, axis=2) if colours == "rgb" else grey
    transparent = picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info
    if colours is None:
        plain = picture.convert("RGBA" if picture.mode == "P" and transparent else PLAIN.get(picture.mode, "RGB"))
        if picture.mode == "P" and not transparent and _is_grey(plain):
            plain = plain.convert("L")
    else:
        if transparent:
            from PIL import Image

            whole = picture.convert("RGBA")
            paper = Image.new("RGBA", whole.size, (255, 255, 255, 255))
            picture = Image.alpha_composite(paper, whole)
        plain = picture.convert("L" if colours == "grey" else "RGB")
    pixels = np.asarray(plain, dtype=np.uint8)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _is_grey(picture: Any) -> bool:
    pixels = np.asarray(picture)
    return bool((pixels == pixels[:, :, :1]).all())
