"""Trains networks without memory cells, in one way for each kind of task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carrousel.learning import SimpleNetwork
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers._until import until_predicted, until_right, until_window
from carrousel.tasks import Adding, EmbeddedReber, NoiseFreeLag, TemporalOrder, TwoSequence

__all__ = ["network", "prepare", "train"]

BLOCK = 500  # sequences that are learned before the criterion is looked at
TESTED = 256  # sequences of the 2-sequence problem's stopping test
FRESH = 1_000  # sequences that are looked at when training is over
TASKS: dict[str, Any] = {"adding": Adding, "temporal-order": TemporalOrder, "two-sequence": TwoSequence}


def network(learner: Mapping[str, Any], seed: Any = 0) -> SimpleNetwork:
    """Returns the network of a row, untrained."""
    sizes = (learner["inputs"], learner["hidden"], learner["outputs"])
    about = {"init": learner["init"], "bias": learner["bias"], "seed": seed}
    return SimpleNetwork(*sizes, learner["method"], learner["rate"], **about)


def prepare(setting: Setting) -> Prepared:
    """Returns the network of a row and its task."""
    about = setting.config.task
    if about["task"] == "reber":
        task: Any = EmbeddedReber()
    elif about["task"] == "lag":
        task = NoiseFreeLag(about["p"])
    else:
        task = TASKS[about["task"]](**about["about"])
    return Prepared(network(setting.config.learner, setting.rng), task)


def train(prepared: Prepared, setting: Setting) -> Found:
    """Trains until the task's criterion holds, or to the cap; ``"right"`` says how much is right then."""
    return {"reber": _reber, "lag": _lag}.get(setting.config.task["task"], _ending)(prepared, setting)


def _reber(prepared: Prepared, setting: Setting) -> Found:
    """Trains until all strings are predicted, looked at every tenth; ``"right"`` is the share of steps of both sets."""
    learner, task, rng = prepared.learner, prepared.task, setting.rng
    training, test = task.train_test(int(rng.integers(2**32)))
    both = task.encode(training.text + test.text)
    found = until_predicted(learner, task, training, both, rng, setting.config.until["limit"])
    return {**found, "right": float(task.right(both.outputs_of(learner), both).mean())}


def _lag(prepared: Prepared, setting: Setting) -> Found:
    """Trains until both sequences are right, looked at after every 100; ``"right"`` is the share of their steps."""
    learner, task = prepared.learner, prepared.task
    both = task.encode([0, 1])

    def holds() -> tuple[bool, int]:
        return bool(task.right(both.outputs_of(learner), both).all()), 0

    found = until_right(learner, task, setting.rng, holds, block=100, limit=setting.config.until["limit"])
    return {**found, "right": float(task.right(both.outputs_of(learner), both).mean())}


def _ending(prepared: Prepared, setting: Setting) -> Found:
    """Trains on sequences whose error comes at their ends; ``"right"`` is the share of fresh ones.

    Training lasts until the 2,000 most recent sequences are all right and their mean absolute error is below ``error``.
    For the 2-sequence problem, which has no such number, it lasts until none of 256 test sequences is wrong, which is
    looked at after every 500.
    """
    learner, task, rng, until = prepared.learner, prepared.task, setting.rng, setting.config.until
    test = task.draw(rng, TESTED)  # for every task, so that all draw alike

    def holds() -> tuple[bool, int]:
        return bool(task.right(test.outputs_of(learner), test).all()), 0

    if until["error"] is None:
        found = until_right(learner, task, rng, holds, block=BLOCK, limit=until["limit"])
    else:
        found = until_window(learner, task, rng, wrong=1, error=until["error"], block=BLOCK, limit=until["limit"])
        del found["curve"]
    fresh = task.draw(rng, FRESH)
    return {**found, "right": float(task.right(fresh.outputs_of(learner), fresh).mean())}
