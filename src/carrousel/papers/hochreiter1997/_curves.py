"""The picture of learning curves: the training error of every trial."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

from carrousel.pictures import save

__all__ = ["draw_curves"]


def draw_curves(path: Path, result: Mapping[str, Any], titles: Mapping[str, str]) -> None:
    """Writes a PNG file with a panel for each row that was run; ``titles`` are those of rows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    rows = [entry for entry in result["rows"] if entry.get("measured", {}).get("curves")]
    if not rows:
        raise ValueError("no row was run, so there is nothing to draw")
    across = min(len(rows), 4 if len(rows) > 6 else 3)
    down = ceil(len(rows) / across)
    figure = Figure(figsize=(1.2 + 2.9 * across, 0.7 + 2.3 * down), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, squeeze=False, sharey=True)
    for axes in panels.flat[len(rows) :]:
        axes.set_visible(False)
    for axes, entry in zip(panels.flat, rows, strict=False):
        measured = entry["measured"]
        for curve in measured["curves"]:
            every, errors = curve["every"], curve["errors"]
            axes.plot([(k + 0.5) * every / 1000 for k in range(len(errors))], errors, linewidth=0.9, alpha=0.8)
        published = entry["published"].get("sequences_mean")
        if published:
            axes.axvline(published / 1000, color="black", linestyle=":", linewidth=1.2, label="published mean")
        if measured.get("sequences_mean"):
            mean = measured["sequences_mean"] / 1000
            axes.axvline(mean, color="tab:red", linestyle="--", linewidth=1.2, label="mean here")
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_title(titles[entry["row"]], fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
    for axes in panels[:, 0]:
        axes.set_ylabel("mean absolute error", fontsize=9)
    for k in range(len(rows)):
        if k + across >= len(rows):
            panels.flat[k].set_xlabel("training sequences / 1,000", fontsize=9)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, frameon=False, loc="outside lower right", ncols=2)
    save(figure, path, dpi=130)
