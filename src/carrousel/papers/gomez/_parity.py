"""Sequential parity: strings of hundreds of bits, by guessing, by evolution, and by a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from carrousel._spread import Spread
from carrousel.learning import GuessedNetwork
from carrousel.learning.evolution import Search, TaskFitness
from carrousel.learning.online import Learner
from carrousel.papers._trial import Found, Setting
from carrousel.tasks import Parity, WithGoals

__all__ = ["descend", "evolve_parity", "guess"]

FIRST = 10  # strings that every member answers; only the best answer all


def guess(network: GuessedNetwork, task: Parity, sets: tuple[WithGoals, WithGoals], setting: Setting) -> Found:
    """Draws weights until all training strings are right."""
    training, test = sets
    found = network.guess(
        training.inputs, training.goals[:, 0], training.spans, tolerance=task.tolerance,
        limit=setting.config.until["limit"], seed=setting.rng,
    )  # fmt: skip
    about = {"success": found.weights is not None, "evaluations": found.draws, "steps": found.steps}
    return {**about, "test_right": None if found.weights is None else _right(network, found.weights, task, test)}


def evolve_parity(
    network: GuessedNetwork, task: Parity, sets: tuple[WithGoals, WithGoals], make: Callable[[int], Search],
    setting: Setting,
) -> Found:  # fmt: skip
    """Evolves weights until all training strings are right; the fitness is minus the squared error of a few.

    A search that has found nothing fitter for ``patience`` generations is begun again.
    """
    training, test = sets
    few, until = training.part(0, FIRST), setting.config.until
    fitness = TaskFitness(network, _Fixed(few), count=1, fresh=False)
    spread: Spread = lambda function, items: []  # noqa: E731
    evaluations = restarts = still = 0
    search, best = make(setting.number * 1000), -np.inf
    while evaluations < until["limit"]:
        population = search.ask()
        found = fitness.measure(population, (0, 0), spread)
        evaluations += len(population)
        fittest = population[np.argmax(found)]
        if found.max() > best and _right(network, fittest, task, few) == 1 == _right(network, fittest, task, training):
            about = {"evaluations": evaluations, "steps": evaluations * len(few.inputs), "restarts": restarts}
            return {"success": True, **about, "test_right": _right(network, fittest, task, test)}
        still, best = (0, found.max()) if found.max() > best else (still + 1, best)
        search.tell(found)
        if still >= until["patience"]:
            restarts, still, best = restarts + 1, 0, -np.inf
            search = make(setting.number * 1000 + restarts)
    return {"success": False, "evaluations": evaluations, "steps": evaluations * len(few.inputs), "restarts": restarts}


def descend(learner: Learner, task: Parity, sets: tuple[WithGoals, WithGoals], setting: Setting) -> Found:
    """Teaches a network by the gradient until all training strings are right."""
    training, test = sets
    taught = 0
    while taught < setting.config.until["limit"]:
        learner.learn_sequences(training.inputs, training.targets, training.spans)
        taught += len(training.spans)
        if task.right(learner.answers(training.inputs, training.spans), training).all():
            right = float(task.right(learner.answers(test.inputs, test.spans), test).mean())
            return {"success": True, "evaluations": taught, "steps": learner.steps, "test_right": right}
    return {"success": False, "evaluations": taught, "steps": learner.steps}


def _right(network: GuessedNetwork, weights: np.ndarray, task: Parity, drawn: WithGoals) -> float:
    return float(task.right(network.answers(weights, drawn.inputs, drawn.spans)[:, None], drawn).mean())


class _Fixed:
    """A task that always draws the same strings."""

    input_size = output_size = 1

    def __init__(self, drawn: WithGoals) -> None:
        self._drawn = drawn

    def draw(self, rng: np.random.Generator, count: int) -> WithGoals:
        return self._drawn

    def right(self, outputs: np.ndarray, drawn: Any) -> np.ndarray:
        return np.zeros(len(outputs), bool)
