"""Two poles without velocities: the fitness of 1996 that damps, and when they count as balanced."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import product
from math import radians
from typing import Any

import numpy as np

from carrousel._spread import Spread
from carrousel.learning import GuessedNetwork
from carrousel.learning.evolution import Fitness, Search
from carrousel.papers._trial import Found, Setting
from carrousel.papers.gomez._standing import stand
from carrousel.tasks import PoleBalancing

__all__ = ["Balancing", "balance"]

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
RANGES = (2.16, 1.35, radians(3.6), radians(8.6))  # of position, velocity, angle and velocity of the long pole
STARTS = np.array(
    [[*(r * (2 * s - 1) for r, s in zip(RANGES, row, strict=True)), 0, 0] for row in product(SHARES, repeat=4)]
)
WINDOW = 100  # steps at the end that are to be calm


class Balancing(Fitness):
    """How long both poles stand, and how calmly: 0.1 t / 1000 + 0.9 f, as F. Gruau, D. Whitley and L. Pyeatt have it.

    f is 0.75 over the sum of |position|, |velocity|, |angle| and |its velocity| (of the long pole, in m and rad) in the
    last hundred steps, and 0 where there are fewer.

    Attributes:
        steps: how long each member of the last population stood, ``[members]``.
    """

    def __init__(self, network: GuessedNetwork, steps: int) -> None:
        self.network, self.most = network, steps
        self.steps = np.zeros(0, np.int64)

    @cached_property
    def world(self) -> PoleBalancing:
        """The world, without a limit that could be met."""
        return PoleBalancing(limit=1_000_000)

    def measure(self, population: np.ndarray, key: tuple[int, ...], spread: Spread) -> np.ndarray:
        """Returns the fitness of each member, ``[members]``."""
        self.steps, restless = self._run(population, self.most)
        return 0.1 * self.steps / self.most + np.where(self.steps > WINDOW, 0.9 * 0.75 / restless, 0.0)

    def _run(self, population: np.ndarray, steps: int, **options: Any) -> tuple[np.ndarray, np.ndarray]:
        """Returns how long members stand, at most so many steps, and how restless they are in the end."""
        worlds = self.world.batch(len(population))
        worlds.reset(options=options)
        past, stood = np.zeros((len(population), WINDOW)), np.zeros(len(population), np.int64)
        (constants, limits, scale), places = worlds.prepared, self.world.places
        about = constants, places, limits, scale[places], self.world.force
        stand(*self.network.compiled(population), worlds.states, *map(np.asarray, about), steps, past, stood)
        return stood, np.maximum(past.sum(1), 1e-9)

    def generalises(self, weights: np.ndarray) -> int:
        """Returns from how many of 625 starts a network balances for 1,000 steps."""
        stood, _ = self._run(np.tile(weights, (len(STARTS), 1)), 1000, state=STARTS)
        return int((stood >= 1000).sum())

    def lasts(self, weights: np.ndarray, steps: int) -> bool:
        """Says whether a network balances for so many steps."""
        return bool(self._run(weights[None], steps)[0][0] >= steps)


def balance(fitness: Balancing, make: Callable[[int], Search], setting: Setting) -> Found:
    """Evolves networks until one balances from the start, for long, and from other starts.

    This is looked at where a network stands for the whole time that is tried and is fitter than those before it. A
    search that has found nothing fitter for ``patience`` generations is begun again, if it is told to.
    """
    until = setting.config.until
    evaluations = steps = restarts = still = 0
    search, best, standing = make(setting.number * 1000), -np.inf, -np.inf
    while evaluations < until["limit"]:
        population = search.ask()
        found = fitness.measure(population, (), lambda function, items: [])
        evaluations, steps = evaluations + len(population), steps + int(fitness.steps.sum())
        stands = np.where(fitness.steps >= fitness.most, found, -np.inf)
        if stands.max() > standing:
            standing, champion = stands.max(), population[np.argmax(stands)]
            starts = fitness.generalises(champion)
            if starts >= until["starts"] and fitness.lasts(champion, until["lasting"]):
                about = {"steps": steps, "starts": starts, "restarts": restarts}
                return {"success": True, "evaluations": evaluations, **about, "network": champion.tolist()}
        still, best = (0, found.max()) if found.max() > best else (still + 1, best)
        search.tell(found)
        if until["patience"] and still >= until["patience"]:
            restarts, still, best, standing = restarts + 1, 0, -np.inf, -np.inf
            search = make(setting.number * 1000 + restarts)
    return {"success": False, "evaluations": evaluations, "steps": steps, "restarts": restarts}
