"""An agent's episodes: what was seen, what units held, what was said and done, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from carrousel.pictures.steps import Image, Lines, draw_steps

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from carrousel.learning.acting import Watched

__all__ = ["draw_episodes"]

FEW = 6  # numbers that have room as lines; more are drawn as rows of colours


def draw_episodes(episodes: Sequence[Watched], title: str | None = None, *, names: Sequence[str] = ()) -> Figure:
    """Draws episodes of an agent side by side: seen, held by its units, said of its actions, done.

    Units of a group have one range of colours in all episodes: red is positive, blue negative. A row that keeps its
    colour, and has another in another episode, is a memory.

    Args:
        episodes: what :func:`carrousel.learning.acting.watch` returned.
        title: the picture's.
        names: what stands above each episode.

    Raises:
        ValueError: there are no episodes, or they are of different agents.
    """
    if not episodes:
        raise ValueError("there are no episodes to draw")
    first = episodes[0]
    if any(list(one.inside) != list(first.inside) or one.meaning != first.meaning for one in episodes):
        raise ValueError("the episodes must be of one agent")
    columns = []
    for k, one in enumerate(episodes):
        above = names[k] if names else ""
        panels: list[Lines | Image] = [_numbers("seen", one.seen, [two.seen for two in episodes], above)]
        for name in one.inside:
            panels.append(_rows(name, one.inside[name], [two.inside[name] for two in episodes]))
        panels.append(
            _numbers(
                one.meaning.replace(" of ", "\nof ").replace(", and", ",\nand"),
                one.told,
                [two.told for two in episodes],
            )
        )
        actions = np.asarray(one.actions, float).reshape(len(one.actions), -1)
        every = [np.asarray(two.actions, float).reshape(len(two.actions), -1) for two in episodes]
        panels.append(_numbers("action", actions, every))
        columns.append(panels)
    return draw_steps(columns, title)


def _numbers(label: str, values: np.ndarray, every: Sequence[np.ndarray], title: str = "") -> Lines | Image:
    if values.shape[1] > FEW:
        return _rows(label, values, every, title)
    names = [str(k) for k in range(values.shape[1])] if values.shape[1] > 1 else ()
    low, high = _range(every)
    return Lines(label=label, values=values, names=names, limits=(low, high), title=title)


def _rows(label: str, values: np.ndarray, every: Sequence[np.ndarray], title: str = "") -> Lines | Image:
    low, high = _range(every)
    limit = max(-low, high, 1e-9)
    units = values.shape[1]
    limits = (0.0, limit) if low >= 0 else (-limit, limit)
    names = [str(k) if units <= 12 or k % 5 == 0 else "" for k in range(units)]
    return Image(
        label=label, values=values, names=names, limits=limits, height=max(0.8, min(2.0, units / 8)), title=title
    )


def _range(every: Sequence[np.ndarray]) -> tuple[float, float]:
    low, high = min(float(each.min()) for each in every), max(float(each.max()) for each in every)
    return low, high if high > low else low + 1.0
