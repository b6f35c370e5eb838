"""Ctrl-C and SIGTERM, which end a command where it can be ended."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Ending", "held_back"]

TERMINATED = 143  # what a shell reports for a process that SIGTERM ended


class Ending:
    """Whether one of the two signals came while it could not end the command."""

    def __init__(self, free: Callable[[], bool]) -> None:
        self._free, self._came = free, 0

    @property
    def wanted(self) -> bool:
        """Whether a signal came."""
        return bool(self._came)

    def take(self, number: int, frame: object = None) -> None:
        """Ends the command on a signal if it may be ended now, or if this is the second one."""
        first, self._came = not self._came, number
        if self._free() or not first:
            self.end()

    def end_if_wanted(self) -> None:
        """Raises what the signal stands for, if one came."""
        if self.wanted:
            self.end()

    def end(self) -> None:
        """Raises what the signal stands for."""
        if self._came == signal.SIGTERM:
            sys.exit(TERMINATED)
        raise KeyboardInterrupt


@contextmanager
def held_back(free: Callable[[], bool]) -> Iterator[Ending]:
    """Lets both signals end the command at once only where it is ``free``; else the block does, where it asks for them.

    Python's own handler raises wherever it finds itself. In a finaliser, or in a callback of compiled code, what it
    raises is printed and forgotten.
    """
    ending = Ending(free)
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    for number in before:
        signal.signal(number, ending.take)
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
