"""The picture of a baseline: what was right when training was over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Row
from carrousel.pictures._style import BLUE, GREY, INK, PALE, new_figure, save, tidy

__all__ = ["draw"]


def draw(path: Path, result: Mapping[str, Any], rows: Sequence[Row], title: str) -> None:
    """Two bars for each row: the share of right answers, and the share of trials that succeeded."""
    found = {entry["row"]: entry["measured"] for entry in result["rows"] if "measured" in entry}
    shown = [row for row in rows if row.name in found]
    figure = new_figure(9, 1.3 + 0.55 * len(shown), title)
    axes = figure.subplots()
    for place, row in enumerate(shown):
        measured = found[row.name]
        axes.barh(place - 0.18, measured["right"], color=PALE, edgecolor=GREY, lw=0.7, height=0.34, label="right")
        axes.barh(place + 0.18, measured["success_rate"], color=BLUE, height=0.34, label="successful trials")
        trials = measured["trials"]
        words = f"{measured['success_rate'] * trials:.0f} of {trials}, cap {row.columns['cap']}"
        axes.text(measured["success_rate"] + 0.01, place + 0.18, words, va="center", fontsize=8, color=INK)
    axes.set_xlim(0, 1.35)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(
        range(len(shown)), [f"{row.columns['task']}\nhidden units: {row.columns['hidden units']}" for row in shown]
    )
    tidy(axes)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    names = {"right": "right answers when training was over", "successful trials": "successful trials"}
    figure.legend(
        handles.values(),
        [names[key] for key in handles],
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=8,
    )
    save(figure, path)
