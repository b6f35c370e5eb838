"""Probabilities that mean what they say: one temperature for all logits."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

__all__ = ["best_temperature", "shares"]

SOFTEST = 20.0  # the highest temperature, and one over the lowest


def shares(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Returns the probabilities of logits [N, K] at a temperature."""
    cooled = logits / temperature
    powers = np.exp(cooled - cooled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def best_temperature(logits: np.ndarray, classes: np.ndarray, weights: np.ndarray | None) -> float:
    """Returns the temperature at which logits [N, K] make the classes [N] most probable (Guo et al. 2017).

    Above 1 it makes a network less sure of itself. The classes chosen stay the same.
    """

    def loss(log_temperature: float) -> float:
        cooled = logits / np.exp(log_temperature)
        each = logsumexp(cooled, axis=1) - cooled[np.arange(len(classes)), classes]
        return float(np.average(each, weights=weights))

    bound = float(np.log(SOFTEST))
    return float(np.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x))
