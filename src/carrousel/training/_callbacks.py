"""What happens between the batches and epochs of a training run (skorch callbacks over one RunState)."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import Tensor

from carrousel.training._checkpoint import RunState
from carrousel.training._losses import close_to
from carrousel.training._progress import Progress, ProgressCallback

WARM_UP = 0.1  # share of all steps over which the learning rate rises to its highest value
LOWEST = 1e-3  # the learning rate never falls below this share of the highest

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]
"""From what was predicted, what came, and the items' weights where these differ."""


class StopTraining(Exception):  # noqa: N818 - a signal, not an error
    """Early stopping ends the run."""


class Schedule(Callback):
    """Learning rate: linear rise, then half a cosine down. A function of the step alone, so resuming needs no state."""

    def __init__(self, state: RunState, highest: float, epochs: int, batches: int):
        self.state, self.highest, self.epochs, self.batches = state, highest, epochs, batches

    def rate(self, step: int) -> float:
        total = self.epochs * self.batches
        warm = max(1, round(WARM_UP * total))
        if step < warm:
            share = (step + 1) / warm
        else:
            share = 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
        return self.highest * max(share, LOWEST)

    def on_batch_begin(self, net: Any, batch: Any = None, training: bool = False, **kwargs: Any) -> None:
        if training:
            step = self.state.epoch * self.batches + len(net.history[-1]["batches"]) - 1
            for group in net.optimizer_.param_groups:
                group["lr"] = self.rate(step)


class Epochs(Callback):
    """Keeps the history and the best weights; ends the run when the validation loss has stopped falling.

    The best weights are those of the last epoch whose validation loss is within a standard error of the least.
    """

    def __init__(
        self, state: RunState, patience: int | None, metric_name: str, metric: Metric, after_epoch: Callable[[], None]
    ):
        self.state, self.patience = state, patience
        self.metric_name, self.metric, self.after_epoch = metric_name, metric, after_epoch
        self.outputs: list[tuple[Tensor, ...]] = []

    @property
    def exhausted(self) -> bool:
        return self.patience is not None and self.state.misses >= self.patience

    def on_batch_end(self, net: Any, batch: Any = None, training: bool = False, **kwargs: Any) -> None:
        if training:
            self._refuse_unless(math.isfinite(net.history[-1]["batches"][-1]["train_loss"]), "the loss is")
        else:
            actual = (batch[1],) if torch.is_tensor(batch[1]) else batch[1]
            self.outputs.append((kwargs["y_pred"].detach().cpu(), *actual))

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
        if self.outputs:
            predicted, actual, *weights = (torch.cat(part) for part in zip(*self.outputs, strict=True))
            self.outputs.clear()
            target = (actual, *weights) if weights else actual
            losses = copy.deepcopy(net.criterion_).cpu().weighted(predicted, target).double()
            self._refuse_unless(bool(losses.isfinite().all()), "the validation loss is")
            row |= {
                "valid_loss": float(losses.mean()),
                self.metric_name: self.metric(
                    predicted.numpy(), actual.numpy(), weights[0].numpy() if weights else None
                ),
            }
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


class RandomStates:
    """The run's own random numbers: torch's global state is borrowed and given back."""

    def __init__(self, seed: int, device: torch.device):
        self.seed = seed
        self.fork = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
        self.order = np.random.default_rng(seed)

    def __enter__(self) -> np.random.Generator:
        self.fork.__enter__()
        torch.manual_seed(self.seed)
        return self.order

    def __exit__(self, *error: Any) -> None:
        self.fork.__exit__(*error)
