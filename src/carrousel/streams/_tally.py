"""How wrong the predictions of a stream were, beside simple forecasts of the same lines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PERSISTENCE", "Errors", "Tally"]

PERSISTENCE = "persistence"


@dataclass
class Errors:
    """Sums of absolute errors, for classes the numbers of wrong ones.

    Attributes:
        lines: lines that had a target and one before them.
        error: of the predictions.
        rivals: of other forecasts by their names: of the target of the line before, ``"persistence"``, and those that
            :meth:`Tally.add` was given. One that came later counts as persistence before.
    """

    lines: int = 0
    error: float = 0.0
    rivals: dict[str, float] = field(default_factory=dict)

    @property
    def mean_error(self) -> float:
        """The mean absolute error, or the share of wrong classes; NaN before there was any."""
        return self._mean(self.error)

    @property
    def mean_rivals(self) -> dict[str, float]:
        """The same of the other forecasts, by their names."""
        return {name: self._mean(total) for name, total in self.rivals.items()}

    def _mean(self, total: float) -> float:
        return total / self.lines if self.lines else math.nan

    def count(self, error: float, rivals: Mapping[str, float]) -> None:
        """Counts the errors of a line."""
        before = self.rivals.get(PERSISTENCE, 0.0)
        self.lines, self.error = self.lines + 1, self.error + error
        self.rivals = {name: self.rivals.get(name, before) + each for name, each in rivals.items()}


@dataclass
class Tally(Errors):
    """Running errors of all lines.

    Attributes:
        last: the last target.
        recent: the same errors since :meth:`forget`.
    """

    last: Any = None
    recent: Errors = field(default_factory=Errors)

    def add(self, prediction: Any, target: Any, classes: bool, rivals: Mapping[str, Any] | None = None) -> None:
        """Counts a prediction, of a class or a number, beside those of others by their names."""
        if self.last is not None:

            def error(said: Any) -> float:
                return float(said != target) if classes else abs(said - target)

            errors = {name: error(said) for name, said in {PERSISTENCE: self.last, **(rivals or {})}.items()}
            for sums in (self, self.recent):
                sums.count(error(prediction), errors)
        self.last = target

    def forget(self) -> None:
        """Begins the sums of recent lines anew."""
        self.recent = Errors()
