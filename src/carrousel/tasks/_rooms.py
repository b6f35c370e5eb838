"""Rooms with doors between them, for agents that choose sub-goals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel._jit import entry, jit
from carrousel._world import CompiledWorld, below
from carrousel.learning._steps import check_counts
from carrousel.tasks._spaces import Box, Discrete

__all__ = ["Rooms"]

MOST_CELLS = 1_000_000

# numbers: rooms down, rooms across, cells to a side, colours (0: each room its own), goal's row and column, whether
# episodes begin anywhere, whether what is seen is one unit
_DOWN, _ACROSS, _SIDE, _COLOURS, _GOAL_ROW, _GOAL_COLUMN, _ANYWHERE, _JOINT = range(8)


@jit
def _look_at_room(numbers, state, seen):
    """Writes the place within the room, and which room it is as far as it can be told."""
    side, across, colours = int(numbers[_SIDE]), int(numbers[_ACROSS]), int(numbers[_COLOURS])
    row, column = int(state[0]), int(state[1])
    room = row // side * across + column // side
    shown = room if colours == 0 else room % colours
    seen[:] = 0.0
    if numbers[_JOINT] != 0:
        seen[(shown * side + row % side) * side + column % side] = 1.0
        return
    seen[row % side] = 1.0
    seen[side + column % side] = 1.0
    seen[2 * side + shown] = 1.0


@entry
def _begin_rooms(links, numbers, state, draws, seen):
    side = int(numbers[_SIDE])
    state[0], state[1] = 0.0, 0.0
    if numbers[_ANYWHERE] != 0:
        while True:
            state[0], state[1] = below(draws, int(numbers[_DOWN]) * side), below(draws, int(numbers[_ACROSS]) * side)
            if state[0] != numbers[_GOAL_ROW] or state[1] != numbers[_GOAL_COLUMN]:
                break
    _look_at_room(numbers, state, seen)


@entry
def _act_rooms(links, numbers, state, action, draws, seen):
    side, move = int(numbers[_SIDE]), int(action[0])
    row, column = int(state[0]), int(state[1])
    down = (1 if move == 2 else 0) - (1 if move == 0 else 0)
    right = (1 if move == 1 else 0) - (1 if move == 3 else 0)
    new_row, new_column = row + down, column + right
    inside = 0 <= new_row < int(numbers[_DOWN]) * side and 0 <= new_column < int(numbers[_ACROSS]) * side
    # A wall between rooms has one door, in its middle.
    blocked = (new_row // side != row // side and column % side != side // 2) or (
        new_column // side != column // side and row % side != side // 2
    )
    if inside and not blocked:
        state[0], state[1] = new_row, new_column
    _look_at_room(numbers, state, seen)
    ended = state[0] == numbers[_GOAL_ROW] and state[1] == numbers[_GOAL_COLUMN]
    return (1.0 if ended else 0.0), ended


@dataclass(frozen=True)
class Rooms(CompiledWorld):
    """Square rooms side by side, with a door in the middle of each wall between two, and a goal in one of the cells.

    Actions are north, east, south and west, 0 to 3; against a wall nothing happens. An observation has one unit that is
    1 for the row within the room, one for the column, and one for the room, or with ``colours`` for its colour, which
    other rooms share. The goal earns 1 and ends the episode.

    A world of our own, after the office of B. Bakker & J. Schmidhuber: Hierarchical reinforcement learning based on
    subgoal discovery and subpolicy specialization, 2004, which is not published in full.

    Args:
        down, across: how many rooms there are.
        side: cells to a room's side.
        colours: 0 if each room looks different; else room k has colour k modulo this, and rooms alias.
        goal: its row and column, counted over all rooms; None for the last cell of the last room.
        joint: whether an observation is a single unit for all three together, as a table wants it.
        anywhere: whether episodes begin in any cell but the goal; otherwise in the first cell of the first room.
        limit: steps after which an episode is truncated, 0 for none.

    Raises:
        ValueError: there are no such rooms, or no such goal.

    >>> Rooms(2, 2, 3).reset()[0].tolist()
    [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """

    down: int = 3
    across: int = 3
    side: int = 5
    colours: int = 0
    goal: tuple[int, int] | None = None
    anywhere: bool = False
    joint: bool = False
    limit: int = 1000

    action_space = Discrete(4)
    state_size = 2
    _begin, _act = _begin_rooms, _act_rooms

    def __post_init__(self) -> None:
        check_counts(down=self.down, across=self.across, side=self.side)
        check_counts(0, colours=self.colours, limit=self.limit)
        if not 2 <= self.down * self.across * self.side**2 <= MOST_CELLS:
            raise ValueError(f"there must be from 2 to {MOST_CELLS:,} cells, got {self}")
        if self.colours > self.down * self.across:
            raise ValueError(f"colours must be from 0 to the number of rooms, got {self.colours}")
        row, column = self.goal_cell
        if not (0 <= row < self.down * self.side and 0 <= column < self.across * self.side):
            raise ValueError(f"the goal {self.goal} is outside all rooms")
        if not self.anywhere and (row, column) == (0, 0):
            raise ValueError("the goal is where episodes begin")

    @property
    def goal_cell(self) -> tuple[int, int]:
        """The goal's row and column."""
        return self.goal or (self.down * self.side - 1, self.across * self.side - 1)

    @property
    def observation_space(self) -> Box:  # type: ignore[override]
        """What an observation can be."""
        shown = self.colours or self.down * self.across
        return Box((shown * self.side**2 if self.joint else 2 * self.side + shown,), 0.0, 1.0)

    @property
    def numbers(self) -> np.ndarray:
        """The rooms, the goal, and how they are seen."""
        head = [self.down, self.across, self.side, self.colours, *self.goal_cell]
        return np.array([*head, self.anywhere, self.joint], np.float64)
