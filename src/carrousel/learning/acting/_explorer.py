"""Directed exploration: what it is made of."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

__all__ = ["Explorer"]


@dataclass(frozen=True)
class Explorer:
    """Directed exploration: a net that foresees the agent's errors, and lets it try more where they will be large.

    A layer of logistic units sees what the agent sees. Its output learns, by back-propagation, the size of the next
    temporal-difference error and ``beta`` times its own next output. The temperature of the choice is this output
    times ``per_value``, within bounds.

    Bakker 2002. The paper gives no sizes: these were searched with corridors of 10 steps alone.

    Args:
        hidden: how many units.
        rate: the learning rate.
        beta: what it foresees of its own future, from 0 to 1.
        per_value: temperature for each unit of the output.
        coldest, hottest: bounds of the temperature.

    Raises:
        ValueError: a number is out of its range.
    """

    hidden: int = 8
    rate: float = 0.003
    beta: float = 0.9
    per_value: float = 0.03
    coldest: float = 0.03
    hottest: float = 5.0

    def __post_init__(self) -> None:
        numbers = [getattr(self, field.name) for field in fields(self)]
        if not all(isinstance(number, int | float) and np.isfinite(number) for number in numbers):
            raise ValueError(f"an explorer is made of finite numbers, got {self}")
        if not (isinstance(self.hidden, int) and 1 <= self.hidden <= 10_000 and 0 <= self.beta <= 1):
            raise ValueError(
                f"hidden must be from 1 to 10,000, and beta from 0 to 1; got {self.hidden} and {self.beta}"
            )
        if min(self.rate, self.per_value) < 0 or not 0 < self.coldest <= self.hottest:
            raise ValueError(f"rate and per_value must be at least 0, and 0 < coldest <= hottest; got {self}")
