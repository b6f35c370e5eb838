"""Schedules: the learning rate as a function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from skorch.callbacks import Callback

from carrousel.training._checkpoint import RunState

__all__ = ["SCHEDULES", "Schedule", "SetRate", "StepDecay", "constant", "cosine", "schedule_of"]

WARM_UP = 0.1  # share of all steps over which the learning rate rises to its highest value
LOWEST = 1e-3  # the learning rate never falls below this share of the highest

Schedule: TypeAlias = Callable[[int, int, int], float]
"""From a step (counted from 0 over the whole run), the steps of an epoch and the most epochs: the learning rate's share
of the highest. A function of the step alone, so that a run that is resumed needs no state of it."""


def cosine(step: int, batches: int, epochs: int) -> float:
    """Returns a share that rises linearly for a tenth of all steps, then falls as half a cosine."""
    total = epochs * batches
    warm = max(1, round(WARM_UP * total))
    if step < warm:
        return max((step + 1) / warm, LOWEST)
    return max(0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, total - warm))), LOWEST)


def constant(step: int, batches: int, epochs: int) -> float:
    """Returns 1, the share of a learning rate that stays as it is."""
    return 1.0


@dataclass(frozen=True)
class StepDecay:
    """A schedule that multiplies the learning rate by ``factor`` after every ``every`` epochs from epoch ``after`` on.

    Zaremba, Sutskever & Vinyals 2014 keep the rate for six epochs and halve it after each further one.

    Attributes:
        every: epochs between two changes.
        factor: what the rate is multiplied by, in (0, 1].
        after: epochs before the first change is counted.

    >>> halved = StepDecay(every=1, factor=0.5, after=2)
    >>> [halved(step, batches=10, epochs=5) for step in (0, 29, 30, 40)]
    [1.0, 1.0, 0.5, 0.25]
    """

    every: int
    factor: float
    after: int = 0

    def __post_init__(self) -> None:
        if self.every < 1 or self.after < 0 or not 0 < self.factor <= 1:
            raise ValueError(
                f"a step decay needs every of at least 1, after of at least 0 and a factor in (0, 1], got {self}"
            )

    def __call__(self, step: int, batches: int, epochs: int) -> float:
        return float(self.factor ** (max(0, step // batches - self.after) // self.every))


SCHEDULES: dict[str, Schedule] = {"cosine": cosine, "constant": constant}


def schedule_of(chosen: str | Schedule) -> Schedule:
    """Returns the schedule of a name, or the function itself; ValueError for an unknown name."""
    if callable(chosen):
        return chosen
    if chosen not in SCHEDULES:
        raise ValueError(f"unknown schedule {chosen!r}; choose from {', '.join(SCHEDULES)}, or give a function")
    return SCHEDULES[chosen]


class SetRate(Callback):
    """A callback that sets the optimiser's learning rate before each batch."""

    def __init__(self, schedule: Schedule, state: RunState, highest: float, epochs: int, batches: int):
        self.schedule, self.state, self.highest = schedule, state, highest
        self.epochs, self.batches = epochs, batches

    def on_batch_begin(self, net: Any, batch: Any = None, training: bool = False, **kwargs: Any) -> None:
        if training:
            step = self.state.epoch * self.batches + len(net.history[-1]["batches"]) - 1
            for group in net.optimizer_.param_groups:
                group["lr"] = self.highest * self.schedule(step, self.batches, self.epochs)
