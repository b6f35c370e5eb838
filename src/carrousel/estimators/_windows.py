"""Windows of one long series: what stands before a forecast's origin, and what comes after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from carrousel.estimators._scaling import Scaler
from carrousel.training._batches import Batch

__all__ = ["Window", "WindowDataset", "split_origins"]

SAMPLE = 2000  # windows whose deviation gives the scale


@dataclass(frozen=True)
class Window:
    """The shape of a window, ``context`` rows and then ``horizon`` rows, and the scales of its columns.

    The target is taken relative to its mean over the context, in units of ``unit``, its usual deviation from it: the
    network sees shapes, and a series may wander off to where it never was. Other columns are standardised.
    """

    context: int
    horizon: int
    target: int
    known: tuple[int, ...]
    scaler: Scaler
    unit: float

    @classmethod
    def fit(
        cls, values: np.ndarray, origins: np.ndarray, context: int, horizon: int, target: int, known: tuple[int, ...]
    ) -> Window:
        """Returns a window whose scales come from the training windows alone, which begin at ``origins``."""
        seen = values[: origins.max() + horizon]
        some = origins[np.linspace(0, len(origins) - 1, min(SAMPLE, len(origins))).astype(int)]
        windows = values[some[:, None] + np.arange(-context, horizon), target]
        unit = float(np.sqrt(((windows - windows[:, :context].mean(axis=1, keepdims=True)) ** 2).mean()))
        return cls(context, horizon, target, known, Scaler.fit(seen), unit if unit > 0 else 1.0)

    def levels(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """Returns the target's mean over each context, [N]."""
        return values[origins[:, None] + np.arange(-self.context, 0), self.target].mean(axis=1)

    def inputs(self, values: np.ndarray, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the network's input [N, context, C] and the known future [N, horizon, K], float32.

        Raises:
            ValueError: a value does not fit in.
        """
        context = values[origins[:, None] + np.arange(-self.context, 0)]
        scaled = self.scaler(context)
        relative = context[:, :, self.target] - self.levels(values, origins)[:, None]
        scaled[:, :, self.target] = relative / self.unit
        if not np.isfinite(scaled).all():
            raise ValueError("the series has values too large for float32, or too unlike those of training; rescale it")
        if not self.known:
            return scaled, np.zeros((len(origins), self.horizon, 0), dtype=np.float32)
        future = self.scaler(values[origins[:, None] + np.arange(self.horizon)])
        return scaled, np.ascontiguousarray(future[:, :, list(self.known)])

    def targets(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """Returns what is to be forecast, relative to the level, float32 [N, horizon]."""
        future = values[origins[:, None] + np.arange(self.horizon), self.target]
        return ((future - self.levels(values, origins)[:, None]) / self.unit).astype(np.float32)


class WindowDataset(Dataset):
    """The windows of ``values`` [T, C] at ``origins`` [N]: the first row to forecast of each."""

    def __init__(self, values: np.ndarray, origins: np.ndarray, window: Window):
        self.values, self.origins, self.window = values, origins, window
        self.lengths = np.full(len(origins), window.context, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.origins)

    def __getitem__(self, i: int) -> Batch:
        return self.batch(np.array([i]))

    def batch(self, chosen: np.ndarray) -> Batch:  # input [B, L, C], lengths [B], known [B, H, K]; targets [B, H]
        """Returns the windows numbered in ``chosen``."""
        origins = self.origins[chosen]
        context, known = self.window.inputs(self.values, origins)
        targets = self.window.targets(self.values, origins)
        lengths = torch.from_numpy(self.lengths[chosen])
        inputs = {"input": torch.from_numpy(context), "lengths": lengths, "known": torch.from_numpy(known)}
        return inputs, torch.from_numpy(targets)


def split_origins(rows: int, reach: int, horizon: int, share: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns origins for training and, later in time, for validation; no row is a target in both parts.

    ``reach`` rows must stand before an origin.

    Raises:
        ValueError: the series has no training window.
    """
    last = rows - horizon
    if last < reach:
        raise ValueError(
            f"the horizon of {horizon} is too long for the series: {reach} rows of context and {horizon} to "
            f"forecast make {reach + horizon}, and the series has {rows}. "
            "Give more rows, a shorter horizon or a shorter context"
        )
    origins = np.arange(reach, last + 1)
    later = 0 if share is None else round(share * len(origins))
    if later == 0 or len(origins) - later - horizon + 1 < 1:
        return origins, origins[:0]
    return origins[: len(origins) - later - horizon + 1], origins[len(origins) - later :]
