"""Standardisation by the training data, stored with the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Scaler"]


@dataclass(frozen=True)
class Scaler:
    """Per-column shift and scale, float64 [C]: ``(x - mean) / scale``. A constant column has scale 1."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, weights: np.ndarray | None = None) -> Scaler:
        """Returns the scaler of ``values`` [S, C], whose rows may count differently, ``weights`` [S]."""
        if weights is None:
            mean, scale = values.mean(axis=0), values.std(axis=0)
        else:
            mean = np.average(values, axis=0, weights=weights)
            scale = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
        # Rounding leaves a constant column of large numbers with a tiny deviation, which would blow noise up.
        constant = scale <= 1e-12 * np.maximum(np.abs(mean), np.abs(values).max(axis=0))
        return cls(mean, np.where(constant, 1.0, scale))

    @classmethod
    def identity(cls, columns: int) -> Scaler:
        """Returns the scaler that changes nothing."""
        return cls(np.zeros(columns), np.ones(columns))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return ((values - self.mean) / self.scale).astype(np.float32)

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """Returns scaled values in their units, float64."""
        return values.astype(np.float64) * self.scale + self.mean
