"""Gates and carrousel states over time, for one sequence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.pictures.style import BLUE, GREY, INK, RED, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_activations"]

_KEY = re.compile(r"^(?P<name>.+)_l(?P<layer>\d+)(?P<reverse>_reverse)?$")
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
        sequence: the input ``[T, C]``, drawn on top.
        cell: the cell that ran, a name or a Cell, which says what is a state and what a gate.
        channels: names of the input's channels, shown if they are few.
        layer: which layer, from 0.
        title: the picture's.

    Raises:
        ValueError: the layer is not among the activations.

    Units stand in the order of the mean of their first state (the carrousel; without one, of h), the same in all images
    of a direction.
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
    lead = 1 if sequence is not None else 0
    rows, columns = len(names) + lead, len(directions)
    figure = new_figure(5.2 * columns + 1.6, 1.05 * rows + 0.9, title)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True)
    steps = len(directions[0][1]["h"])

    for column, (direction, panels) in enumerate(directions):
        if sequence is not None:
            _draw_input(axes[0, column], np.asarray(sequence), channels, first=column == 0)
        order = np.argsort(panels[states[0] if states else "h"].mean(axis=0), kind="stable")
        for row, name in enumerate(names, start=lead):
            ax = axes[row, column]
            values = panels[name][:, order if panels[name].shape[1] == len(order) else slice(None)].T  # [H, T]
            gate = name in member.gates
            limit = float(np.abs(values).max()) or 1.0
            low, high = (0.0, max(1.0, limit)) if gate and values.min() >= 0 else (-limit, limit)
            image = ax.imshow(
                values,
                aspect="auto",
                interpolation="nearest",
                cmap="Blues" if low == 0 else "RdBu_r",
                vmin=low,
                vmax=high,
                extent=(-0.5, steps - 0.5, len(values), 0),
            )
            bar = figure.colorbar(image, ax=ax, pad=0.01, fraction=0.03, ticks=[low, high])
            bar.ax.set_yticklabels([f"{low:.2g}", f"{high:.2g}"], fontsize=7, color=GREY)
            bar.outline.set_visible(False)  # type: ignore[operator]
            ax.set_yticks([])
            for spine in ax.spines.values():
                spine.set_visible(False)
            ax.tick_params(labelsize=8, colors=GREY, labelcolor=INK, length=3)
            if column == 0:
                word = _WORDS.get(name) or f"{'gate' if gate else 'state' if name in states else 'candidate'} {name}"
                ax.set_ylabel(word, rotation=0, ha="right", va="center", fontsize=9, color=INK)
        if columns == 2:
            axes[0, column].set_title("backward" if direction else "forward", fontsize=9, color=GREY)
        axes[-1, column].set_xlabel("step", fontsize=9, color=INK)
        axes[-1, column].xaxis.get_major_locator().set_params(integer=True)
    return figure


def _draw_input(ax: Any, sequence: np.ndarray, channels: Sequence[str] | None, *, first: bool) -> None:
    from matplotlib import colormaps

    count = sequence.shape[1]
    palette = colormaps["viridis"](np.linspace(0.0, 0.9, count)) if count > 2 else [BLUE, RED]
    for k in range(count):
        label = channels[k] if channels is not None else None
        ax.plot(sequence[:, k], color=palette[k], linewidth=1.1, label=label)
    tidy(ax)
    if first:
        ax.set_ylabel("input", rotation=0, ha="right", va="center", fontsize=9, color=INK)
    if first and channels is not None and count <= 6:
        place = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.95), "borderaxespad": 0.0}
        ax.legend(fontsize=7, frameon=False, ncols=count, labelcolor=INK, **place)
