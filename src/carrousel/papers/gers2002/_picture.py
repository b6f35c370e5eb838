"""Draws what trained networks generate over 1,000 periods, folded by the period."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.pictures.style import BLUE, GREY, INK, RED, new_figure, save, tidy

__all__ = ["draw"]

SHOWN = 10  # periods, the last ones


def draw(path: Path, networks: Mapping[str, tuple[Prepared, Found, Setting]], title: str) -> None:
    """Draws the outputs of trained networks as a PNG file: the last periods, all of them, the errors."""
    figure = new_figure(11, 0.5 + 2.9 * len(networks), title)
    grid = figure.subplots(len(networks), 3, width_ratios=[2, 1.4, 1.2], squeeze=False)
    for (last, every, error), (label, (prepared, found, setting)) in zip(grid, networks.items(), strict=True):
        task, periods = prepared.task, setting.config.until["tested"]
        stream = task.stream(setting.rng, periods)
        outputs = prepared.learner.sequence_outputs([stream.inputs]).reshape(periods, -1)  # [periods, F]
        targets = stream.targets.reshape(periods, -1)
        steps = np.arange(SHOWN * task.period)
        last.plot(steps, targets[-SHOWN:].ravel(), color=GREY, alpha=0.5, linewidth=3, label="target")
        last.plot(steps, outputs[-SHOWN:].ravel(), color=BLUE, linewidth=1.2, label="output")
        after = f"{label}: the last {SHOWN} periods ({found['sequences']:,} training streams)"
        last.set_title(after, fontsize=8, color=INK)
        last.set_xlabel("step")
        last.set_ylim(-0.15, 1.5)
        last.legend(fontsize=7, loc="upper left", ncols=2, frameon=False)
        image = every.imshow(outputs, aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        every.set_xlabel("step of the period")
        every.set_ylabel("period")
        every.set_title("all periods", fontsize=9, color=INK)
        figure.colorbar(image, ax=every, label="output")
        error.plot(np.abs(outputs - targets).max(1), color=BLUE, label="largest error")
        error.axhline(task.tolerance, color=RED, linestyle="--", label="tolerance")
        error.set_ylim(0, 0.55)
        error.set_xlabel("period")
        error.set_title("error", fontsize=9, color=INK)
        error.legend(fontsize=7, frameon=False)
        for axes in (last, every, error):
            tidy(axes)
    save(figure, path)
