"""How something grows or falls: one panel or several, each with lines and what they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

from carrousel.pictures.style import BLUE, GREY, INK, RED, legend_below, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Curves", "Growth", "draw_curves", "draw_growth"]


MANY = (
    1e4  # times the least value: beyond it powers of ten are ticks enough, and the threes between them would take all
)


@dataclass(frozen=True)
class Curves:
    """The panel of one row of a table.

    Attributes:
        title: what stands above.
        lines: ``(x, y)`` of each line.
        published, measured: x of the published and of the measured mean.
    """

    title: str
    lines: Sequence[tuple[Sequence[float], Sequence[float]]]
    published: float | None = None
    measured: float | None = None


def draw_curves(panels: Sequence[Curves], *, xlabel: str, ylabel: str, title: str | None = None) -> Figure:
    """Draws a panel for each row of a table, y on a logarithmic scale that all share.

    Raises:
        ValueError: there are no panels.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    if not panels:
        raise ValueError("no row was run, so there is nothing to draw")
    across = 2 if len(panels) == 4 else min(len(panels), 4 if len(panels) > 6 else 3)
    down = ceil(len(panels) / across)
    figure = new_figure(1.2 + 2.9 * across, 0.9 + 2.3 * down, title)
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    seen = [value for panel in panels for _, y in panel.lines for value in y if value > 0]
    few = not seen or max(seen) / min(seen) < MANY
    for place, (axes, panel) in enumerate(zip(grid.flat, panels, strict=False)):
        for x, y in panel.lines:
            axes.plot(x, y, color=BLUE, linewidth=0.9, alpha=0.55)
        if panel.published:
            axes.axvline(panel.published, color=INK, linestyle=":", linewidth=1.2, label="published mean")
        if panel.measured:
            axes.axvline(panel.measured, color=RED, linestyle="--", linewidth=1.2, label="mean here")
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if few else (1.0,)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_title(panel.title, fontsize=9, color=INK)
        if place + across >= len(panels):
            axes.set_xlabel(xlabel)
        if place % across == 0:
            axes.set_ylabel(ylabel)
        tidy(axes, grid=True)
    legend_below(figure, ncols=2, loc="outside lower right")
    return figure


@dataclass(frozen=True)
class Growth:
    """A panel of means over a size, beside the published ones.

    Attributes:
        xlabel: what the size is.
        published: means by size.
        measured: mean, least and greatest by size.
    """

    xlabel: str
    published: Mapping[int, float] = field(default_factory=dict)
    measured: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)


def draw_growth(panels: Sequence[Growth], title: str, *, ylabel: str) -> Figure:
    """Draws how means grow over sizes, which stand on a logarithmic scale."""
    figure = new_figure(4.75 * len(panels), 3.9, title)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(grid, panels, strict=True):
        axes.plot(*_points(panel.published), color=GREY, linewidth=1.2, marker="s", markersize=5, label="published")
        for x, (_, least, greatest) in panel.measured.items():
            axes.plot([x, x], [least, greatest], color=BLUE, linewidth=1, alpha=0.5)
        means = {x: values[0] for x, values in panel.measured.items()}
        axes.plot(*_points(means), color=BLUE, linewidth=1.8, marker="o", label="measured: mean, from least to most")
        axes.set_xlabel(panel.xlabel)
        tidy(axes, grid=True)
        axes.set_xscale("log")
        axes.minorticks_off()
        sizes = list(panel.published)
        axes.set_xticks(sizes, [f"{x:,}" for x in sizes])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    grid[0].set_ylabel(ylabel)
    grid[0].set_ylim(bottom=0)  # all that share it are drawn now
    shown = next((axes for axes, panel in zip(grid, panels, strict=True) if panel.published), None)
    if shown is not None:
        shown.legend(frameon=False, fontsize=8, loc="upper left", labelcolor=INK)
    return figure


def _points(values: Mapping[int, Any]) -> tuple[list[int], list[Any]]:
    return list(values), list(values.values())
