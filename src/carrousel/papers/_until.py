"""Trains until a criterion holds: a loop for each criterion that several papers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from carrousel.tasks import Drawn, Strings, Task

__all__ = [
    "WINDOW",
    "Learns",
    "all_right",
    "first_wrong",
    "thinned",
    "until_predicted",
    "until_right",
    "until_window",
]

WINDOW = 2_000
"""The number of most recent sequences that :func:`until_window` looks at."""

POINTS = 60
"""The most points that a learning curve has."""

MOST = 1000
"""The most sequences that :func:`all_right` draws at a time."""

INTERVAL = 10
"""The strings that :func:`until_predicted` teaches between two looks at the criterion."""


class Learns(Protocol):
    """Describes a learner that is taught by whole sequences."""

    weights: Any

    def learn_sequences(self, inputs: Any, targets: Any, spans: Any, /) -> None: ...

    def learn_and_answer(self, inputs: Any, targets: Any, spans: Any, /) -> np.ndarray: ...

    def sequence_outputs(self, inputs: Any, spans: Any, /) -> np.ndarray: ...

    def answers(self, inputs: Any, spans: Any, /) -> np.ndarray: ...


def until_window(
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
        learner: the learner.
        task: draws what is learned, and judges sequences' ends.
        rng: of the draws.
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
        off = np.abs(answers - drawn.wanted(answers.shape[1]))
        missed = np.concatenate([missed, ~task.right(answers, drawn)])
        errors = np.concatenate([errors, (off**2 if squared else off).mean(1)])
        window = _first_window(missed, errors, wrong, error)
        if window is not None:
            # The window that ends with the last sequence learned stands at the end.
            last = window + len(off) - (len(missed) - WINDOW + 1)
            learner.weights = before
            part = drawn.part(0, last + 1)
            learner.learn_and_answer(part.inputs, part.targets, part.spans)
            done, steps = done + last + 1, steps + len(part.inputs)
            return {"success": True, "sequences": done, "steps": steps, "curve": thinned(curve, block)}
        curve.append(float(off.mean()))
        done, steps = done + len(off), steps + len(drawn.inputs)
        missed, errors = missed[1 - WINDOW :], errors[1 - WINDOW :]
    return {"success": False, "sequences": done, "steps": steps, "curve": thinned(curve, block)}


def _first_window(missed: np.ndarray, errors: np.ndarray, wrong: int, error: float | None) -> int | None:
    """Returns the number of the first window of sequences that satisfies the criterion, None if there is none."""
    if len(missed) < WINDOW:
        return None
    satisfied = _sums(missed) < wrong
    if error is not None and satisfied.any():
        satisfied &= _sums(errors) < error * WINDOW
    return int(np.argmax(satisfied)) if satisfied.any() else None


def _sums(values: np.ndarray) -> np.ndarray:
    """Returns the sums over all windows."""
    total = np.concatenate([[0], np.cumsum(values)])
    return total[WINDOW:] - total[:-WINDOW]


def thinned(curve: Sequence[float], every: int) -> dict[str, Any]:
    """Returns a learning curve of at most 60 points: ``{"every", "errors"}``, mean errors of so many sequences each."""
    joined = max(1, -(-len(curve) // POINTS))
    means = [float(np.mean(curve[k : k + joined])) for k in range(0, len(curve), joined)]
    return {"every": joined * every, "errors": [float(f"{mean:.4g}") for mean in means]}


def until_right(
    learner: Learns,
    task: Task,
    rng: np.random.Generator,
    holds: Callable[[], tuple[bool, int]],
    *,
    block: int,
    limit: int,
    targets: Callable[[Drawn], np.ndarray] = lambda drawn: drawn.targets,
) -> dict[str, Any]:
    """Trains block after block until a criterion holds: ``{"success", "sequences", "steps"}``.

    Args:
        learner: the learner.
        task: draws what is learned.
        rng: of the draws.
        holds: returns whether the criterion holds, and the steps that this took.
        block: sequences that are learned between two looks.
        limit: sequences after which the trial has failed.
        targets: those that are learned from.
    """
    done = steps = 0
    success = False
    while done < limit and not success:
        drawn = task.draw(rng, min(block, limit - done))
        learner.learn_sequences(drawn.inputs, targets(drawn), drawn.spans)
        success, tested = holds()
        done, steps = done + len(drawn.spans), steps + int(np.diff(drawn.spans).sum()) + tested
    return {"success": success, "sequences": done, "steps": steps}


def all_right(learner: Learns, task: Task, rng: np.random.Generator, tests: int, first: int) -> tuple[bool, int]:
    """Returns whether ``tests`` new sequences are all answered rightly, and the steps that this took.

    They are drawn in blocks that begin with ``first`` sequences and double: a network that is wrong on one sequence in
    a hundred is known after some hundred. Weights do not change.
    """
    tried = steps = 0
    while tried < tests:
        drawn = task.draw(rng, min(max(tried, first), MOST, tests - tried))
        steps += int(np.diff(drawn.spans).sum())
        if not task.right(drawn.outputs_of(learner), drawn).all():
            return False, steps
        tried += len(drawn.spans)
    return True, steps


def until_predicted(
    learner: Learns,
    task: Task,
    training: Strings,
    both: Strings,
    rng: np.random.Generator,
    limit: int,
    low: float = 0.0,
) -> dict[str, Any]:
    """Trains on strings drawn from a set until all of ``both`` are predicted: ``{"success", "sequences", "steps"}``.

    The criterion is looked at every tenth string. It is first tried on a string that was wrong the last time, then
    on more and more of them, for the answer is nearly always known after the first. The target of the symbol that
    comes is ``1 - low``, of all others ``low``.
    """
    targets: np.ndarray = training.targets
    if low:
        targets = np.where(np.arange(task.output_size) == targets[:, None], 1 - low, low).astype(np.float32)
    # The learner looks through all that it is given: it gets no more than it learns from.
    strings = [(training.inputs[a:b], targets[a:b]) for a, b in training.spans]
    order = rng.permutation(len(both.spans))
    steps = 0
    for done in range(INTERVAL, limit + 1, INTERVAL):
        codes, goals = zip(*(strings[k] for k in rng.integers(0, len(strings), INTERVAL)), strict=True)
        ends = np.cumsum([len(string) for string in codes])
        spans = np.stack([np.append(0, ends[:-1]), ends], 1)
        learner.learn_sequences(np.concatenate(codes), np.concatenate(goals), spans)
        steps += int(ends[-1])
        wrong = first_wrong(learner, task, both, order)
        if wrong is None:
            return {"success": True, "sequences": done, "steps": steps}
        order = np.concatenate([order[wrong:], order[:wrong]])
    return {"success": False, "sequences": limit, "steps": steps}


def first_wrong(learner: Learns, task: Task, strings: Strings, order: np.ndarray) -> int | None:
    """Returns the place in ``order`` of a string that is not predicted rightly; None if there is none."""
    begin, size = 0, 1
    while begin < len(order):
        some = strings.chosen(order[begin : begin + size])
        right = some.whole(task.right(some.outputs_of(learner), some))
        if not right.all():
            return begin + int(np.argmin(right))
        begin, size = begin + size, size * 8
    return None
