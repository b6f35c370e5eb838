"""How much of an error is left as it flows back through time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from carrousel.pictures.style import COLOURS, legend_beside, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_error_flow"]

LEAST = 1e-30  # below it a norm is drawn as nothing


def draw_error_flow(
    curves: Mapping[str, Sequence[float] | np.ndarray],
    *,
    bounds: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    title: str | None = None,
    ylabel: str = "norm of the loss's derivative",
) -> Figure:
    """Draws norms over the number of steps back, on a logarithmic scale.

    Args:
        curves: by their names, each ``[steps]``, of q = 0, 1, ...
        bounds: what curves of the same names cannot exceed, drawn dotted in their colours.
        title: the picture's.
        ylabel: what the norms are.

    Raises:
        ValueError: there is no curve, or a bound is of none.
    """
    bounds = bounds or {}
    if not curves or not set(bounds) <= set(curves):
        raise ValueError(f"a bound must be of a curve; there are {', '.join(curves) or 'none'}")
    figure = new_figure(8.4, 4.2, title)
    axes = figure.subplots()
    colours = {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(curves)}
    for name, norms in curves.items():
        axes.plot(_shown(norms), color=colours[name], linewidth=1.6, label=name)
        if name in bounds:
            axes.plot(_shown(bounds[name]), color=colours[name], linewidth=1.2, linestyle=":", label=f"{name}: bound")
    axes.set_yscale("log")
    axes.set_xlabel("steps back, q")
    axes.set_ylabel(ylabel)
    tidy(axes, grid=True)
    legend_beside(axes)
    return figure


def _shown(norms: Sequence[float] | np.ndarray) -> np.ndarray:
    values = np.asarray(norms, float)
    return np.where(values > LEAST, values, np.nan)
