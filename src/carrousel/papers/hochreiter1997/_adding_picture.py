"""Draws what gates and states of a network that adds do over one sequence."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.pictures.steps import Bars, Lines, activations_over, cell_names, draw_steps
from carrousel.pictures.style import save
from carrousel.tasks import Adding, WithGoals

__all__ = ["draw"]


def draw(path: Path, prepared: Prepared, found: Found, setting: Setting, rng: np.random.Generator) -> None:
    """Draws numbers and marks, states and gates over one sequence, which is drawn from ``rng``, as a PNG file."""
    learner, task = prepared.learner, prepared.task
    drawn, marked = _sequence(task, rng)
    run = activations_over(learner, drawn.inputs)
    answer = float(drawn.outputs_of(learner)[0, 0])
    marks = [int(step) + 1 for step in marked]
    size = learner.network.block_size
    blocks = cell_names(learner.network.blocks, 1)
    cells = cell_names(run["state"].shape[1], size)
    panels = [
        Bars(label="number", values=drawn.inputs[:, :1], names=["marked"], shown=marks),
        Lines(label="state of the\ncarrousel", values=run["state"], names=cells, group=size, marks=marks, height=1.5),
        Lines(label="input gate", values=run["input_gate"], names=blocks, limits=(0, 1), marks=marks),
        Lines(label="output gate", values=run["output_gate"], names=blocks, limits=(0, 1), marks=marks),
    ]
    title = f"Adding, T = {task.T}, after {found['sequences']:,} sequences: says {answer:.3f}, "
    save(draw_steps([panels], f"{title}should say {drawn.goals[0, 0]:.3f}"), path)


def _sequence(task: Adding, rng: np.random.Generator) -> tuple[WithGoals, np.ndarray]:
    """Draws a sequence whose two marks can be seen, on numbers far from 0; returns the steps of the marks too."""
    while True:
        drawn = task.draw(rng, 1)
        marks = np.flatnonzero(drawn.inputs[:, 1] == 1)
        if len(marks) == 2 and np.abs(drawn.inputs[marks, 0]).min() > 0.4:
            return drawn, marks
