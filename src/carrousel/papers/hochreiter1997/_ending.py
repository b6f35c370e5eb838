"""What experiments 3 to 6 share: the network, and training on fresh sequences whose error comes at their ends."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from carrousel.learning.online import Learner, Network
from carrousel.papers._experiment import Trial, success
from carrousel.tasks import Ended

__all__ = [
    "CITATION",
    "Learns",
    "Task",
    "network",
    "prepared",
    "summary",
    "tested",
    "thinned",
    "trial",
    "until",
    "with_cells",
]

CITATION = "S. Hochreiter, J. Schmidhuber: Long short-term memory. Neural Computation 9(8), 1997"
WINDOW = 2_000  # the most recent sequences, which the criterion is about
TEST = 2_560  # sequences
POINTS = 60  # of a learning curve


class Learns(Protocol):
    """A network that is taught by sequences with targets at their ends."""

    weights: Any

    def learn_and_answer(self, inputs: Any, targets: Any, spans: Any) -> np.ndarray: ...


class Task(Protocol):
    """One of the tasks of experiments 3 to 6."""

    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    def draw(self, rng: np.random.Generator, sequences: int) -> Ended: ...
    def right(self, outputs: np.ndarray, goals: np.ndarray) -> np.ndarray: ...


def with_cells(config: Mapping[str, Any], cells: str) -> dict[str, Any]:
    """A row's configuration with cells that are ``"biased"``, as the paper says, or ``"unbiased"``."""
    groups = [group for group in config["biased"].split() if group != "cell" or cells == "biased"]
    return {**config, "biased": " ".join(groups)}


def network(task: Task, config: Mapping[str, Any]) -> Network:
    """The paper's network: everything in the hidden layer sees the inputs and everything, outputs see the cells.

    Weights and biases are uniform in [-0.1, 0.1], but for the biases that ``config["biases"]`` gives. ``"biased"``
    names the groups that have biases, ``"unit_squash"`` the output units' squashing function.
    """
    blocks, size, squash = config["blocks"], config["block_size"], config["unit_squash"]
    plain = Network(task.inputs, task.outputs, blocks, size, init=0.1, unit_squash=squash)
    return plain.biased(config["biased"], **{group: tuple(values) for group, values in config["biases"].items()})


def prepared(task: Task, config: Mapping[str, Any], rng: np.random.Generator) -> Learner:
    """A new learner, its code compiled; ``config["loss"]`` is the learner's, if it is given."""
    learner = Learner(network(task, config), config["rate"], loss=config.get("loss", "squared"), seed=rng)
    nothing = task.draw(np.random.default_rng(0), 1)
    learner.learn_and_answer(nothing.inputs, nothing.targets, nothing.spans[:0])
    learner.answers(nothing.inputs, nothing.spans[:0])
    return learner


def until(
    learner: Learns,
    task: Task,
    rng: np.random.Generator,
    *,
    wrong: int,
    error: float | None = None,
    squared: bool = False,
    block: int,
    limit: int,
) -> dict[str, Any]:
    """Trains until the 2,000 most recent sequences satisfy a criterion.

    The weights are then those of the very sequence that satisfied it: sequences are learned in blocks, and the last
    block is learned again up to that sequence.

    Args:
        learner, task, rng: who learns what, from which draws.
        wrong: fewer than so many of these sequences are wrong.
        error: their average error is below; None for any.
        squared: that is the squared error, not the absolute one; both are means over the outputs.
        block: sequences that are learned before the criterion is looked at.
        limit: sequences after which the trial has failed.

    Returns:
        ``{"success", "sequences", "steps", "curve"}``, the curve being :func:`thinned`.
    """
    missed, errors = np.zeros(0, bool), np.zeros(0)
    done = steps = 0
    curve: list[float] = []
    while done < limit:
        drawn = task.draw(rng, min(block, limit - done))
        before = learner.weights
        answers = learner.learn_and_answer(drawn.inputs, drawn.targets, drawn.spans)
        off = np.abs(answers - drawn.goals)
        missed = np.concatenate([missed, ~task.right(answers, drawn.goals)])
        errors = np.concatenate([errors, (off**2 if squared else off).mean(1)])
        found = _first(missed, errors, wrong, error)
        if found is not None:
            # The window that ends with the last sequence learned stands at the end.
            last = found + len(off) - (len(missed) - WINDOW + 1)
            learner.weights = before
            part = drawn.part(0, last + 1)
            learner.learn_and_answer(part.inputs, part.targets, part.spans)
            done, steps = done + last + 1, steps + len(part.inputs)
            return {"success": True, "sequences": done, "steps": steps, "curve": thinned(curve, block)}
        curve.append(float(off.mean()))
        done, steps = done + len(off), steps + len(drawn.inputs)
        missed, errors = missed[1 - WINDOW :], errors[1 - WINDOW :]
    return {"success": False, "sequences": done, "steps": steps, "curve": thinned(curve, block)}


def _first(missed: np.ndarray, errors: np.ndarray, wrong: int, error: float | None) -> int | None:
    """The first window of sequences that satisfies the criterion."""
    if len(missed) < WINDOW:
        return None
    satisfied = _sums(missed) < wrong
    if error is not None and satisfied.any():
        satisfied &= _sums(errors) < error * WINDOW
    return int(np.argmax(satisfied)) if satisfied.any() else None


def _sums(values: np.ndarray) -> np.ndarray:
    """Sums over all windows."""
    total = np.concatenate([[0], np.cumsum(values)])
    return total[WINDOW:] - total[:-WINDOW]


def thinned(curve: Sequence[float], every: int) -> dict[str, Any]:
    """A learning curve of at most 60 points: ``{"every", "errors"}``, mean errors of so many sequences each."""
    joined = max(1, -(-len(curve) // POINTS))
    means = [float(np.mean(curve[k : k + joined])) for k in range(0, len(curve), joined)]
    return {"every": joined * every, "errors": [float(f"{mean:.4g}") for mean in means]}


def tested(learner: Learner, task: Task, seed: int, number: int) -> dict[str, Any]:
    """How the trial of that number does on fresh sequences: how many are wrong, mean absolute and squared errors."""
    drawn = task.draw(np.random.default_rng([seed, number, 1]), TEST)
    answers = learner.answers(drawn.inputs, drawn.spans)
    off = np.abs(answers - drawn.goals)
    wrong = int((~task.right(answers, drawn.goals)).sum())
    return {"wrong": wrong, "error": float(off.mean()), "squared_error": float((off**2).mean())}


def trial(task: Task, config: Mapping[str, Any], squared: bool, seed: int, number: int) -> Trial:
    """A trial of experiments 4 to 6: trains until the criterion is met, then tests."""
    rng = np.random.default_rng([seed, number])
    learner = prepared(task, config, rng)
    start = time.perf_counter()
    goal = {"wrong": config["wrong"], "error": config["error"], "squared": squared}
    found = until(learner, task, rng, **goal, block=config["block"], limit=config["limit"])
    last = tested(learner, task, seed, number) if found["success"] else {}
    return {**found, **last, "seconds": time.perf_counter() - start}


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """A row's figures: when trials succeeded, and how these then did on the test set."""
    won = [found for found in trials if found["success"]]
    figures: dict[str, Any] = {**success(trials), "curves": [found["curve"] for found in trials]}
    if won:
        for key in ("wrong", "error", "squared_error"):
            figures[f"{key}_mean"] = float(np.mean([found[key] for found in won]))
            figures[f"{key}_max"] = max(found[key] for found in won)
    return figures
