"""Trials that train a torch network: by back-propagation, stopped early on a validation part, scored on a test part.

An experiment's ``prepare`` returns a :class:`Taught`, its ``train`` calls :func:`teach` and scores what that gives on
the test part with :func:`said` or :func:`outputs`; ``summary=means("test", "train")`` sums up its trials. What a
configuration has by the name of a field of ``carrousel.training.Options`` (``learning_rate``, ``batch_size``,
``max_epochs``, ``patience`` ...) is how the network is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from statistics import fmean, stdev
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from carrousel.papers._experiment import Config, Trial
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.training import BatchSource, Job, Options, train
from carrousel.training._batches import Batches
from carrousel.training._criterion import OfNetwork
from carrousel.training._random import RandomStates

__all__ = [
    "SIZE",
    "Fitted",
    "Taught",
    "means",
    "options_of",
    "outputs",
    "said",
    "sized",
    "standardised",
    "teach",
    "weight_count",
]

SIZE: Mapping[str, tuple[str, ...]] = {"size": ("small", "whole")}
"""The option of an experiment whose committed run is smaller than the paper's; see :func:`sized`."""


@dataclass
class Taught(Prepared):
    """What a trial of a network begins with: ``learner`` is the job of its training.

    Attributes:
        learner: builds the network, and has the items to learn from and those by which training stops.
        task: the items that score it.
        sets: whatever else scoring wants, such as the names of the labels.
    """

    learner: Job
    task: BatchSource
    sets: Any = None

    def ready(self) -> None:
        """Compiles the network's kernels, forward and backward, by one small batch that changes nothing."""
        job = self.learner
        with RandomStates(0, torch.device("cpu")):
            network = job.build()
            few = getattr(job.train, "streams", min(2, len(job.train)))  # of streams a batch has all
            inputs, targets = job.train.batch(np.arange(few))
            loss = (job.criterion or OfNetwork(network))(network(**inputs), targets)
            loss.backward()
            with torch.no_grad():
                network.eval()(**inputs)


class Fitted(Prepared):
    """What a trial of a rival begins with that is fitted in one go, such as a Markov model: data, in ``sets``."""

    def __init__(self, sets: Any) -> None:
        super().__init__(None, None, sets)

    def ready(self) -> None:
        """Does nothing: there is nothing to compile."""


def sized(setting: Setting) -> Config:
    """Returns the configuration of a trial: with ``size=whole``, that with the changes which its ``whole`` names.

    >>> config = Config({"items": 300, "whole": {"items": 840, "max_epochs": 60}}, until={"max_epochs": 10})
    >>> whole = sized(Setting.of(config, {"size": "whole"}, seed=0, number=0))
    >>> whole["items"], whole["max_epochs"]
    (840, 60)
    """
    config = setting.config
    return config.changed(**config["whole"]) if setting.options.get("size") == "whole" else config


def options_of(config: Mapping[str, Any]) -> Options:
    """Returns how a network is trained: what the configuration has by the names of the fields of ``Options``.

    The optimiser ``"rmsprop"`` has the configuration's ``alpha``, the share of its mean square that it keeps.
    """
    named = {field.name: config[field.name] for field in fields(Options) if field.name in config}
    if named.get("optimizer") == "rmsprop":
        named["optimizer"] = partial(torch.optim.RMSprop, alpha=config["alpha"])
    return Options(**named)


def teach(prepared: Taught, setting: Setting, **changes: Any) -> tuple[Any, Found]:
    """Trains the network of a trial, and returns it with what every trial tells.

    First weights, noise and the order of the items depend on the trial's seed and number alone.

    Args:
        prepared: the job.
        setting: the trial's.
        changes: of the options of the training.

    Returns:
        The network with its best weights, and ``"success"``, ``"steps"`` (of training sequences, over all epochs),
        ``"weights"``, ``"epochs"`` (of which the last is that of the best weights) and ``"valid_loss"``.
    """
    job = prepared.learner
    options = options_of({**sized(setting), **changes})
    trained = train(job, options, int(setting.apart(0).integers(2**31)))
    losses = [row["valid_loss"] for row in trained.history if "valid_loss" in row]
    return trained.network, {
        "success": True,
        "steps": int(np.sum(job.train.lengths)) * len(trained.history),
        "weights": weight_count(trained.network),
        "epochs": trained.best_epoch,
        "valid_loss": losses[trained.best_epoch - 1] if losses else None,
    }


def outputs(network: nn.Module, source: BatchSource, size: int = 32) -> Iterator[tuple[dict[str, Tensor], Tensor, Any]]:
    """Gives the inputs, the network's output and the targets of all items, batch by batch in their order."""
    network.eval()
    with torch.no_grad():
        for inputs, targets in Batches(source, size):
            yield inputs, network(**inputs), targets


def said(network: Any, source: BatchSource, size: int = 32) -> list[Any]:
    """Returns what a network of ``carrousel.nets`` says of each item: its ``decode``."""
    found = []
    for inputs, output, _ in outputs(network, source, size):
        found += network.decode(output, inputs["lengths"])
    return found


def weight_count(network: nn.Module) -> int:
    """Returns how many weights a network has as papers count: a unit has one bias, where torch adds two.

    >>> import carrousel
    >>> weight_count(carrousel.LSTM(3, 2))  # 4 x 2 x (3 + 2 + 1)
    48
    """
    return sum(weight.numel() for name, weight in network.named_parameters() if "bias_hh" not in name)


def standardised(*parts: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """Returns parts of a data set, arrays ``[T_i, C]``, in units in which the first part has mean 0 and deviation 1.

    >>> first, second = standardised([np.array([[0.0], [2.0]])], [np.array([[3.0]])])
    >>> first[0].ravel().tolist(), second[0].ravel().tolist()
    ([-1.0, 1.0], [2.0])
    """
    steps = np.concatenate(parts[0])
    mean, deviation = steps.mean(axis=0), steps.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    return [[((array - mean) / scale).astype(np.float32) for array in part] for part in parts]


def means(*keys: str) -> Callable[[Sequence[Trial]], dict[str, Any]]:
    """Returns a summary: of each figure the mean over the trials that have it, and as ``"<key>_sd"`` the deviation.

    >>> means("test")([{"test": 0.5}, {"test": 0.7}])
    {'test': 0.6, 'test_sd': 0.14142135623730948}
    """

    def summary(trials: Sequence[Trial]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in keys:
            values = [trial[key] for trial in trials if trial.get(key) is not None]
            found[key] = fmean(values) if values else None
            found[f"{key}_sd"] = stdev(values) if len(values) > 1 else None
        return found

    return summary
