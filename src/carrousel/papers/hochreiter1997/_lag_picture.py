"""Draws the picture of experiment 2a: a trained network over both sequences."""

from __future__ import annotations

from pathlib import Path

from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.pictures.steps import Lines, activations_over, draw_steps
from carrousel.pictures.style import save

__all__ = ["draw"]


def draw(path: Path, prepared: Prepared, found: Found, setting: Setting) -> None:
    """Draws the state, the input gate and what is said of x and y, over both sequences, as a PNG file."""
    task, columns = prepared.task, []
    for kind, name in enumerate("xy"):
        run = activations_over(prepared.learner.learner, task.encode([kind]).inputs)
        symbols = [name, *(f"$a_{{{k + 1}}}$" for k in range(task.p - 1))]
        columns.append(
            [
                Lines(label="state of the\ncarrousel", values=run["state"]),
                Lines(label="input gate", values=run["input_gate"], limits=(0, 1)),
                Lines(label="output", values=run["output"][:, task.p - 1 :], names="xy", limits=(0, 1), ticks=symbols),
            ]
        )
    after = f"the cell was added after {found['cell_added']:,} sequences, success after {found['sequences']:,}"
    save(draw_steps(columns, f"Lag of {task.p} steps: {after}", xlabel="input symbol"), path)
