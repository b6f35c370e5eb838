"""The loop of an evolution: ask, measure, tell, write down, until it is good enough."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from carrousel._alone import alone
from carrousel._spread import spreading
from carrousel.learning._steps import check_counts
from carrousel.learning.evolution._fitness import Fitness, Function
from carrousel.learning.evolution._search import Search

__all__ = ["Evolved", "evolve"]


@dataclass(frozen=True)
class Evolved:
    """The result of an evolution.

    Attributes:
        weights: ``[size]``, the fittest vector that there was.
        fitness: its fitness, as it was measured.
        generations, evaluations: how many there were.
        reached: whether the fitness that was asked for was reached.
    """

    weights: np.ndarray
    fitness: float
    generations: int
    evaluations: int
    reached: bool


def evolve(
    search: Search,
    fitness: Fitness | Callable[[np.ndarray], float],
    *,
    generations: int,
    target: float | None = None,
    state: str | Path | None = None,
    jobs: int = 1,
    backend: str = "loky",
    progress: Callable[[Search], None] = lambda search: None,
) -> Evolved:
    """Evolves weights, generation after generation, and returns the fittest.

    The result depends on the search and its seed, not on how many members are measured at a time, nor on whether the
    evolution was killed in the middle and begun again from its ``state``.

    Args:
        search: how the next generation is made; it is changed, unless there is a ``state`` to go on from.
        fitness: of members: a :class:`Fitness`, or a function of one vector that returns a number.
        generations: how many there are, those of earlier runs included.
        target: the fitness with which the search ends.
        state: a file to which each generation's outcome is written, and from which an evolution goes on if it is there.
        jobs: how many members are measured at a time, where the fitness is Python; -1 for one a processor.
        backend: joblib's: ``"loky"``, ``"ray"``, ``"dask"`` ...
        progress: told of every generation.

    Raises:
        ValueError: the state is of another search, or is damaged; a fitness is no finite number.
        FileNotFoundError: there is no folder for the state.
        BlockingIOError: another process evolves with the same state.

    >>> from carrousel.learning.evolution import EvolutionStrategy
    >>> found = evolve(EvolutionStrategy(2), lambda w: -float(w @ w), generations=100, target=-1e-6)
    >>> found.reached, found.generations < 100
    (True, True)
    """
    check_counts(generations=generations)
    measure = (fitness if isinstance(fitness, Fitness) else Function(fitness)).measure
    with ExitStack() as held:
        if state is not None:
            state = Path(state)
            if not state.parent.is_dir():
                raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(state.parent))
            held.enter_context(alone(state, "is evolving from it"))
            search = _resumed(search, state)
        spread = held.enter_context(spreading(jobs, backend))
        while search.generation < generations and not _reached(search, target):
            population = search.ask()
            search.tell(measure(population, (search.seed, search.generation), spread))
            if state is not None:
                search.save(state)
            progress(search)
    assert search.best is not None
    about = search.generation, search.evaluations, _reached(search, target)
    return Evolved(search.best.copy(), search.best_fitness, *about)


def _reached(search: Search, target: float | None) -> bool:
    return target is not None and search.best_fitness >= target


def _resumed(search: Search, state: Path) -> Search:
    """Returns the search in a file if there is one, otherwise the one that is given.

    Raises:
        ValueError: it has other settings.
    """
    if not state.exists():
        return search
    kept = Search.load(state)
    mine, theirs = search.arguments(), kept.arguments()
    if type(kept) is not type(search):
        raise ValueError(f"{state} is of a {type(kept).__name__}, and this is a {type(search).__name__}")
    for name, value in mine.items():
        if theirs[name] != value:
            raise ValueError(f"{state} is of a search with {name}={theirs[name]!r}, and this has {name}={value!r}")
    return kept
