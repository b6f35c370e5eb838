"""Text, coloured by what a cell holds while it is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from carrousel.pictures.style import INK, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_text"]

WIDTH, HEIGHT = 0.098, 0.2  # inches of a character
SHOWN = {"\n": "↵", "\t": "→", "\r": "↤"}


def draw_text(
    pieces: Sequence[str],
    values: np.ndarray,
    *,
    columns: int = 80,
    title: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draws the pieces of a text one after the other, each on a colour: red for positive values, blue for negative.

    A line ends where the text's lines end, and after ``columns`` characters. Signs that end a line are shown.

    Args:
        pieces: characters or words.
        values: a value for each, ``[N]``.
        columns: the most characters of a line.
        title: the picture's.
        caption: what stands below it.

    Raises:
        ValueError: there is no text, or not a value for each piece.
    """
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    if not len(pieces) or len(pieces) != len(values):
        raise ValueError(f"a value for each of {len(pieces)} pieces of text is needed, got {len(values)}")
    highest = float(np.abs(values).max()) or 1.0
    colours = colormaps["RdBu_r"](0.5 + 0.4 * np.asarray(values, dtype=float) / highest)
    row, column, lines = 0, 0, []
    for piece, colour in zip(pieces, colours, strict=True):
        for sign in piece:
            if column >= columns:
                row, column = row + 1, 0
            lines.append((row, column, SHOWN.get(sign, sign if sign.isprintable() else "·"), colour))
            column += 1
            if sign == "\n":
                row, column = row + 1, 0
    rows = lines[-1][0] + 1
    figure = new_figure(columns * WIDTH + 0.4, rows * HEIGHT + 0.9, title)
    axes = figure.subplots()
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.axis("off")
    for row, column, sign, colour in lines:
        axes.add_patch(Rectangle((column, row), 1, 1, color=colour, linewidth=0))
        if not sign.isspace():
            place = column + 0.5, row + 0.5
            axes.text(
                *place, sign, ha="center", va="center", fontsize=8, family="monospace", color=INK, parse_math=False
            )
    if caption:
        figure.supxlabel(caption, fontsize=8, color=INK)
    return figure
