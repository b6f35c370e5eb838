"""What an agent has lived through, and the worlds that it can live in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Lived", "check_fit", "inputs_of", "seen_by"]


@dataclass(frozen=True)
class Lived:
    """Episodes that have ended.

    Attributes:
        returns: what each has earned, undiscounted.
        steps: how many each has lasted.
        last_rewards: what its last step has earned.
        steps_made: all steps, also those of an episode that goes on.
    """

    returns: np.ndarray
    steps: np.ndarray
    last_rewards: np.ndarray
    steps_made: int

    def __len__(self) -> int:
        return len(self.returns)

    @classmethod
    def of(cls, record: Any, steps_made: int) -> Lived:
        """Returns what a record of ``[episodes, 3]`` says: returns, steps, last rewards."""
        rows = np.asarray(record, np.float64).reshape(-1, 3)
        return cls(rows[:, 0].copy(), rows[:, 1].astype(np.int64), rows[:, 2].copy(), int(steps_made))


def inputs_of(space: Any) -> int:
    """Returns how many inputs show what a world of this observation space shows.

    Raises:
        TypeError: the space is neither of numbers, nor of a few values, nor of several such.
    """
    if _is_made_of_others(space):
        from gymnasium.spaces.utils import flatdim

        return int(flatdim(space))
    if hasattr(space, "n") and not getattr(space, "shape", ()):  # gymnasium's MultiBinary has a shape
        return int(space.n)
    if getattr(space, "shape", None) is None:
        raise TypeError(f"an observation must be numbers or some of a few values, not {type(space).__name__}")
    return int(np.prod(space.shape))


def _is_made_of_others(space: Any) -> bool:
    """Says whether a space is gymnasium's of several values, or of several spaces, of a known size."""
    return hasattr(space, "nvec") or (hasattr(space, "spaces") and bool(getattr(space, "is_np_flattenable", False)))


def seen_by(observation: Any, space: Any) -> np.ndarray:
    """Returns an observation as inputs, float32: numbers as they are, each of a few values as one unit that is 1."""
    if _is_made_of_others(space):
        from gymnasium.spaces.utils import flatten

        return np.asarray(flatten(space, observation), np.float32)
    if hasattr(space, "n") and not getattr(space, "shape", ()):
        return np.eye(int(space.n), dtype=np.float32)[int(observation) - int(getattr(space, "start", 0))]
    return np.asarray(observation, np.float32).ravel()


def check_fit(learner: Any, world: Any) -> None:
    """Refuses a world that shows, or takes, something else than a learner of action values has units for.

    Raises:
        ValueError: numbers of units differ, or the actions are not a few values.
    """
    if not hasattr(world.action_space, "n"):
        raise ValueError(f"this agent chooses from a few actions, and the world's are {world.action_space}")
    for what, has, wants in (
        ("inputs", learner.input_size, inputs_of(world.observation_space)),
        ("outputs, one for each action", learner.output_size, int(world.action_space.n)),
    ):
        if has != wants:
            raise ValueError(f"the learner has {has} {what.split(',')[0]}, and this world wants {wants} {what}")
