"""What an agent saw, held and said along an episode, for whoever wants to see how it remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from carrousel._world import CompiledWorld
from carrousel.learning._steps import check_counts
from carrousel.learning.acting._advantage import Advantage
from carrousel.learning.acting._controller_and_model import ControllerAndModel
from carrousel.learning.acting._kinds import KINDS
from carrousel.learning.acting._lived import check_fit, seen_by
from carrousel.learning.acting._policy_gradient import PolicyGradient
from carrousel.learning.acting._sub_goals import SubGoals

__all__ = ["Watched", "watch"]


@dataclass(frozen=True)
class Watched:
    """One episode of an agent, or its first steps.

    Attributes:
        seen: ``[steps, inputs]``, what it was shown.
        inside: by name ``[steps, units]``, what its units held after that.
        told: ``[steps, n]``, what it said of its actions.
        meaning: what those numbers are.
        actions: ``[steps]`` or ``[steps, n]``, what it did.
        rewards: ``[steps]``, what that earned.
    """

    seen: np.ndarray
    inside: Mapping[str, np.ndarray]
    told: np.ndarray
    meaning: str
    actions: np.ndarray
    rewards: np.ndarray

    def until(self, steps: int) -> Watched:
        """Returns the first steps."""
        cut = {name: getattr(self, name)[:steps] for name in ("seen", "told", "actions", "rewards")}
        return replace(self, inside={name: values[:steps] for name, values in self.inside.items()}, **cut)


def watch(agent: Any, world: Any, *, steps: int = 200, greedy: bool = False, seed: int | None = None) -> Watched:
    """Has an agent act in one episode of a world, and returns what it saw, held and said in its first steps.

    The agent does not change, nor where it lives.

    Args:
        agent: any agent of this package.
        world: an environment.
        steps: how many at most are told of.
        greedy: whether it takes the best action, and draws none.
        seed: of the world and of the choices; None draws one.

    Raises:
        ValueError: the world has other inputs or actions than the agent, gives a number that is not finite, or has no
            end.
        TypeError: the agent is none.

    >>> from carrousel.tasks import TMaze
    >>> seen = watch(PolicyGradient.of(TMaze(3), hidden=4), TMaze(3, limit=9), seed=0)
    >>> seen.inside["c"].shape == (len(seen.actions), 4)
    True
    """
    check_counts(steps=steps)
    for kind, how in _WAYS.items():
        if isinstance(agent, kind):
            place = _apart(world)
            drawn = int(np.random.SeedSequence(seed).generate_state(1)[0]) if seed is None else seed
            watched: Watched = how(agent, place, steps, greedy, drawn)
            return watched.until(steps)
    raise TypeError(f"an agent must be one of {', '.join(kind.__name__ for kind in _WAYS)}, got {type(agent).__name__}")


def _apart(world: Any) -> Any:
    """Returns a world like this one where nobody lives; one of somebody else's as it is."""
    if not isinstance(world, CompiledWorld):
        return world
    other = copy(world)
    other.__dict__.pop("_held", None)
    return other


def _of_advantage(agent: Advantage, world: Any, steps: int, greedy: bool, seed: int) -> Watched:
    check_fit(agent.learner, world)
    space = world.observation_space
    rows: list[tuple[Any, Mapping[str, Any], Any, Any, float]] = []
    start = int(getattr(world.action_space, "start", 0))
    inside = KINDS[agent._kind].inside
    with agent.untouched(seed):
        seen = seen_by(world.reset(seed=seed)[0], space)
        action: int | None = agent.begin(seen, learn=False, greedy=greedy)
        while action is not None and len(rows) < steps:
            held, told = inside(agent.learner), agent.values
            shown, reward, terminated, truncated, _ = world.step(action + start)
            rows.append((seen, held, told, action, float(reward)))
            seen = seen_by(shown, space)
            action = agent.then(float(reward), seen, terminated, truncated, learn=False, greedy=greedy)
    return _of_rows(rows, "advantage of each action")


