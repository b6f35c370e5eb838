"""What a decoder sees of its source as it says each symbol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from carrousel.pictures.style import INK, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_attention"]


def draw_attention(
    weights: np.ndarray, source: Sequence[str], answer: Sequence[str], *, title: str | None = None
) -> Figure:
    """Draws the weights of the source's symbols, a column each, as each symbol of the answer is said, a row each.

    Args:
        weights: ``[U, T]``.
        source: the symbols of the source, ``[T]``.
        answer: those of the answer, ``[U]``, the end among them.
        title: the picture's.

    Raises:
        ValueError: the weights are not of so many symbols.
    """
    if weights.shape != (len(answer), len(source)):
        raise ValueError(f"weights [{len(answer)}, {len(source)}] are needed, got {list(weights.shape)}")
    figure = new_figure(1.2 + 0.3 * max(len(source), 8), 1.0 + 0.26 * len(answer), title)
    axes = figure.subplots()
    axes.imshow(weights, cmap="Greens", vmin=0.0, vmax=1.0, aspect="auto")
    for ticks, names in ((axes.set_xticks, source), (axes.set_yticks, answer)):
        ticks(range(len(names)), [name.replace(" ", "␣") for name in names], parse_math=False)
    tidy(axes)
    axes.set_xlabel("source")
    axes.set_ylabel("answer")
    figure.supxlabel("dark: what the network looks at as it says the symbol of the row", fontsize=8, color=INK)
    return figure
