"""Runs one trial: makes its generator, has its learner compiled, and holds the clock, for all experiments alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from carrousel.papers._experiment import Config, Experiment

__all__ = ["Found", "Prepare", "Prepared", "Setting", "Train", "Trial", "first_success", "run_trial"]

Found = dict[str, Any]
"""What training gives, as JSON can hold it: ``"success"``, ``"steps"``, and what the experiment's summary asks for;
``"weights"``, how many its network has, where that could be another number than the paper's."""

Trial = Mapping[str, Any]
"""What training gives, and ``"seconds"``, how long it took."""


@dataclass(frozen=True)
class Setting:
    """Holds what a trial is run with. Its figures depend on the first four attributes alone.

    Attributes:
        config: the row's.
        options: the experiment's choices, all with a value.
        seed, number: of all trials, and which of them this is.
        rng: the trial's own generator, for all that it draws in turn.
    """

    config: Config
    options: Mapping[str, str]
    seed: int
    number: int
    rng: np.random.Generator

    @classmethod
    def of(cls, config: Config, options: Mapping[str, str], seed: int, number: int) -> Setting:
        """Returns the setting of a trial, its generator at the beginning."""
        import numpy as np

        return cls(config, options, seed, number, np.random.default_rng([seed, number]))

    def apart(self, key: int) -> np.random.Generator:
        """Returns another generator of the trial, whose draws move nothing else."""
        import numpy as np

        return np.random.default_rng([self.seed, self.number, key])


@dataclass
class Prepared:
    """Holds what is made before the clock starts: a learner with its first weights, its task, and sequences.

    Attributes:
        learner: has ``ready()``, as all that have a role in ``carrousel.learning``, or :meth:`ready` is its own.
        task: draws what it learns from.
        sets: sequences that are drawn once, if there are any.
    """

    learner: Any
    task: Any
    sets: Any = None

    def ready(self) -> None:
        """Compiles everything that learning needs; no weight changes, and nothing of the trial is drawn."""
        self.learner.ready()


Prepare = Callable[[Setting], Prepared]
Train = Callable[[Any, Setting], Found]


def run_trial(
    prepare: Prepare, train: Train, config: Config, options: Mapping[str, str], seed: int, number: int
) -> Trial:
    """Runs a trial and returns its figures, with ``"seconds"``: prepares, compiles, trains by the clock."""
    setting = Setting.of(config, options, seed, number)
    prepared = prepare(setting)
    prepared.ready()
    start = time.perf_counter()
    found = train(prepared, setting)
    return {**found, "seconds": time.perf_counter() - start}


def first_success(
    experiment: Experiment,
    row: str,
    result: Mapping[str, Any],
    *,
    tries: int = 10,
    or_last: bool = False,
    **changes: Any,
) -> tuple[Prepared, Found, Setting]:
    """Trains a row's networks until one succeeds, and returns it for a picture.

    Args:
        experiment: the experiment.
        row: the name of the row whose networks they are.
        result: the experiment's result (see :func:`carrousel.papers.reproduce`), which has the seed and the options.
        tries: how many networks are trained, in the order of their trials.
        or_last: return the last one if none succeeds.
        changes: of the row's configuration.

    Returns:
        The network after training, what training gives, and its setting.

    Raises:
        ValueError: none succeeded.
    """
    config = experiment.config(row).changed(**changes)
    for number in range(tries):
        setting = Setting.of(config, result["options"], result["seed"], number)
        prepared = experiment.prepare(setting)
        found = experiment.train(prepared, setting)
        if found["success"] or (or_last and number == tries - 1):
            return prepared, found, setting
    raise ValueError(f"none of {tries} networks learned the task, so there is nothing to draw")
