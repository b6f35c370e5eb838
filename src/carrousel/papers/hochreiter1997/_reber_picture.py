"""Draws a trained network over two embedded Reber strings that differ in the second symbol alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from carrousel.papers._trial import Prepared
from carrousel.pictures.steps import Image, Lines, activations_over, cell_names, draw_steps, unit_names
from carrousel.pictures.style import save

__all__ = ["draw"]

INNER = "BTXXVPSE"
GATES = {"input_gate": "in", "output_gate": "out"}


def draw(prepared: Prepared, path: Path, title: str) -> None:
    """Draws states, gates and outputs over the two strings as a PNG file."""
    learner, task = prepared.learner, prepared.task
    drawn = {string: task.encode([string]) for string in (f"B{branch}{INNER}{branch}E" for branch in "TP")}
    runs = {string: activations_over(learner, drawn[string].inputs) for string in drawn}
    one, other = runs.values()
    # The cell whose outputs differ most when the second symbol has to be named again.
    apart = int(np.argmax(np.abs(one["cell"][-2] - other["cell"][-2])))
    names = cell_names(one["state"].shape[1], learner.network.block_size)
    names[apart] += "\n(remembers)"
    columns = []
    for string, run in runs.items():
        gates, units = unit_names(run, GATES)
        columns.append(
            [
                Lines(
                    label="state of the carrousel",
                    values=run["state"],
                    names=names,
                    bold=apart,
                    group=learner.network.block_size,
                    title=" ".join(string[:-1]),
                    height=1.5,
                ),
                Image(label="gate", values=gates, names=units, height=1.1),
                Image(
                    label="predicted symbol\n(rings: legal ones)",
                    values=run["output"],
                    names=list(task.symbols),
                    rings=drawn[string].legal,
                    ticks=list(string[:-1]),
                ),
            ]
        )
    save(draw_steps(columns, title, xlabel="input symbol"), path)
