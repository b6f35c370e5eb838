"""Sub-goals: a high level that chooses what should be seen next, and low levels that learn to bring it about."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple, Self

import numpy as np

from carrousel._format import Arrays, Format, fitted
from carrousel.learning._steps import check_counts
from carrousel.learning.acting._adam import check_sizes, generator_from, state_of
from carrousel.learning.acting._advantage import Advantage
from carrousel.learning.acting._lived import Lived, inputs_of, seen_by
from carrousel.learning.acting._saved import SavedAgent
from carrousel.learning.online import Learner, Network

__all__ = ["FORMAT", "Chosen", "SubGoals"]

FORMAT = Format("carrousel-sub-goals", 1, "an agent")


class Chosen(NamedTuple):
    """What the high level chose, and what became of it.

    Attributes:
        begin: the step of the episode at which it was chosen. steps: how many were made for it.
        abstract: what was seen. goal: what should be seen. policy: which low level went for it. reached: what was seen.
    """

    begin: int
    steps: int
    abstract: int
    goal: int
    policy: int
    reached: int


class SubGoals(SavedAgent):
    """An agent of two levels: the high one chooses the next abstract observation, a low one goes for it.

    An observation's last ``abstract`` numbers are a unit each, of which one is 1: the abstract observation, such as the
    room. The numbers before them are all that low levels see. The high level's actions are the abstract observations,
    and one more: the end of the episode. Once it has chosen one, a low level acts until another abstract observation is
    seen, the episode ends, or ``patience`` steps are over. The low level earns 1 for the sub-goal and ``failure`` for
    anything else; the high level earns what the world has paid meanwhile, later rewards discounted, less ``regret`` if
    something else came of it.

    There are a few low levels, fewer than sub-goals, and nobody says what each is for. Capability values, one for each
    abstract observation, sub-goal and low level, are the mean share of success there; the low level is chosen by them,
    with Boltzmann's probabilities. So each comes to be asked for what it does well, and learns that.

    All levels learn by Advantage(lambda) from their own observations at once. With ``recurrent=`` the high level is an
    LSTM, for abstract observations that several places share; otherwise it is a table.

    B. Bakker, J. Schmidhuber: Hierarchical reinforcement learning based on subgoal discovery and subpolicy
    specialization, 2004. It is not published in full: sizes, rates and what follows a time-out are chosen here, and
    abstract observations are given, not found by clustering.

    Args:
        inputs: how many numbers the world shows.
        actions: how many actions there are.
        abstract: how many abstract observations there are.
        policies: how many low levels there are.
        patience: steps after which a sub-goal is given up.
        recurrent: LSTM cells of the high level; 0 for a table.
        rate, low_rate: of the high level and of the low ones.
        discount, low_discount: of later rewards, a step of the world, at the high level and at the low ones.
        trace: the decay of eligibility, at both levels.
        kappa: the scale of advantages, at both levels.
        temperature, low_temperature: of the choices.
        capability_rate: how fast capability values follow what happens; they begin at ``hope``.
        capability_temperature: of the choice of a low level.
        hope: the first capability value, from 0 to 1.
        failure: what a low level earns where the sub-goal was not reached.
        regret: what the high level pays there.
        seed: of weights and choices.

    Raises:
        ValueError: a number is out of its range.

    >>> from carrousel.tasks import Rooms
    >>> world = Rooms(1, 2, 3, limit=200)
    >>> agent = SubGoals.of(world, 2, policies=2)
    >>> len(agent.live(world, 20, seed=0))
    20
    """

    _format = FORMAT

    def __init__(
        self,
        inputs: int,
        actions: int,
        abstract: int,
        *,
        policies: int = 6,
        patience: int = 30,
        recurrent: int = 0,
        rate: float = 0.05,
        low_rate: float = 0.02,
        discount: float = 0.98,
        low_discount: float = 0.9,
        trace: float = 0.8,
        kappa: float = 1.0,
        temperature: float = 0.03,
        low_temperature: float = 0.03,
        capability_rate: float = 0.1,
        capability_temperature: float = 0.05,
        hope: float = 0.5,
        failure: float = 0.0,
        regret: float = 0.03,
        seed: int = 0,
    ) -> None:
        check_counts(inputs=inputs, actions=actions, abstract=abstract, policies=policies, patience=patience)
        check_counts(0, recurrent=recurrent, seed=seed)
        if abstract >= inputs:
            raise ValueError(
                f"of {inputs} inputs {abstract} are the abstract observation, and low levels would see nothing"
            )
        for name, value in (("discount", discount), ("capability_rate", capability_rate), ("hope", hope)):
            if not (isinstance(value, int | float) and 0 <= value <= 1):
                raise ValueError(f"{name} must be a number from 0 to 1, got {value!r}")
        if not (isinstance(capability_temperature, int | float) and 0 < capability_temperature < np.inf):
            raise ValueError(f"capability_temperature must be a finite number above 0, got {capability_temperature!r}")
        if not (isinstance(failure, int | float) and -1e6 <= failure < 1):
            raise ValueError(f"failure must be a number below 1, got {failure!r}")
        if not (isinstance(regret, int | float) and 0 <= regret <= 1e6):
            raise ValueError(f"regret must be a number of at least 0, got {regret!r}")
        self._facts: dict[str, Any] = {
            "inputs": int(inputs), "actions": int(actions), "abstract": int(abstract), "policies": int(policies),
            "patience": int(patience), "recurrent": int(recurrent), "rate": float(rate), "low_rate": float(low_rate),
            "low_discount": float(low_discount),
            "discount": float(discount), "trace": float(trace), "kappa": float(kappa),
            "temperature": float(temperature), "low_temperature": float(low_temperature),
            "capability_rate": float(capability_rate),
            "capability_temperature": float(capability_temperature),
            "hope": float(hope), "failure": float(failure), "regret": float(regret),
            "seed": int(seed),
        }  # fmt: skip
        self.inputs, self.actions, self.abstract = int(inputs), int(actions), int(abstract)
        seeds = np.random.SeedSequence(seed).generate_state(policies + 2).tolist()
        common: dict[str, Any] = {"trace": float(trace), "kappa": float(kappa)}
        self.high = Advantage(
            self._high_learner(seeds[0]), float(rate), discount=1.0, temperature=float(temperature), seed=seeds[0],
            **common,
        )  # fmt: skip
        self.low = [
            Advantage(
                _table(inputs - abstract, actions, each), float(low_rate), discount=float(low_discount),
                temperature=float(low_temperature), seed=each, **common,
            )
            for each in seeds[2:]
        ]  # fmt: skip
        self.capability = np.full((abstract, abstract + 1, policies), float(hope))
        self._rng = np.random.default_rng(seeds[1])
        self.chosen: list[Chosen] = []  # of the last episode

    def _high_learner(self, seed: int) -> Learner:
        cells = self._facts["recurrent"]
        if not cells:
            return _table(self.abstract, self.abstract + 1, seed)
        network = Network(self.abstract, self.abstract + 1, cells, forget_gates=True, unit_squash="identity")
        return Learner(network.biased("cell input_gate forget_gate output_gate output"), dtype=np.float64, seed=seed)

    @classmethod
    def of(cls, world: Any, abstract: int, **choices: Any) -> SubGoals:
        """Returns an agent for a world's observations and actions.

        Raises:
            ValueError: the world's actions are not a few values.
        """
        if not hasattr(world.action_space, "n"):
            raise ValueError(f"this agent chooses from a few actions, and the world's are {world.action_space}")
        return cls(inputs_of(world.observation_space), int(world.action_space.n), abstract, **choices)

    @property
    def weight_count(self) -> int:
        """The number of weights of all levels, and of capability values."""
        return sum(agent.learner.weight_count for agent in (self.high, *self.low)) + self.capability.size

    def live(self, world: Any, episodes: int, *, seed: int | None = None, longest: int = 1_000_000) -> Lived:
        """Acts for some episodes, and learns on-line.

        Args:
            world: an environment.
            episodes: how many.
            seed: of the world; None goes on with the generator that it has.
            longest: steps after which an episode that has not ended is taken for one that never does.

        Raises:
            ValueError: the world has other inputs or actions than the agent; shows several abstract observations at
                once, or none; gives a number that is not finite; or an episode is longer than ``longest``.
        """
        return self._live(world, episodes, seed, longest, learn=True, greedy=False)

    def try_out(
        self, world: Any, episodes: int, *, greedy: bool = False, seed: int | None = None, longest: int = 1_000_000
    ) -> Lived:
        """Acts in a world for some episodes; the agent does not change.

        Args:
            world: an environment.
            episodes: how many.
            greedy: whether every level takes the best action, and draws none.
            seed: of the world and of the choices; None draws one.
            longest: as for :meth:`live`.

        Raises:
            ValueError: as for :meth:`live`.
        """
        rng = np.random.default_rng(seed)
        before, self._rng = self._rng, rng
        try:
            with ExitStack() as stack:
                for agent in (self.high, *self.low):
                    stack.enter_context(agent.untouched(int(rng.integers(2**62))))
                return self._live(world, episodes, seed, longest, learn=False, greedy=greedy)
        finally:
            self._rng = before

    def _live(self, world: Any, episodes: int, seed: int | None, longest: int, *, learn: bool, greedy: bool) -> Lived:
        check_counts(0, episodes=episodes)
        check_counts(longest=longest)
        self._check(world)
        record = []
        for k in range(episodes):
            seen, _ = world.reset(**({"seed": seed} if k == 0 and seed is not None else {}))
            record.append(self._episode(world, seen, longest, learn, greedy))
        return Lived.of(record, int(sum(row[1] for row in record)))

    def _check(self, world: Any) -> None:
        fits = hasattr(world.action_space, "n") and int(world.action_space.n) == self.actions
        if not fits or inputs_of(world.observation_space) != self.inputs:
            raise ValueError(
                f"the agent takes {self.inputs} inputs and has {self.actions} actions; this world shows "
                f"{world.observation_space} and takes {world.action_space}"
            )

    def _parts(self, seen: Any, space: Any) -> tuple[np.ndarray, int]:
        """Returns what low levels see, and the number of the abstract observation."""
        numbers = seen_by(seen, space)
        units = numbers[-self.abstract :]
        if not np.isfinite(numbers).all():
            raise ValueError("the world has shown a number that is not finite")
        if not (units.sum() == 1 and units.max() == 1):
            raise ValueError(
                f"one of the last {self.abstract} numbers must be 1 and all others 0, got {units.tolist()}"
            )
        return numbers[: -self.abstract], int(units.argmax())

    def _episode(self, world: Any, seen: Any, longest: int, learn: bool, greedy: bool) -> tuple[float, float, float]:
        """Lives through one episode; returns its return, its steps and its last reward."""
        space, facts = world.observation_space, self._facts
        start = int(getattr(world.action_space, "start", 0))
        place, now = self._parts(seen, space)
        total, steps, last = 0.0, 0, 0.0
        how = {"learn": learn, "greedy": greedy}
        goal = self.high.begin(_one(now, self.abstract), **how)
        self.chosen = []
        while True:
            which = self._choose(now, goal, greedy)
            policy, begin, gain, factor = self.low[which], steps, 0.0, 1.0
            action = policy.begin(place, **how)
            while True:
                shown, reward, terminated, truncated, _ = world.step(action + start)
                if not np.isfinite(reward):
                    raise ValueError(f"the world has given the reward {reward}, which is no finite number")
                steps, last, total = steps + 1, float(reward), total + float(reward)
                gain, factor = gain + factor * last, factor * facts["discount"]
                place, then = self._parts(shown, space)
                reached = self.abstract if terminated else then
                over = bool(terminated or truncated)
                if steps > longest:
                    raise ValueError(
                        f"an episode has not ended after {longest:,} steps: a limit of the world's, or a larger "
                        "longest=, may be meant"
                    )
                if over or reached != now or steps - begin == facts["patience"]:
                    break
                more = policy.then(0.0, place, **how)
                assert more is not None  # the world goes on
                action = more
            cut = bool(truncated and not terminated)
            policy.then(1.0 if reached == goal else facts["failure"], place, not cut, cut, **how)
            self.chosen.append(Chosen(begin, steps - begin, now, goal, which, reached))
            if learn and not cut:
                self._credit(now, goal, which, reached)
            now = then
            gain -= 0.0 if cut or reached == goal else facts["regret"]
            chosen = self.high.then(gain, _one(now, self.abstract), bool(terminated), cut, discount=factor, **how)
            if chosen is None:
                return total, float(steps), last
            goal = chosen

    def _choose(self, now: int, goal: int, greedy: bool) -> int:
        """Returns the low level that shall go for a sub-goal."""
        values = self.capability[now, goal]
        if greedy:
            return int(values.argmax())
        odds = np.exp((values - values.max()) / self._facts["capability_temperature"])
        return min(int(np.searchsorted(np.cumsum(odds / odds.sum()), self._rng.random())), len(odds) - 1)

    def _credit(self, now: int, goal: int, which: int, reached: int) -> None:
        """Lets capability values follow what a low level has done: for what it was asked, and for what it came to."""
        rate = self._facts["capability_rate"]
        asked = self.capability[now, goal]
        asked[which] += rate * (float(reached == goal) - asked[which])
        if reached not in (now, goal):
            other = self.capability[now, reached]
            other[which] += rate * (1.0 - other[which])

    def _whole(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns the facts and the arrays of a file."""
        levels = [agent._whole() for agent in (self.high, *self.low)]
        facts = {**self._facts, "draws": state_of(self._rng), "levels": [facts for facts, _ in levels]}
        arrays = {f"{k}.{name}": array for k, (_, own) in enumerate(levels) for name, array in own.items()}
        return facts, {**arrays, "capability": self.capability}

    @classmethod
    def _restored(cls, facts: Mapping[str, Any], arrays: Arrays) -> Self:
        choices = {name: value for name, value in facts.items() if name not in ("draws", "levels")}
        held = check_sizes(choices, ("inputs", "actions", "abstract", "policies", "recurrent"), arrays)
        if choices["recurrent"] ** 2 > held or choices["policies"] * choices["actions"] > held:
            raise ValueError(f"its levels are larger than the {held} numbers that it holds")
        declared = {"capability": ((choices["abstract"], choices["abstract"] + 1, choices["policies"]), np.float64)}
        (capability,) = fitted({"capability": arrays["capability"]}, declared).values()
        agent = cls(**choices)
        levels = facts["levels"]
        if not isinstance(levels, list) or len(levels) != len(agent.low) + 1:
            raise ValueError(f"it should hold {len(agent.low) + 1} levels")
        restored = []
        for k, (own, made) in enumerate(zip(levels, (agent.high, *agent.low), strict=True)):
            parts = {n.removeprefix(f"{k}."): array for n, array in arrays.items() if n.startswith(f"{k}.")}
            level = Advantage._restored(own, parts)
            if made._whole()[0] != level._whole()[0]:
                raise ValueError(f"its level {k} is not what its choices say")
            restored.append(level)
        if sum(len(level._whole()[1]) for level in restored) + 1 != len(arrays):
            raise ValueError("it holds arrays of no level")
        if not ((capability >= 0) & (capability <= 1)).all():
            raise ValueError("a capability value is not from 0 to 1")
        agent.high, agent.low, agent.capability = restored[0], restored[1:], capability
        agent._rng = generator_from(facts["draws"])
        return agent


def _one(k: int, count: int) -> np.ndarray:
    """Returns a unit for each of so many, of which number k is 1."""
    units = np.zeros(count, np.float32)
    units[k] = 1.0
    return units


def _table(inputs: int, actions: int, seed: int) -> Learner:
    """Returns a learner whose outputs are linear in its inputs: a table, where these are a unit each."""
    network = Network(inputs, actions, blocks=0, feeds={"output": "input"}, unit_squash="identity", init=1e-3)
    return Learner(network, dtype=np.float64, seed=seed)
