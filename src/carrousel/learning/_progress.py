"""What changes in a learner from step to step: as it begins, and what is checked when it comes from a file."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from carrousel._format import Declared, number, whole
from carrousel.learning._optimisers import (
    CHANGES,
    EVERY,
    METHOD,
    PENDING,
    RATE,
    STEPS,
    TOUCHED,
    Adam,
    Optimiser,
    RMSprop,
    method,
)
from carrousel.learning._steps import MOST_NUMBERS

__all__ = ["beginning", "check_progress"]


def beginning(declared: Declared, optimiser: Optimiser, every: int) -> dict[str, np.ndarray]:
    """Returns a learner's arrays before its first step, with no weights yet.

    Raises:
        ValueError: they are larger than can be meant.
    """
    for name, (shape, _) in declared.items():
        if prod(shape) > MOST_NUMBERS:
            raise ValueError(f"its {name} would be {prod(shape):,} numbers, and {MOST_NUMBERS:,} are the most")
    arrays = {name: np.zeros(shape, dtype) for name, (shape, dtype) in declared.items()}
    arrays["rates"][:] = optimiser.numbers(arrays["rates"].dtype)
    arrays["counters"][EVERY], arrays["counters"][METHOD] = every, method(optimiser)
    return arrays


def check_progress(optimiser: Optimiser, every: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Refuses counters, rates, moments and lists of places that no learner of these settings comes to.

    Args:
        optimiser: the learner's.
        every: after how many steps its weights change.
        arrays: a learner's ``"counters"``, ``"rates"`` and ``"moments"``, and if it has them ``"touched"`` and
            ``"flags"``; of the right shapes and dtypes.

    Raises:
        ValueError: one is out of its range.
    """
    counters = arrays["counters"].tolist()
    if [counters[EVERY], counters[METHOD]] != [every, method(optimiser)]:
        raise ValueError(f"its counters {counters} do not fit its settings")
    whole(counters[STEPS], "its number of steps")
    whole(counters[CHANGES], "its number of changes", most=counters[STEPS])
    whole(counters[TOUCHED], "its number of active inputs", most=len(arrays.get("flags", ())))
    whole(counters[PENDING], "its mark of pending errors", most=1)
    rates = optimiser.numbers(arrays["rates"].dtype)
    if number(arrays["rates"][RATE].item(), "its rate") < 0 or (arrays["rates"][1:] != rates[1:]).any():
        raise ValueError(f"its rates are {arrays['rates'].tolist()}, but those of its settings {rates.tolist()}")
    if isinstance(optimiser, RMSprop | Adam) and (arrays["moments"][-1] < 0).any():
        raise ValueError("a mean square among its moments is negative")
    if "touched" in arrays:
        _check_places(arrays["touched"], arrays["flags"], counters[TOUCHED])


def _check_places(touched: np.ndarray, flags: np.ndarray, count: int) -> None:
    """Refuses a list of active inputs, of which ``count`` are in use, and their marks, unless they agree."""
    marked = np.zeros_like(flags)
    if (touched < 0).any() or (touched >= len(flags)).any():
        raise ValueError("its list of active inputs is out of range")
    marked[touched[:count]] = 1
    if marked.sum() != count or not np.array_equal(marked, flags):
        raise ValueError("its list of active inputs names one twice, or others than are marked")
