"""What a follower of lines asks of their times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

__all__ = ["Clock"]


class Clock(Protocol):
    """Tells from the times of lines which seasons there are, and how many lines were lost.

    Attributes:
        column: the field of the times; None if there is none.
        settled: whether the step of time is known, or known to be none.
        seasons: lines in each season; None before they are told.
        given: what it was told to begin with, as JSON can hold it.
        back: whether a line came whose time was not after that of the line before.
    """

    column: str | None
    settled: bool
    seasons: tuple[int, ...] | None
    given: dict[str, Any]
    back: bool

    @property
    def told(self) -> str:
        """What was found, in words."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """What is saved, as JSON can hold it."""
        ...

    def find(self, record: Mapping[str, Any], taken: Iterable[str]) -> None:
        """Finds the field of the times in the first record; those that are taken are something else."""
        ...

    def read(self, value: Any) -> list[str]:
        """Refuses what is no time; nothing changes."""
        ...

    def lost(self, value: Any) -> int:
        """Returns how many lines were lost before one of this time; then that is the last one."""
        ...

    def skip(self) -> None:
        """Goes on past a line without a time."""
        ...

    def settle(self) -> list[int]:
        """Tells the step from the times so far, and returns how many lines were lost before each."""
        ...

    def restore(self, facts: Mapping[str, Any]) -> None:
        """Takes what was saved."""
        ...
