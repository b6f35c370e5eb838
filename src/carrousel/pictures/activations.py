"""Gates and carrousel states over time, for one sequence."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.pictures.style import GREY, INK, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_activations"]

_KEY = re.compile(r"^(?P<name>.+)_l(?P<layer>\d+)(?P<reverse>_reverse)?$")
OPEN, SIGNED, INPUT = "Greens", "RdBu_r", "PuOr"  # gates; candidates, states and outputs; the input
CHARACTERS = 15  # of the caption, in an inch
NAMED = 24  # channels whose names have room beside the picture
_SMALL: dict[str, Any] = {"fontsize": 8, "color": GREY}
_WORDS = {"c": "carrousel c", "h": "output h", "i": "input gate i", "f": "forget gate f", "o": "output gate o"}


def draw_activations(
    activations: Mapping[str, np.ndarray],
    sequence: np.ndarray | None = None,
    *,
    cell: Any = "lstm",
    channels: Sequence[str] | None = None,
    layer: int = 0,
    title: str | None = None,
) -> Figure:
    """Draws every gate, candidate and state of one layer as an image: a row is a unit, a column a step.

    Args:
        activations: ``estimator.activations(sequence)``: ``{"h_l0": [T, H], "c_l0": [T, H], "i_l0_reverse": ...}``.
        sequence: the input ``[T, C]``, drawn once on top: each channel in its own deviations from its mean.
        cell: the cell that ran, a name or a Cell, which says what is a state and what a gate.
        channels: names of the input's channels, ``[C]``.
        layer: which layer, from 0.
        title: the picture's.

    Raises:
        ValueError: the layer is not among the activations.

    Units stand in the order of the mean of their first state (the carrousel; without one, of h), the same in all images
    of a direction. The caption says so, and what to look for.
    """
    from carrousel import cells

    by_direction: dict[str, dict[str, np.ndarray]] = {"": {}, "_reverse": {}}
    for key, values in activations.items():
        match = _KEY.match(key)
        if match and int(match["layer"]) == layer:
            by_direction[match["reverse"] or ""][match["name"]] = np.asarray(values)
    directions = [(word, panels) for word, panels in by_direction.items() if panels]
    if not directions:
        raise ValueError(f"there are no activations of layer {layer} among {', '.join(activations)}")

    member = cells.get(cell)
    states = [s for s in member.states if s in directions[0][1]]
    gates = [n for n in directions[0][1] if n != "h" and n not in states]
    names = [*gates, *states, "h"]
    sorted_by = states[0] if states else "h"
    lead = 0.0 if sequence is None else max(1.0, min(np.shape(sequence)[1], NAMED) / 8)
    rows, columns = len(names), len(directions)
    figure = new_figure(5.2 * columns + 1.6, 1.05 * (rows + lead) + 1.3, title)
    axes = _panels(figure, rows, columns, lead)
    if sequence is not None:
        _draw_input(figure, axes["input"], np.asarray(sequence, dtype=float), channels)

    for column, (direction, panels) in enumerate(directions):
        order = np.argsort(panels[sorted_by].mean(axis=0), kind="stable")
        for row, name in enumerate(names):
            ax = axes[f"{row} {column}"]
            values = panels[name][:, order if panels[name].shape[1] == len(order) else slice(None)].T  # [H, T]
            gate = name in member.gates
            limit = float(np.abs(values).max()) or 1.0
            low, high = (0.0, max(1.0, limit)) if gate and values.min() >= 0 else (-limit, limit)
            _draw_image(figure, ax, values, OPEN if low == 0 else SIGNED, low, high)
            if row + 1 < rows:
                ax.tick_params(labelbottom=False)
            if column == 0:
                word = _WORDS.get(name) or f"{'gate' if gate else 'state' if name in states else 'candidate'} {name}"
                ax.set_ylabel(word, rotation=0, ha="right", va="center", fontsize=9, color=INK)
        if columns == 2:
            axes[f"0 {column}"].set_title("backward: read from the right" if direction else "forward", **_SMALL)
        axes[f"{rows - 1} {column}"].set_xlabel("step", fontsize=9, color=INK)
    caption = _caption(len(order), sorted_by, member.gates, states)
    wide = int(figure.get_figwidth() * CHARACTERS)
    figure.supxlabel("\n".join(textwrap.fill(line, wide) for line in caption), x=0.01, ha="left", **_SMALL)
    return figure


def _panels(figure: Figure, rows: int, columns: int, lead: float) -> dict[str, Any]:
    """Returns axes by name: ``"input"``, over all columns, and ``"row column"``."""
    layout: list[Any] = [[f"{row} {column}" for column in range(columns)] for row in range(rows)]
    heights = [1.0] * rows
    if lead:
        layout, heights = [["input"] * columns, *layout], [lead, *heights]
    return figure.subplot_mosaic(layout, height_ratios=heights)


def _caption(units: int, sorted_by: str, gates: Sequence[str], states: Sequence[str]) -> list[str]:
    """Says how the rows are sorted, what the colours mean and what to look for."""
    lines = [
        f"Each row is one of {units} units, sorted by the mean of {sorted_by} over the sequence, the least on top. "
        "Gates are white where they are closed and green where they are open; red is positive, blue negative."
    ]
    if "f" in gates and "c" in states:
        lines.append(
            "Look for rows of c that keep their colour: there the carrousel remembers, its forget gate f open. "
            "Where f is white, a memory ends."
        )
    return lines


def _draw_image(figure: Figure, ax: Any, values: np.ndarray, cmap: str, low: float, high: float) -> None:
    """Draws values ``[rows, steps]``, the first row at the top, with a scale beside them."""
    rows, steps = values.shape
    image = ax.imshow(
        values,
        aspect="auto",
        interpolation="nearest",
        cmap=cmap,
        vmin=low,
        vmax=high,
        extent=(-0.5, steps - 0.5, rows, 0),
    )
    bar = figure.colorbar(image, ax=ax, pad=0.01, fraction=0.03, ticks=[low, high])
    bar.ax.set_yticklabels([f"{value:.2g}" for value in (low, high)], fontsize=7, color=GREY)
    bar.outline.set_visible(False)  # type: ignore[operator]
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_yticks([])
    ax.tick_params(labelsize=8, colors=GREY, labelcolor=INK, length=3)
    ax.xaxis.get_major_locator().set_params(integer=True)


def _draw_input(figure: Figure, ax: Any, sequence: np.ndarray, channels: Sequence[str] | None) -> None:
    """Draws the channels ``[T, C]``, standardised, as rows of an image; their names beside them if these have room."""
    deviation = sequence.std(axis=0)
    standard = (sequence - sequence.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    limit = float(np.abs(standard).max()) or 1.0
    count = standard.shape[1]
    _draw_image(figure, ax, standard.T, INPUT, -limit, limit)
    names = channels if channels is not None else [str(k) for k in range(count)]
    if count <= NAMED:
        ax.set_yticks(np.arange(count) + 0.5, names, fontsize=7)
        ax.tick_params(axis="y", length=0)
    else:
        ax.set_yticks([0.5, count - 0.5], [names[0], names[-1]], fontsize=7)
    ax.set_title("input: each channel in deviations from its mean", **_SMALL)
