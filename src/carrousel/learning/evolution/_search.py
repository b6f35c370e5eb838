"""What every evolution does: it is asked for a population, and told how fit its members are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from carrousel._format import Arrays, Declared, Format, fitted, number, whole
from carrousel.learning._steps import check_counts

__all__ = ["FORMAT", "Search", "checked_share", "checked_start", "positive"]

FORMAT = Format("carrousel-evolution", 1, "the state of an evolution")


class Search(ABC):
    """A search for the fittest vector of weights, by generations of them.

    :meth:`ask` gives a population, :meth:`tell` takes its fitness, of which more is better. All that is drawn in a
    generation comes from the seed and the generation's number, so that a search that was written to a file
    (:meth:`save`) goes on as it would have gone on.

    Attributes:
        size: the number of weights.
        seed: of all that is drawn.
        generation: how many were told.
        evaluations: how many members they had together.
        best: the fittest vector that there was, ``[size]``; None before the first generation.
        best_fitness: its fitness; minus infinity before.
    """

    kinds: ClassVar[dict[str, type[Search]]] = {}

    def __init_subclass__(cls) -> None:
        Search.kinds[cls.__name__] = cls

    def __init__(self, size: int, seed: int) -> None:
        check_counts(size=size)
        if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
            raise ValueError(f"seed must be a whole number of at least 0, got {seed!r}")
        self.size, self.seed, self.generation, self.evaluations = int(size), int(seed), 0, 0
        self.best: np.ndarray | None = None
        self.best_fitness = -np.inf
        self._asked: np.ndarray | None = None

    @property
    @abstractmethod
    def members(self) -> int:
        """The number of vectors in a generation."""

    def ask(self) -> np.ndarray:
        """Returns the population whose fitness is to be told, ``[members, size]``; the same until it is."""
        if self._asked is None:
            self._asked = np.ascontiguousarray(self._draw(), np.float64)
        return self._asked.copy()

    def tell(self, fitness: Any) -> None:
        """Goes on to the next generation.

        Args:
            fitness: ``[members]`` of the population that :meth:`ask` gives, more being better.

        Raises:
            ValueError: there are more or fewer, or one is no finite number; nothing has changed then.
        """
        population = self.ask()
        values = np.asarray(fitness, np.float64)
        if values.shape != (len(population),):
            raise ValueError(f"there must be a fitness for each of {len(population)} members, got {list(values.shape)}")
        if not np.isfinite(values).all():
            member = int(np.argmin(np.isfinite(values)))
            raise ValueError(
                f"the fitness of member {member} in generation {self.generation} is {values[member]}: a finite number "
                "is wanted, small for what fails"
            )
        fittest = int(np.argmax(values))
        better = values[fittest] > self.best_fitness
        if better:
            self.best, self.best_fitness = population[fittest].copy(), float(values[fittest])
        self._learn(population, values, bool(better))
        self.generation += 1
        self.evaluations += len(population)
        self._asked = None

    def _generator(self) -> np.random.Generator:
        """Returns the generation's own generator."""
        return np.random.default_rng([self.seed, self.generation])

    @abstractmethod
    def _draw(self) -> np.ndarray:
        """Returns the population of this generation."""

    @abstractmethod
    def _learn(self, population: np.ndarray, fitness: np.ndarray, better: bool) -> None:
        """Makes the next generation from this one's fitness; ``better`` says whether there is a new best."""

    def save(self, path: str | Path) -> None:
        """Writes everything to one safetensors file, whole or not at all; see :meth:`load`."""
        none = np.zeros(0)
        facts = {
            "kind": type(self).__name__,
            "arguments": self.arguments(),
            "generation": self.generation,
            "evaluations": self.evaluations,
            "best_fitness": None if self.best is None else self.best_fitness,
            "progress": self._progress(),
        }
        FORMAT.write(Path(path), facts, {**self._arrays(), "best": none if self.best is None else self.best})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads the search that :meth:`save` wrote, which goes on bit for bit as the saved one would have.

        Raises:
            FileNotFoundError: there is no file.
            ValueError: it is not such a file, or is damaged, or of a search of another kind.
        """
        with FORMAT.reading(path) as (facts, arrays):
            kind = cls.kinds.get(facts["kind"])
            if kind is None or not issubclass(kind, cls):
                raise ValueError(f"it holds a {facts['kind']}")
            told = facts["best_fitness"] is not None
            generation = whole(facts["generation"], "its generation", least=int(told))
            size = whole(facts["arguments"]["size"], "its number of weights", least=1)
            arrays = dict(arrays)
            best = fitted({"best": arrays.pop("best")}, {"best": ((size if told else 0,), np.float64)})["best"]
            declared = kind._declared(facts["arguments"], generation)
            search = kind._restored(facts["arguments"], fitted(arrays, declared), generation)
            search._resume(facts["progress"])
            search.generation = generation
            search.evaluations = whole(facts["evaluations"], "its number of evaluations")
            if search.evaluations != generation * search.members or (generation > 0) != told:
                raise ValueError(f"its {search.evaluations} evaluations do not fit its {generation} generations")
            search.best = best if told else None
            search.best_fitness = number(facts["best_fitness"], "its best fitness") if told else -np.inf
        return search  # type: ignore[return-value]

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Returns the settings that made the search, as JSON can hold them; with ``"size"`` and ``"seed"``."""

    @abstractmethod
    def _arrays(self) -> dict[str, np.ndarray]:
        """Returns what the next generation is made from."""

    @classmethod
    @abstractmethod
    def _declared(cls, arguments: Mapping[str, Any], generation: int) -> Declared:
        """Returns the shapes and dtypes of the arrays of a search of these settings."""

    @classmethod
    @abstractmethod
    def _restored(cls, arguments: Mapping[str, Any], arrays: Arrays, generation: int) -> Self:
        """Returns the search of these settings and fitted arrays."""

    def _progress(self) -> dict[str, Any]:
        """Returns what else changes from generation to generation."""
        return {}

    def _resume(self, progress: Mapping[str, Any]) -> None:
        """Takes what :meth:`_progress` gave, after checking it."""
        if progress:
            raise ValueError(f"its progress is {progress}, and this search has none")


def checked_share(name: str, value: Any, least: float = 0.0) -> float:
    """Returns a share of 1.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= 1:
        raise ValueError(f"{name} must be a number from {least:g} to 1, got {value!r}")
    return float(value)


def positive(name: str, value: Any) -> float:
    """Returns a number that is positive.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a positive number, got {value!r}")
    return float(value)


def checked_start(start: Any, size: int) -> np.ndarray:
    """Returns where a search begins, ``[size]``, noughts if None is given.

    Raises:
        ValueError: it has another shape, or a number is not finite.
    """
    where = np.zeros(size) if start is None else np.array(start, np.float64)
    if where.shape != (size,) or not np.isfinite(where).all():
        raise ValueError(f"start must be {size} finite numbers, got {list(where.shape)}")
    return where
