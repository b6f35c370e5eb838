"""One look for all pictures."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from carrousel._atomic import write_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "COLOURS",
    "GREEN",
    "GREY",
    "INK",
    "PALE",
    "RED",
    "legend_below",
    "legend_beside",
    "new_figure",
    "save",
    "tidy",
]

LETTERS = 11  # of a title, in an inch
INK, GREY, PALE = "#1c2733", "#7b8794", "#dfe4ea"
BLUE, RED, GREEN = "#2166ac", "#c2413b", "#3a8f5c"
COLOURS = (BLUE, RED, GREEN, "#d98b1f", "#7b5aa6", "#1f9aa8", "#8c6a4f", INK)
"""The colours of lines that are told apart by their order alone."""


def new_figure(width: float, height: float, title: str | None) -> Figure:
    """Makes an empty figure in inches, with a title at the left, in several lines if it is long."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    if title:
        lines = textwrap.fill(title, int(width * LETTERS))
        figure.suptitle(lines, x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK)
    return figure


def tidy(axes: Axes, *, grid: bool = False) -> None:
    """Gives axes two spines, small grey ticks, and a pale grid where values are read off."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(which="both", labelsize=8, colors=GREY, labelcolor=INK, length=3)
    axes.xaxis.label.set(size=9, color=INK)
    axes.yaxis.label.set(size=9, color=INK)
    if grid:
        axes.grid(color=PALE, linewidth=0.7)
        axes.set_axisbelow(True)


def legend_below(
    figure: Figure,
    *,
    ncols: int = 3,
    loc: Literal["outside lower center", "outside lower right"] = "outside lower center",
) -> None:
    """Puts one legend for all axes of a figure under them: of each label what was drawn first, unless there is none."""
    named: dict[str, Any] = {}
    for axes in figure.axes:
        named |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    if named:
        figure.legend(
            list(named.values()), list(named), loc=loc, ncols=ncols, frameon=False, fontsize=8, labelcolor=INK
        )


def legend_beside(axes: Axes) -> None:
    """Puts a legend without a frame at the right of axes."""
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def save(figure: Figure, path: str | Path, *, dpi: float = 150, **options: Any) -> Path:
    """Writes a figure in one step; the ending (``.png``, ``.svg``, ``.pdf``) says how. Folders are made."""
    path = Path(path)
    held = io.BytesIO()
    figure.savefig(held, format=path.suffix.lstrip(".") or "png", dpi=dpi, **options)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, held.getvalue())
    return path
