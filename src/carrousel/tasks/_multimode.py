"""A pole on a cart whose pushes are exchanged in one of two modes, which is told at the beginning alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians

import numpy as np

from carrousel._jit import entry, jit
from carrousel._world import CompiledWorld, below, uniform
from carrousel.learning._steps import check_counts
from carrousel.tasks._pole_physics import rates_of
from carrousel.tasks._spaces import Box, Discrete

__all__ = ["MultimodePole"]

GRAVITY, CART, HALF_LENGTH, POLE = 9.8, 1.0, 0.5, 0.1  # m/s², kg, m, kg
# numbers: force, track, angle in rad, step in s, steps for which the mode is told, jitter; then the physics
_FORCE, _TRACK, _ANGLE, _STEP, _TOLD, _JITTER, _HEAD = range(7)
# state: position, velocity, angle, its velocity; mode, 1 or -1; steps
_MODE, _STEPS = 4, 5


@jit
def _look_at_pole(numbers, state, seen):
    seen[0] = state[0] / numbers[_TRACK]
    seen[1] = state[2] / numbers[_ANGLE]
    seen[2] = state[_MODE] if state[_STEPS] < numbers[_TOLD] else 0.0


@entry
def _begin_pole(links, numbers, state, draws, seen):
    state[:] = 0.0
    state[_MODE] = 2.0 * below(draws, 2) - 1.0
    state[0] = numbers[_JITTER] * numbers[_TRACK] * (2.0 * uniform(draws) - 1.0)
    state[2] = numbers[_JITTER] * numbers[_ANGLE] * (2.0 * uniform(draws) - 1.0)
    _look_at_pole(numbers, state, seen)


@entry
def _act_pole(links, numbers, state, action, draws, seen):
    force = numbers[_FORCE] * (2.0 * action[0] - 1.0) * state[_MODE]
    rates, turns = np.empty(4), np.empty(2)
    rates_of(state[:4], force, numbers[_HEAD:], rates, turns)
    for k in range(4):
        state[k] += numbers[_STEP] * rates[k]
    state[_STEPS] += 1.0
    _look_at_pole(numbers, state, seen)
    fallen = abs(state[0]) > numbers[_TRACK] or abs(state[2]) > numbers[_ANGLE]
    return (-1.0 if fallen else 0.0), fallen


@dataclass(frozen=True)
class MultimodePole(CompiledWorld):
    """A pole on a cart to be balanced by pushes to the left and to the right, whose meaning depends on a mode.

    Actions are 0 and 1: to the left and to the right in one mode, the other way round in the other, which is drawn for
    each episode. An observation is the cart's position and the pole's angle, as shares of the greatest, and the mode, 1
    or -1, for the first steps alone, then 0; velocities are hidden. Failure earns -1 and ends the episode, all else 0.

    B. Bakker: Reinforcement learning with long short-term memory, 2002. The paper does not give the constants: they are
    those of A. G. Barto, R. S. Sutton, C. W. Anderson, 1983, without friction, in Euler's steps of 0.02 s.

    Args:
        told: for how many steps the mode is shown; 50 are a second.
        force: of a push, in N.
        track: in m, to either side of the middle.
        angle: in degrees, at which the pole has fallen, to either side.
        jitter: position and angle begin within this share of their greatest, uniformly.
        limit: steps after which an episode is truncated, 0 for none.

    Raises:
        ValueError: a number is out of its range.

    >>> world = MultimodePole(told=1)
    >>> abs(world.reset(seed=0)[0][2]), world.step(1)[0][2]  # the mode, and no mode
    (np.float32(1.0), np.float32(0.0))
    """

    told: int = 50
    force: float = 10.0
    track: float = 2.4
    angle: float = 12.0
    jitter: float = 0.1
    limit: int = 10_000

    observation_space = Box((3,))
    action_space = Discrete(2)
    state_size = 6
    _begin, _act = _begin_pole, _act_pole

    def __post_init__(self) -> None:
        check_counts(0, told=self.told, limit=self.limit)
        sizes = (self.force, self.track, self.angle)
        if not (all(0 < size < np.inf for size in sizes) and 0 <= self.jitter < 1):
            raise ValueError(f"force, track and angle must be above 0, and jitter from 0 to below 1; got {self}")

    @property
    def numbers(self) -> np.ndarray:
        """The choices, and the physics."""
        head = [self.force, self.track, radians(self.angle), 0.02, self.told, self.jitter]
        return np.array([*head, GRAVITY, CART, 0.0, 0.0, HALF_LENGTH, POLE])