def _of_rows(rows: Sequence[tuple[Any, Mapping[str, Any], Any, Any, float]], meaning: str) -> Watched:
    seen, inside, told, actions, rewards = zip(*rows, strict=True)
    held = {name: np.stack([one[name] for one in inside]) for name in inside[0]}
    return Watched(np.stack(seen), held, np.stack(told), meaning, np.array(actions), np.array(rewards))


@contextmanager
def _drawing(agent: PolicyGradient | ControllerAndModel, seed: int) -> Iterator[None]:
    """Has an agent draw from a seed meanwhile."""
    before, agent._rng = agent._rng, np.random.default_rng(seed)
    try:
        yield
    finally:
        agent._rng = before


def _states(layers: Any, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the states ``[steps, units]`` of layers of :class:`carrousel.LSTM` along ``[steps, inputs]``, by name."""
    with torch.no_grad():
        dtype = next(layers.parameters()).dtype
        states = layers(torch.from_numpy(inputs).to(dtype)[:, None], return_states=True)[2]
    return {name.removesuffix("_l0"): value[:, 0].double().numpy() for name, value in states.items()}


def _of_policy(agent: PolicyGradient, world: Any, steps: int, greedy: bool, seed: int) -> Watched:
    with _drawing(agent, seed):
        (lived,) = agent.act(world, 1, seed=seed, greedy=greedy)
    with torch.no_grad():
        told = agent.policy(torch.from_numpy(lived.inputs)[:, None])[:, 0]
        said = torch.softmax(told, 1) if agent.policy.is_discrete else agent.policy.normal(told)[0]
    meaning = "probability of each action" if agent.policy.is_discrete else "mean of each number"
    inside = _states(agent.policy.lstm, lived.inputs)
    return Watched(lived.inputs, inside, said.double().numpy(), meaning, lived.actions, lived.rewards)


def _of_controller(agent: ControllerAndModel, world: Any, steps: int, greedy: bool, seed: int) -> Watched:
    with _drawing(agent, seed):
        lived = agent.act(world, seed=seed, greedy=greedy)
    seen = np.concatenate([lived.seen[:-1], lived.pains[:-1, None]], 1)
    shown = np.concatenate([seen, lived.actions], 1)
    with torch.no_grad():
        pain = torch.sigmoid(agent.model(torch.from_numpy(shown)[:, None])[:, 0, -1:]).double().numpy()
    inside = {f"controller's {name}": value for name, value in _states(agent.controller.lstm, seen).items()}
    inside |= {f"model's {name}": value for name, value in _states(agent.model.lstm, shown).items()}
    return Watched(seen, inside, pain, "pain as it was foreseen", lived.actions, lived.rewards)


class _Noted:
    """A world that notes what it shows, what is done and what that earns."""

    def __init__(self, world: Any) -> None:
        self.world, self.observation_space, self.action_space = world, world.observation_space, world.action_space
        self.seen: list[np.ndarray] = []
        self.done: list[tuple[int, float]] = []

    def reset(self, **how: Any) -> Any:
        shown = self.world.reset(**how)
        self.seen = [seen_by(shown[0], self.observation_space)]
        return shown

    def step(self, action: Any) -> Any:
        found = self.world.step(action)
        self.seen.append(seen_by(found[0], self.observation_space))
        self.done.append((int(action), float(found[1])))
        return found


def _of_sub_goals(agent: SubGoals, world: Any, steps: int, greedy: bool, seed: int) -> Watched:
    noted, chosen = _Noted(world), agent.chosen
    try:
        agent.try_out(noted, 1, greedy=greedy, seed=seed)
        made = agent.chosen
    finally:
        agent.chosen = chosen
    told = np.repeat([[each.goal, each.policy] for each in made], [each.steps for each in made], 0).astype(float)
    values = np.repeat([agent.capability[each.abstract, each.goal] for each in made], [each.steps for each in made], 0)
    actions, rewards = zip(*noted.done, strict=True)
    inside = {"capability for the sub-goal": values}
    return Watched(
        np.stack(noted.seen[:-1]), inside, told, "sub-goal, and low level", np.array(actions), np.array(rewards)
    )


_WAYS: dict[type, Callable[..., Watched]] = {
    Advantage: _of_advantage,
    PolicyGradient: _of_policy,
    ControllerAndModel: _of_controller,
    SubGoals: _of_sub_goals,
}
