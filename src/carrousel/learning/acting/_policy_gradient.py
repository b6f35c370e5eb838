"""Recurrent policy gradients: likelihood ratios sent back through time, with a baseline that knows the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from carrousel._format import Arrays, Format
from carrousel.learning._steps import check_counts
from carrousel.learning.acting._adam import check_sizes, fill, generator_from, state_of, tensors_of
from carrousel.learning.acting._episodes import Episode, packed
from carrousel.learning.acting._lived import Lived, inputs_of, seen_by
from carrousel.learning.acting._policy import Policy, Recurrent
from carrousel.learning.acting._saved import SavedAgent

__all__ = ["FORMAT", "PolicyGradient"]

FORMAT = Format("carrousel-policy-gradient", 1, "an agent")


class PolicyGradient(SavedAgent):
    """An agent whose policy is a recurrent net, which learns from whole episodes by the gradient of what they earn.

    After a batch of episodes the weights of the policy move along the mean of::

        sum over t of (R_t - b_t) times the derivative of log p(a_t | what was seen until t)

    R_t is what was earned from step t on, and b_t what a second recurrent net, which sees the same, had foreseen; it
    learns by the square of its error. Both derivatives go back through time to the beginning of the episode, for all
    episodes in one pass. Both nets learn with Adam.

    D. Wierstra, A. Foerster, J. Peters, J. Schmidhuber: Solving deep memory POMDPs with recurrent policy gradients,
    2007; Recurrent policy gradients, 2010. Sizes and rates are not published.

    Args:
        inputs: how many numbers the world shows.
        actions: how many actions there are, or with ``bounds`` how many numbers an action has.
        bounds: the least and the greatest value of an action's numbers, which are drawn from normal distributions;
            None for a few actions, which are drawn by a softmax.
        hidden: units of the policy's recurrent layer.
        cell: its cell, and that of the baseline.
        forget_bias: of both nets' forget gates at first; None for a random one.
        baseline: units of the baseline's recurrent layer; 0 for no baseline.
        rate, baseline_rate: of the two nets.
        discount: of later rewards.
        sees_actions: whether the nets see the last action too.
        seed: of the weights and of the choices.

    Raises:
        ValueError: a number is out of its range.

    >>> from carrousel.tasks import TMaze
    >>> agent = PolicyGradient.of(TMaze(1, limit=20), hidden=4, baseline=4, rate=0.02)
    >>> len(agent.live(TMaze(1, limit=20), 40))
    40
    """

    _format = FORMAT

    def __init__(
        self,
        inputs: int,
        actions: int,
        bounds: tuple[float, float] | None = None,
        *,
        hidden: int = 16,
        cell: str = "lstm",
        forget_bias: float | None = None,
        baseline: int = 16,
        rate: float = 0.01,
        baseline_rate: float = 0.01,
        discount: float = 0.98,
        sees_actions: bool = False,
        seed: int = 0,
    ) -> None:
        check_counts(inputs=inputs, actions=actions, hidden=hidden)
        check_counts(0, baseline=baseline, seed=seed)
        for name, value, high in (
            ("rate", rate, 1e6),
            ("baseline_rate", baseline_rate, 1e6),
            ("discount", discount, 1),
        ):
            if not (isinstance(value, int | float) and 0 <= value <= high):
                raise ValueError(f"{name} must be a number from 0 to {high:g}, got {value!r}")
        if bounds is not None and not (len(bounds) == 2 and bounds[0] < bounds[1] and not np.isnan(bounds).any()):
            raise ValueError(f"bounds must be the least and the greatest value of an action, got {bounds}")
        self._facts: dict[str, Any] = {
            "inputs": int(inputs), "actions": int(actions), "bounds": None if bounds is None else [*map(float, bounds)],
            "hidden": int(hidden), "cell": cell, "forget_bias": forget_bias, "baseline": int(baseline),
            "rate": float(rate),
            "baseline_rate": float(baseline_rate), "discount": float(discount), "sees_actions": bool(sees_actions),
            "seed": int(seed),
        }  # fmt: skip
        self.inputs, self.actions, self.discount = int(inputs), int(actions), float(discount)
        self.bounds, self.sees_actions = bounds, bool(sees_actions)
        shown = self.inputs + self.actions * self.sees_actions
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.policy = Policy(shown, hidden, actions, bounds is None, cell, forget_bias=forget_bias)
            self.baseline = Recurrent(shown, baseline, 1, cell, forget_bias=forget_bias) if baseline else None
        self._optimisers = [torch.optim.Adam(self.policy.parameters(), rate)]
        if self.baseline is not None:
            self._optimisers.append(torch.optim.Adam(self.baseline.parameters(), baseline_rate))
        self._rng = np.random.default_rng(seed)

    @classmethod
    def of(cls, world: Any, **choices: Any) -> PolicyGradient:
        """Returns an agent for a world's observations and actions.

        Raises:
            TypeError: the world's spaces are neither of a few values nor of numbers.
        """
        space = world.action_space
        if hasattr(space, "n"):
            return cls(inputs_of(world.observation_space), int(space.n), **choices)
        bounds = float(np.max(space.low)), float(np.min(space.high))
        return cls(inputs_of(world.observation_space), inputs_of(space), bounds, **choices)

    @property
    def weight_count(self) -> int:
        """The number of weights of the policy."""
        return sum(p.numel() for p in self.policy.parameters())

    def live(
        self, world: Any, episodes: int, *, batch: int = 20, seed: int | None = None, longest: int = 100_000
    ) -> Lived:
        """Acts for some episodes, and learns after each batch of them.

        Args:
            world: an environment. If it has ``batch(count)``, all episodes of a batch go on at once.
            episodes: how many.
            batch: after how many the weights change; a last batch can be smaller.
            seed: of the world; None draws one.
            longest: steps after which an episode that has not ended is taken for one that never does.

        Raises:
            ValueError: the world has other inputs or actions than the agent; gives a number that is not finite; or an
                episode is longer than ``longest``. Nothing is learned from that batch.
        """
        check_counts(0, episodes=episodes)
        check_counts(batch=batch, longest=longest)
        record: list[tuple[float, ...]] = []
        seeds = np.random.SeedSequence(seed)
        while len(record) < episodes:
            count = min(batch, episodes - len(record))
            lived = self.act(world, count, seed=int(seeds.spawn(1)[0].generate_state(1)[0]), longest=longest)
            self.learn(lived)
            record += [_row(episode) for episode in lived]
        return Lived.of(record, int(sum(row[1] for row in record)))

    def try_out(
        self, world: Any, episodes: int, *, greedy: bool = False, seed: int | None = None, longest: int = 100_000
    ) -> Lived:
        """Acts in a world for some episodes; the agent does not change.

        Args:
            world: an environment.
            episodes: how many.
            greedy: whether it takes the most probable action, and draws none.
            seed: of the world and of the choices; None draws one.
            longest: as for :meth:`live`.

        Raises:
            ValueError: as for :meth:`live`.
        """
        before, self._rng = self._rng, np.random.default_rng(seed)
        try:
            drawn = int(np.random.SeedSequence(seed).generate_state(1)[0])
            lived = self.act(world, episodes, seed=drawn, longest=longest, greedy=greedy) if episodes else []
        finally:
            self._rng = before
        return Lived.of([_row(episode) for episode in lived], int(sum(len(episode.rewards) for episode in lived)))

    def act(self, world: Any, count: int, *, seed: int, longest: int = 100_000, greedy: bool = False) -> list[Episode]:
        """Acts in so many episodes by the policy, and returns them; it does not learn.

        Raises:
            ValueError: as for :meth:`live`.
        """
        self._check(world)
        if hasattr(world, "batch"):
            return self._act_at_once(world.batch(count), world, count, seed, longest, greedy)
        return [self._act_at_once(_One(world), world, 1, seed + k, longest, greedy)[0] for k in range(count)]

    def _act_at_once(self, worlds: Any, world: Any, count: int, seed: int, longest: int, greedy: bool) -> list[Episode]:
        space = world.observation_space
        seen, _ = worlds.reset(seed=seed)
        state: Any = None
        shown: list[np.ndarray] = []
        done: list[np.ndarray] = []
        earned: list[np.ndarray] = []
        lengths = np.zeros(count, np.int64)
        last = np.zeros((count, self.actions), np.float32)
        over = np.zeros(count, bool)
        while not over.all():
            if len(shown) == longest:
                raise ValueError(
                    f"an episode has not ended after {longest:,} steps: a limit of the world's, or a larger longest=, "
                    "may be meant"
                )
            x = np.stack([seen_by(each, space) for each in seen])
            if not np.isfinite(x[~over]).all():
                raise ValueError(f"the world has shown a number that is not finite, at step {len(shown)}")
            x = np.concatenate([x, last], 1) if self.sees_actions else x
            with torch.no_grad():
                told, state = self.policy.step(
                    torch.from_numpy(np.where(over[:, None], 0.0, x).astype(np.float32)), state
                )
            if not torch.isfinite(told).all():
                raise ValueError("the policy's weights have grown beyond all bounds: a smaller rate may help")
            actions = self.policy.draw(told, self._rng, greedy)
            last = self._seen_action(actions)
            seen, reward, terminated, truncated, _ = worlds.step(self._allowed(actions, world))
            reward = np.where(over, 0.0, reward)
            if not np.isfinite(reward).all():
                raise ValueError(
                    f"the world has given the reward {reward[~np.isfinite(reward)][0]}, at step {len(shown)}"
                )
            for whole_batch, now in ((shown, x), (done, actions), (earned, reward)):
                whole_batch.append(now)
            lengths += ~over
            over = over | np.asarray(terminated, bool) | np.asarray(truncated, bool)
        x, a, r = np.stack(shown), np.stack(done), np.stack(earned)
        return [Episode(x[:n, k], a[:n, k], r[:n, k]) for k, n in enumerate(lengths)]

    def _allowed(self, actions: np.ndarray, world: Any) -> np.ndarray:
        """Returns drawn actions as the world takes them: numbers within its bounds."""
        if self.bounds is None:
            return actions + int(getattr(world.action_space, "start", 0))
        shape = world.action_space.shape
        return np.clip(actions, *self.bounds).astype(np.float32).reshape(len(actions), *shape)

    def _seen_action(self, actions: np.ndarray) -> np.ndarray:
        if self.bounds is None:
            return np.eye(self.actions, dtype=np.float32)[actions]
        return np.clip(actions, *self.bounds).astype(np.float32)

    def _check(self, world: Any) -> None:
        space = world.action_space
        fits = inputs_of(world.observation_space) == self.inputs and hasattr(space, "n") == (self.bounds is None)
        if not (fits and (int(space.n) if self.bounds is None else inputs_of(space)) == self.actions):
            kind = "actions" if self.bounds is None else "numbers an action"
            raise ValueError(
                f"the agent takes {self.inputs} inputs and has {self.actions} {kind}; this world shows "
                f"{world.observation_space} and takes {space}"
            )

    def losses(self, episodes: Sequence[Episode]) -> tuple[Tensor, Tensor]:
        """Returns what the two nets descend on for each episode, ``[episodes]`` each.

        The first's derivative is minus the estimate of the gradient of the expected return; the second is half the
        squared error of the baseline, summed over steps, zero without one.
        """
        together = packed(episodes)
        dtype = next(self.policy.parameters()).dtype
        x, resets = torch.from_numpy(together.inputs).to(dtype), torch.from_numpy(together.resets)
        told = self.policy(x, resets)[together.steps, together.rows]
        actions = torch.from_numpy(np.concatenate([episode.actions for episode in episodes]))
        log_odds = self.policy.log_odds(told, actions if self.policy.is_discrete else actions.to(dtype))
        returns = torch.from_numpy(np.concatenate([episode.returns(self.discount) for episode in episodes])).to(dtype)
        foreseen = torch.zeros_like(returns)
        if self.baseline is not None:
            foreseen = self.baseline(x, resets)[together.steps, together.rows, 0]
        better = returns - foreseen
        owners, none = torch.from_numpy(together.owners), returns.new_zeros(len(episodes))
        of_policy = none.index_add(0, owners, -log_odds * better.detach())
        return of_policy, none.index_add(0, owners, 0.5 * better * better)

    def learn(self, episodes: Sequence[Episode]) -> None:
        """Changes both nets by the mean over some episodes."""
        for optimiser in self._optimisers:
            optimiser.zero_grad()
        of_policy, of_baseline = self.losses(episodes)
        of_policy.mean().backward()
        if self.baseline is not None:
            of_baseline.mean().backward()
        for optimiser in self._optimisers:
            optimiser.step()

    def _tensors(self) -> dict[str, Tensor]:
        """All that is saved: weights, and what Adam remembers."""
        nets = {"policy": self.policy, **({} if self.baseline is None else {"baseline": self.baseline})}
        return tensors_of(nets, self._optimisers)

    def _whole(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns the facts and the arrays of a file."""
        facts = {**self._facts, "draws": state_of(self._rng)}
        return facts, {name: each.numpy() for name, each in self._tensors().items()}

    @classmethod
    def _restored(cls, facts: Mapping[str, Any], arrays: Arrays) -> Self:
        choices = {name: value for name, value in facts.items() if name != "draws"}
        held = check_sizes(choices, ("inputs", "actions", "hidden", "baseline"), arrays)
        if choices["hidden"] ** 2 > held or choices["baseline"] ** 2 > held:
            raise ValueError(
                f"its nets have {choices['hidden']} and {choices['baseline']} units, and it holds {held} numbers"
            )
        agent = cls(**choices)
        fill(agent._tensors(), arrays)
        agent._rng = generator_from(facts["draws"])
        return agent


class _One:
    """A world of somebody else's as a batch of one."""

    def __init__(self, world: Any) -> None:
        self.world = world

    def reset(self, *, seed: int) -> tuple[list[Any], dict[str, Any]]:
        seen, about = self.world.reset(seed=seed)
        return [seen], about

    def step(self, actions: np.ndarray) -> tuple[list[Any], np.ndarray, list[bool], list[bool], dict[str, Any]]:
        action = actions[0].item() if actions.ndim == 1 else actions[0]
        seen, reward, terminated, truncated, about = self.world.step(action)
        return [seen], np.array([float(reward)]), [bool(terminated)], [bool(truncated)], about


def _row(episode: Episode) -> tuple[float, float, float]:
    return float(episode.rewards.sum()), float(len(episode.rewards)), float(episode.rewards[-1])
