"""The genetic operators, and the plain genetic algorithm that is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from carrousel._format import Arrays, Declared, whole
from carrousel.learning._steps import check_counts
from carrousel.learning.evolution._search import Search, checked_share, checked_start, positive

__all__ = ["NOISES", "GeneticAlgorithm", "check_population", "crossed", "mutated"]

NOISES = ("gauss", "cauchy")


def check_population(population: Any) -> int:
    """Returns the number of members of a population.

    Raises:
        ValueError: there are fewer than two, among whom nothing can be chosen.
    """
    if population == 1 and not isinstance(population, bool):
        raise ValueError("a population of one has nothing to choose from: there must be at least 2 members")
    check_counts(2, population=population)
    return int(population)


def crossed(first: np.ndarray, second: np.ndarray, rng: np.random.Generator, way: str) -> np.ndarray:
    """Returns a child of each two parents ``[children, size]``: every weight is that of one of them.

    Args:
        first: the one parent of each, ``[children, size]``.
        second: the other, likewise.
        rng: of the choice.
        way: ``"uniform"``: each weight comes from either, as a coin says. ``"one-point"``: all before a random place
            come from the first parent, the rest from the second; the place leaves each something, if there are two
            weights.
    """
    children, size = first.shape
    if way == "uniform":
        from_second = rng.random((children, size)) < 0.5
    else:
        from_second = np.arange(size) >= rng.integers(1, max(size, 2), (children, 1))
    return np.where(from_second, second, first)


def mutated(vectors: np.ndarray, rng: np.random.Generator, share: float, scale: float, noise: str) -> np.ndarray:
    """Returns vectors ``[members, size]`` with noise added to some of their weights.

    Args:
        vectors: ``[members, size]``.
        rng: of the choice and the noise.
        share: the probability with which each weight is changed.
        scale: the standard deviation of Gaussian noise, the half width at half height of Cauchy noise.
        noise: ``"gauss"`` or ``"cauchy"``.
    """
    change = rng.standard_normal(vectors.shape) if noise == "gauss" else rng.standard_cauchy(vectors.shape)
    return vectors + np.where(rng.random(vectors.shape) < share, scale * change, 0.0)


class GeneticAlgorithm(Search):
    """The plain genetic algorithm: the fitter live on and have children, who differ a little from them.

    The first generation is uniform around the start. In every later one the ``elite`` fittest live on unchanged, and
    the others are children of two parents out of the fittest, crossed and mutated. J. Holland: Adaptation in Natural
    and Artificial Systems, 1975; with real numbers for genes.

    Args:
        size: the number of weights.
        population: the number of members, at least 2.
        spread: first weights are uniform within this of the start.
        parents: the share of the fittest who can have children; at least two can.
        elite: how many live on.
        crossover: the share of children who have two parents; the rest have one.
        crossing: how, ``"uniform"`` or ``"one-point"``.
        mutation: the probability with which a child's weight is changed.
        scale: of the change.
        noise: its distribution, ``"gauss"`` or ``"cauchy"``.
        start: the middle of the first generation, ``[size]``, by default noughts.
        seed: of all that is drawn.

    Raises:
        ValueError: an argument is not among these; the message says what would be.

    >>> search = GeneticAlgorithm(3, population=20, seed=1)
    >>> for _ in range(60):
    ...     search.tell(-((search.ask() - [1.0, -0.5, 0.25]) ** 2).sum(1))
    >>> search.best.round(1).tolist()
    [1.0, -0.5, 0.2]
    """

    def __init__(
        self,
        size: int,
        population: int = 50,
        *,
        spread: float = 1.0,
        parents: float = 0.25,
        elite: int = 1,
        crossover: float = 0.7,
        crossing: str = "uniform",
        mutation: float = 0.2,
        scale: float = 0.3,
        noise: str = "gauss",
        start: Any = None,
        seed: int = 0,
    ) -> None:
        self._set(size, population, spread, parents, elite, crossover, crossing, mutation, scale, noise, seed)
        where, rng = checked_start(start, self.size), self._generator()
        self._population = where + rng.uniform(-self.spread, self.spread, (self.population, self.size))

    def _set(
        self, size: int, population: int, spread: float, parents: float, elite: int, crossover: float, crossing: str,
        mutation: float, scale: float, noise: str, seed: int,
    ) -> None:  # fmt: skip
        super().__init__(size, seed)
        self.population = check_population(population)
        self.spread, self.scale = positive("spread", spread), positive("scale", scale)
        self.parents, self.crossover = checked_share("parents", parents), checked_share("crossover", crossover)
        self.mutation, self.elite = checked_share("mutation", mutation), whole(elite, "elite", most=population - 1)
        if crossing not in ("uniform", "one-point"):
            raise ValueError(f"crossing must be 'uniform' or 'one-point', got {crossing!r}")
        if noise not in NOISES:
            raise ValueError(f"noise must be one of {', '.join(NOISES)}; got {noise!r}")
        self.crossing, self.noise = crossing, noise

    @property
    def members(self) -> int:
        """The number of vectors in a generation."""
        return self.population

    def _draw(self) -> np.ndarray:
        return self._population

    def _learn(self, population: np.ndarray, fitness: np.ndarray, better: bool) -> None:
        rng = self._generator()
        order = np.argsort(-fitness, kind="stable")
        breeding = order[: max(2, round(self.parents * self.population))]
        children = self.population - self.elite
        first = rng.integers(0, len(breeding), children)
        second = (first + rng.integers(1, len(breeding), children)) % len(breeding)
        alone = rng.random(children) >= self.crossover
        mothers, fathers = population[breeding[first]], population[breeding[np.where(alone, first, second)]]
        born = mutated(crossed(mothers, fathers, rng, self.crossing), rng, self.mutation, self.scale, self.noise)
        self._population = np.concatenate([population[order[: self.elite]], born])

    def arguments(self) -> dict[str, Any]:
        """Returns the settings by name."""
        names = ("size", "population", "spread", "parents", "elite", "crossover", "crossing", "mutation", "scale")
        return {name: getattr(self, name) for name in (*names, "noise", "seed")}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"population": self._population}

    @classmethod
    def _declared(cls, arguments: Mapping[str, Any], generation: int) -> Declared:
        return {"population": ((arguments["population"], arguments["size"]), np.float64)}

    @classmethod
    def _restored(cls, arguments: Mapping[str, Any], arrays: Arrays, generation: int) -> Self:
        search = cls.__new__(cls)
        search._set(**arguments)
        search._population = arrays["population"]
        return search
