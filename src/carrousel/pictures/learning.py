"""The course of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from carrousel.pictures.style import BLUE, GREEN, GREY, INK, RED, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_learning_curve"]


def draw_learning_curve(
    history: Sequence[Mapping[str, Any]], *, best_epoch: int | None = None, title: str | None = None
) -> Figure:
    """Draws the losses of training and validation over the epochs, and below them the validation metric.

    Args:
        history: an estimator's ``history_``, one mapping per epoch with ``epoch``, ``train_loss``, and with a
            validation part ``valid_loss`` and one metric (``accuracy``, ``MAE``).
        best_epoch: the epoch whose weights were kept, marked; if it was the last, the legend says so.
        title: the picture's.

    Raises:
        ValueError: the history is empty.
    """
    if not history:
        raise ValueError("the history is empty: nothing was trained")
    known = {"epoch", "learning_rate", "train_loss", "valid_loss"}
    metric = next((key for key in history[0] if key not in known), None)
    figure = new_figure(7.0, 4.8 if metric else 3.2, title)
    axes = figure.subplots(2 if metric else 1, 1, squeeze=False, sharex=True, height_ratios=[3, 2] if metric else None)
    epochs = [row["epoch"] for row in history]
    losses, dot = axes[0, 0], "." if len(history) < 3 else ""
    losses.plot(epochs, [row["train_loss"] for row in history], color=GREY, label="training", marker=dot)
    if "valid_loss" in history[0]:
        losses.plot(epochs, [row["valid_loss"] for row in history], color=BLUE, label="validation", marker=dot)
    if min(row.get(key, 1.0) for row in history for key in ("train_loss", "valid_loss")) > 0:
        losses.set_yscale("log")
        for ticks in (losses.yaxis.set_major_formatter, losses.yaxis.set_minor_formatter):
            ticks(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "125" else "")
    losses.set_ylabel("loss")
    if metric:
        axes[1, 0].plot(epochs, [row[metric] for row in history], color=GREEN, marker=dot)
        axes[1, 0].set_ylabel(metric)
    axes[-1, 0].set_xlabel("epoch")
    axes[-1, 0].xaxis.get_major_locator().set_params(integer=True)
    for ax in axes[:, 0]:
        tidy(ax, grid=True)
        if best_epoch is not None:
            ax.axvline(best_epoch, color=RED, linewidth=1, linestyle=(0, (4, 3)))
    if best_epoch is not None:
        last = ", the last: more epochs may help" if best_epoch == epochs[-1] and len(epochs) > 1 else ""
        losses.plot([], [], color=RED, linewidth=1, linestyle=(0, (4, 3)), label=f"kept: epoch {best_epoch}{last}")
    losses.legend(frameon=False, fontsize=8, labelcolor=INK)
    return figure
