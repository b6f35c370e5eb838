"""The picture of random weight guessing: draws on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Row
from carrousel.pictures._style import BLUE, GREY, INK, PALE, RED, new_figure, save, tidy

__all__ = ["draw"]


def draw(path: Path, result: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Draws a bar for each row that was run, with the published number, and one for each quoted row."""
    found = {entry["row"]: entry for entry in result["rows"]}
    shown = [row for row in rows if row.name in found]
    figure = new_figure(10, 1.4 + 0.27 * len(shown), "Random weight guessing: draws until 100 sequences are right")
    axes = figure.subplots()
    labels = []
    for place, row in enumerate(shown):
        published = row.published.get("draws_mean", row.published.get("draws_uncertain"))
        measured = found[row.name].get("measured", {})
        if measured.get("draws_mean") is not None:
            axes.barh(place, measured["draws_mean"], color=BLUE, height=0.66, label="guessing, here")
            sure = "draws_mean" in row.published
            label = "guessing, published" if sure else "guessing, published, source uncertain"
            axes.plot([published] * 2, [place - 0.42, place + 0.42], color=INK if sure else RED, lw=2.2, label=label)
        elif row.config is None:
            axes.barh(
                place, published, color=PALE, edgecolor=GREY, lw=0.7, height=0.66, label="other methods, published"
            )
        labels.append(_label(row))
    axes.set_xscale("log")
    axes.set_xlim(1, 2_000_000)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(range(len(shown)), labels)
    axes.set_xlabel("draws of all weights (other methods: trials or sequences, as published)")
    tidy(axes)
    axes.grid(axis="x", color=PALE, linewidth=0.7)
    axes.set_axisbelow(True)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    save(figure, path)


def _label(row: Row) -> str:
    noise = row.columns["noise"]
    about = f"; noise: {noise}" if noise not in ("", "none") else ""
    return f"{row.columns['task']}: {row.columns['network or method']}{about}"
