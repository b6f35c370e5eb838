"""One training run: skorch's loop with early stopping, checkpoints and progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from skorch.callbacks import GradientNormClipping
from skorch.helper import predefined_split
from torch import nn

from carrousel._alone import alone
from carrousel._atomic import refuse_unusual
from carrousel.nets._losses import ItemLoss
from carrousel.training._batches import Batches, BatchSource, goes_on
from carrousel.training._callbacks import Epochs, Metric, Share, Watch
from carrousel.training._checkpoint import (
    Run,
    RunState,
    check_identity,
    digest,
    read_checkpoint,
    restore,
    save_checkpoint,
)
from carrousel.training._criterion import OfNetwork
from carrousel.training._optimisers import optimiser_of, slots_of
from carrousel.training._options import Options
from carrousel.training._progress import ProgressCallback
from carrousel.training._random import RandomStates
from carrousel.training._schedules import SetRate, schedule_of
from carrousel.training._threads import threads_worth
from carrousel.training._trainer import Trainer

__all__ = ["Job", "Trained", "train", "usual_batch"]


@dataclass(frozen=True)
class Job:
    """What to train, and on what.

    Attributes:
        build: makes the network; it is called once, when the run's generator is seeded.
        train: the items to learn from.
        valid: items on which training is stopped early, and by which the weights are chosen; None takes the last.
        metric_name: the name of the validation figure that is shown to people.
        metric: that figure, from the network's outputs, the targets, and the items' weights; a ``Share`` where outputs
            are as long as their batch; None shows none.
        batches: the most batches in an epoch, of items drawn at random; None takes all.
        criterion: the loss; None takes the network's own, ``network.each(output, target) -> [B]``.
    """

    build: Callable[[], nn.Module]
    train: BatchSource
    valid: BatchSource | None = None
    metric_name: str = "loss"
    metric: Metric | Share | None = None
    batches: int | None = None
    criterion: ItemLoss | None = None


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        network: the network with the best weights, in evaluation mode, on its device.
        history: a row of figures for each epoch.
        best_epoch: the epoch whose weights the network has.
        stopped_early: whether the validation loss ended the run.
        seconds: how long it took.
    """

    network: nn.Module
    history: list[dict[str, Any]]
    best_epoch: int
    stopped_early: bool
    seconds: float


def usual_batch(count: int) -> int:
    """Returns 32, or fewer for a small set: an epoch of one or two steps teaches too little."""
    return min(32, max(4, count // 7))


def train(
    job: Job,
    options: Options,
    seed: int = 0,
    *,
    identity: dict[str, Any] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: ProgressCallback | None = None,
) -> Trained:
    """Trains a network by back-propagation and returns a ``Trained``.

    The same seed, data, thread count and torch version give the same weights, bit for bit (on a CPU). The global random
    states are left alone.

    Args:
        job: what to train, and on what.
        options: how to train.
        seed: of initial weights, noise, and the order of batches.
        identity: facts that a checkpoint must have in common with the run that goes on from it: ``estimator``,
            ``params``, ``seed``, ``torch`` and ``data``; None takes the options and a digest of the data.
        checkpoint: a file, rewritten in one step after every epoch, that holds all that the next epoch depends on.
        resume: whether to go on from the checkpoint, if it is there, to the same bits as an unbroken run.
        progress: called with a ``Progress`` after each batch and epoch.

    Raises:
        ValueError: an option is wrong, or training diverged.
        ModelError: the checkpoint is damaged, or of another run.
        BlockingIOError: another training has this checkpoint at the moment.

    >>> import numpy as np, torch
    >>> from carrousel.nets.pooled import SequenceNet
    >>> from carrousel.training import Items, Job, Options, train
    >>> x, y = np.random.default_rng(0).normal(size=(40, 1)).astype("f4"), np.ones((10, 1), "f4")
    >>> items = Items(x, np.full(10, 4), y)  # ten sequences of four steps
    >>> net = lambda: SequenceNet(1, 1, pooling="last", dropout=0.0, noise=0.0, lstm={"hidden_size": 4})
    >>> options = Options(0.1, optimizer="sgd", momentum=0.9, schedule="constant", max_epochs=20)
    >>> trained = train(Job(net, items), options)
    >>> trained.history[-1]["train_loss"] < 0.1 * trained.history[0]["train_loss"]
    True
    """
    if identity is None:
        identity = {
            "estimator": "network",
            "seed": seed,
            "torch": torch.__version__,
            "params": options.words(),
            "data": None if checkpoint is None else _digest(job),
        }
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
    stored = None
    if path is not None and resume and path.exists():
        stored = read_checkpoint(path)
        check_identity(path, stored[0]["identity"], identity)
    device = torch.device(options.device)
    size = options.batch_size or usual_batch(len(job.train))
    batches = len(Batches(job.train, size, limit=job.batches))
    state = RunState()
    watch = Watch(progress or (lambda _: None), state, options.max_epochs, batches, job.metric_name)
    with RandomStates(seed, device) as order:
        network = job.build()
        if (options.truncation is not None or goes_on(job.train)) and not hasattr(network, "carry"):
            what = "a source that goes on from batch to batch" if options.truncation is None else "truncation"
            raise ValueError(f"{what} needs a network with carry(input, lengths, state), {_name(network)} has none")
        schedule = schedule_of(options.schedule)

        def keep() -> None:
            if path is not None:
                save_checkpoint(path, identity, state, run)
            watch.epoch_done()

        epochs = Epochs(state, options.patience, job.metric_name, job.metric, keep)
        net = Trainer(
            module=network,
            criterion=OfNetwork(network) if job.criterion is None else job.criterion,
            optimizer=lambda groups, **_: optimiser_of(options, groups),
            lr=options.learning_rate,
            weight_noise=options.weight_noise,
            truncation=options.truncation,
            exact=options.exact,
            batch_size=size,
            iterator_train=Batches,
            iterator_train__order=order,
            iterator_train__limit=job.batches,
            iterator_valid=Batches,
            train_split=None if job.valid is None else predefined_split(job.valid),
            callbacks=[
                ("clip", GradientNormClipping(options.gradient_clip)),
                ("schedule", SetRate(schedule, state, options.learning_rate, options.max_epochs, batches)),
                ("watch", watch),
                ("epochs", epochs),
            ],
            device=options.device,
            verbose=0,
        )
        net.initialize()
        valid = None if job.valid is None else len(job.valid)
        run = Run(
            network,
            net.optimizer_,
            {} if path is None else slots_of(net.optimizer_),
            order,
            device,
            seed,
            options.max_epochs,
            batches,
            valid,
            truncated=options.truncation is not None and not options.exact,
        )
        if stored is not None and path is not None:
            restore(path, *stored, state, run)
        watch.begin()
        if not epochs.exhausted:
            with threads_worth(network, size * float(job.train.lengths.mean())):
                net.run(job.train, options.max_epochs - state.epoch, state)
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


def _digest(job: Job) -> str:
    """Returns a digest of all that a job trains and validates on."""
    parts: list[Any] = []
    for source in (job.train, job.valid):
        for batch in () if source is None else Batches(source, 256):
            parts += [value.numpy() for value in batch[0].values()]
            parts += [value.numpy() for value in (batch[1] if isinstance(batch[1], tuple) else (batch[1],))]
        parts.append("end")
    return digest(parts)


def _name(network: nn.Module) -> str:
    return type(network).__name__
