"""Where threads wait for one another at every step of a pass."""

from __future__ import annotations

import time
from typing import ClassVar

import torch

from carrousel.engine._memory import CPU

__all__ = ["Meeting"]


class Meeting:
    """Holds the counter of threads that wait for one another at every step of a pass.

    Where cores have other work a thread waits for a slice of the system's time and not for another thread. That is
    noticed by the number of steps at which a thread gave way, and for a second threads share no units any more.

    Attributes:
        crowded: the time, on the monotonic clock, until which they do not.
    """

    crowded: ClassVar[float] = 0.0

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self.counter = torch.zeros(8, dtype=torch.int64, device=CPU)  # with a line of the cache to itself

    def end(self) -> None:
        """Looks how it went."""
        if int(self.counter[1]) > self._steps // 8:
            Meeting.crowded = time.monotonic() + 1.0
