"""The flip-flop of 1990: an agent must say when one event has followed another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel._jit import entry, jit
from carrousel._world import CompiledWorld, below
from carrousel.learning._steps import check_counts
from carrousel.tasks._spaces import Box

__all__ = ["FlipFlop"]

MOST_EVENTS = 100_000


@jit
def _happen(numbers, state, draws, seen):
    """Draws an event: 0 is A, 1 is B. The state is whether A came since the last B, and what should be said."""
    event = below(draws, int(numbers[0]))
    state[1] = 1.0 if event == 1 and state[0] == 1.0 else 0.0
    if event < 2:
        state[0] = 1.0 - event
    seen[:] = 0.0
    seen[event] = 1.0


@entry
def _begin_flip_flop(links, numbers, state, draws, seen):
    state[:] = 0.0
    _happen(numbers, state, draws, seen)


@entry
def _act_flip_flop(links, numbers, state, action, draws, seen):
    wrong = action[0] - state[1]
    state[2] += 1.0
    _happen(numbers, state, draws, seen)
    return -wrong * wrong, state[2] == numbers[1]


@dataclass(frozen=True)
class FlipFlop(CompiledWorld):
    """Events A, B, and others without a meaning: the action must be 1 when B comes first after A, and else 0.

    An event is drawn at every step, all equally probable. An action is a number from 0 to 1; what is earned is minus
    the square of its error: pain.

    J. Schmidhuber: Making the world differentiable, 1990; with the events of Learning to control fast-weight memories,
    1992.

    Args:
        events: how many there are, A and B among them.
        length: steps of an episode.
        limit: steps after which an episode is truncated, 0 for none.

    Raises:
        ValueError: there are fewer than two events, or an episode has no step.

    >>> world = FlipFlop(events=2)
    >>> seen = [world.reset(seed=2)[0], *(world.step(np.float32([0]))[0] for _ in range(5))]
    >>> "".join("AB"[int(each.argmax())] for each in seen)
    'AABBBB'
    """

    events: int = 3
    length: int = 100
    limit: int = 0

    action_space = Box((1,), 0.0, 1.0)
    state_size = 3
    _begin, _act = _begin_flip_flop, _act_flip_flop

    def __post_init__(self) -> None:
        check_counts(2, events=self.events)
        check_counts(length=self.length)
        check_counts(0, limit=self.limit)
        if self.events > MOST_EVENTS:
            raise ValueError(f"events must be at most {MOST_EVENTS:,}, got {self.events:,}")

    @property
    def observation_space(self) -> Box:  # type: ignore[override]
        """What an observation can be."""
        return Box((self.events,), 0.0, 1.0)

    @property
    def numbers(self) -> np.ndarray:
        """How many events there are, and the steps of an episode."""
        return np.array([self.events, self.length], np.float64)
