"""Draws the picture of counting: states, gates and predictions of a network over one string."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from carrousel.learning.online import Learner
from carrousel.pictures.steps import Image, Lines, activations_over, draw_steps, unit_names
from carrousel.pictures.style import save
from carrousel.tasks import CountingLanguage

__all__ = ["draw"]

GATES = {"input_gate": "input gate", "forget_gate": "forget gate", "output_gate": "output gate"}


def draw(path: Path, learner: Learner, task: CountingLanguage, numbers: Sequence[int], title: str) -> None:
    """Draws states, cell outputs, gates and predictions over the string with these numbers as a PNG file."""
    string = task.encode([numbers])
    run = activations_over(learner, string.inputs)
    lines, names = unit_names(run, {"state": "state of cell", "cell": "output of cell"})
    order = np.arange(lines.shape[1]).reshape(2, -1).T.ravel()  # each cell's state, then its output
    lines, names = lines[:, order], [names[k] for k in order]
    gates, units = unit_names(run, GATES)
    letters = list(string.text[0][:-1])
    panels = [
        Lines(label="cells", values=lines, names=names, group=2, height=1.6),
        Image(label="gate", values=gates, names=units, height=1.2),
        Image(
            label="predicted\n(rings: can follow)",
            values=run["output"],
            names=list(task.output_symbols),
            limits=(-2, 2),
            rings=string.legal,
            ticks=letters,
        ),
    ]
    save(draw_steps([panels], title, xlabel="input symbol", width=10.5), path)
