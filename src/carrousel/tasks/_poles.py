"""Poles to be balanced on a cart: one or two, with velocities to be seen or not; one world, or a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import radians
from typing import Any

import numpy as np

from carrousel.tasks._spaces import Box

__all__ = ["PoleBalancing"]

HALF_LENGTHS, MASSES = (0.5, 0.05), (0.1, 0.01)  # m, kg; of the long pole and of the short one
GRAVITY, CART, TRACK_FRICTION, HINGE_FRICTION = 9.8, 1.0, 0.0005, 0.000002  # m/s², kg, N, N m s


@dataclass(frozen=True)
class PoleBalancing:
    """A cart on a track, to be pushed so that one pole or two of different length stay upright on it.

    An action is a number from -1 to 1, the share of the greatest force. A step lasts 0.02 s, two steps of Runge and
    Kutta of 0.01 s. An observation is the cart's position as a share of the track to either side, its velocity in m/s
    if velocities are seen, and for each pole its angle as a share of the greatest, and its velocity in rad/s. Each step
    earns 1. An episode ends when the cart leaves the track or a pole falls beyond the greatest angle.

    A. P. Wieland: Evolving controls for unstable systems, 1991, with the constants that F. Gomez and R. Miikkulainen
    took over in 1999: cart 1 kg, poles of 1 m and 0.1 kg and of 0.1 m and 0.01 kg, friction 0.0005 on the track and
    0.000002 in the hinges.

    Args:
        poles: 1 or 2; the first is the long one.
        velocities: whether they are seen. Without, what was seen has to be remembered.
        force: the greatest, in N.
        track: in m, to either side of the middle.
        angle: in degrees, at which a pole has fallen, to either side.
        start: the long pole's first angle, in degrees.
        jitter: a share of ``track`` and ``angle``: position and angles begin within it, uniformly, of where they would.
        limit: steps after which an episode is truncated.

    Raises:
        ValueError: there are no such poles, or a number is not positive.

    >>> world = PoleBalancing()
    >>> world.reset(seed=0)[0]
    array([0.   , 0.125, 0.   ], dtype=float32)
    >>> world.step(np.float32([1.0]))[1:4]
    (1.0, False, False)
    """

    poles: int = 2
    velocities: bool = False
    force: float = 10.0
    track: float = 2.4
    angle: float = 36.0
    start: float = 4.5
    jitter: float = 0.0
    limit: int = 100_000

    action_space = Box((1,), -1.0, 1.0)

    def __post_init__(self) -> None:
        if self.poles not in (1, 2):
            raise ValueError(f"poles must be 1 or 2, got {self.poles!r}")
        if min(self.force, self.track, self.angle, self.limit) <= 0 or self.jitter < 0:
            raise ValueError("force, track, angle and limit must be positive, and jitter not negative")
        if abs(self.start) / self.angle + self.jitter >= 1:
            raise ValueError(
                f"the long pole could have fallen at the start: {self.start} degrees and a jitter of {self.jitter}"
            )
        object.__setattr__(self, "_worlds", [])

    @property
    def observation_space(self) -> Box:
        """What an observation can be."""
        return Box((1 + self.poles + self.velocities * (1 + self.poles),))

    def batch(self, count: int) -> _Batch:
        """Returns as many such worlds, which are stepped in one compiled call.

        They have the same methods, with a first axis of worlds for what goes in and out; ``reset`` takes a seed, from
        which they count up, or one for each. A world that is over stays as it is and earns nothing, until the next
        reset of all.
        """
        return _Batch(self, count)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Begins an episode; returns its first observation.

        Args:
            seed: of the jitter.
            options: ``"state"``, the numbers to begin with: position and velocity of the cart, angle and velocity of
                each pole, in m and rad.
        """
        held: list[_Batch] = self._worlds  # type: ignore[attr-defined]
        if not held:
            held.append(self.batch(1))
        if options and "state" in options:
            options = {**options, "state": np.asarray(options["state"])[None]}
        seen, about = held[0].reset(seed=seed, options=options)
        return seen[0], about

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Pushes for a step; returns ``(observation, reward, terminated, truncated, info)``.

        Raises:
            ValueError: the action is none, or the episode is over.
        """
        if not self.action_space.contains(action):
            raise ValueError(f"an action must be float32 [1] from -1 to 1, got {action!r}")
        held: list[_Batch] = self._worlds  # type: ignore[attr-defined]
        if not held or held[0].over[0]:
            raise ValueError("the episode is over; reset begins another")
        seen, reward, terminated, truncated, about = held[0].step(action[None])
        return seen[0], float(reward[0]), bool(terminated[0]), bool(truncated[0]), about


class _Batch:
    """As many worlds, stepped in one compiled call.

    Attributes:
        states: ``[worlds, numbers]``: position and velocity of the cart, angle and velocity of each pole; m and rad.
        over: bools ``[worlds]``.
        steps: how many each has lasted, ``[worlds]``.
        about: the constants, as :mod:`._pole_physics` has them.
        places, limits: where in a state position and angles are, and how far each may go.
        scale: what a state is divided by to be seen.
    """

    def __init__(self, world: PoleBalancing, count: int) -> None:
        if count < 1:
            raise ValueError(f"a batch must have a world, got {count}")
        self._world, self.count = world, count
        self.observation_space, self.action_space = world.observation_space, world.action_space
        self.states, self.over = np.zeros((count, 2 + 2 * world.poles)), np.ones(count, bool)
        self.steps = np.zeros(count, np.int64)
        self._rngs = [np.random.default_rng() for _ in range(count)]
        each = [number for pole in zip(HALF_LENGTHS, MASSES, strict=True) for number in pole]
        self.about = np.array([GRAVITY, CART, TRACK_FRICTION, HINGE_FRICTION, *each[: 2 * world.poles]])
        limits = [world.track, *[radians(world.angle)] * world.poles]
        self.places = [0, *range(2, 2 + 2 * world.poles, 2)]
        self.limits = np.array(limits)
        self.scale = np.ones(2 + 2 * world.poles)
        self.scale[self.places] = limits

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins an episode in every world; returns the first observations ``[worlds, numbers]``.

        ``options`` may hold the ``"state"`` to begin with, ``[worlds, numbers]``.
        """
        begin = dict(options or {}).pop("state", None)
        if set(options or {}) - {"state"}:
            raise ValueError(f"options may hold 'state' alone, got {', '.join(options or {})}")
        if begin is not None:
            begin = np.asarray(begin, np.float64)
            if begin.shape != self.states.shape or not (np.abs(begin[:, self.places]) <= self.limits).all():
                raise ValueError(f"state must be {list(self.states.shape)} numbers with which no pole has fallen")
        if seed is not None:
            seeds = [seed + k for k in range(self.count)] if isinstance(seed, int | np.integer) else list(seed)
            if len(seeds) != self.count:
                raise ValueError(f"there must be a seed for each of {self.count} worlds, got {len(seeds)}")
            self._rngs = [np.random.default_rng(each) for each in seeds]
        world = self._world
        self.states[:], self.steps[:], self.over[:] = 0.0, 0, False
        self.states[:, 2] = radians(world.start)
        if world.jitter:
            for state, rng in zip(self.states, self._rngs, strict=True):
                state[self.places] += self.limits * rng.uniform(-world.jitter, world.jitter, 1 + world.poles)
        if begin is not None:
            self.states[:] = begin
        return self._seen(), {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Pushes in every world; returns the five values, each with a first axis of worlds.

        Raises:
            ValueError: actions are not ``[worlds, 1]`` numbers from -1 to 1.
        """
        from carrousel.tasks._pole_physics import push

        actions = np.asarray(actions, np.float64)
        if actions.shape != (self.count, 1) or not (np.abs(actions) <= 1).all():
            raise ValueError(f"actions must be [{self.count}, 1] numbers from -1 to 1")
        awake = ~self.over
        push(self.states, self._world.force * actions[:, 0], self.about, 0.01, 2, self.over)
        self.steps += awake
        fallen = np.asarray((np.abs(self.states[:, self.places]) > self.limits).any(axis=1))
        truncated = ~fallen & (self.steps >= self._world.limit)
        self.over = self.over | fallen | truncated
        return self._seen(), awake.astype(float), fallen, truncated, {}

    def _seen(self) -> np.ndarray:
        scaled = self.states / self.scale
        return (scaled if self._world.velocities else scaled[:, self.places]).astype(np.float32)
