"""A world that somebody else might write: one file, found by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from carrousel.tasks import Box, Discrete


class Corridor:
    """Go on, and turn in the end to the side that a lamp showed in the beginning. Nobody 2026.

    >>> Corridor().reset(seed=0)[0]
    array([-1.,  0.], dtype=float32)
    """

    observation_space = Box((2,), -1.0, 1.0)  # the lamp, the end
    action_space = Discrete(3)  # on, left, right

    def __init__(self, length: int = 5) -> None:
        self.length, self.at, self.rng = length, length + 1, np.random.default_rng()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        self.rng = self.rng if seed is None else np.random.default_rng(seed)
        self.at, self.side = 0, int(self.rng.integers(1, 3))
        return np.float32([3 - 2 * self.side, 0]), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        if not self.action_space.contains(action):
            raise ValueError(f"action must be 0, 1 or 2, got {action!r}")
        if self.at > self.length:
            raise ValueError("the episode is over; reset begins another")
        self.at += 1
        reward = float(action == self.side) if self.at > self.length else -0.1 * (action != 0)
        return np.float32([0, self.at == self.length]), reward, self.at > self.length, False, {}
