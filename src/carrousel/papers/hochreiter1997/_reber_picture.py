"""The picture of a learned carrousel: two embedded Reber strings that differ in the second symbol alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from carrousel.learning.online import Learner
from carrousel.papers._traced import traced
from carrousel.pictures import save
from carrousel.tasks import EmbeddedReber

__all__ = ["draw"]

INNER = "BTXXVPSE"
TASK = EmbeddedReber()


def draw(learner: Learner, path: Path, title: str) -> None:
    """Draws states, gates and outputs over the two strings as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    strings = [f"B{branch}{INNER}{branch}E" for branch in "TP"]
    runs = {string: traced(learner, TASK.encode([string]).inputs) for string in strings}
    figure = Figure(figsize=(10, 9.5), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(3, 2, sharex="col", height_ratios=[3, 2.2, 2])
    low = min(run["state"].min() for run in runs.values()) - 0.5
    high = max(run["state"].max() for run in runs.values()) + 0.5
    apart = _tells_apart(runs)
    for column, (string, run) in enumerate(runs.items()):
        _states(panels[0, column], run["state"], apart, learner.network.block_size)
        panels[0, column].set_ylim(low, high)
        panels[0, column].set_title(" ".join(string[:-1]), family="monospace")
        _gates(panels[1, column], run)
        image = _outputs(panels[2, column], run["output"], TASK.followers(string))
        panels[2, column].set_xticks(range(len(string) - 1), list(string[:-1]))
        panels[2, column].set_xlabel("input symbol")
    panels[0, 0].set_ylabel("state of the carrousel")
    panels[0, 1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    panels[1, 0].set_ylabel("gate")
    panels[2, 0].set_ylabel("predicted symbol\n(circles: legal ones)")
    figure.colorbar(image, ax=panels[1:, :], label="activation", shrink=0.6)
    figure.suptitle(title)
    save(figure, path, dpi=130)


def _tells_apart(runs: dict[str, dict[str, np.ndarray]]) -> int:
    """The cell whose outputs differ most between the strings when the second symbol has to be named again."""
    one, other = runs.values()
    return int(np.argmax(np.abs(one["cell"][-2] - other["cell"][-2])))


def _states(axes: Any, states: np.ndarray, apart: int, block_size: int) -> None:
    for cell, values in enumerate(states.T):
        name = f"block {cell // block_size + 1}" + (f", cell {cell % block_size + 1}" if block_size > 1 else "")
        if cell == apart:
            axes.plot(values, color="black", linewidth=2.6, marker="o", markersize=4, label=f"{name}\n(remembers)")
        else:
            axes.plot(values, linewidth=1.2, alpha=0.8, label=name)
    axes.axhline(0, color="grey", linewidth=0.6)


def _gates(axes: Any, run: dict[str, np.ndarray]) -> None:
    names = [(gate, short) for gate, short in (("input_gate", "in"), ("output_gate", "out")) if gate in run]
    rows = np.concatenate([run[gate] for gate, _ in names], 1)
    labels = [f"{short} {block + 1}" for gate, short in names for block in range(run[gate].shape[1])]
    axes.imshow(rows.T, aspect="auto", cmap="viridis", vmin=0, vmax=1)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)


def _outputs(axes: Any, outputs: np.ndarray, followers: list[str]) -> Any:
    image = axes.imshow(outputs.T, aspect="auto", cmap="viridis", vmin=0, vmax=1)
    axes.set_yticks(range(len(TASK.symbols)), list(TASK.symbols), fontsize=8)
    for t, symbols in enumerate(followers):
        for symbol in symbols:
            axes.plot(t, TASK.symbols.index(symbol), marker="o", color="tab:red", markersize=4, fillstyle="none")
    return image
