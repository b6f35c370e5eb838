"""The picture of a learned adding network: what its gates and states do over one sequence."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from carrousel.learning.online import Learner
from carrousel.papers._traced import traced
from carrousel.pictures import save
from carrousel.tasks import Adding, Ended

__all__ = ["draw_trace"]


def draw_trace(learner: Learner, task: Adding, rng: np.random.Generator, path: Path, sequences: int) -> None:
    """Draws numbers and marks, states, gates over one sequence as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn, marks = _sequence(task, rng)
    run = traced(learner, drawn.inputs)
    answer = float(learner.answers(drawn.inputs, drawn.spans)[0, 0])
    steps = np.arange(1, len(drawn.inputs) + 1)

    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(4, 1, sharex=True, height_ratios=[1.6, 2.4, 1.6, 1.6])
    panels[0].bar(steps, drawn.inputs[:, 0], color="lightgrey", width=0.9)
    panels[0].bar(steps[marks], drawn.inputs[marks, 0], color="tab:red", width=0.9, label="marked")
    panels[0].set_ylabel("number")
    panels[0].legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    size = learner.network.block_size
    for cell, values in enumerate(run["state"].T):
        label = f"block {cell // size + 1}, cell {cell % size + 1}"
        panels[1].plot(steps, values, linewidth=1.6, label=label)
    panels[1].set_ylabel("state of the carrousel")
    panels[1].legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    for axes, gate in zip(panels[2:], ("input_gate", "output_gate"), strict=True):
        for block, values in enumerate(run[gate].T):
            axes.plot(steps, values, linewidth=1.4, label=f"block {block + 1}")
        axes.set_ylim(-0.03, 1.03)
        axes.set_ylabel(gate.replace("_", " "))
        axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    for axes in panels:
        for mark in marks:
            axes.axvline(steps[mark], color="tab:red", linewidth=0.8, alpha=0.5)
    panels[-1].set_xlabel("step")
    panels[0].set_title(
        f"Adding problem, T = {task.T}, after {sequences:,} sequences: "
        f"the answer is {answer:.3f}, the target {drawn.goals[0, 0]:.3f}",
        fontsize=10,
    )
    save(figure, path, dpi=130)


def _sequence(task: Adding, rng: np.random.Generator) -> tuple[Ended, np.ndarray]:
    """A sequence whose two marks can be seen, on numbers that are far from nought; and where they are."""
    while True:
        drawn = task.draw(rng, 1)
        marks = np.flatnonzero(drawn.inputs[:, 1] == 1)
        if len(marks) == 2 and np.abs(drawn.inputs[marks, 0]).min() > 0.4:
            return drawn, marks
