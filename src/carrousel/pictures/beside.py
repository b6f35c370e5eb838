"""Rows of a table as bars, each beside what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carrousel.pictures.style import BLUE, GREY, INK, PALE, RED, legend_below, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Bar", "draw_beside"]


@dataclass(frozen=True)
class Bar:
    """A row of a table.

    Attributes:
        label: what it is.
        measured: the length of its blue bar.
        other: the length of its pale bar.
        published: where its tick stands.
        uncertain: the tick's number is not certain.
        words: what stands at the end of the blue bar.
    """

    label: str
    measured: float | None = None
    other: float | None = None
    published: float | None = None
    uncertain: bool = False
    words: str = ""


def draw_beside(
    bars: Sequence[Bar],
    title: str,
    *,
    measured: str,
    other: str,
    published: str = "",
    xlabel: str = "",
    share: bool = False,
) -> Figure:
    """Draws a row of bars for each, from the top down.

    Args:
        bars: the rows.
        title: the picture's.
        measured: what the blue bars are.
        other: what the pale bars are.
        published: what the ticks are.
        xlabel: what their lengths are.
        share: they are shares of 1; otherwise they stand on a logarithmic scale from 1 on.
    """
    both = any(bar.measured is not None and bar.other is not None for bar in bars)
    figure = new_figure(10, 1.4 + (0.55 if both else 0.27) * len(bars), title)
    axes = figure.subplots()
    height, shift = (0.34, 0.18) if both else (0.66, 0.0)
    for place, bar in enumerate(bars):
        if bar.other is not None:
            axes.barh(place - shift, bar.other, color=PALE, edgecolor=GREY, lw=0.7, height=height, label=other)
        if bar.measured is not None:
            axes.barh(place + shift, bar.measured, color=BLUE, height=height, label=measured)
            at = bar.measured, place + shift
            axes.annotate(
                bar.words, at, xytext=(4, 0), textcoords="offset points", va="center", fontsize=8, color=INK,
                annotation_clip=False,
            )  # fmt: skip
        if bar.published is not None:
            name = f"{published}, source uncertain" if bar.uncertain else published
            ends = [place - 0.42, place + 0.42]
            axes.plot([bar.published] * 2, ends, color=RED if bar.uncertain else INK, lw=2.2, label=name)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
    axes.set_xlabel(xlabel)
    tidy(axes)
    if share:
        axes.set_xlim(0, 1.35)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    else:
        axes.set_xscale("log")
        axes.set_xlim(left=1)
        if axes.get_xlim()[1] < 1000:  # numbers that are read as they are, not as powers of ten
            from matplotlib.ticker import LogFormatter

            axes.xaxis.set_major_formatter(LogFormatter())
            axes.xaxis.set_minor_formatter(LogFormatter())
        axes.grid(axis="x", color=PALE, linewidth=0.7)
        axes.set_axisbelow(True)
    legend_below(figure)
    return figure
