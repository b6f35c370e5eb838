"""The picture of experiment 2a: a learned network over both sequences."""

from __future__ import annotations

from pathlib import Path

from carrousel.learning.online import Learner
from carrousel.papers._traced import traced
from carrousel.pictures._style import BLUE, GREY, RED, new_figure, save, tidy
from carrousel.tasks import NoiseFreeLag

__all__ = ["draw"]


def draw(path: Path, learner: Learner, task: NoiseFreeLag, added: int, after: int) -> None:
    """The state, the input gate and what is said of x and y, over both sequences."""
    title = f"Lag of {task.p} steps: the cell was added after {added:,} sequences, success after {after:,}"
    figure = new_figure(9.0, 5.6, title)
    panels = figure.subplots(3, 2, sharex="col", sharey="row")
    for kind, name in enumerate("xy"):
        seen = traced(learner, task.encode([kind]).inputs)
        panels[0, kind].plot(seen["state"], color=BLUE, marker="o", markersize=3, linewidth=1.3)
        panels[0, kind].axhline(0, color=GREY, linewidth=0.6)
        panels[1, kind].plot(seen["input_gate"], color=BLUE, marker="o", markersize=3, linewidth=1.3)
        said = seen["output"][:, task.p - 1 :]
        for unit, (label, colour) in enumerate(zip("xy", (BLUE, RED), strict=True)):
            panels[2, kind].plot(said[:, unit], color=colour, marker="o", markersize=3, label=label)
        symbols = [name, *(f"$a_{{{k + 1}}}$" for k in range(task.p - 1))]
        panels[2, kind].set_xticks(range(task.p), symbols)
        panels[2, kind].set_xlabel("input symbol")
        for axes in panels[1:, kind]:
            axes.set_ylim(-0.05, 1.05)
        for axes in panels[:, kind]:
            tidy(axes)
    for axes, label in zip(panels[:, 0], ("state of the\ncarrousel", "input gate", "output"), strict=True):
        axes.set_ylabel(label)
    panels[2, 1].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    save(figure, path)
