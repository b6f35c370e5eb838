"""Draws the states of trained networks over a stream, with and without forget gates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.pictures.steps import Image, Lines, activations_over, cell_names, draw_steps
from carrousel.pictures.style import save

__all__ = ["draw"]

Trained = tuple[Prepared, Found, Setting]


def draw(path: Path, growing: Trained, resetting: Trained, seed: int, steps: int, closely: int) -> None:
    """Draws the states of two networks over the same stream as a PNG file, and the second one's from near.

    Args:
        path: the file.
        growing: a network without forget gates.
        resetting: a network with them.
        seed: of the stream.
        steps: how much of it is drawn.
        closely: how much of its end is drawn from near.
    """
    task = resetting[0].task
    stream = task.stream(np.random.default_rng(seed), steps)
    codes = stream.codes[:steps]
    panels: list[Lines | Image] = []
    for (prepared, found, _), name in ((growing, "LSTM"), (resetting, "LSTM with forget gates")):
        run = activations_over(prepared.learner, codes)
        names = cell_names(run["state"].shape[1], prepared.learner.network.block_size)
        title = f"{name} after {found['streams']:,} streams{', perfect' * found['success']}"
        panels.append(Lines(label="state", values=run["state"], names=names, group=2, title=title, height=1.5))
    begin = int(stream.ends[np.searchsorted(stream.ends, steps - closely)])
    end = int(stream.ends[stream.ends <= steps][-1])
    marks = [at + 0.5 for at in stream.ends if begin <= at < end]
    near: dict[str, Any] = {"first": begin + 1, "marks": marks}
    title = "the same from near: strings begin at red lines"
    panels.append(Lines(label="state", values=run["state"][begin:end], group=2, title=title, height=1.5, **near))
    symbols = [task.symbols[code] for code in codes[begin:end]] if closely <= 100 else []
    panels.append(Image(label="forget gate\nof block", values=run["forget_gate"][begin:end], ticks=symbols, **near))
    save(draw_steps([panels], xlabel="symbols of the stream"), path)
