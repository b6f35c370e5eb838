"""Mazes that look alike in different places: the T-maze with its sign at the start, and the maze of 89 states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel._jit import entry, jit
from carrousel._world import CompiledWorld, below, uniform
from carrousel.learning._steps import check_counts
from carrousel.tasks._spaces import Box, Discrete

__all__ = ["Maze89", "TMaze"]

NORTH, EAST, SOUTH, WEST = range(4)


@jit
def _look_in_corridor(length, is_noisy, state, draws, seen):
    """Writes what is seen in a T-maze; the state is the place, and whether the goal is in the south."""
    at, south = state[0], state[1] == 1.0
    if at == 0:  # the sign: 011 for the north, 110 for the south
        seen[0], seen[1], seen[2] = 1.0 if south else 0.0, 1.0, 0.0 if south else 1.0
    elif at == length:
        seen[0], seen[1], seen[2] = 0.0, 1.0, 0.0
    elif is_noisy:
        seen[0], seen[1], seen[2] = uniform(draws), 0.0, uniform(draws)
    else:
        seen[0], seen[1], seen[2] = 1.0, 0.0, 1.0


@entry
def _begin_t(links, numbers, state, draws, seen):
    state[0], state[1] = 0.0, below(draws, 2)
    _look_in_corridor(numbers[0], numbers[1] != 0, state, draws, seen)


@entry
def _act_t(links, numbers, state, action, draws, seen):
    length, move, reward, ended = numbers[0], int(action[0]), 0.0, False
    if move == WEST and state[0] > 0:
        state[0] -= 1
    elif move == EAST and state[0] < length:
        state[0] += 1
    elif state[0] == length and move != EAST:
        ended = True
        reward = 4.0 if (move == SOUTH) == (state[1] == 1.0) else -0.1
    else:
        reward = -0.1
    _look_in_corridor(length, numbers[1] != 0, state, draws, seen)
    return reward, ended


@dataclass(frozen=True)
class TMaze(CompiledWorld):
    """A corridor with a sign at its beginning, and a junction at its end: north or south, as the sign has said.

    Actions are north, east, south and west, 0 to 3. An observation is 011 at the start if the goal is in the north, 110
    if it is in the south, 101 in the corridor and 010 at the junction. The right turn earns 4, the wrong one -0.1, and
    both end the episode; whoever stands still, against a wall, earns -0.1. The best return is 4, discounted
    ``4 * discount ** length``.

    B. Bakker: Reinforcement learning with long short-term memory, 2002.

    Args:
        length: steps from the start to the junction.
        noisy: in the corridor a0b is seen, a and b drawn from [0, 1) at every step.
        limit: steps after which an episode is truncated, 0 for none. The paper names none.

    Raises:
        ValueError: the corridor has no step, or the limit is negative.

    >>> world = TMaze(length=2)
    >>> world.reset(seed=0)[0].tolist()
    [0.0, 1.0, 1.0]
    >>> [world.step(action)[:3] for action in (1, 1, 0)][-1][1:]
    (4.0, True)
    """

    length: int = 10
    noisy: bool = False
    limit: int = 0

    observation_space = Box((3,), 0.0, 1.0)
    action_space = Discrete(4)
    state_size = 2
    _begin, _act = _begin_t, _act_t

    def __post_init__(self) -> None:
        check_counts(length=self.length)
        check_counts(0, limit=self.limit)
        if not isinstance(self.noisy, bool | np.bool_):
            raise ValueError(f"noisy must be True or False, got {self.noisy!r}")

    @property
    def numbers(self) -> np.ndarray:
        """The length, and whether the corridor is noisy."""
        return np.array([self.length, self.noisy], np.float64)


GRID = ("111111111", "110000011", "100101001", "110101011", "100101001", "110000011", "111111111")
GOAL = (2, 7)
STAY, FORWARD, AROUND, LEFT, RIGHT = range(5)
_WALLS = np.array([[cell == "1" for cell in row] for row in GRID]).ravel().astype(np.float64)
_WIDTH = len(GRID[0])
_STARTS = np.array([place for place in np.flatnonzero(_WALLS == 0) if place != GOAL[0] * _WIDTH + GOAL[1]], np.float64)
# numbers: slip, flip, width, goal, how many starts; then the walls; then the starts.
_HEAD = 5


@jit
def _ahead(width, heading):
    """Returns how far a step to north, east, south or west is in a list of cells, row after row."""
    if heading == NORTH:
        return -width
    if heading == EAST:
        return 1
    return width if heading == SOUTH else -1


@jit
def _look_around(numbers, state, draws, seen):
    place, heading, width = int(state[0]), int(state[1]), int(numbers[2])
    for k, turn in enumerate((0, 3, 2, 1)):  # front, left, back, right
        wall = numbers[_HEAD + place + _ahead(width, (heading + turn) % 4)] != 0
        if uniform(draws) < numbers[1]:
            wall = not wall
        seen[k] = 1.0 if wall else 0.0


@entry
def _begin_89(links, numbers, state, draws, seen):
    starts = int(numbers[4])
    state[0] = numbers[len(numbers) - starts + below(draws, starts)]
    state[1] = below(draws, 4)
    _look_around(numbers, state, draws, seen)


@entry
def _act_89(links, numbers, state, action, draws, seen):
    move, heading, width = int(action[0]), int(state[1]), int(numbers[2])
    if uniform(draws) < numbers[0]:
        move = below(draws, 5)
    if move == FORWARD:
        ahead = int(state[0]) + _ahead(width, heading)
        if numbers[_HEAD + ahead] == 0:
            state[0] = ahead
    elif move != STAY:
        state[1] = (heading + (2 if move == AROUND else 3 if move == LEFT else 1)) % 4
    _look_around(numbers, state, draws, seen)
    ended = state[0] == numbers[3]
    return (1.0 if ended else 0.0), ended


@dataclass(frozen=True)
class Maze89(CompiledWorld):
    """A maze of 22 cells in four headings and a goal, 89 states, of which only the walls around are seen, unreliably.

    Actions are to stay, to go forward, to turn around, to the left and to the right, 0 to 4. An observation says
    whether there is a wall in front, to the left, behind and to the right. The goal earns 1 and ends the episode. An
    episode begins in any other cell with any heading.

    M. L. Littman, A. R. Cassandra, L. P. Kaelbling: Learning policies for partially observable environments, 1995; with
    the probabilities that D. Wierstra's group used, 2007.

    Args:
        slip: the probability that any action, drawn at random, is done in place of the chosen one.
        flip: the probability with which each bit of an observation is false.
        limit: steps after which an episode is truncated, 0 for none.

    Raises:
        ValueError: a probability is none, or the limit is negative.

    >>> Maze89(flip=0.0).reset(seed=1)[0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """

    slip: float = 0.1
    flip: float = 0.1
    limit: int = 251

    observation_space = Box((4,), 0.0, 1.0)
    action_space = Discrete(5)
    state_size = 2
    _begin, _act = _begin_89, _act_89

    def __post_init__(self) -> None:
        check_counts(0, limit=self.limit)
        if not (0 <= self.slip <= 1 and 0 <= self.flip <= 1):
            raise ValueError(f"slip and flip must be from 0 to 1, got {self.slip!r} and {self.flip!r}")

    @property
    def numbers(self) -> np.ndarray:
        """Probabilities, the maze, and where episodes begin."""
        head = [self.slip, self.flip, _WIDTH, GOAL[0] * _WIDTH + GOAL[1], len(_STARTS)]
        return np.concatenate([np.array(head, np.float64), _WALLS, _STARTS])
