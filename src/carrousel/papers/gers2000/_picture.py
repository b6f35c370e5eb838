"""The picture of both experiments: the states of trained networks over a stream, with and without forget gates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.learning.online import Learner
from carrousel.papers._traced import traced
from carrousel.papers.gers2000._streams import prepared, train
from carrousel.pictures import save
from carrousel.tasks import ContinualTask, Endless

__all__ = ["draw", "trained"]


def trained(
    task: ContinualTask, config: Mapping[str, Any], seed: int, numbers: range, limit: int
) -> tuple[Learner, int, bool]:
    """The first of these trials' networks that is perfect within so many streams, or else the last one.

    Returns:
        It; after how many streams; whether it is perfect.
    """
    for number in numbers:
        rng = np.random.default_rng([seed, number])
        made = prepared(config, rng)
        endless = Endless(task, rng, 4 * config["steps"])
        success, streams, _, _ = train(config, made, endless, limit)
        if success:
            break
    return made, streams, success


def draw(
    path: Path,
    task: ContinualTask,
    networks: Mapping[str, Learner],
    seed: int,
    steps: int,
    closely: int,
) -> None:
    """Draws the states of networks over the same stream as a PNG file, and the last one's closely.

    Args:
        path: the file.
        task: where the stream comes from.
        networks: by what is written above them; the last one has forget gates.
        seed: of the stream.
        steps: how much of it is drawn.
        closely: how much of its end is drawn closely.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    stream = task.draw(np.random.default_rng(seed), steps)
    codes = stream.codes[:steps]
    figure = Figure(figsize=(10, 3 * len(networks) + 5), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(networks) + 2, 1, height_ratios=[*[1] * len(networks), 1, 0.7])
    for axes, (title, made) in zip(panels, networks.items(), strict=False):
        seen = traced(made, codes)
        _lines(axes, np.arange(1, steps + 1), seen["state"])
        axes.set_title(title, fontsize=10)
        axes.set_xlim(0, steps)
    begin = int(stream.ends[np.searchsorted(stream.ends, steps - closely)])
    end = int(stream.ends[stream.ends <= steps][-1])
    close, at = slice(begin, end), np.arange(begin + 1, end + 1)
    _lines(panels[-2], at, seen["state"][close])
    gates = seen["forget_gate"][close].T
    extent = (begin + 0.5, end + 0.5, len(gates) + 0.5, 0.5)
    image = panels[-1].imshow(
        gates, aspect="auto", cmap="viridis", vmin=0, vmax=1, extent=extent, interpolation="nearest"
    )
    for axes in panels[-2:]:
        axes.set_xlim(begin + 0.5, end + 0.5)
        for boundary in stream.ends[(stream.ends >= begin) & (stream.ends < end)]:
            axes.axvline(boundary + 0.5, color="tab:red", linewidth=0.9)
    panels[-2].set_title("the last of these from near: strings begin at red lines", fontsize=10)
    if closely <= 100:
        panels[-1].set_xticks(at, [task.symbols[code] for code in codes[close]], fontsize=7)
    panels[-1].set_yticks(range(1, len(gates) + 1))
    panels[-1].set_ylabel("forget gate of block")
    panels[-1].set_xlabel("symbols of the stream")
    figure.colorbar(image, cax=panels[-1].inset_axes((1.02, 0, 0.015, 1)), label="activation")
    panels[0].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    save(figure, path, dpi=110)


def _lines(axes: Any, at: np.ndarray, states: np.ndarray) -> None:
    for cell, values in enumerate(states.T):
        style = "-" if cell % 2 == 0 else "--"
        label = f"block {cell // 2 + 1}, cell {cell % 2 + 1}"
        axes.plot(at, values, style, color=f"C{cell // 2}", linewidth=1.0, label=label)
    axes.axhline(0, color="grey", linewidth=0.6)
    axes.set_ylabel("state")
