"""The messages of a training run to whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Progress", "ProgressCallback"]


@dataclass(frozen=True)
class Progress:
    """One message from a running ``fit``: after its start, each batch, each epoch, and its end.

    Attributes:
        event: ``"begin"``, ``"batch"``, ``"epoch"`` or ``"end"``. After ``resume=True`` the first message is
            ``"begin"`` with the epochs already done.
        epoch: epochs begun so far, counted from 1 (at ``"begin"``: epochs already done, 0 for a fresh run).
        epochs: the most that this run will do; early stopping may end it before.
        batch: batches done in this epoch.
        batches: batches in an epoch.
        train_loss: mean loss of this epoch's batches so far; None before the first.
        valid_loss: loss on the validation part after the last whole epoch; None without a validation part.
        metric_name: the validation figure for people (``"accuracy"``, ``"MAE"``).
        metric: its value after the last whole epoch; None without a validation part.
        best_epoch: the epoch with the best weights so far; None without a validation part.
        seconds: since this call of ``fit`` began.
        seconds_left: estimate for all remaining epochs (early stopping makes it shorter); None before the first batch.
        stopped_early: at ``"end"``: early stopping ended the run before ``epochs``.
    """

    event: Literal["begin", "batch", "epoch", "end"]
    epoch: int
    epochs: int
    batch: int
    batches: int
    train_loss: float | None
    valid_loss: float | None
    metric_name: str
    metric: float | None
    best_epoch: int | None
    seconds: float
    seconds_left: float | None
    stopped_early: bool = False


ProgressCallback: TypeAlias = Callable[[Progress], None]
