"""The picture of counting: states, gates and predictions of a network over one string."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from carrousel.learning.online import Learner
from carrousel.papers._traced import traced
from carrousel.pictures import save
from carrousel.tasks import CountingLanguage

__all__ = ["draw"]

COLOURS = ("tab:blue", "tab:orange")
GATES = {"input_gate": "input gate", "forget_gate": "forget gate", "output_gate": "output gate"}


def draw(learner: Learner, language: CountingLanguage, numbers: Sequence[int], path: Path, title: str) -> None:
    """Draws states, cell outputs, gates and predictions over the string with these numbers as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    string = language.encode([numbers])
    seen = traced(learner, string.inputs)
    figure = Figure(figsize=(10, 9), layout="constrained")
    FigureCanvasAgg(figure)
    states, gates, outputs = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2.4, 2])
    for cell in range(seen["state"].shape[1]):
        colour = COLOURS[cell % len(COLOURS)]
        states.plot(seen["state"][:, cell], color=colour, marker=".", label=f"state of cell {cell + 1}")
        states.plot(seen["cell"][:, cell], color=colour, linestyle="--", label=f"output of cell {cell + 1}")
    states.axhline(0, color="grey", linewidth=0.6)
    states.legend(frameon=False, fontsize=8)
    states.set_title(title)
    rows = np.concatenate([seen[gate] for gate in GATES], 1)
    labels = [f"{name} {block + 1}" for gate, name in GATES.items() for block in range(seen[gate].shape[1])]
    image = gates.imshow(rows.T, aspect="auto", cmap="viridis", vmin=0, vmax=1)
    gates.set_yticks(range(len(labels)), labels, fontsize=8)
    figure.colorbar(image, ax=gates, label="activation")
    image = outputs.imshow(seen["output"].T, aspect="auto", cmap="coolwarm", vmin=-2, vmax=2)
    outputs.set_yticks(range(len(language.outputs)), list(language.outputs))
    outputs.set_ylabel("predicted\n(dots: can follow)")
    times, symbols = np.nonzero(string.legal)
    outputs.plot(times, symbols, linestyle="", marker="o", color="black", markersize=3)
    outputs.set_xticks(range(len(string.inputs)), list(string.text[0][:-1]), fontsize=7)
    outputs.set_xlabel("input symbol")
    figure.colorbar(image, ax=outputs, label="output")
    save(figure, path, dpi=130)
