"""Trials of networks without memory cells, one way for each kind of task."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel.learning import SimpleNetwork
from carrousel.papers._experiment import Trial
from carrousel.papers.hochreiter1997._ending import until
from carrousel.papers.hochreiter1997._reber import train
from carrousel.tasks import Adding, EmbeddedReber, Ended, NoiseFreeLag, TemporalOrder, TwoSequence

__all__ = ["network", "trial"]

BLOCK = 500  # sequences that are learned before the criterion is looked at
TESTED = 256  # sequences of the 2-sequence problem's stopping test
FRESH = 1_000  # sequences that are looked at when training is over
TASKS: dict[str, Any] = {"adding": Adding, "temporal-order": TemporalOrder, "two-sequence": TwoSequence}


def network(config: Mapping[str, Any], seed: int | np.random.Generator = 0) -> SimpleNetwork:
    """The network of a row."""
    return SimpleNetwork(
        config["inputs"],
        config["hidden"],
        config["outputs"],
        config["method"],
        config["rate"],
        init=config["init"],
        bias=config["bias"],
        seed=seed,
    )


def trial(config: Mapping[str, Any], options: Mapping[str, str], seed: int, number: int) -> Trial:
    """Trains until the task's criterion holds, or for ``config["limit"]`` sequences; then looks how much is right."""
    rng = np.random.default_rng([seed, number])
    learner = network(config, rng)
    nothing = np.zeros((0, 2), np.int64)
    for steps in (np.zeros(0, np.int64), np.zeros((0, config["inputs"]))):  # compiled before the clock starts
        learner.learn_sequences(steps, np.full((0, config["outputs"]), np.nan), nothing)
    run = {"reber": _reber, "lag": _lag}.get(config["task"], _ending)
    start = time.perf_counter()
    found = run(learner, config, rng)
    return {**found, "seconds": time.perf_counter() - start}


def _reber(learner: SimpleNetwork, config: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """The criterion of the paper, looked at every tenth string; ``right`` is the share of steps of both sets."""
    task = EmbeddedReber()
    training, test = task.train_test(int(rng.integers(2**32)))
    both = task.encode(training.text + test.text)
    success, sequences, steps = train(learner, training, both, rng, config["limit"])
    right = task.right(learner.sequence_outputs(both.inputs, both.spans), both.legal)
    return {"success": success, "sequences": sequences, "steps": steps, "right": float(right.mean())}


def _lag(learner: SimpleNetwork, config: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Until both sequences are right, looked at after every 100; ``right`` is the share of their steps."""
    task = NoiseFreeLag(config["p"])
    both = task.encode([0, 1])
    done, right = 0, np.zeros(1, bool)
    while done < config["limit"] and not right.all():
        drawn = task.draw(rng, 100)
        learner.learn_sequences(drawn.inputs, drawn.targets, drawn.spans)
        done += len(drawn.spans)
        right = task.right(learner.sequence_outputs(both.inputs, both.spans), both.targets)
    success = bool(right.all())
    return {"success": success, "sequences": done, "steps": done * task.p, "right": float(right.mean())}


def _ending(learner: SimpleNetwork, config: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Sequences whose error comes at their ends; ``right`` is the share of fresh ones.

    Until the 2,000 most recent sequences are all right and their mean absolute error is below ``config["error"]``; for
    the 2-sequence problem, which has no such number, until none of 256 test sequences is wrong, looked at after every
    500.
    """
    task = TASKS[config["task"]](**config["about"])
    test = task.draw(rng, TESTED)  # for every task, so that all draw alike
    if config["error"] is None:
        found = _until_classified(learner, task, test, rng, config["limit"])
    else:
        found = until(learner, task, rng, wrong=1, error=config["error"], block=BLOCK, limit=config["limit"])
        del found["curve"]
    fresh = task.draw(rng, FRESH)
    right = task.right(learner.answers(fresh.inputs, fresh.spans), fresh.goals)
    return {**found, "right": float(right.mean())}


def _until_classified(
    learner: SimpleNetwork, task: TwoSequence, test: Ended, rng: np.random.Generator, limit: int
) -> dict[str, Any]:
    done = steps = 0
    success = False
    while done < limit and not success:
        drawn = task.draw(rng, min(BLOCK, limit - done))
        learner.learn_sequences(drawn.inputs, drawn.targets, drawn.spans)
        done, steps = done + len(drawn.spans), steps + len(drawn.inputs)
        success = bool(task.right(learner.answers(test.inputs, test.spans), test.goals).all())
    return {"success": success, "sequences": done, "steps": steps}
