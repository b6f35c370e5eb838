"""Worlds whose steps are compiled and called by address: one compiled loop runs any of them, alone or in batches.

A compiled world is two functions, ``begin(links, numbers, state, draws, seen)`` and ``act(links, numbers, state,
action, draws, seen)``, which returns ``(reward, whether the world has come to its end)``. ``numbers`` are its choices,
``state [n]`` is what goes on from step to step, ``draws [1]`` is the state of its random numbers, and ``seen``,
float32, receives the observation. ``links`` has the addresses of the two, and after them those of a world inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numba import extending, types
from numba.core import cgutils

from carrousel._jit import entry, jit

__all__ = [
    "ACT",
    "BEGIN",
    "Batch",
    "CompiledWorld",
    "World",
    "act",
    "address",
    "begin",
    "below",
    "first_draws",
    "uniform",
]

_links, _numbers, _seen, _draws = types.int64[::1], types.float64[::1], types.float32[::1], types.uint64[::1]
BEGIN = types.void(_links, _numbers, _numbers, _draws, _seen)
ACT = types.Tuple((types.float64, types.boolean))(_links, _numbers, _numbers, _numbers, _draws, _seen)
"""The types of the two functions."""

intrinsic: Any = extending.intrinsic  # else a call would have the types of the decorated function to mypy


def _by_address(kind: Any) -> Any:
    """Returns a compiled function that calls one of the kind, whose address is its first argument."""

    @intrinsic
    def call(typingctx: Any, where: Any, *arguments: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            function = context.call_conv.get_function_type(kind.return_type, kind.args)
            at = builder.inttoptr(args[0], function.as_pointer())
            rest = cgutils.unpack_tuple(builder, args[1], len(kind.args))
            status, result = context.call_conv.call_function(builder, at, kind.return_type, kind.args, rest)
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return context.get_dummy_value() if kind is BEGIN else result

        return kind.return_type(types.intp, types.Tuple(kind.args)), build

    return call


_call_begin, _call_act = _by_address(BEGIN), _by_address(ACT)


@jit
def begin(links, numbers, state, draws, seen):
    """Begins an episode of the world that the links lead to."""
    _call_begin(links[0], links, numbers, state, draws, seen)


@jit
def act(links, numbers, state, action, draws, seen):
    """Acts in the world that the links lead to; returns its reward, and whether it has come to its end."""
    return _call_act(links[1], links, numbers, state, action, draws, seen)


@jit
def uniform(draws):
    """Draws a number in [0, 1): Steele, Lea & Flood's SplitMix, for numpy's generators cannot stand in an array."""
    draws[0] += np.uint64(0x9E3779B97F4A7C15)
    z = draws[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@jit
def below(draws, n):
    """Draws a whole number from 0 to n - 1."""
    return int(uniform(draws) * n)


def first_draws(seed: int | None) -> np.uint64:
    """Returns the state in which random numbers begin."""
    return np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]


def address(function: Any, kind: Any) -> int:
    """Returns where a compiled function of this kind begins in memory."""
    function.compile(kind.args)
    result = function.overloads[kind.args]
    if result.signature.return_type != kind.return_type:
        raise TypeError(f"{function.__name__} returns {result.signature.return_type}, not {kind.return_type}")
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


class _Space(Protocol):
    """A set of actions or observations."""

    def contains(self, x: Any, /) -> bool: ...


class World:
    """An environment of which many are stepped at once; the base of the house's worlds.

    A subclass has ``state_size``, the two spaces, a ``limit``, the steps after which an episode is truncated, and says
    how all worlds of a batch are seeded, begin and act.
    """

    observation_space: Any
    action_space: Any
    limit: int

    @property
    def state_size(self) -> int:
        """How many numbers go on from step to step."""
        raise NotImplementedError

    def batch(self, count: int) -> Batch:
        """Returns as many such worlds, which are stepped in one compiled call.

        They have the same methods, with a first axis of worlds for what goes in and out; ``reset`` takes a seed, from
        which they count up, or one for each. A world that is over stays as it is and earns nothing, until the next
        reset of all.
        """
        return Batch(self, count)

    @property
    def held(self) -> Batch:
        """The one world that ``reset`` and ``step`` are about."""
        if "_held" not in self.__dict__:
            object.__setattr__(self, "_held", self.batch(1))
        held: Batch = self.__dict__["_held"]
        return held

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Begins an episode; returns its first observation.

        Args:
            seed: of all that is drawn from now on; None goes on with the generator that there is.
            options: ``"state"``, the numbers to begin with, of a world that can begin anywhere.
        """
        if options and "state" in options:
            options = {**options, "state": np.asarray(options["state"])[None]}
        seen, about = self.held.reset(seed=seed, options=options)
        return seen[0], about

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Acts once; returns ``(observation, reward, terminated, truncated, info)``.

        Raises:
            ValueError: the action is none, or the episode is over.
        """
        if not self.action_space.contains(action):
            raise ValueError(f"this world's actions are {self.action_space}, got the action {action!r}")
        if self.held.over[0]:
            raise ValueError("the episode is over; reset begins another")
        seen, reward, terminated, truncated, about = self.held.step(np.asarray(action)[None])
        return seen[0], float(reward[0]), bool(terminated[0]), bool(truncated[0]), about

    def prepared(self) -> tuple[np.ndarray, ...]:
        """Returns what ``begin_all`` and ``act_all`` compute with, once for a batch."""
        raise NotImplementedError

    def draws_of(self, seeds: Sequence[int | None]) -> Any:
        """Returns the states of as many worlds' random numbers; of None, any."""
        raise NotImplementedError

    def placed(self, state: Any) -> np.ndarray:
        """Returns the checked states ``[worlds, numbers]`` in which episodes are to begin.

        Raises:
            ValueError: no episode can begin in one, or this world's begin where it says.
        """
        raise ValueError(f"an episode of {type(self).__name__} begins where the world says; it takes no state")

    def begin_all(self, batch: Batch, state: np.ndarray | None) -> None:
        """Begins an episode in every world: sets the batch's ``seen``, and ``states``, to given ones if there are."""
        raise NotImplementedError

    def act_all(self, batch: Batch, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Acts in every world that is not over: moves the batch on; returns what it earned, ended, and truncated."""
        raise NotImplementedError


class CompiledWorld(World):
    """A world of two compiled functions, which agents live in within one compiled loop.

    A subclass has ``_begin`` and ``_act`` (``carrousel._jit.entry``) and ``numbers``. Its ``limit`` is 0 for none.
    """

    _begin: ClassVar[Any]
    _act: ClassVar[Any]

    @property
    def numbers(self) -> np.ndarray:
        """The choices as its compiled functions take them, float64."""
        raise NotImplementedError

    @property
    def links(self) -> np.ndarray:
        """The addresses of its compiled functions, in this process."""
        return np.array([address(type(self)._begin, BEGIN), address(type(self)._act, ACT)], np.int64)

    def prepared(self) -> tuple[np.ndarray, ...]:
        """Returns the links and the numbers."""
        return self.links, self.numbers

    def draws_of(self, seeds: Sequence[int | None]) -> np.ndarray:
        """Returns the states of as many worlds' random numbers, uint64 ``[worlds]``; of None, any."""
        return np.array([first_draws(None if seed is None else int(seed)) for seed in seeds], np.uint64)

    def begin_all(self, batch: Batch, state: np.ndarray | None) -> None:
        """Begins an episode in every world."""
        _begin_all(*batch.prepared, batch.states, batch.draws, batch.seen)

    def act_all(self, batch: Batch, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Acts in every world that is not over; returns what it earned, whether it ended, and was truncated."""
        n = batch.count
        reward, ended, truncated = np.zeros(n), np.zeros(n, bool), np.zeros(n, bool)
        _act_all(
            *batch.prepared, self.limit, batch.states, actions, batch.draws, batch.seen, batch.steps, batch.over,
            reward, ended, truncated,
        )  # fmt: skip
        return reward, ended, truncated


class Batch:
    """As many worlds of a kind, stepped in one compiled call.

    Attributes:
        world: the kind. count: how many there are.
        prepared: what the world computes with.
        states: ``[worlds, numbers]``, what goes on from step to step.
        draws: the states of their random numbers, one for each.
        seen: ``[worlds, ...]``, the last observations.
        steps: how many each episode has lasted, ``[worlds]``.
        over: bools ``[worlds]``. A world that is over stays as it is and earns nothing until the next reset of all.
    """

    def __init__(self, world: World, count: int) -> None:
        if count < 1:
            raise ValueError(f"a batch must have a world, got {count}")
        self.world, self.count, self.prepared = world, count, world.prepared()
        self.observation_space, self.action_space = world.observation_space, world.action_space
        self.states, self.draws = np.zeros((count, world.state_size)), world.draws_of([None] * count)
        self.seen = np.zeros((count, *world.observation_space.shape), np.float32)
        self.steps, self.over = np.zeros(count, np.int64), np.ones(count, bool)

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins an episode in every world; returns the first observations ``[worlds, ...]``.

        Args:
            seed: one from which the worlds count up, or one for each; None goes on with the generators that there are.
            options: ``"state"``, the numbers to begin with ``[worlds, numbers]``, of a world that can begin anywhere.
        """
        if set(options or {}) - {"state"}:
            raise ValueError(f"options may hold 'state' alone, got {', '.join(options or {})}")
        state = None if not options else self.world.placed(options["state"])
        if state is not None and len(state) != self.count:
            raise ValueError(f"there must be a state for each of {self.count} worlds, got {len(state)}")
        if seed is not None:
            seeds = [seed + k for k in range(self.count)] if isinstance(seed, int | np.integer) else list(seed)
            if len(seeds) != self.count:
                raise ValueError(f"there must be a seed for each of {self.count} worlds, got {len(seeds)}")
            self.draws[:] = self.world.draws_of(seeds)
        self.steps[:], self.over[:] = 0, False
        self.world.begin_all(self, state)
        return self.seen.copy(), {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Acts in every world; returns the five values, each with a first axis of worlds.

        Args:
            actions: ``[worlds]`` whole numbers, or ``[worlds, n]`` numbers.

        Raises:
            ValueError: one of them is no action.
        """
        reward, ended, truncated = self.world.act_all(self, self._actions(actions))
        return self.seen.copy(), reward, ended, truncated, {}

    def _actions(self, actions: Any) -> np.ndarray:
        """Returns checked actions ``[worlds, n]`` in float64."""
        space, given = self.action_space, np.asarray(actions)
        if hasattr(space, "n"):
            low, high, shape = 0, space.n - 1, (self.count,)
            if given.dtype.kind not in "iu":
                raise ValueError(f"actions must be whole numbers, got an array of {given.dtype}")
        else:
            low, high, shape = space.low, space.high, (self.count, *space.shape)
        if given.shape != shape:
            raise ValueError(f"actions must be {list(shape)}, got {list(given.shape)}")
        given = given.reshape(self.count, -1).astype(np.float64)
        if not (right := ((given >= low) & (given <= high)).all(1)).all():
            wrong = int(np.argmin(right))
            raise ValueError(f"actions are from {low} to {high}, got {given[wrong].tolist()} for world {wrong}")
        return given


@entry
def _begin_all(links, numbers, states, draws, seen):
    """Begins an episode in every world."""
    for k in range(len(states)):
        begin(links, numbers, states[k], draws[k : k + 1], seen[k])


@entry
def _act_all(links, numbers, limit, states, actions, draws, seen, steps, over, reward, ended, truncated):
    """Acts in every world that is not over."""
    for k in range(len(states)):
        if not over[k]:
            reward[k], ended[k] = act(links, numbers, states[k], actions[k], draws[k : k + 1], seen[k])
            steps[k] += 1
            truncated[k] = not ended[k] and steps[k] == limit
            over[k] = ended[k] or truncated[k]
