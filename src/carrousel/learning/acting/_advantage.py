"""Advantage(lambda) learning over learners that know what their outputs owe to their weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Self

import numpy as np

from carrousel._format import Arrays, Format, fitted
from carrousel._world import CompiledWorld, first_draws
from carrousel.learning._protocol import unchanged
from carrousel.learning.acting import _live as live
from carrousel.learning.acting._explorer import Explorer
from carrousel.learning.acting._kinds import KINDS, kind_of
from carrousel.learning.acting._lived import Lived, check_fit, seen_by
from carrousel.learning.acting._saved import SavedAgent
from carrousel.learning.before_lstm.elman import ElmanNetwork
from carrousel.learning.online.cell import OnlineLSTM
from carrousel.learning.online.network import Learner

__all__ = ["FORMAT", "Advantage"]

FORMAT = Format("carrousel-advantage", 1, "an agent")
MOST_EPISODES = 65_536  # of one compiled call

_NONE, _NO_LINKS, _NO_DRAWS = np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.uint64)


class Advantage(SavedAgent):
    """An agent whose learner says for every action how good it is, learning online with eligibility traces.

    The advantage A of an action a in a state s is V(s) plus what the action changes about it, over ``kappa``; V(s) is
    the greatest of all. After a step that earns r, and shows s'::

        E = V(s) + (r + discount V(s') - V(s)) / kappa - A(s, a)        w += rate E e
        e = discount trace e + the derivative of A(s, a) by w

    The derivatives are those of the learner's own rule, so memory is constant: nothing of an episode is kept. The
    learner's optimiser is not used. An action is drawn with Boltzmann's probabilities. A saved agent goes on bit for
    bit, within an episode too where others step its world (:meth:`begin`, :meth:`then`); :meth:`live` begins another.

    B. Bakker: Reinforcement learning with long short-term memory, 2002.

    Args:
        learner: a :class:`Learner`, an :class:`OnlineLSTM` or an :class:`ElmanNetwork` with linear outputs, one for
            each action. A network of inputs and outputs alone is a table, if inputs are one-hot.
        rate, discount, trace, kappa: alpha, gamma, lambda and kappa of the paper.
        explorer: the net of directed exploration; None for a constant temperature.
        temperature: that constant.
        seed: of the choices, and of the explorer's weights.

    Raises:
        ValueError: a number is out of its range, or the learner's outputs are squashed.
        TypeError: the learner is of another kind.

    >>> from carrousel.learning.online import Network
    >>> from carrousel.tasks import TMaze
    >>> shape = Network(3, 4, blocks=0, feeds={"output": "input"}, unit_squash="identity")
    >>> table = Learner(shape, dtype=np.float64)
    >>> agent = Advantage(table, 0.003, temperature=0.5)
    >>> len(agent.live(TMaze(2), 3000)) > 100  # episodes: the way is found, the sign is not remembered
    True
    """

    _format = FORMAT

    def __init__(
        self,
        learner: Learner | OnlineLSTM | ElmanNetwork,
        rate: float = 0.0002,
        *,
        discount: float = 0.98,
        trace: float = 0.8,
        kappa: float = 0.1,
        explorer: Explorer | None = None,
        temperature: float = 1.0,
        seed: int | None = 0,
    ) -> None:
        self._declare(learner, rate, discount, trace, kappa, explorer, temperature)
        arrays = {name: np.zeros(shape, dtype) for name, (shape, dtype) in self._declared().items()}
        arrays["draws"][0] = first_draws(seed)
        arrays["registers"][live.TEMPERATURE] = self.temperature
        rng = np.random.default_rng(seed)
        for name in ("inward", "outward"):
            arrays[name][:] = rng.uniform(-0.1, 0.1, arrays[name].shape)
        self._take(arrays)

    def _declare(
        self, learner: Any, rate: float, discount: float, trace: float, kappa: float, explorer: Any, temperature: float
    ) -> None:
        """Checks and keeps the arguments."""
        self._kind = kind_of(learner)
        for name, value, high in (("rate", rate, np.inf), ("discount", discount, 1), ("trace", trace, 1)):
            if not (isinstance(value, int | float) and 0 <= value <= high and np.isfinite(value)):
                raise ValueError(f"{name} must be a finite number from 0 to {high}, got {value!r}")
        for name, value in (("kappa", kappa), ("temperature", temperature)):
            if not (isinstance(value, int | float) and 0 < value < np.inf):
                raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
        if not (explorer is None or isinstance(explorer, Explorer)):
            raise TypeError(f"explorer must be an Explorer or None, got {type(explorer).__name__}")
        self.learner, self.explorer, self.temperature = learner, explorer, float(temperature)
        self.rate, self.discount, self.trace, self.kappa = float(rate), float(discount), float(trace), float(kappa)

    def _declared(self) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Declares the arrays that go on from step to step."""
        learner = self.learner
        hidden, inputs = self.explorer.hidden if self.explorer else 1, learner.input_size
        return {
            "registers": ((live.REGISTERS,), np.float64),
            "draws": ((1,), np.uint64),
            "seen": ((inputs,), np.float32),
            "values": ((learner.output_size,), learner.dtype),
            "trace": ((len(KINDS[self._kind].weights(learner)),), learner.dtype),
            "inward": ((hidden, inputs + 1), np.float64),
            "outward": ((hidden + 1,), np.float64),
            "hidden": ((2, hidden), np.float64),
            "shown": ((2, inputs), np.float64),
        }

    def _take(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Keeps arrays, which nobody else may hold, and makes the working space beside them."""
        learner, net = self.learner, self.explorer or Explorer()
        self._arrays = dict(arrays)
        settings = np.zeros(live.SETTINGS)
        settings[:] = [
            self.rate, self.discount, self.trace, self.kappa, net.beta, net.rate, net.per_value, net.coldest,
            net.hottest, self.explorer is not None,
        ]  # fmt: skip
        slope = np.zeros_like(arrays["trace"])
        self._agent = live.Agent(
            settings=settings,
            weights=KINDS[self._kind].weights(learner),
            slope=slope,
            factors=np.zeros(2, learner.dtype),
            **arrays,
        )
        kind = KINDS[self._kind]
        self._own, self._passing = kind.own(learner, slope), kind.passing(learner)
        self._world: Any = None

    def ready(self) -> None:
        """Compiles what living needs; nothing changes."""
        world, how = (_NO_LINKS, _NONE, _NONE, _NO_DRAWS, _NONE), np.zeros(4, np.int64)
        live.LIVES[self._kind](*self._agent, *world, how, np.zeros((0, 3)), *self._own)

    def live(self, world: Any, steps: int, *, longest: int = 1_000_000) -> Lived:
        """Lives in a world and learns from it; goes on with the episode in which it lives there already.

        Args:
            world: an environment. In those that are compiled, all of the house, a step takes about a microsecond.
            steps: how many.
            longest: steps after which an episode that has not ended is taken for one that never does.

        Raises:
            ValueError: the world has other inputs or actions than the learner; gives a number that is not finite; or an
                episode is longer than ``longest``. Or the weights have grown beyond all bounds. The world is left then;
                weights are those from before that step.
        """
        return self._live(world, steps, None, live.LEARNS, longest, None)

    def try_out(
        self, world: Any, episodes: int, *, greedy: bool = False, seed: int | None = None, longest: int = 1_000_000
    ) -> Lived:
        """Acts in a world for some episodes; the agent does not change, nor where it lives.

        Args:
            world: an environment; episodes begin anew in it.
            episodes: how many.
            greedy: whether it takes the best action, and draws none.
            seed: of the world and of the choices; None draws one.
            longest: as for :meth:`live`.

        Raises:
            ValueError: as for :meth:`live`.
        """
        with self.untouched(seed):
            return self._live(world, 2**62, episodes, live.GREEDY * greedy, longest, seed)

    @contextmanager
    def untouched(self, seed: int | None) -> Iterator[None]:
        """Puts back afterwards all that acting without learning changes; choices are drawn from a seed meanwhile."""
        a = self._arrays
        held = [a[name] for name in ("registers", "draws", "seen", "values", "trace", "hidden", "shown")]
        with unchanged(*held, *self._passing):
            a["draws"][0] = first_draws(None if seed is None else seed + 1)
            lived_in, self._world = self._world, None
            try:
                yield
            finally:
                self._world = lived_in

    def begin(self, observation: Any, *, learn: bool = True, greedy: bool = False) -> int:
        """Begins an episode in a world that others step, and returns the first action. See :meth:`then`."""
        self._show(observation)
        self._world = None
        self._arrays["registers"][live.PHASE] = live.FRESH
        return self._turn(live.LEARNS * learn + live.GREEDY * greedy)

    def then(
        self,
        reward: float,
        observation: Any,
        terminated: bool = False,
        truncated: bool = False,
        *,
        learn: bool = True,
        greedy: bool = False,
        discount: float | None = None,
    ) -> int | None:
        """Learns from what the last action has earned, and returns the next action; None if the episode is over.

        Args:
            reward: what it has earned.
            observation: what is seen now.
            terminated: whether the world has ended the episode.
            truncated: whether a limit has.
            learn: whether it learns.
            greedy: whether it takes the best action, and draws none.
            discount: of what comes after this step, where that is not the agent's: a step may have taken several.

        Raises:
            ValueError: no episode is going on, or a number is not finite; nothing has changed then.
        """
        if self._arrays["registers"][live.PHASE] != live.GOING:
            raise ValueError("no episode is going on; begin begins one")
        if discount is not None and not 0 <= discount <= 1:
            raise ValueError(f"discount must be from 0 to 1, got {discount}")
        self._get(reward, observation, terminated, truncated)
        settings = self._agent.settings
        settings[live.DISCOUNT] = self.discount if discount is None else discount
        try:
            chosen = self._turn(live.LEARNS * learn + live.GREEDY * greedy)
        finally:
            settings[live.DISCOUNT] = self.discount
        return None if terminated or truncated else chosen

    def _get(self, reward: float, observation: Any, terminated: bool, truncated: bool) -> None:
        """Keeps what the last action has brought about, to learn from it in the next turn."""
        if not np.isfinite(reward):
            raise ValueError(f"the world has given the reward {reward}, which is no finite number")
        self._show(observation)
        registers = self._arrays["registers"]
        registers[live.REWARD] = reward
        registers[live.RETURN] += reward
        registers[live.PHASE] = live.OVER if terminated else live.CUT if truncated else live.GOING

    @property
    def values(self) -> np.ndarray:
        """The advantages of all actions at the last step, ``[actions]``: a copy."""
        return self._arrays["values"].copy()

    @property
    def heat(self) -> float:
        """The temperature of the last choice."""
        return float(self._arrays["registers"][live.TEMPERATURE])

    def _show(self, observation: Any) -> None:
        seen = np.asarray(observation, np.float32).ravel()
        if seen.shape != self._arrays["seen"].shape:
            raise ValueError(f"the learner has {self.learner.input_size} inputs, and this shows {seen.size}")
        if not np.isfinite(seen).all():
            raise ValueError(f"number {int(np.argmin(np.isfinite(seen)))} of the observation is not finite")
        self._arrays["seen"][:] = seen

    def _turn(self, way: int) -> int:
        """Goes on to the next action, in a world that others step."""
        world = _NO_LINKS, _NONE, _NONE, _NO_DRAWS, _NONE
        how = np.array([2**62, way, 0, 2**62])
        *_, why = live.LIVES[self._kind](*self._agent, *world, how, np.zeros((0, 3)), *self._own)
        self._done(why, 0)
        return int(self._arrays["registers"][live.ACTION])

    def _live(self, world: Any, steps: int, episodes: int | None, way: int, longest: int, seed: int | None) -> Lived:
        check_fit(self.learner, world)
        if steps < 0 or (episodes is not None and episodes < 0) or longest < 1:
            raise ValueError(f"steps, or episodes, must be at least 0, got {steps if episodes is None else episodes}")
        if episodes == 0:
            return Lived.of([], 0)
        if isinstance(world, CompiledWorld):
            return self._live_compiled(world, steps, episodes, way, longest, seed)
        return self._live_outside(world, steps, episodes, way, longest, seed)

    def _live_compiled(
        self, world: CompiledWorld, steps: int, episodes: int | None, way: int, longest: int, seed: int | None
    ) -> Lived:
        registers, batch = self._arrays["registers"], world.held if episodes is None else world.batch(1)
        if self._world is not world:
            self._show(batch.reset(seed=seed)[0])
            self._world, registers[live.PHASE] = world, live.FRESH
        inside = *batch.prepared, batch.states[0], batch.draws, np.zeros(1)
        record = np.zeros((MOST_EPISODES if episodes is None else episodes, 3))
        parts, made = [], 0
        while made < steps:
            how = np.array([steps - made, way, world.limit, longest])
            more, ended, why = live.LIVES[self._kind](*self._agent, *inside, how, record, *self._own)
            made += more
            parts.append(record[:ended].copy())
            self._done(why, longest)
            if ended == episodes:
                break
        return Lived.of(np.concatenate(parts) if parts else [], made)

    def _live_outside(
        self, world: Any, steps: int, episodes: int | None, way: int, longest: int, seed: int | None
    ) -> Lived:
        """Lives in a world of Python's, step by step."""
        registers, space = self._arrays["registers"], world.observation_space
        start = int(getattr(world.action_space, "start", 0))
        record: list[tuple[float, ...]] = []
        if self._world is not world:
            self._show(seen_by(world.reset(seed=seed)[0], space))
            self._world, registers[live.PHASE] = world, live.FRESH
        for made in range(steps):
            action = self._turn(way)
            if registers[live.STEPS] > longest:
                self._done(live.ENDLESS, longest)
            observation, reward, terminated, truncated, _ = world.step(action + start)
            try:
                self._get(float(reward), seen_by(observation, space), terminated, truncated)
            except ValueError:
                self._world, registers[live.PHASE] = None, live.FRESH
                raise
            if terminated or truncated:
                self._turn(way)
                record.append(tuple(registers[[live.RETURN, live.STEPS, live.REWARD]]))
                self._show(seen_by(world.reset()[0], space))
                if len(record) == episodes:
                    return Lived.of(record, made + 1)
        return Lived.of(record, steps)

    def _done(self, why: int, longest: int) -> None:
        """Leaves the world, and says why, where something is wrong."""
        KINDS[self._kind].forget(self.learner)
        if why == 0:
            return
        self._arrays["registers"][live.PHASE], self._world = live.FRESH, None
        raise ValueError(
            {
                live.NOT_A_NUMBER: "the world has given a reward or an observation that is no finite number",
                live.UNSTABLE: f"the weights have grown beyond all bounds: a rate below {self.rate:g} may help",
                live.ENDLESS: f"an episode has not ended after {longest:,} steps: a limit of the world's, or a larger "
                "longest=, may be meant",
            }[why]
        )

    def _whole(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns the facts and the arrays of a file."""
        facts: dict[str, Any] = {"kind": self._kind, "learner": KINDS[self._kind].facts(self.learner)}
        facts["agent"] = {name: getattr(self, name) for name in ("rate", "discount", "trace", "kappa", "temperature")}
        facts["explorer"] = None if self.explorer is None else asdict(self.explorer)
        own = {f"learner.{name}": array for name, array in self.learner._arrays().items()}
        return facts, {**own, **self._arrays}

    @classmethod
    def _restored(cls, facts: Mapping[str, Any], arrays: Arrays) -> Self:
        own = {name.removeprefix("learner."): array for name, array in arrays.items() if name.startswith("learner.")}
        if facts["kind"] not in KINDS:
            raise ValueError(f"its learner is of the kind {facts['kind']!r}, which there is not")
        learner = KINDS[facts["kind"]].restored(facts["learner"], own)
        agent = cls.__new__(cls)
        explorer = None if facts["explorer"] is None else Explorer(**facts["explorer"])
        agent._declare(learner, explorer=explorer, **facts["agent"])
        rest = {name: array for name, array in arrays.items() if not name.startswith("learner.")}
        if explorer is not None and explorer.hidden > rest["outward"].size:
            raise ValueError(f"its explorer has {explorer.hidden} units, and {rest['outward'].size} weights")
        held = fitted(rest, agent._declared())
        registers = held["registers"]
        if registers[live.PHASE] not in (live.FRESH, live.GOING):
            raise ValueError(f"its phase is {registers[live.PHASE]}, and should be {live.FRESH} or {live.GOING}")
        if registers[live.ACTION] not in range(learner.output_size) or registers[live.STEPS] < 0:
            raise ValueError(f"its last action is {registers[live.ACTION]}, of {learner.output_size}")
        if not registers[live.TEMPERATURE] > 0:
            raise ValueError(f"its temperature is {registers[live.TEMPERATURE]}, and should be above 0")
        agent._take(held)
        return agent
