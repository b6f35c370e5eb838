"""How fit the members of a population are: by a function of their weights, or by how well a task is solved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from carrousel._spread import Spread
from carrousel.learning._protocol import Responding
from carrousel.learning._steps import check_counts

__all__ = ["Fitness", "Function", "TaskFitness"]

MOST_ANSWERS = 2**22
"""Numbers that members answer at a time; with more members they are asked in turns."""


class _Task(Protocol):
    """A task of ``carrousel.tasks``."""

    input_size: Any
    output_size: Any

    def draw(self, rng: np.random.Generator, count: int) -> Any: ...

    def right(self, outputs: np.ndarray, drawn: Any) -> np.ndarray: ...


class Fitness(ABC):
    """A measure of how fit members of a population are."""

    @abstractmethod
    def measure(self, population: np.ndarray, key: tuple[int, ...], spread: Spread) -> np.ndarray:
        """Returns the fitness of each member, ``[members]``, of which more is better.

        Args:
            population: ``[members, size]``.
            key: the seed and the generation's number; what is drawn is drawn from generators that begin with it.
            spread: makes calls, maybe many at a time.
        """


class Function(Fitness):
    """A function of one vector of weights, called for each member; calls can be spread over processes.

    Args:
        function: takes a vector ``[size]`` and returns a number.
        seeded: whether it takes a generator too, which depends on seed, generation and member alone.
    """

    def __init__(self, function: Callable[..., float], *, seeded: bool = False) -> None:
        self.function, self.seeded = function, bool(seeded)

    def measure(self, population: np.ndarray, key: tuple[int, ...], spread: Spread) -> np.ndarray:
        """Returns the function of each member, ``[members]``."""
        if not self.seeded:
            found = spread(self.function, [(member,) for member in population])
        else:
            draws = [np.random.default_rng([*key, number]) for number in range(len(population))]
            found = spread(self.function, list(zip(population, draws, strict=True)))
        for number, value in enumerate(found):
            if not isinstance(value, int | float | np.integer | np.floating) and np.shape(value) != ():
                raise ValueError(f"the fitness of member {number} must be a number, got {type(value).__name__}")
        return np.array([float(value) for value in found])


class TaskFitness(Fitness):
    """How well a learner with a member's weights solves a task: all members answer in one compiled call.

    Every generation draws sequences, the same for all its members.

    Args:
        learner: whose weights are sought.
        task: draws sequences, and judges what is said about them.
        count: the number of sequences of a generation.
        measured: ``"error"``: minus the mean squared error in the steps that the task judges; ``"right"``: the share of
            these that are right by the task's criterion; ``"sequences"``: the share of sequences that are right whole.
        fresh: whether each generation has sequences of its own; otherwise all have those of the first.

    Raises:
        ValueError: learner and task have other numbers of units, or ``measured`` is none of these.
    """

    def __init__(
        self, learner: Responding, task: _Task, *, count: int = 50, measured: str = "error", fresh: bool = True
    ) -> None:
        sizes = (learner.input_size, learner.output_size), (task.input_size, task.output_size)
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"the learner has {sizes[0][0]} inputs and {sizes[0][1]} outputs, the task {sizes[1][0]} and "
                f"{sizes[1][1]}"
            )
        if measured not in ("error", "right", "sequences"):
            raise ValueError(f"measured must be 'error', 'right' or 'sequences', got {measured!r}")
        check_counts(count=count)
        self.learner, self.task, self.count, self.measured, self.fresh = learner, task, count, measured, bool(fresh)

    def measure(self, population: np.ndarray, key: tuple[int, ...], spread: Spread) -> np.ndarray:
        """Returns each member's figure, ``[members]``."""
        drawn = self.task.draw(np.random.default_rng([*(key if self.fresh else key[:1]), 2]), self.count)
        lengths = drawn.spans[:, 1] - drawn.spans[:, 0]
        judged = np.cumsum(lengths) - 1 if drawn.at_ends else np.arange(lengths.sum())
        wanted = drawn.wanted(self.learner.output_size)
        at_once = max(1, MOST_ANSWERS // max(1, int(lengths.sum()) * self.learner.output_size))
        figures = []
        for first in range(0, len(population), at_once):
            answers = self.learner.respond(population[first : first + at_once], drawn.inputs, drawn.spans)
            figures += [self._figure(said[judged], wanted, drawn) for said in answers]
        return np.array(figures)

    def _figure(self, said: np.ndarray, wanted: np.ndarray, drawn: Any) -> float:
        if self.measured == "error":
            return -float(np.nanmean((said - wanted) ** 2))
        right = self.task.right(said, drawn)
        return float(np.mean(right if self.measured == "right" else drawn.whole(right)))
