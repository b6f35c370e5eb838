"""Where threads wait for one another at every step of a pass."""

from __future__ import annotations

import time
from typing import ClassVar

import torch
from torch import Tensor

from carrousel.engine.cpu._program import Place, Program

__all__ = ["Meeting"]

_SHORTEST, _LONGEST = 0.002, 1.0
"""Seconds: the first pause after a pass at which threads lost their cores, and the longest."""


class Meeting:
    """The counter of threads that wait for one another at every step of a pass.

    Where cores have other work a thread waits for a slice of the system's time and not for another thread. That is
    noticed by the number of steps at which a thread gave way, and for a while threads share no units any more. The
    first time that is a moment, for whatever came between may be gone at once; each further time it is longer.

    Attributes:
        crowded: the time, on the monotonic clock, until which they do not.
        pause: the seconds for which they will not the next time.
    """

    crowded: ClassVar[float] = 0.0
    pause: ClassVar[float] = _SHORTEST

    @staticmethod
    def place(program: Program) -> Place:
        """Returns the :class:`Place` of the counter in a program, which gives it back as ``"barrier"``."""
        return program.result("barrier", 64 // program.each, cleared=True)  # with a line of the cache to itself

    @staticmethod
    def end(counter: Tensor, steps: int) -> None:
        """Looks how it went."""
        if int(counter.view(torch.int64)[1]) > steps // 8:
            Meeting.crowded = time.monotonic() + Meeting.pause
            Meeting.pause = min(4 * Meeting.pause, _LONGEST)
        elif Meeting.pause > _SHORTEST:
            Meeting.pause = max(Meeting.pause / 2, _SHORTEST)
