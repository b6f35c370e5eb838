"""What a model says beside what is so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.pictures.style import BLUE, GREY, INK, RED, new_figure, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["draw_confusion", "draw_forecast", "draw_values"]


def draw_confusion(
    actual: np.ndarray, predicted: np.ndarray, classes: Sequence[Any] | None = None, *, title: str | None = None
) -> Figure:
    """Draws how often each class ``[N]`` was taken for each: counts, coloured by the share of the actual class."""
    actual, predicted = np.asarray(actual), np.asarray(predicted)
    labels = np.unique(np.concatenate([actual, predicted])) if classes is None else np.asarray(classes)
    place = {label: k for k, label in enumerate(labels.tolist())}
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for a, p in zip(actual.tolist(), predicted.tolist(), strict=True):
        counts[place[a], place[p]] += 1
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    words = [str(label) for label in labels]
    long = max(len(word) for word in words) > 3
    size = 1.6 + 0.42 * len(labels) + (0.05 * max(len(word) for word in words) if long else 0.0)
    figure = new_figure(max(size, 3.6), max(size, 3.6), title)
    ax = figure.subplots()
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count and len(labels) <= 30:
            colour = "white" if share[row, column] > 0.4 else RED if row != column else INK
            ax.text(column, row, str(count), ha="center", va="center", fontsize=8, color=colour)
    ax.set_xticks(range(len(words)), words, rotation=45 if long else 0, ha="right" if long else "center")
    ax.set_yticks(range(len(words)), words)
    ax.set_xlabel("predicted")
    ax.set_ylabel("actual")
    tidy(ax)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0)
    return figure


def draw_values(
    actual: np.ndarray, predicted: np.ndarray, names: Sequence[str] | None = None, *, title: str | None = None
) -> Figure:
    """Draws predicted over actual values, ``[N]`` or ``[N, K]`` (one panel each); on the line they are equal."""
    actual, predicted = (np.asarray(v, dtype=float).reshape(len(v), -1) for v in (actual, predicted))
    count = actual.shape[1]
    figure = new_figure(3.6 * count + 0.4, 3.8, title)
    for k, ax in enumerate(figure.subplots(1, count, squeeze=False)[0]):
        both = np.concatenate([actual[:, k], predicted[:, k]])
        margin = 0.05 * (np.ptp(both) or 1.0)
        ends = (both.min() - margin, both.max() + margin)
        ax.plot(ends, ends, color=GREY, linewidth=1)
        ax.scatter(actual[:, k], predicted[:, k], s=14, color=BLUE, alpha=0.6, linewidths=0)
        ax.set(xlim=ends, ylim=ends, aspect="equal", xlabel="actual", ylabel="predicted" if k == 0 else "")
        if names is not None:
            ax.set_title(names[k], fontsize=9, color=GREY)
        tidy(ax, grid=True)
    return figure


def draw_forecast(
    actual: pd.Series,
    forecasts: Sequence[pd.DataFrame],
    *,
    rivals: Sequence[pd.Series] = (),
    name: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draws a series and forecasts of it with their intervals, each joined to the last value before it.

    Args:
        actual: the series under its time index.
        forecasts: data frames as ``forecaster.predict_quantiles(...)`` returns them: the columns are quantile levels
            (0.1, 0.5, 0.9), the index is the time. Pairs of levels about 0.5 are drawn as bands, 0.5 as the line.
        rivals: another method's forecasts of the same steps, drawn in grey under the name of the first.
        name: what the values are; by default the name of the series.
        title: the picture's.
    """
    figure = new_figure(8.6, 3.8, title)
    ax = figure.subplots()
    ax.plot(_times(actual.index), actual.to_numpy(), color=INK, linewidth=1.1, label="actual")
    for number, other in enumerate(rivals):
        when, values = _joined(actual, other.index, other.to_numpy())
        label = str(other.name) if number == 0 and other.name is not None else None
        ax.plot(when, values, color=GREY, linewidth=1.2, label=label)
    for number, frame in enumerate(forecasts):
        levels = sorted(float(c) for c in frame.columns)
        by_level = {float(c): frame[c].to_numpy() for c in frame.columns}
        for k in range(len(levels) // 2):
            low, high = levels[k], levels[-1 - k]
            label = f"{100 * (high - low):.0f} % interval" if number == 0 else None
            when, below = _joined(actual, frame.index, by_level[low])
            above = _joined(actual, frame.index, by_level[high])[1]
            ax.fill_between(when, below, above, color=BLUE, alpha=0.18 + 0.08 * k, linewidth=0, label=label)
        when, middle = _joined(actual, frame.index, by_level[levels[len(levels) // 2]])
        ax.plot(when, middle, color=BLUE, linewidth=1.5, label="forecast" if number == 0 else None)
        ax.axvline(_times(frame.index)[0], color=RED, linewidth=0.7, linestyle=(0, (2, 3)))
    if len(forecasts) > 0:
        ax.plot([], [], color=RED, linewidth=0.7, linestyle=(0, (2, 3)), label="forecast made")
    ax.set_ylabel(name or ("" if actual.name is None else str(actual.name)))
    tidy(ax, grid=True)
    ax.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left")
    return figure


def _joined(actual: pd.Series, index: Any, values: np.ndarray) -> tuple[Any, np.ndarray]:
    """Returns the times and values of a forecast, after the last of the series before it, if there is one."""
    before = np.flatnonzero(np.asarray(actual.index < index[0]))
    when = _times(index)
    if len(before) == 0:
        return when, values
    last = int(before[-1])
    return np.concatenate([_times(actual.index[last : last + 1]), when]), np.append(actual.iloc[last], values)


def _times(index: Any) -> Any:
    """Returns times that matplotlib can draw: periods as the time they begin."""
    return (index.to_timestamp() if hasattr(index, "to_timestamp") else index).to_numpy()
