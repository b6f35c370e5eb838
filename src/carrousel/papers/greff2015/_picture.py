"""Draws what all trials of all variants came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.papers._experiment import Row
from carrousel.pictures.style import BLUE, GREY, INK, RED, legend_below, new_figure, save, tidy

__all__ = ["draw"]


def draw(path: Path, rows: Sequence[Row], result: Mapping[str, Any]) -> None:
    """Draws a point for each trial and variant; those of the best fifth by validation are blue, their mean a line."""
    figures = {entry["row"]: entry["measured"] for entry in result["rows"] if "measured" in entry}
    shown = [row for row in rows if row.name in figures]
    figure = new_figure(9.5, 1.5 + 0.38 * len(shown), "Random search: nats a quarter of unseen chorales")
    axes = figure.subplots()
    for place, row in enumerate(shown):
        measured = figures[row.name]
        best = [*measured["of_best"]]
        other = [*measured["tests"]]
        for value in best:
            other.remove(value)
        # Points that would hide one another stand a little apart.
        heights = place + 0.09 * np.array([-1, 0, 1])[np.arange(len(other)) % 3]
        axes.scatter(other, heights, s=16, color=GREY, alpha=0.7, linewidths=0, label="a setting that was drawn")
        axes.scatter(best, [place] * len(best), s=22, color=BLUE, linewidths=0, label="the best fifth by validation")
        ends = [place - 0.36, place + 0.36]
        differs = measured.get("p") is not None and measured["p"] < 0.05
        axes.plot([measured["fifth"]] * 2, ends, color=RED if differs else INK, lw=1.8,
                  label="its mean; red: other than vanilla's, p < 0.05")  # fmt: skip
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(range(len(shown)), [f"{row.label} ({row.columns['in the paper']})" for row in shown])
    axes.set_xlabel("nats a quarter, the lower the better; at the right end no better than single keys")
    tidy(axes, grid=True)
    legend_below(figure)
    save(figure, path)
