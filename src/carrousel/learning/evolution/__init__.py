"""Evolution: weights are not taught but chosen, from generations of whole populations.

A search (:class:`GeneticAlgorithm`, :class:`SubPopulations`, :class:`EvolutionStrategy`) is asked for a population and
told how fit its members are; :func:`evolve` does so until one is fit enough. How fit they are says any function, a
task (:class:`TaskFitness`), or an environment (:class:`WorldFitness`).

>>> from functools import partial
>>> from carrousel.learning import GuessedNetwork
>>> from carrousel.tasks import PoleBalancing
>>> network = GuessedNetwork(4, 1, squash="tanh")
>>> fitness = WorldFitness(network, partial(PoleBalancing, poles=1, velocities=True, limit=1000))
>>> evolve(EvolutionStrategy(network.weight_count), fitness, generations=50, target=1000).reached
True
"""

from __future__ import annotations

from carrousel.learning.evolution._evolve import Evolved, evolve
from carrousel.learning.evolution._fitness import Fitness, Function, TaskFitness
from carrousel.learning.evolution._genetic import GeneticAlgorithm, crossed, mutated
from carrousel.learning.evolution._search import Search
from carrousel.learning.evolution._strategy import EvolutionStrategy
from carrousel.learning.evolution._sub_populations import SubPopulations
from carrousel.learning.evolution._worlds import WorldFitness

__all__ = [
    "EvolutionStrategy",
    "Evolved",
    "Fitness",
    "Function",
    "GeneticAlgorithm",
    "Search",
    "SubPopulations",
    "TaskFitness",
    "WorldFitness",
    "crossed",
    "evolve",
    "mutated",
]
