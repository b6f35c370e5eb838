"""Draws the pictures of experiment 2c: learning time over the lag, and what a trained network does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Row
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.pictures.curves import Growth
from carrousel.pictures.curves import draw_growth as draw_panels
from carrousel.pictures.steps import Lines, activations_over, cell_names, draw_steps
from carrousel.pictures.style import save

__all__ = ["draw_growth", "draw_trace"]


def draw_growth(path: Path, result: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Draws training sequences to success: over the lag with as many distractors, and over q/p at the longest lag."""
    entries = {entry["row"]: entry for entry in result["rows"]}
    shown = [(row.config.task, entries[row.name]) for row in rows if row.config is not None and row.name in entries]
    growing = {task["q"] + 1: entry for task, entry in shown if task["q"] == task["p"]}
    longest = {task["q"] // task["p"]: entry for task, entry in shown if task["q"] == 1000}
    panels = [
        _growth("minimal lag q + 1, as many distractors as q", growing),
        _growth("q / p at q = 1,000: how often each distractor occurs", longest),
    ]
    figure = draw_panels(panels, "Learning over very long lags", ylabel="training sequences to success")
    save(figure, path)


def _growth(xlabel: str, entries: Mapping[int, Mapping[str, Any]]) -> Growth:
    published = {x: entry["published"]["sequences_mean"] for x, entry in entries.items()}
    figures = {x: entry.get("measured", {}) for x, entry in entries.items()}
    measured = {
        x: (each["sequences_mean"], each["sequences_min"], each["sequences_max"])
        for x, each in figures.items()
        if each.get("sequences_mean")
    }
    return Growth(xlabel, published, measured)


def draw_trace(path: Path, prepared: Prepared, found: Found, setting: Setting) -> None:
    """Draws states, gates and outputs over two sequences that differ in their second symbol alone, as a PNG file."""
    task, columns = prepared.task, []
    codes = task.draw(setting.rng, 1).inputs
    for kind in "xy":
        codes[1] = task.p + 2 + "xy".index(kind)
        run = activations_over(prepared.learner, codes)
        blocks = cell_names(2, 1)
        state = Lines(
            label="state of the\ncarrousel", values=run["state"], names=blocks, title=f"b {kind} distractors e"
        )
        gates = [
            Lines(label=gate.replace("_", " "), values=run[gate], limits=(0, 1))
            for gate in ("input_gate", "output_gate")
        ]
        columns.append([state, *gates, Lines(label="output", values=run["output"], names="xy", limits=(0, 1))])
    title = f"Minimal lag {task.q + 1:,}, {task.p:,} distractors, after {found['sequences']:,} sequences"
    save(draw_steps(columns, title), path)
