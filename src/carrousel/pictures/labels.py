"""Labels over time: the class of every step, and the spikes of a string of labels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.pictures.style import COLOURS, GREY, INK, PALE, RED, legend_beside, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_spikes", "draw_tags"]

NAMED = 24  # channels or classes whose names have room beside the picture
LETTERS = 11  # of what stands in the picture, in an inch
WRITTEN = 90  # symbols that have room below it
LINES = 7  # classes that are drawn as lines
LONGEST = 120  # letters of a string below the picture
CLEAR = 0.25  # the probability from which a spike bears its label


def draw_tags(
    probabilities: np.ndarray,
    classes: Any,
    sequence: np.ndarray | None = None,
    *,
    tags: Any = None,
    actual: Any = None,
    channels: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws the class of every step: the input, the probabilities, and what was said above what is so.

    Args:
        probabilities: of each class at each step, [T, K].
        classes: the K classes.
        sequence: the input, ``[T, C]``, or symbols ``[T]``, which stand below the picture where they have room.
        tags: the class that is said at each step; by default the most probable.
        actual: the class that it is, ``""`` where nobody knows it; steps that differ are red.
        channels: the names of the channels of the input.
        title: the picture's.
    """
    steps, count = probabilities.shape
    words = [str(name) for name in classes]
    said = [words[k] for k in probabilities.argmax(axis=1)] if tags is None else [str(tag) for tag in tags]
    symbols = sequence is not None and np.asarray(sequence).dtype.kind in "UO"
    top = 0.0 if sequence is None or symbols else max(1.0, min(np.shape(sequence)[1], NAMED) / 7)
    bands = 1 if actual is None else 2
    layout: list[Any] = [*([["input"]] if top else []), ["classes"], ["bands"]]
    as_lines = count <= LINES and not symbols
    middle = 1.6 if as_lines else max(0.9, min(count, NAMED) / 6)
    heights = [*([top] if top else []), middle, 0.34 * bands + 0.1]
    width = max(8.0, min(16.0, 0.13 * steps)) + 1.4
    figure = new_figure(width, sum(heights) + 1.1, title)
    axes = figure.subplot_mosaic(layout, height_ratios=heights, sharex=True)
    if top:
        _image(axes["input"], np.asarray(sequence, dtype=float), channels, steps)
    panel = axes["classes"]
    if as_lines:
        for k, word in enumerate(words):
            panel.plot(
                np.arange(steps), probabilities[:, k], color=COLOURS[k % len(COLOURS)], label=word, linewidth=1.3
            )
        panel.set_ylim(-0.02, 1.02)
        legend_beside(panel)
        tidy(panel)
    else:
        panel.imshow(
            probabilities.T, aspect="auto", interpolation="nearest", cmap="Blues", vmin=0, vmax=1,
            extent=(-0.5, steps - 0.5, count - 0.5, -0.5),
        )  # fmt: skip
        tidy(panel)
        _names(panel, words)
    panel.set_ylabel("probability" if as_lines else "class")
    rows = [("said", said), *([] if actual is None else [("actual", [str(tag) for tag in actual])])]
    _bands(axes["bands"], rows, words, steps, width)
    last = axes["bands"]
    if symbols and steps <= WRITTEN:
        found = [str(word) for word in np.asarray(sequence)]
        narrow = max(map(len, found)) * steps > LETTERS * width
        last.set_xticks(np.arange(steps), found, rotation=90 if narrow else 0, fontsize=8)
    else:
        last.set_xlabel("step")
        last.locator_params(axis="x", integer=True)
    last.set_xlim(-0.5, steps - 0.5)
    return figure


def _bands(axes: Any, rows: list[tuple[str, list[str]]], words: list[str], steps: int, width: float) -> None:
    """Draws rows of labels as coloured runs, named where there is room; where two rows differ a red line stands."""
    colours = {word: COLOURS[k % (len(COLOURS) - 1)] for k, word in enumerate(words)}
    letter = steps / (width * LETTERS)  # steps that a letter takes
    for row, (_, labels) in enumerate(rows):
        edges = [0, *(t for t in range(1, steps) if labels[t] != labels[t - 1]), steps]
        for start, end in pairwise(edges):
            word = labels[start]
            colour = colours.get(word, PALE)
            axes.barh(row, end - start, left=start - 0.5, height=0.86, color=colour, alpha=0.55, linewidth=0)
            if end - start > letter * len(word):
                axes.text((start + end - 1) / 2, row, word, ha="center", va="center", fontsize=7, color=INK)
    if len(rows) == 2:
        wrong = [t for t, (a, b) in enumerate(zip(rows[0][1], rows[1][1], strict=True)) if b not in ("", a)]
        axes.bar(wrong, 0.14, bottom=0.43, width=1.0, color=RED, linewidth=0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8)
    tidy(axes)
    axes.spines["left"].set_visible(False)


