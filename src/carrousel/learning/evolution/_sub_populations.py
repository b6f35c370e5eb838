"""Enforced SubPopulations: a population for each unit, whose members are judged by the networks that they make up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from carrousel._format import Arrays, Declared, whole
from carrousel.learning._steps import MOST_NUMBERS, check_counts
from carrousel.learning.evolution._genetic import NOISES, check_population, crossed, mutated
from carrousel.learning.evolution._search import Search, checked_share, checked_start, positive

__all__ = ["SubPopulations"]

CREDITS = ("best", "mean")


class SubPopulations(Search):
    """Enforced SubPopulations: each part of a network, such as a unit with its weights, has a population of its own.

    A network is made of a chromosome from each subpopulation. Every chromosome is tried in ``trials`` networks, with
    other partners each time, and is as fit as these. The fittest of a subpopulation breed, within it alone, so that
    the parts come to complete each other. If the best fitness stands still for ``patience`` generations, all
    subpopulations are drawn anew around the best network (burst mutation).

    F. Gomez, R. Miikkulainen: Incremental evolution of complex general behavior. Adaptive Behavior 5, 1997; Solving
    non-Markovian control tasks with neuroevolution. IJCAI 1999.

    Args:
        parts: which weights each subpopulation has, as places ``0, 1, ...``; each place in one of them. A learner's
            ``units()`` are such parts.
        population: the number of chromosomes in a subpopulation, at least 2.
        trials: networks of a generation in which each chromosome is; a generation has ``trials * population`` networks.
        spread: first weights are uniform within this of the start.
        credit: a chromosome is as fit as the ``"best"`` of its networks, or as their ``"mean"``.
        parents: the share of a subpopulation, the fittest, that has children.
        survivors: the share that lives on; the others make room for children.
        crossover: the probability with which a child has two parents, crossed at one point; otherwise it has one.
        mutation: the probability with which a child's weight is changed.
        scale: of the change.
        noise: its distribution, ``"cauchy"`` or ``"gauss"``.
        patience: generations without a better network before a burst; None for never.
        burst: scale of the Cauchy noise of a burst.
        start: the middle of the first generation, by default noughts.
        seed: of all that is drawn.

    Raises:
        ValueError: an argument is not among these; the message says what would be.

    >>> search = SubPopulations([[0, 2], [1]], population=10, seed=1)
    >>> for _ in range(60):
    ...     search.tell(-((search.ask() - [1.0, -0.5, 0.25]) ** 2).sum(1))
    >>> search.best.round(1).tolist()
    [1.0, -0.5, 0.2]
    """

    def __init__(
        self,
        parts: Sequence[Any],
        population: int = 40,
        *,
        trials: int = 10,
        spread: float = 1.0,
        credit: str = "mean",
        parents: float = 0.25,
        survivors: float = 0.5,
        crossover: float = 1.0,
        mutation: float = 0.3,
        scale: float = 0.3,
        noise: str = "cauchy",
        patience: int | None = 20,
        burst: float = 0.3,
        start: Any = None,
        seed: int = 0,
    ) -> None:
        order, sizes = _checked_parts(parts)
        self._set(
            sizes, order, population, trials, spread, credit, parents, survivors, crossover, mutation, scale, noise,
            patience, burst, seed,
        )  # fmt: skip
        where, rng = checked_start(start, self.size)[order], self._generator()
        self._chromosomes = where + rng.uniform(-self.spread, self.spread, (self.population, self.size))

    def _set(
        self, sizes: list[int], order: np.ndarray, population: int, trials: int, spread: float, credit: str,
        parents: float, survivors: float, crossover: float, mutation: float, scale: float, noise: str,
        patience: int | None, burst: float, seed: int, size: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(len(order), seed)
        if size not in (None, self.size) or sum(sizes) != self.size:
            raise ValueError(f"its parts have {sum(sizes)} weights, and there are {self.size}")
        check_counts(trials=trials)
        self.population, self.trials = check_population(population), int(trials)
        self.spread, self.scale, self.burst = (
            positive(*each) for each in (("spread", spread), ("scale", scale), ("burst", burst))
        )
        self.parents, self.survivors = checked_share("parents", parents), checked_share("survivors", survivors)
        self.crossover, self.mutation = checked_share("crossover", crossover), checked_share("mutation", mutation)
        if credit not in CREDITS:
            raise ValueError(f"credit must be one of {', '.join(CREDITS)}; got {credit!r}")
        if noise not in NOISES:
            raise ValueError(f"noise must be one of {', '.join(NOISES)}; got {noise!r}")
        if patience is not None:
            check_counts(patience=patience)
        self.credit, self.noise, self.patience = credit, noise, patience
        self.bursts = self._stalled = 0
        self._order, self._sizes, self._cuts = order, sizes, np.cumsum([0, *sizes])

    @property
    def members(self) -> int:
        """The number of networks in a generation."""
        return self.trials * self.population

    def _picks(self) -> np.ndarray:
        """Returns which chromosome of each subpopulation is in which network, ``[networks, parts]``."""
        rng = self._generator()
        rounds = [np.stack([rng.permutation(self.population) for _ in self._sizes], axis=1) for _ in range(self.trials)]
        return np.concatenate(rounds)

    def _draw(self) -> np.ndarray:
        picks = np.repeat(self._picks(), self._sizes, axis=1)  # [networks, size], in the order of the parts
        networks = np.empty((len(picks), self.size))
        networks[:, self._order] = np.take_along_axis(self._chromosomes, picks, axis=0)
        return networks

    def _learn(self, population: np.ndarray, fitness: np.ndarray, better: bool) -> None:
        self._stalled = 0 if better else self._stalled + 1
        rng = np.random.default_rng([self.seed, self.generation, 1])
        if self.patience is not None and self._stalled >= self.patience:
            assert self.best is not None
            around = np.tile(self.best[self._order], (self.population, 1))
            around[1:] += self.burst * rng.standard_cauchy(around[1:].shape)
            self._chromosomes, self._stalled, self.bursts = around, 0, self.bursts + 1
            return
        fit = _credited(self._picks(), fitness, self.population, self.credit)
        for part in range(len(self._sizes)):
            place = slice(self._cuts[part], self._cuts[part + 1])
            order = np.argsort(-fit[:, part], kind="stable")
            self._chromosomes[:, place] = self._bred(self._chromosomes[order, place], rng)

    def _bred(self, ranked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Returns the next generation of a subpopulation, whose chromosomes are given from the fittest down."""
        n = self.population
        breeding = max(1, round(self.parents * n))
        living = min(n - 1, max(1, round(self.survivors * n)))
        first = np.arange(n - living) % breeding
        second = (rng.random(n - living) * (first + 1)).astype(int)  # one at least as fit, as Gomez has it
        second = np.where(rng.random(n - living) < self.crossover, second, first)
        born = crossed(ranked[first], ranked[second], rng, "one-point")
        return np.concatenate([ranked[:living], mutated(born, rng, self.mutation, self.scale, self.noise)])

    def arguments(self) -> dict[str, Any]:
        """Returns the settings by name; ``"sizes"`` are those of the parts."""
        names = ("size", "population", "trials", "spread", "credit", "parents", "survivors", "crossover", "mutation")
        more = ("scale", "noise", "patience", "burst", "seed")
        return {**{name: getattr(self, name) for name in (*names, *more)}, "sizes": list(self._sizes)}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"chromosomes": self._chromosomes, "order": self._order}

    @classmethod
    def _declared(cls, arguments: Mapping[str, Any], generation: int) -> Declared:
        size = arguments["size"]
        return {"chromosomes": ((arguments["population"], size), np.float64), "order": ((size,), np.int64)}

    @classmethod
    def _restored(cls, arguments: Mapping[str, Any], arrays: Arrays, generation: int) -> Self:
        sizes = [whole(size, "the size of a part", least=1) for size in arguments["sizes"]]
        if not np.array_equal(np.sort(arrays["order"]), np.arange(len(arrays["order"]))):
            raise ValueError("its parts do not have each weight once")
        search = cls.__new__(cls)
        search._set(**{**arguments, "sizes": sizes, "order": arrays["order"]})
        search._chromosomes = arrays["chromosomes"]
        return search

    def _progress(self) -> dict[str, Any]:
        return {"stalled": self._stalled, "bursts": self.bursts}

    def _resume(self, progress: Mapping[str, Any]) -> None:
        self._stalled = whole(progress["stalled"], "its number of generations without a better network")
        self.bursts = whole(progress["bursts"], "its number of bursts")


