"""Evolution strategies, by the library ``cma``, whose author is theirs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from carrousel._format import Arrays, Declared
from carrousel.learning.evolution._genetic import check_population
from carrousel.learning.evolution._search import Search, checked_start, positive

__all__ = ["EvolutionStrategy"]

# What of the library's options makes each covariance.
COVARIANCES: dict[str, dict[str, Any]] = {
    "full": {},
    "diagonal": {"CMA_diagonal": True},
    "none": {"CMA_on": 0},
}


class EvolutionStrategy(Search):
    """An evolution strategy: members are normally distributed around a mean that goes where the fitter are.

    With a ``"full"`` covariance this is CMA-ES, which learns how weights depend on one another in O(size²) numbers;
    ``"diagonal"`` learns a width for each weight, and suits thousands of them; ``"none"`` adapts one width for all, as
    the strategies did before. The library is ``cma``: ``pip install 'carrousel[evolution]'``.

    N. Hansen, A. Ostermeier: Completely derandomized self-adaptation in evolution strategies. Evolutionary Computation
    9(2), 2001. The state in a file is the fitness of all generations, from which they are gone through again.

    Args:
        size: the number of weights, at least 2.
        population: the number of members, at least 2; by default 4 + 3 ln(size).
        spread: the first standard deviation.
        covariance: ``"full"``, ``"diagonal"`` or ``"none"``.
        start: the first mean, ``[size]``, by default noughts.
        seed: of all that is drawn.

    Raises:
        ValueError: an argument is not among these; the message says what would be.
        ImportError: ``cma`` is not installed.

    >>> search = EvolutionStrategy(3, seed=1)
    >>> for _ in range(60):
    ...     search.tell(-((search.ask() - [1.0, -0.5, 0.25]) ** 2).sum(1))
    >>> search.best.round(2).tolist()
    [1.0, -0.5, 0.25]
    """

    def __init__(
        self,
        size: int,
        population: int | None = None,
        *,
        spread: float = 0.5,
        covariance: str = "full",
        start: Any = None,
        seed: int = 0,
    ) -> None:
        super().__init__(size, seed)
        if size < 2:
            raise ValueError(f"an evolution strategy wants at least 2 weights, got {size}")
        if covariance not in COVARIANCES:
            raise ValueError(f"covariance must be one of {', '.join(COVARIANCES)}; got {covariance!r}")
        default = 4 + math.floor(3 * math.log(size))
        self.population = default if population is None else check_population(population)
        self.spread, self.covariance = positive("spread", spread), covariance
        self._start = checked_start(start, self.size)
        self._told: list[np.ndarray] = []
        self._strategy = self._begin()

    def _begin(self) -> Any:
        try:
            import cma
        except ImportError:
            raise ImportError("evolution strategies need the package cma: pip install 'carrousel[evolution]'") from None

        def normal(*shape: int) -> np.ndarray:
            return self._rng.standard_normal(shape)

        options = {"popsize": self.population, "seed": np.nan, "randn": normal, "verbose": -9, "verb_log": 0}
        self._rng = self._generator()
        return cma.CMAEvolutionStrategy(self._start, self.spread, {**options, **COVARIANCES[self.covariance]})

    @property
    def members(self) -> int:
        """The number of vectors in a generation."""
        return self.population

    @property
    def deviation(self) -> np.ndarray:
        """The standard deviations of the members, ``[size]``."""
        return self._strategy.sigma * np.broadcast_to(np.sqrt(self._strategy.sm.variances), self.size)

    def _draw(self) -> np.ndarray:
        self._rng = self._generator()
        return np.stack(self._strategy.ask())

    def _learn(self, population: np.ndarray, fitness: np.ndarray, better: bool) -> None:
        self._told.append(fitness.copy())
        self._strategy.tell(list(population), (-fitness).tolist())

    def arguments(self) -> dict[str, Any]:
        """Returns the settings by name, but for the start."""
        return {name: getattr(self, name) for name in ("size", "population", "spread", "covariance", "seed")}

    def _arrays(self) -> dict[str, np.ndarray]:
        told = np.stack(self._told) if self._told else np.zeros((0, self.population))
        return {"start": self._start, "told": told}

    @classmethod
    def _declared(cls, arguments: Mapping[str, Any], generation: int) -> Declared:
        told = (generation, arguments["population"])
        return {"start": ((arguments["size"],), np.float64), "told": (told, np.float64)}

    @classmethod
    def _restored(cls, arguments: Mapping[str, Any], arrays: Arrays, generation: int) -> Self:
        search = cls(**arguments, start=arrays["start"])
        for fitness in arrays["told"]:
            search.tell(fitness)
        return search
