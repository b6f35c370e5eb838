"""A piano roll: which keys sound when, and which a model expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from carrousel.pictures.style import BLUE, GREY, INK, PALE, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_roll"]

BLACK = (1, 3, 6, 8, 10)  # keys of an octave
MARGIN = 2  # keys that are shown above the highest note and below the lowest
QUARTERS = 64  # of a line


def draw_roll(
    frames: np.ndarray,
    *,
    resolution: int,
    chances: np.ndarray | None = None,
    quarters: int = QUARTERS,
    bar: int = 4,
    labels: Sequence[str] = (),
    title: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draws pieces of music in lines, the keys of a piano from below, each note a bar from its begin to its end.

    Args:
        frames: which keys sound, ``[T, 88]``, the lowest key of a piano first.
        resolution: frames in a quarter note.
        chances: with what probability a model expected each, ``[T, 88]``; it is drawn behind, the surer the darker.
        quarters: quarter notes of a line.
        bar: quarter notes between the thin lines upright.
        labels: what stands at the left of each line.
        title: the picture's.
        caption: what stands below it.

    Raises:
        ValueError: there are no frames, or other chances than frames.
    """
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    from carrousel.data.music import KEYS, LOWEST, notes_of

    frames = np.asarray(frames)
    if frames.ndim != 2 or frames.shape[1] != KEYS or not len(frames):
        raise ValueError(f"frames must be [T, {KEYS}], at least one, got {list(frames.shape)}")
    if chances is not None and chances.shape != frames.shape:
        raise ValueError(f"chances must be {list(frames.shape)} as the frames are, got {list(chances.shape)}")
    used = np.flatnonzero(frames.any(axis=0))
    low, high = (int(used[0]), int(used[-1])) if len(used) else (39, 51)
    low, high = max(low - MARGIN, 0) + LOWEST, min(high + MARGIN, KEYS - 1) + LOWEST
    quarters = min(quarters, -(-len(frames) // resolution))
    width = quarters * resolution
    begins = range(0, len(frames), width)
    height = len(begins) * (0.35 + 0.045 * (high - low + 1))
    figure = new_figure(11, height + 0.8, title)
    lines = figure.subplots(len(begins), 1, squeeze=False, sharex=True)[:, 0]
    for number, (axes, begin) in enumerate(zip(lines, begins, strict=True)):
        part = frames[begin : begin + width]
        for key in range(low, high + 1):
            if key % 12 in BLACK:
                axes.axhspan(key - 0.5, key + 0.5, color=PALE, alpha=0.45, linewidth=0)
        for quarter in range(0, quarters + 1, bar):
            axes.axvline(quarter, color=PALE, linewidth=0.7)
        if chances is not None:
            shown = chances[begin : begin + width, low - LOWEST : high - LOWEST + 1].T
            extent = (0, len(part) / resolution, low - 0.5, high + 0.5)
            axes.imshow(shown, aspect="auto", origin="lower", extent=extent, cmap="Oranges", vmin=0, vmax=1)
        boxes = [
            Rectangle((first / resolution, key - 0.4), (end - first) / resolution - 0.06, 0.8)
            for key, first, end in notes_of(part)
        ]
        style = {"facecolor": "none", "edgecolor": INK} if chances is not None else {"facecolor": BLUE, "linewidth": 0}
        axes.add_collection(PatchCollection(boxes, **style))
        octaves = [key for key in range(low, high + 1) if key % 12 == 0]
        axes.set_yticks(octaves, [f"C{key // 12 - 1}" for key in octaves])
        axes.set(xlim=(0, quarters), ylim=(low - 0.5, high + 0.5))
        tidy(axes)
        if number < len(labels):
            axes.set_ylabel(labels[number], rotation=0, ha="right", va="center", fontsize=8)
    lines[-1].set_xlabel("quarter note")
    if caption:
        figure.supxlabel(caption, fontsize=8, color=GREY)
    return figure