def _checked_parts(parts: Sequence[Any]) -> tuple[np.ndarray, list[int]]:
    """Returns the weights part after part, and how many each part has.

    Raises:
        ValueError: a weight is in none of them or in two, or a part has none.
    """
    arrays = [np.asarray(part) for part in parts]
    if not arrays or any(a.ndim != 1 or not len(a) or not np.issubdtype(a.dtype, np.integer) for a in arrays):
        raise ValueError("parts must be lists of whole numbers, the places of weights; and none of them empty")
    order = np.concatenate(arrays).astype(np.int64)
    if len(order) > MOST_NUMBERS or not np.array_equal(np.sort(order), np.arange(len(order))):
        raise ValueError(f"the parts must have each of the places 0 to {len(order) - 1} once")
    return order, [len(a) for a in arrays]


def _credited(picks: np.ndarray, fitness: np.ndarray, population: int, credit: str) -> np.ndarray:
    """Returns how fit each chromosome is by the networks that it was in, ``[population, parts]``."""
    fit = np.full((population, picks.shape[1]), -np.inf if credit == "best" else 0.0)
    for part in range(picks.shape[1]):
        if credit == "best":
            np.maximum.at(fit[:, part], picks[:, part], fitness)
        else:
            np.add.at(fit[:, part], picks[:, part], fitness * (population / len(picks)))
    return fit
