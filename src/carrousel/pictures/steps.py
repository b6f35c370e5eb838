"""What a network does step by step: its states, gates and outputs over one sequence or a few beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from carrousel.pictures.style import COLOURS, GREY, INK, PALE, RED, legend_beside, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from carrousel.learning.online import Learner

__all__ = ["Bars", "Image", "Lines", "activations_over", "cell_names", "draw_steps", "unit_names"]


def activations_over(learner: Learner, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Runs a learner over a sequence and gives its activations at every step, ``[steps, units]`` by name.

    Names are those of ``learner.activations``, and ``"output"``. The network is reset before and after, and does not
    learn.

    Args:
        learner: the network.
        inputs: ``[steps, inputs]``, or ``[steps]`` numbers of the one input that is 1.
    """
    learner.reset()
    record: dict[str, list[np.ndarray]] = {}
    for t in range(len(inputs)):
        step = inputs[t : t + 1]
        now = {"output": learner.predict_many(step)[0]}
        learner.observe_many(step)
        for group, values in {**learner.activations, **now}.items():
            record.setdefault(group, []).append(values)
    learner.reset()
    return {group: np.array(values) for group, values in record.items()}


def cell_names(cells: int, block_size: int) -> list[str]:
    """Names the cells of a network: ``"block 1, cell 2"``, or ``"block 1"`` where a block has one cell."""
    return [
        f"block {cell // block_size + 1}" + (f", cell {cell % block_size + 1}" if block_size > 1 else "")
        for cell in range(cells)
    ]


def unit_names(run: Mapping[str, np.ndarray], groups: Mapping[str, str]) -> tuple[np.ndarray, list[str]]:
    """Joins groups of activations, ``[steps, units]``, and names their units by ``groups[group]`` and a number."""
    present = [group for group in groups if group in run]
    names = [f"{groups[group]} {k + 1}" for group in present for k in range(run[group].shape[1])]
    return np.concatenate([run[group] for group in present], 1), names


@dataclass(frozen=True, kw_only=True)
class _Panel:
    """Values over the steps.

    Attributes:
        label: what they are.
        values: ``[steps, units]``.
        names: of the units.
        limits: the least and the greatest value that is shown; by default all that there are.
        first: the number of the first step.
        marks: numbers of steps at which a red line stands.
        ticks: a symbol for each step, in place of numbers.
        title: what stands above.
        height: beside other panels.
    """

    label: str
    values: np.ndarray
    names: Sequence[str] = ()
    limits: tuple[float, float] | None = None
    first: int = 1
    marks: Sequence[float] = ()
    ticks: Sequence[str] = ()
    title: str = ""
    height: float = 1.0

    def draw(self, axes: Any) -> None:
        """Draws the values."""
        raise NotImplementedError

    @property
    def steps(self) -> np.ndarray:
        """The numbers of the steps."""
        return np.arange(self.first, self.first + len(self.values))


@dataclass(frozen=True, kw_only=True)
class Lines(_Panel):
    """A line for each unit.

    Attributes:
        bold: the number of the one that is to be seen first.
        group: so many units, one after the other, have one colour; all of them but the first are dashed.
    """

    bold: int | None = None
    group: int = 1

    def draw(self, axes: Any) -> None:
        """Draws the lines, and nought where it is crossed."""
        dots = {"marker": ".", "markersize": 4} if len(self.values) <= 80 else {}
        for unit, line in enumerate(np.asarray(self.values).T):
            first = unit == self.bold
            style: dict[str, Any] = {"color": INK if first else COLOURS[unit // self.group % len(COLOURS)], **dots}
            style |= {"linewidth": 2.6 if first else 1.3, "linestyle": "--" if unit % self.group else "-"}
            axes.plot(self.steps, line, label=self.names[unit] if self.names else None, **style)
        if self.limits is None:
            axes.axhline(0, color=GREY, linewidth=0.6)
        else:
            low, high = self.limits
            axes.set_ylim(low - 0.04 * (high - low), high + 0.04 * (high - low))
        tidy(axes)


@dataclass(frozen=True, kw_only=True)
class Bars(_Panel):
    """A bar for each step, for one number; those of the steps ``shown`` are red."""

    shown: Sequence[int] = ()

    def draw(self, axes: Any) -> None:
        """Draws the bars."""
        heights = np.asarray(self.values)[:, 0]
        shown = np.isin(self.steps, self.shown)
        axes.bar(self.steps[~shown], heights[~shown], color=PALE, edgecolor=GREY, linewidth=0.4, width=0.9)
        axes.bar(self.steps[shown], heights[shown], color=RED, width=0.9, label=self.names[0] if self.names else None)
        axes.axhline(0, color=GREY, linewidth=0.6)
        tidy(axes)


@dataclass(frozen=True, kw_only=True)
class Image(_Panel):
    """A row of colours for each unit; a ring stands where ``rings``, ``[steps, units]``, is True."""

    rings: np.ndarray | None = None

    def draw(self, axes: Any) -> None:
        """Draws the rows, the first at the top."""
        low, high = self.limits or (0.0, 1.0)
        steps, units = np.asarray(self.values).shape
        axes.imshow(
            np.asarray(self.values).T,
            aspect="auto",
            interpolation="nearest",
            cmap="Blues" if low >= 0 else "RdBu_r",
            vmin=low,
            vmax=high,
            extent=(self.first - 0.5, self.first + steps - 0.5, units - 0.5, -0.5),
        )
        tidy(axes)
        axes.set_yticks(range(units), self.names or [str(unit + 1) for unit in range(units)], fontsize=8)
        if self.rings is not None:
            times, rows = np.nonzero(self.rings)
            axes.plot(times + self.first, rows, linestyle="", marker="o", color=INK, markersize=4, fillstyle="none")


def draw_steps(
    columns: Sequence[Sequence[_Panel]], title: str | None = None, *, xlabel: str = "step", width: float | None = None
) -> Figure:
    """Draws what happens step by step: one or several columns of panels of the same kinds, one below the other.

    Panels of a row have the same range where their limits are not given. Names of lines stand at the right of the last
    column; a scale stands beside images.
    """
    rows = len(columns[0])
    heights = [panel.height for panel in columns[0]]
    figure = new_figure(
        width or 1.5 + (8.0 if len(columns) == 1 else 4.2 * len(columns)), 1.9 * sum(heights) + 0.7, title
    )
    grid = figure.subplots(rows, len(columns), squeeze=False, height_ratios=heights, sharey="row")
    for place, panels in enumerate(columns):
        for axes, panel in zip(grid[:, place], panels, strict=True):
            panel.draw(axes)
            axes.set_xlim(panel.steps[0] - 0.6, panel.steps[-1] + 0.6)
            for mark in panel.marks:
                axes.axvline(mark, color=RED, linewidth=0.8, alpha=0.6)
            if panel.ticks:
                axes.set_xticks(panel.steps, panel.ticks, fontsize=7)
            else:
                axes.xaxis.get_major_locator().set_params(integer=True)
            if panel.title:
                axes.set_title(panel.title, fontsize=9, color=INK)
            if place == 0:
                axes.set_ylabel(panel.label)
        grid[-1, place].set_xlabel(xlabel)
    for axes, panel in zip(grid[:, -1], columns[-1], strict=True):
        if isinstance(panel, Image):
            scale = figure.colorbar(axes.images[0], ax=axes, pad=0.02, fraction=0.04)
            scale.ax.tick_params(labelsize=7, colors=GREY)
            scale.outline.set_visible(False)  # type: ignore[operator]
        elif panel.names:
            legend_beside(axes)
    return figure
