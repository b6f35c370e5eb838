"""Poles to be balanced on a cart: one or two, with velocities to be seen or not; one world, or a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import radians
from typing import Any

import numpy as np

from carrousel._world import Batch, World
from carrousel.tasks._spaces import Box

__all__ = ["PoleBalancing"]

HALF_LENGTHS, MASSES = (0.5, 0.05), (0.1, 0.01)  # m, kg; of the long pole and of the short one
GRAVITY, CART, TRACK_FRICTION, HINGE_FRICTION = 9.8, 1.0, 0.0005, 0.000002  # m/s², kg, N, N m s


@dataclass(frozen=True)
class PoleBalancing(World):
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

    :meth:`reset` takes ``options={"state": ...}``, the numbers to begin with: position and velocity of the cart, angle
    and velocity of each pole, in m and rad.

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

    @property
    def observation_space(self) -> Box:  # type: ignore[override]
        """What an observation can be."""
        return Box((1 + self.poles + self.velocities * (1 + self.poles),))

    @property
    def state_size(self) -> int:
        """Numbers of a state: position and velocity of the cart, angle and velocity of each pole; m and rad."""
        return 2 + 2 * self.poles

    @property
    def places(self) -> list[int]:
        """Where in a state the position and the angles are."""
        return [0, *range(2, self.state_size, 2)]

    @property
    def limits(self) -> np.ndarray:
        """How far position and angles may go."""
        return np.array([self.track, *[radians(self.angle)] * self.poles])

    def prepared(self) -> tuple[np.ndarray, ...]:
        """Returns the constants of :mod:`._pole_physics`, the limits, and what a state is divided by to be seen."""
        each = [number for pole in zip(HALF_LENGTHS, MASSES, strict=True) for number in pole]
        about = np.array([GRAVITY, CART, TRACK_FRICTION, HINGE_FRICTION, *each[: 2 * self.poles]])
        scale = np.ones(self.state_size)
        scale[self.places] = self.limits
        return about, self.limits, scale

    def draws_of(self, seeds: Sequence[int | None]) -> np.ndarray:
        """Returns a generator of NumPy for each world, of which the jitter is drawn."""
        drawn = np.empty(len(seeds), object)
        drawn[:] = [np.random.default_rng(seed) for seed in seeds]
        return drawn

    def placed(self, state: Any) -> np.ndarray:
        """Returns checked states ``[worlds, numbers]``."""
        state = np.asarray(state, np.float64)
        fits = state.ndim == 2 and state.shape[1] == self.state_size
        if not fits or not (np.abs(state[:, self.places]) <= self.limits).all():
            raise ValueError(f"a state must be {self.state_size} numbers with which no pole has fallen")
        return state

    def begin_all(self, batch: Batch, state: np.ndarray | None) -> None:
        """Begins an episode in every world."""
        batch.states[:] = 0.0
        batch.states[:, 2] = radians(self.start)
        if self.jitter:
            for each, rng in zip(batch.states, batch.draws, strict=True):
                each[self.places] += self.limits * rng.uniform(-self.jitter, self.jitter, 1 + self.poles)
        if state is not None:
            batch.states[:] = state
        self._look(batch)

    def act_all(self, batch: Batch, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pushes in every world that is not over; returns what it earned, whether a pole fell, and was truncated."""
        from carrousel.tasks._pole_physics import push

        about, limits, _ = batch.prepared
        awake = ~batch.over
        push(batch.states, self.force * actions[:, 0], about, 0.01, 2, batch.over)
        batch.steps += awake
        fallen = np.asarray((np.abs(batch.states[:, self.places]) > limits).any(axis=1))
        truncated = ~fallen & (batch.steps >= self.limit)
        batch.over |= fallen | truncated
        self._look(batch)
        return awake.astype(float), fallen, truncated

    def _look(self, batch: Batch) -> None:
        scaled = batch.states / batch.prepared[2]
        batch.seen[:] = scaled if self.velocities else scaled[:, self.places]
