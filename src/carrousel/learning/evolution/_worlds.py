"""How much reward members of a population earn in an environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from carrousel._spread import Spread
from carrousel.learning._protocol import Responding
from carrousel.learning._steps import check_counts
from carrousel.learning.evolution._fitness import Fitness

__all__ = ["WorldFitness"]


class WorldFitness(Fitness):
    """The reward that a learner with a member's weights earns in an episode, or the mean of several.

    An environment is one of ``carrousel.tasks`` or of gymnasium. If it has ``batch(count)``, as the pole worlds have,
    all members act at once: a compiled step of all networks, then one of all worlds. Otherwise each member acts in a
    world of its own, and members can be spread over processes.

    Observations are the network's inputs: the numbers of a ``Box`` in their order, a unit for each value of a
    ``Discrete``. Outputs are actions: clipped into a ``Box``; of a ``Discrete``, the number of the largest.

    Args:
        learner: whose weights are sought.
        make: makes an environment.
        episodes: of a member in each generation; all members have the same ones.
        limit: steps after which an episode is over in any case; None leaves that to the environment.
        fresh: whether each generation has episodes of its own; otherwise all have those of the first.
        act: makes an action of a member's outputs ``[output_size]``, where it should be another.

    Raises:
        ValueError: the learner's inputs or outputs do not fit observations or actions.

    >>> from functools import partial
    >>> from carrousel.learning import GuessedNetwork
    >>> from carrousel.tasks import PoleBalancing
    >>> network = GuessedNetwork(2, 2, squash="tanh")
    >>> fitness = WorldFitness(network, partial(PoleBalancing, poles=1, limit=200))
    >>> fitness(np.zeros((3, network.weight_count))).tolist()  # steps until the pole falls, without a push
    [36.0, 36.0, 36.0]
    """

    def __init__(
        self,
        learner: Responding,
        make: Callable[[], Any],
        *,
        episodes: int = 1,
        limit: int | None = None,
        fresh: bool = True,
        act: Callable[[np.ndarray], Any] | None = None,
    ) -> None:
        check_counts(episodes=episodes, **({} if limit is None else {"limit": limit}))
        self.learner, self.make, self.episodes, self.limit = learner, make, episodes, limit
        self.fresh, self.act = bool(fresh), act
        world = make()
        seen, done = _size(world.observation_space), _size(world.action_space)
        if seen != learner.input_size:
            raise ValueError(f"an observation has {seen} numbers, but the learner {learner.input_size} inputs")
        if act is None and done != learner.output_size:
            raise ValueError(
                f"an action wants {done} outputs, but the learner has {learner.output_size}; act= makes actions of them"
            )
        self._batched = hasattr(world, "batch")

    def __call__(self, population: Any, seed: int = 0) -> np.ndarray:
        """Returns the reward of each member ``[members]`` of a population ``[members, weights]``."""
        return self.measure(np.asarray(population), (seed, 0), lambda function, items: [function(*i) for i in items])

    def measure(self, population: np.ndarray, key: tuple[int, ...], spread: Spread) -> np.ndarray:
        """Returns each member's mean reward, ``[members]``."""
        rng = np.random.default_rng([*(key if self.fresh else key[:1]), 3])
        seeds = [int(seed) for seed in rng.integers(0, 2**31, self.episodes)]
        if self._batched:
            earned = np.mean([self._together(population, seed) for seed in seeds], axis=0)
        else:
            earned = np.array(spread(self._alone, [(member, seeds) for member in population]))
        return earned

    def _together(self, population: np.ndarray, seed: int) -> np.ndarray:
        """Returns what members earn who act at once, ``[members]``."""
        members = len(population)
        worlds, acting = self.make().batch(members), self.learner.acting(population)
        seen, _ = worlds.reset(seed=[seed] * members)
        earned, awake, steps = np.zeros(members), np.ones(members, bool), 0
        while awake.any() and steps != self.limit:
            said = acting.step(_inputs(seen, worlds.observation_space), awake)
            actions = _clipped(said, worlds.action_space) if self.act is None else np.stack([*map(self.act, said)])
            seen, reward, terminated, truncated, _ = worlds.step(actions)
            earned += np.where(awake, reward, 0.0)
            awake &= ~(terminated | truncated)
            steps += 1
        return earned

    def _alone(self, member: np.ndarray, seeds: list[int]) -> float:
        """Returns what one member earns, the mean of its episodes."""
        world, total = self.make(), 0.0
        for seed in seeds:
            acting, steps, over = self.learner.acting(member[None]), 0, False
            seen, _ = world.reset(seed=seed)
            while not over and steps != self.limit:
                said = acting.step(_inputs([seen], world.observation_space))
                action = _clipped(said, world.action_space)[0] if self.act is None else self.act(said[0])
                seen, reward, terminated, truncated, _ = world.step(action)
                total, over, steps = total + float(reward), bool(terminated or truncated), steps + 1
        return total / len(seeds)


def _size(space: Any) -> int:
    """Returns the number of units that a space's values take.

    Raises:
        ValueError: it is neither a ``Box`` nor a ``Discrete``.
    """
    if hasattr(space, "n"):
        return int(space.n)
    shape = getattr(space, "shape", None)
    if shape is None or not hasattr(space, "low"):
        raise ValueError(f"observations and actions must be of a Box or a Discrete, got {type(space).__name__}")
    return int(np.prod(shape))


def _inputs(seen: Any, space: Any) -> np.ndarray:
    """Returns observations of several worlds as a network's inputs, ``[worlds, inputs]``."""
    seen = np.asarray(seen)
    if hasattr(space, "n"):
        return (seen[:, None] - getattr(space, "start", 0) == np.arange(space.n)).astype(np.float64)
    return seen.reshape(len(seen), -1)


def _clipped(outputs: np.ndarray, space: Any) -> np.ndarray:
    """Returns outputs of several members as actions, with a first axis of members."""
    if hasattr(space, "n"):
        return outputs.argmax(1) + getattr(space, "start", 0)
    inside = np.clip(outputs.reshape(len(outputs), *space.shape), space.low, space.high)
    return inside.astype(np.float32)
