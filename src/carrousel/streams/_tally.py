"""How wrong the predictions of a stream were, beside simple forecasts of the same lines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Errors", "Tally"]


@dataclass
class Errors:
    """Sums of absolute errors, for classes the numbers of wrong ones.

    Attributes:
        lines: lines that had a target and one before them.
        error: of the predictions.
        persistence: of the target of the line before.
        season: of the target a season before, where there is one; else that of the line before.
    """

    lines: int = 0
    error: float = 0.0
    persistence: float = 0.0
    season: float = 0.0

    @property
    def mean_error(self) -> float:
        """The mean absolute error, or the share of wrong classes; NaN before there was any."""
        return self.error / self.lines if self.lines else math.nan

    @property
    def mean_persistence(self) -> float:
        """The same of the persistence forecast."""
        return self.persistence / self.lines if self.lines else math.nan

    @property
    def mean_season(self) -> float:
        """The same of the seasonal forecast."""
        return self.season / self.lines if self.lines else math.nan


@dataclass
class Tally(Errors):
    """Running errors of all lines.

    Attributes:
        last: the last target.
        recent: the same errors since :meth:`forget`.
    """

    last: Any = None
    recent: Errors = field(default_factory=Errors)

    def add(self, prediction: Any, target: Any, classes: bool, season: float | None = None) -> None:
        """Counts a prediction, of a class or a number, beside the target a season before."""
        if self.last is not None:
            said = (prediction, self.last, self.last if season is None else season)
            errors = [float(each != target) if classes else abs(each - target) for each in said]
            for sums in (self, self.recent):
                sums.lines += 1
                sums.error += errors[0]
                sums.persistence += errors[1]
                sums.season += errors[2]
        self.last = target

    def forget(self) -> None:
        """Begins the sums of recent lines anew."""
        self.recent = Errors()
