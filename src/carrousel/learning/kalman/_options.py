"""How a filter is set: which weights it relates to one another, and how sure it is of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np

__all__ = ["GROUPS", "Annealed", "Kalman", "from_facts"]

GROUPS = ("weight", "node", "global")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and isfinite(value)


@dataclass(frozen=True)
class Annealed:
    """A number that goes from ``first`` to ``last`` by equal factors within so many updates, and stays there.

    >>> [Annealed(100.0, 1.0, 2).at(t) for t in (0, 1, 2, 3)]
    [100.0, 10.0, 1.0, 1.0]
    """

    first: float
    last: float
    updates: int

    def __post_init__(self) -> None:
        for name in ("first", "last"):
            value = getattr(self, name)
            if not (_is_number(value) and value > 0):
                raise ValueError(f"Annealed: {name} must be a number above 0, got {value!r}")
        if not isinstance(self.updates, int | np.integer) or isinstance(self.updates, bool) or self.updates < 1:
            raise ValueError(f"Annealed: updates must be a whole number of at least 1, got {self.updates!r}")

    def at(self, update: int) -> float:
        """Returns the number at an update, of which the first is 0."""
        return float(self.first * (self.last / self.first) ** min(1.0, update / self.updates))


@dataclass(frozen=True)
class Kalman:
    """A filter's settings.

    Attributes:
        groups: the weights whose errors the filter takes to be related: ``"weight"``, each by itself (fully
            decoupled); ``"node"``, those that enter one unit (Puskorius & Feldkamp 1994, and the LSTM papers);
            ``"global"``, all.
        p: the variance of each weight's error at the beginning; what is large is changed quickly.
        r: the variance of the targets' noise; a number, or :class:`Annealed`. What is large makes small steps.
        q: the variance by which every weight is taken to wander between two updates, likewise; 0 lets the steps become
            ever smaller.

    Raises:
        ValueError: an argument is not among these, or out of its range.
    """

    groups: str = "node"
    p: float = 100.0
    r: float | Annealed = Annealed(100.0, 3.0, 30_000)
    q: float | Annealed = Annealed(1e-2, 1e-6, 30_000)

    def __post_init__(self) -> None:
        if self.groups not in GROUPS:
            raise ValueError(f"groups must be one of {', '.join(GROUPS)}; got {self.groups!r}")
        if not (_is_number(self.p) and self.p > 0):
            raise ValueError(f"p, the variance of a weight's error, must be a number above 0, got {self.p!r}")
        if not isinstance(self.r, Annealed) and not (_is_number(self.r) and self.r > 0):
            raise ValueError(
                f"r, the variance of the targets' noise, must be a number above 0 or Annealed, got {self.r!r}: "
                "without noise a single target would fix the weights for ever"
            )
        if not isinstance(self.q, Annealed) and not (_is_number(self.q) and self.q >= 0):
            raise ValueError(f"q, by which weights wander, must be a number of at least 0 or Annealed, got {self.q!r}")

    def numbers(self) -> np.ndarray:
        """Returns r's first and last number and its updates, and q's, ``[6]``, as compiled code takes them."""
        numbers: list[float] = []
        for value in (self.r, self.q):
            numbers += [value.first, value.last, value.updates] if isinstance(value, Annealed) else [value, value, 0.0]
        return np.array(numbers, np.float64)

    def facts(self) -> dict[str, Any]:
        """Returns the arguments, as JSON can hold them."""
        return asdict(self)


def from_facts(facts: Mapping[str, Any]) -> Kalman:
    """Returns the filter's settings that :meth:`Kalman.facts` wrote down.

    Raises:
        ValueError, TypeError: there are none such.
    """
    annealed = {name: Annealed(**value) for name, value in facts.items() if isinstance(value, dict)}
    return Kalman(**{**facts, **annealed})
