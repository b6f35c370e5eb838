"""How collected errors change weights: every method keeps a fixed number of values for each weight."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, fields
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from carrousel._jit import jit

__all__ = [
    "CHANGES",
    "EVERY",
    "METHOD",
    "PENDING",
    "RATE",
    "STEPS",
    "TOUCHED",
    "Adam",
    "Descent",
    "Optimiser",
    "RMSprop",
    "apply",
    "fade",
    "fades",
    "from_facts",
    "method",
    "moments",
    "to_facts",
    "update_steps",
]

CHANGES, STEPS, TOUCHED, EVERY, METHOD, PENDING = range(6)
"""Places among a learner's counters: how often weights were changed; how many steps there were of learning; how many
inputs were active since the reset; after how many steps weights change; how (see :func:`method`); whether errors wait
to change them."""
RATE, DECAY = 0, 2
"""Places among the parameters: every method's step size; what descent multiplies it by after every step."""
LEAST_RATE = 1e-30
"""A decaying rate below this is zero: it would change no weight, but numbers too small to be normal are slow."""


@dataclass(frozen=True)
class Optimiser:
    """A way in which errors change weights: all have a step size ``rate``, called alpha in the papers."""

    rate: float = 0.1
    code: ClassVar[int]
    moments: ClassVar[int]
    up_to_one: ClassVar[tuple[str, ...]] = ()  # parameters that can be 1, which the others cannot

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            most = np.inf if item.name in ("rate", "eps") else 1.0
            closed = item.name in self.up_to_one
            if not (isinstance(value, int | float) and (0.0 <= value < most or (closed and value == most))):
                limit = "not negative" if most == np.inf else "in [0, 1]" if closed else "in [0, 1)"
                raise ValueError(f"{type(self).__name__}: {item.name} must be a number {limit}, got {value!r}")

    def numbers(self, dtype: Any) -> np.ndarray:
        """Returns the parameters as the compiled code takes them, ``[4]``.

        Raises:
            ValueError: one is too large for the dtype.
        """
        with np.errstate(over="ignore"):
            numbers = np.array((*astuple(self), 0.0, 0.0, 0.0)[:4], np.float64).astype(dtype)
        if not np.isfinite(numbers).all():
            raise ValueError(f"{self} has a number too large for {np.dtype(dtype)}")
        return numbers


@dataclass(frozen=True)
class Descent(Optimiser):
    """Steepest descent, with ``momentum`` times the last change added to every change.

    The rate is multiplied by ``decay`` after every step of learning, with or without a target; below 1e-30 it is zero.
    """

    momentum: float = 0.0
    decay: float = 1.0
    up_to_one: ClassVar[tuple[str, ...]] = ("decay",)
    code: ClassVar[int] = 0
    moments: ClassVar[int] = 1


@dataclass(frozen=True)
class RMSprop(Optimiser):
    """Steps divided by the root of the mean square of recent errors; as ``torch.optim.RMSprop``."""

    rate: float = 0.01
    decay: float = 0.99
    eps: float = 1e-8
    code: ClassVar[int] = 2
    moments: ClassVar[int] = 1


@dataclass(frozen=True)
class Adam(Optimiser):
    """Kingma & Ba 2015, with bias correction; as ``torch.optim.Adam``."""

    rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    code: ClassVar[int] = 3
    moments: ClassVar[int] = 2


def method(optimiser: Optimiser) -> int:
    """Returns the compiled code's number of a method: 0 plain descent, 1 momentum, 2 RMSprop, 3 Adam."""
    return 1 if isinstance(optimiser, Descent) and optimiser.momentum else optimiser.code


def moments(optimiser: Optimiser) -> int:
    """Returns how many numbers the method remembers for each weight, zero at the beginning."""
    return optimiser.moments if method(optimiser) else 0


@jit
def apply(weights, gradient, moments, rates, method, counters):
    """Changes the weights by ``gradient``, the direction of descent summed since the last change; clears it."""
    counters[CHANGES] += 1
    counters[PENDING] = 0
    rate = rates[RATE]
    if method == 0:
        for k in range(len(weights)):
            weights[k] += rate * gradient[k]
    elif method == 1:
        momentum = rates[1]
        for k in range(len(weights)):
            moments[0, k] = momentum * moments[0, k] + rate * gradient[k]
            weights[k] += moments[0, k]
    elif method == 2:
        decay, eps = rates[1], rates[2]
        for k in range(len(weights)):
            moments[0, k] = decay * moments[0, k] + (1 - decay) * gradient[k] * gradient[k]
            weights[k] += rate * gradient[k] / (sqrt(moments[0, k]) + eps)
    else:
        beta1, beta2, eps = rates[1], rates[2], rates[3]
        scale = rate / (1 - beta1 ** counters[CHANGES])
        root = sqrt(1 - beta2 ** counters[CHANGES])
        for k in range(len(weights)):
            moments[0, k] = beta1 * moments[0, k] + (1 - beta1) * gradient[k]
            moments[1, k] = beta2 * moments[1, k] + (1 - beta2) * gradient[k] * gradient[k]
            weights[k] += scale * moments[0, k] / (sqrt(moments[1, k]) / root + eps)
    gradient[:] = 0


@jit
def fades(rates, method):
    """Says whether the rate decays."""
    return method <= 1 and rates[DECAY] != 1


@jit
def fade(rates):
    """Multiplies the rate by its decay, after a step."""
    rates[RATE] *= rates[DECAY]
    if rates[RATE] < LEAST_RATE:
        rates[RATE] = 0


_BY_NAME = {kind.__name__: kind for kind in (Descent, RMSprop, Adam)}


def to_facts(optimiser: Optimiser) -> list[Any]:
    """Returns an optimiser as JSON can hold it."""
    return [type(optimiser).__name__, asdict(optimiser)]


def from_facts(facts: Any) -> Optimiser:
    """Returns the optimiser that :func:`to_facts` wrote down.

    Raises:
        ValueError, TypeError, KeyError: there is no such optimiser.
    """
    name, values = facts
    return _BY_NAME[name](**values)


def update_steps(update: str | int) -> int:
    """Returns after how many steps weights change; 0 for the end of a sequence."""
    if update in ("step", "end"):
        return int(update == "step")
    if isinstance(update, int | np.integer) and not isinstance(update, bool) and 1 <= update <= 2**53:
        return int(update)
    raise ValueError(f"update must be 'step', 'end' or a number of steps, got {update!r}")
