"""What happens between the batches and epochs of a training run (skorch callbacks over one RunState)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import Tensor

from carrousel.training._checkpoint import RunState
from carrousel.training._criterion import close_to
from carrousel.training._progress import Progress, ProgressCallback
from carrousel.training._trainer import StopTraining

__all__ = ["Epochs", "Metric", "Share", "Watch"]

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]
"""A figure from the outputs, the targets, and the items' weights where these differ."""


@dataclass(frozen=True)
class Share:
    """A figure of items whose outputs have different sizes: of so many counted in each batch, so many are of a kind.

    Attributes:
        counts: gives both numbers of a batch, from its outputs and its targets.
    """

    counts: Callable[[np.ndarray, np.ndarray], tuple[float, float]]


class Epochs(Callback):
    """Keeps the history and the best weights; ends the run when the validation loss has stopped falling.

    The best weights are those of the last epoch whose validation loss is within a standard error of the least.
    """

    def __init__(
        self,
        state: RunState,
        patience: int | None,
        metric_name: str,
        metric: Metric | Share | None,
        after_epoch: Callable[[], None],
    ):
        self.state, self.patience = state, patience
        self.metric_name, self.metric, self.after_epoch = metric_name, metric, after_epoch
        self.outputs: list[tuple[Tensor, ...]] = []
        self.losses: list[Tensor] = []
        self.counted = (0.0, 0.0)

    @property
    def exhausted(self) -> bool:
        return self.patience is not None and self.state.misses >= self.patience

    def on_batch_end(self, net: Any, batch: Any = None, training: bool = False, **kwargs: Any) -> None:
        if training:
            self._refuse_unless(math.isfinite(net.history[-1]["batches"][-1]["train_loss"]), "the loss is")
        elif callable(self.metric):
            actual = (batch[1],) if torch.is_tensor(batch[1]) else batch[1]
            self.outputs.append((kwargs["y_pred"].detach().cpu(), *actual))
        else:  # outputs of every step would fill the memory, and are as long as their batch: no array could hold all
            self.losses.append(self._losses_of(net.criterion_, kwargs["y_pred"].detach(), batch[1]))

    def _losses_of(self, criterion: Any, output: Tensor, actual: Any) -> Tensor:
        """Returns the losses of a batch's items, and counts what a ``Share`` counts."""
        with torch.no_grad():
            there = actual.to(output.device) if torch.is_tensor(actual) else tuple(a.to(output.device) for a in actual)
            losses = criterion.weighted(output, there)
        if self.metric is not None:
            target = actual if torch.is_tensor(actual) else actual[0]
            some, whole = self.metric.counts(output.cpu().numpy(), target.numpy())  # type: ignore[union-attr]
            self.counted = self.counted[0] + some, self.counted[1] + whole
        return losses.cpu()

    def _refuse_unless(self, finite: bool, what: str) -> None:
        if not finite:
            raise ValueError(
                f"training diverged: {what} not finite in epoch {self.state.epoch + 1}. Lower learning_rate or "
                "gradient_clip, or look for extreme values in X"
            )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        state, last = self.state, net.history[-1]
        self._refuse_unless(all(bool(w.isfinite().all()) for w in net.module_.state_dict().values()), "weights are")
        state.epoch += 1
        row = {
            "epoch": state.epoch,
            "learning_rate": net.optimizer_.param_groups[0]["lr"],
            "train_loss": float(last["train_loss"]),
        }
        if self.outputs or self.losses:
            losses, figure = self._judged(net.criterion_)
            self._refuse_unless(bool(losses.isfinite().all()), "the validation loss is")
            row["valid_loss"] = float(losses.mean())
            if figure is not None:
                row[self.metric_name] = figure
            if state.least is None or losses.mean() < state.least.mean():
                state.least, state.misses = losses, 0
            else:
                state.misses += 1
            if close_to(losses, state.least):
                state.best_epoch = state.epoch
                state.best_weights = {n: t.detach().clone() for n, t in net.module_.state_dict().items()}
        state.history.append(row)
        last["batches"].clear()  # a long run's batch losses would fill the memory
        self.after_epoch()
        if self.exhausted:
            raise StopTraining

    def _judged(self, criterion: Any) -> tuple[Tensor, float | None]:
        """Returns the losses of the validation items, float64 [N], and the metric over all of them."""
        if not callable(self.metric):
            losses, (some, whole) = torch.cat(self.losses).double(), self.counted
            self.losses, self.counted = [], (0.0, 0.0)
            return losses, None if self.metric is None else some / max(whole, 1)
        outputs, self.outputs = self.outputs, []
        loss = criterion.on(outputs[0][0].device)
        predicted, actual, *weights = (torch.cat(part) for part in zip(*outputs, strict=True))
        losses = loss.weighted(predicted, (actual, *weights) if weights else actual).detach().double()
        return losses, self.metric(predicted.numpy(), actual.numpy(), weights[0].numpy() if weights else None)


class Watch(Callback):
    """Tells a ProgressCallback how the run goes."""

    def __init__(self, tell: ProgressCallback, state: RunState, epochs: int, batches: int, metric_name: str):
        self.tell, self.state, self.epochs, self.batches, self.metric_name = tell, state, epochs, batches, metric_name
        self.begun, self.epochs_before = time.perf_counter(), 0
        self.loss_sum, self.seen, self.batch = 0.0, 0, 0

    def begin(self) -> None:
        self.epochs_before = self.state.epoch
        self._send("begin")

    def epoch_done(self) -> None:
        self._send("epoch")

    def end(self, stopped_early: bool) -> None:
        self._send("end", stopped_early)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        self.loss_sum, self.seen, self.batch = 0.0, 0, 0

    def on_batch_end(self, net: Any, batch: Any = None, training: bool = False, **kwargs: Any) -> None:
        if training:
            size = len(batch[0]["input"])
            self.loss_sum += size * net.history[-1]["batches"][-1]["train_loss"]
            self.seen += size
            self.batch += 1
            self._send("batch")

    def _send(self, event: Literal["begin", "batch", "epoch", "end"], stopped_early: bool = False) -> None:
        state, inside = self.state, event == "batch"
        last = state.history[-1] if state.history else {}
        seconds = time.perf_counter() - self.begun
        done = state.epoch - self.epochs_before + (self.batch / self.batches if inside else 0.0)
        left = self.epochs - self.epochs_before - done
        self.tell(
            Progress(
                event=event,
                epoch=state.epoch + inside,
                epochs=self.epochs,
                batch=self.batch,
                batches=self.batches,
                train_loss=self.loss_sum / self.seen if inside else last.get("train_loss"),
                valid_loss=last.get("valid_loss"),
                metric_name=self.metric_name,
                metric=last.get(self.metric_name),
                best_epoch=state.best_epoch,
                seconds=seconds,
                seconds_left=0.0 if event == "end" else seconds / done * left if done else None,
                stopped_early=stopped_early,
            )
        )
