"""The pictures of experiment 2c: how learning time grows with the lag, and what a learned network does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.learning.online import Learner
from carrousel.papers._experiment import Row
from carrousel.papers._traced import traced
from carrousel.pictures._style import BLUE, GREY, INK, RED, new_figure, save, tidy
from carrousel.tasks import LongLagDistractors

__all__ = ["draw_growth", "draw_trace"]


def draw_growth(path: Path, result: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Training sequences to success: over the lag with as many distractors, and over q/p at the longest lag."""
    found = {entry["row"]: entry for entry in result["rows"]}
    shown = [(row.config or {}, found[row.name]) for row in rows if row.name in found]
    growing = [(config["q"] + 1, entry) for config, entry in shown if config["q"] == config["p"]]
    longest = [(config["q"] // config["p"], entry) for config, entry in shown if config["q"] == 1000]
    figure = new_figure(9.5, 3.9, "Learning over very long lags")
    left, right = figure.subplots(1, 2, sharey=True)
    _curves(left, growing)
    left.set_xlabel("minimal lag q + 1, as many distractors as q")
    left.set_ylabel("training sequences to success")
    _curves(right, longest)
    right.set_xlabel("q / p at q = 1,000: how often each distractor occurs")
    for axes, points in ((left, growing), (right, longest)):
        tidy(axes, grid=True)
        axes.set_ylim(bottom=0)
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_xticks([x for x, _ in points], [f"{x:,}" for x, _ in points])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    if growing or longest:
        (left if growing else right).legend(frameon=False, fontsize=8, loc="upper left")
    save(figure, path)


def _curves(axes: Any, points: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    published = [(x, entry["published"]["sequences_mean"]) for x, entry in points]
    axes.plot(*np.array(published).reshape(-1, 2).T, color=GREY, linewidth=1.2, marker="s", markersize=5, label="1997")
    own = [(x, entry["measured"]) for x, entry in points if entry.get("measured", {}).get("sequences_mean")]
    for x, measured in own:
        axes.plot([x, x], [measured["sequences_min"], measured["sequences_max"]], color=BLUE, linewidth=1, alpha=0.5)
    means = np.array([(x, measured["sequences_mean"]) for x, measured in own]).reshape(-1, 2)
    axes.plot(*means.T, color=BLUE, linewidth=1.8, marker="o", label="measured: mean, lines from least to most")


def draw_trace(path: Path, learner: Learner, task: LongLagDistractors, rng: np.random.Generator, after: int) -> None:
    """States, gates and outputs over two sequences that differ in their second symbol alone."""
    codes = task.draw(rng, 1).inputs
    runs = {}
    for kind in "xy":
        codes[1] = task.p + 2 + "xy".index(kind)
        runs[kind] = traced(learner, codes)
    figure = new_figure(9.5, 7.0, f"Minimal lag {task.q + 1:,}, {task.p:,} distractors, after {after:,} sequences")
    panels = figure.subplots(4, 2, sharex=True, sharey="row")
    names = ("state", "input_gate", "output_gate", "output")
    labels = ("state of the\ncarrousel", "input gate", "output gate", "output")
    for column, (kind, run) in enumerate(runs.items()):
        panels[0, column].set_title(f"b {kind} distractors e", fontsize=9, color=INK)
        for row, name in enumerate(names):
            axes = panels[row, column]
            tidy(axes)
            units = ("x", "y") if name == "output" else ("block 1", "block 2")
            for unit, (label, colour) in enumerate(zip(units, (BLUE, RED), strict=True)):
                axes.plot(run[name][:, unit], color=colour, linewidth=1.3, label=label)
            if name != "state":
                axes.set_ylim(-0.04, 1.04)
            else:
                axes.axhline(0, color=GREY, linewidth=0.6)
            if column == 1 and name in ("state", "output"):
                axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        panels[3, column].set_xlabel("step")
    for row, label in enumerate(labels):
        panels[row, 0].set_ylabel(label)
    save(figure, path)