def draw_spikes(
    probabilities: np.ndarray,
    labels: Sequence[Any],
    sequence: np.ndarray | None = None,
    *,
    said: Sequence[Any] = (),
    actual: Sequence[Any] | None = None,
    stride: int = 1,
    rate: float | None = None,
    channels: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws when a string of labels is said: the input as an image, and below it the probability of each label.

    After Graves, Fernández, Gomez & Schmidhuber 2006, figure 1: a network that was trained by CTC says nothing, the
    blank, most of the time, and each label by a spike.

    Args:
        probabilities: of each label and, last, of the blank, at each step [S, K + 1].
        labels: the K labels.
        sequence: the input, ``[T, C]``; or an image ``[H, W, C]``, whose columns are the frames.
        said: the string that is said.
        actual: the string that it is.
        stride: frames of the input in a step.
        rate: frames in a second; None has the axis count frames.
        channels: the names of the channels.
        title: the picture's.
    """
    steps = len(probabilities)
    symbols = sequence is None or np.asarray(sequence).dtype.kind in "UO"
    image = None if sequence is None or np.ndim(sequence) != 3 else np.asarray(sequence, dtype=float)
    frames = steps * stride if sequence is None or symbols else len(sequence) if image is None else image.shape[1]
    scale = 1.0 if rate is None else 1.0 / rate
    width = max(8.0, min(16.0, 0.012 * frames + 4.0))
    top = 0.0
    if image is not None:
        top = min(3.0, (width - 1.4) * image.shape[0] / image.shape[1])
    elif sequence is not None and not symbols:
        top = max(1.3, min(np.shape(sequence)[1], 2 * NAMED) / 12)
    layout: list[Any] = [*([["input"]] if top else []), ["spikes"]]
    heights = [*([top] if top else []), 2.0]
    figure = new_figure(width, sum(heights) + 1.6, title)
    axes = figure.subplot_mosaic(layout, height_ratios=heights, sharex=True)
    if image is not None:
        _picture(axes["input"], image)
    elif top:
        _image(axes["input"], np.asarray(sequence, dtype=float), channels, frames * scale, first=0.0)
    panel = axes["spikes"]
    times = (np.arange(steps) + 0.5) * stride * scale
    panel.plot(times, probabilities[:, -1], color=GREY, linewidth=0.9, linestyle=(0, (2, 2)), label="blank")
    for k, word in enumerate(labels):
        line = probabilities[:, k]
        if line.max() < CLEAR / 5:
            continue
        colour = COLOURS[k % (len(COLOURS) - 1)]
        panel.plot(times, line, color=colour, linewidth=1.5)
        panel.fill_between(times, 0, line, color=colour, alpha=0.25, linewidth=0)
        for peak in _peaks(line):
            panel.text(times[peak], min(line[peak], 1.0) + 0.03, str(word), ha="center", va="bottom", fontsize=9,
                       color=colour, fontweight="bold")  # fmt: skip
    panel.set_ylim(0, 1.16)
    panel.set_xlim(0, frames * scale)
    panel.set_ylabel("probability")
    tidy(panel)
    panel.legend(frameon=False, fontsize=8, labelcolor=INK, loc="center left", bbox_to_anchor=(1.0, 0.5))
    below = "column" if image is not None else "frame" if rate is None else "second"
    lines = [f"said:   {_joined(said)}", *([] if actual is None else [f"actual: {_joined(actual)}"])]
    panel.set_xlabel("\n".join([below, *lines]), ha="left", x=0.0)
    if actual is not None and list(map(str, actual)) != list(map(str, said)):
        panel.xaxis.label.set_color(RED)
    return figure


def _joined(labels: Sequence[Any]) -> str:
    words = [str(label) for label in labels]
    text = "".join(words) if all(len(word) == 1 for word in words) else " ".join(words)
    return textwrap.shorten(text, LONGEST, placeholder=" …")


def _peaks(line: np.ndarray) -> list[int]:
    """Returns the highest place of each run that is clearly above nothing."""
    inside = np.flatnonzero(np.diff(np.concatenate([[False], line > CLEAR, [False]]).astype(int)))
    return [int(start + line[start:end].argmax()) for start, end in zip(inside[::2], inside[1::2], strict=True)]


def _image(axes: Any, sequence: np.ndarray, channels: Sequence[str] | None, end: float, first: float = -0.5) -> None:
    """Draws the channels ``[T, C]`` as rows, the first at the bottom as in a spectrogram, each in its deviations."""
    mean, deviation = np.nanmean(sequence, axis=0), np.nanstd(sequence, axis=0)
    standard = (sequence - mean) / np.where(deviation > 0, deviation, 1.0)
    count = standard.shape[1]
    last = end if first == 0.0 else end - 0.5
    axes.imshow(
        standard.T, aspect="auto", interpolation="nearest", origin="lower", cmap="magma", vmin=-2.5, vmax=2.5,
        extent=(first, last, -0.5, count - 0.5),
    )  # fmt: skip
    tidy(axes)
    _names(axes, [str(k) for k in range(count)] if channels is None else [str(name) for name in channels])
    axes.set_ylabel("input")


def _picture(axes: Any, image: np.ndarray) -> None:
    """Draws an image ``[H, W, C]`` above what is said at its columns; of other than 3 channels their mean."""
    tall, wide = image.shape[:2]
    low, high = float(image.min()), float(image.max())
    shown = (image - low) / (high - low or 1.0)
    shown = shown if image.shape[2] == 3 else shown.mean(axis=2)
    axes.imshow(shown, cmap="gray", vmin=0, vmax=1, aspect="auto", interpolation="nearest", extent=(0, wide, tall, 0))
    tidy(axes)
    axes.set_yticks([])
    axes.set_ylabel("image")


def _names(axes: Any, names: list[str]) -> None:
    count = len(names)
    places = range(count) if count <= NAMED else (0, count - 1)
    axes.set_yticks(list(places), [names[k] for k in places], fontsize=7)
