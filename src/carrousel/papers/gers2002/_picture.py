"""The picture of kept time: what learned networks generate over 1,000 periods, folded by the period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.papers.gers2002._trial import TESTED, prepared, task, train
from carrousel.pictures import save

__all__ = ["draw"]

SHOWN = 10  # periods, from the beginning and from the end
NETWORKS = 5  # are tried


def draw(path: Path, result: Mapping[str, Any], rows: Sequence[tuple[str, Mapping[str, Any]]], title: str) -> None:
    """Trains a network for each row and draws its outputs as a PNG file.

    Args:
        path: of the file.
        result: the experiment's result, which has the seed and the options.
        rows: a label and a configuration for each.
        title: the picture's.

    Raises:
        ValueError: none of some networks learned a row's task.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 2.9 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(rows), 3, width_ratios=[2, 1.4, 1.2], squeeze=False)
    for line, (label, config) in zip(panels, rows, strict=True):
        outputs, targets, streams = _generate(config, result)  # [periods, F]
        period = outputs.shape[1]
        steps = np.arange(SHOWN * period)
        line[0].plot(steps, targets[-SHOWN:].ravel(), color="lightgrey", linewidth=3, label="target")
        line[0].plot(steps, outputs[-SHOWN:].ravel(), color="tab:blue", linewidth=1.2, label="output")
        line[0].set_title(f"{label}: the last {SHOWN} periods ({streams:,} training streams)", fontsize=8)
        line[0].set_xlabel("step")
        line[0].set_ylim(-0.15, 1.5)
        line[0].legend(fontsize=7, loc="upper left", ncols=2)
        image = line[1].imshow(outputs, aspect="auto", cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
        line[1].set_xlabel("step of the period")
        line[1].set_ylabel("period")
        line[1].set_title("all periods", fontsize=9)
        figure.colorbar(image, ax=line[1], label="output")
        line[2].plot(np.abs(outputs - targets).max(1), color="tab:blue", label="largest error")
        line[2].axhline(task(config, result["options"]).tolerance, color="tab:red", linestyle="--", label="tolerance")
        line[2].set_ylim(0, 0.55)
        line[2].set_xlabel("period")
        line[2].set_title("error", fontsize=9)
        line[2].legend(fontsize=7)
    figure.suptitle(title)
    save(figure, path, dpi=130)


def _generate(config: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, int]:
    """Outputs and targets ``[periods, F]`` of the first network that learns, and after how many streams it did."""
    options, chosen = result["options"], task(config, result["options"])
    for number in range(NETWORKS):
        rng = np.random.default_rng([result["seed"], number])
        learner = prepared(config, options, rng)
        learned, streams, _, stream = train(learner, chosen, config["limit"], rng)
        if learned:
            outputs = learner.sequence_outputs([stream.inputs])
            return outputs.reshape(TESTED, -1), stream.targets.reshape(TESTED, -1), streams
    raise ValueError(f"none of {NETWORKS} networks learned the task, so there is nothing to draw")
