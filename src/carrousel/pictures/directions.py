"""What each direction of a multidimensional network sees in an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from carrousel.pictures.style import GREY, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DIRECTIONS", "draw_directions"]

DIRECTIONS = ("down and right", "down and left", "up and right", "up and left")
"""The directions over an image, in the order in which layers have them."""

_ARROWS = dict(zip(DIRECTIONS, ("\u2198", "\u2199", "\u2197", "\u2196"), strict=True))

_KINDS = {"activity": "mean size of its outputs", "sight": "what the output owes to it"}


def draw_directions(
    image: np.ndarray, seen: Mapping[str, Mapping[str, np.ndarray]], *, title: str | None = None
) -> Figure:
    """Draws an image, and of each direction its activity and its sight: what the output owes to every pixel through it.

    Args:
        image: ``[H, W, C]``; of other than 3 channels their mean is drawn.
        seen: for each direction, by its name in ``DIRECTIONS``, ``"activity"`` at the places of a layer and ``"sight"``
            for every pixel ``[H, W, C]``, of which the size is drawn. All directions have one scale.
        title: above the figure.
    """
    tall, wide = image.shape[:2]
    side = 1.7
    figure = new_figure(side * (len(seen) + 1.1), 2 * side * min(max(tall / wide, 0.4), 2.0) + 0.9, title)
    axes = figure.subplots(2, len(seen) + 1, squeeze=False)
    low, high = float(image.min()), float(image.max())
    shown = (image - low) / (high - low or 1.0)
    axes[0, 0].imshow(shown if image.shape[2] == 3 else shown.mean(axis=2), cmap="gray", vmin=0, vmax=1)
    axes[0, 0].set_title("the image", fontsize=9)
    axes[1, 0].set_visible(False)
    for row, (kind, words) in enumerate(_KINDS.items()):
        sizes = {name: _size(each[kind]) for name, each in seen.items()}
        most = max(float(size.max()) for size in sizes.values()) or 1.0
        for column, (name, size) in enumerate(sizes.items(), 1):
            axes[row, column].imshow(size, cmap="magma", vmin=0, vmax=most, extent=(0, wide, tall, 0))
            if row == 0:
                axes[row, column].set_title(f"{_ARROWS.get(name, '')} {name}", fontsize=9)
        axes[row, 1].set_ylabel(words, fontsize=8, color=GREY)
    for ax in axes.flat:
        _bare(ax)
    return figure


def _size(values: np.ndarray) -> np.ndarray:
    """Returns the size of what stands at each place, summed over channels, [H, W]."""
    return np.abs(values).reshape(*values.shape[:2], -1).sum(axis=2)


def _bare(ax: Axes) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
