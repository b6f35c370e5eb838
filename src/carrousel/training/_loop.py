"""One training run: skorch's loop with early stopping, checkpoints and progress."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import GradientNormClipping
from skorch.helper import predefined_split
from torch import nn

from carrousel._alone import alone
from carrousel._atomic import refuse_unusual
from carrousel.training._batches import Batches, BatchSource
from carrousel.training._callbacks import Epochs, Metric, RandomStates, Schedule, StopTraining, Watch
from carrousel.training._checkpoint import Run, RunState, check_identity, read_checkpoint, restore, save_checkpoint
from carrousel.training._losses import ItemLoss
from carrousel.training._progress import ProgressCallback
from carrousel.training._threads import threads_worth


@dataclass(frozen=True)
class Options:
    """How to train: the training part of an estimator's parameters."""

    learning_rate: float
    weight_decay: float
    batch_size: int | None
    max_epochs: int
    patience: int | None
    gradient_clip: float | None
    device: str


@dataclass(frozen=True)
class Job:
    """What to train: the network's maker and criterion, the data, and the figure shown to people."""

    build: Callable[[], nn.Module]
    criterion: ItemLoss
    train: BatchSource
    valid: BatchSource | None
    metric_name: str
    metric: Metric
    batches: int | None = None  # the most in an epoch


@dataclass(frozen=True)
class Trained:
    """A finished run; ``network`` carries the best weights and is in evaluation mode, on the CPU or its device."""

    network: nn.Module
    history: list[dict[str, Any]]
    best_epoch: int
    stopped_early: bool
    seconds: float


def usual_batch(count: int) -> int:
    """32 items, fewer of a small set: an epoch of one or two steps teaches too little."""
    return min(32, max(4, count // 7))


class Trainer(NeuralNet):
    """skorch's net, but an interrupt by the user is not taken for a finished training."""

    def run(self, dataset: BatchSource, epochs: int) -> None:
        """Train for at most ``epochs``."""
        self.notify("on_train_begin", X=dataset, y=None)
        with contextlib.suppress(StopTraining):
            self.fit_loop(dataset, epochs=epochs)
        self.notify("on_train_end", X=dataset, y=None)


def train(
    job: Job,
    options: Options,
    seed: int,
    *,
    identity: dict[str, Any],
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: ProgressCallback | None = None,
) -> Trained:
    """Run ``job``; with ``checkpoint`` every epoch ends with its state on disk, and ``resume`` goes on from there.

    One training at a time has a checkpoint: another that is given the same file meanwhile raises BlockingIOError.
    """
    if checkpoint is None:
        if resume:
            raise ValueError("resume=True needs checkpoint=, the file to go on from")
        return _train(job, options, seed, identity, None, False, progress)
    path = Path(checkpoint)
    if path.is_dir():
        raise IsADirectoryError(f"checkpoint={str(path)!r} is a directory; give the name of a file")
    refuse_unusual(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path, "is training with this checkpoint"):
        return _train(job, options, seed, identity, path, resume, progress)


def _train(
    job: Job,
    options: Options,
    seed: int,
    identity: dict[str, Any],
    path: Path | None,
    resume: bool,
    progress: ProgressCallback | None,
) -> Trained:
    begun = time.perf_counter()
    found = None
    if path is not None and resume and path.exists():
        found = read_checkpoint(path)
        check_identity(path, found[0]["identity"], identity)
    device = torch.device(options.device)
    size = options.batch_size or usual_batch(len(job.train))
    batches = len(Batches(job.train, size, limit=job.batches))
    state = RunState()
    watch = Watch(progress or (lambda _: None), state, options.max_epochs, batches, job.metric_name)
    with RandomStates(seed, device) as order:
        network = job.build()

        def keep() -> None:
            if path is not None:
                save_checkpoint(path, identity, state, run)
            watch.epoch_done()

        epochs = Epochs(state, options.patience, job.metric_name, job.metric, keep)
        net = Trainer(
            module=network,
            criterion=job.criterion,
            optimizer=torch.optim.AdamW,
            optimizer__weight_decay=options.weight_decay,
            lr=options.learning_rate,
            batch_size=size,
            iterator_train=Batches,
            iterator_train__order=order,
            iterator_train__limit=job.batches,
            iterator_valid=Batches,
            train_split=None if job.valid is None else predefined_split(job.valid),
            callbacks=[
                ("clip", GradientNormClipping(options.gradient_clip)),
                ("schedule", Schedule(state, options.learning_rate, options.max_epochs, batches)),
                ("watch", watch),
                ("epochs", epochs),
            ],
            device=options.device,
            verbose=0,
        )
        net.initialize()
        valid = None if job.valid is None else len(job.valid)
        run = Run(network, net.optimizer_, order, device, seed, options.max_epochs, batches, valid)
        if found is not None and path is not None:
            restore(path, *found, state, run)
        watch.begin()
        if not epochs.exhausted:
            with threads_worth(network, size * float(job.train.lengths.mean())):
                net.run(job.train, options.max_epochs - state.epoch)
        if state.best_weights:
            network.load_state_dict(state.best_weights)
        watch.end(epochs.exhausted and state.epoch < options.max_epochs)
    network.eval()
    return Trained(
        network=network,
        history=state.history,
        best_epoch=state.best_epoch or state.epoch,
        stopped_early=epochs.exhausted and state.epoch < options.max_epochs,
        seconds=time.perf_counter() - begun,
    )
