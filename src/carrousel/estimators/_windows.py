"""Windows of one long series: what stands before a forecast's origin, and what comes after."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils.data import Dataset

from carrousel.estimators._gauge import Gauge
from carrousel.estimators._linear import Shape
from carrousel.estimators._scaling import Scaler
from carrousel.training._batches import Batch

__all__ = ["Window", "WindowDataset", "split_origins"]


@dataclass(frozen=True)
class Window:
    """What the network sees of a window, and in which units it corrects the starting forecast.

    The target is taken relative to its mean over the context, in units of its own spread there: the network sees
    shapes, and a series may wander off to where it never was. Other columns are standardised. Corrections are in units
    of ``unit`` spreads.

    Attributes:
        shape: what is forecast.
        scaler: of the columns.
        gauge: the context, and which powers are taken.
        unit: how far off starting forecasts of the training windows usually were, in spreads.
        masks: pairs of a column and of that which says by a 1 where it was missing: it enters as zero there.
    """

    shape: Shape
    scaler: Scaler
    gauge: Gauge
    unit: float
    masks: tuple[tuple[int, int], ...] = ()

    @classmethod
    def fit(
        cls, values: np.ndarray, origins: np.ndarray, starts: np.ndarray, shape: Shape, context: int,
        power: float | None, masks: tuple[tuple[int, int], ...] = (),
    ) -> Window:  # fmt: skip
        """Returns a window whose scales come from the training windows alone, which begin at ``origins``."""
        scaler = Scaler.fit(values[: origins.max() + shape.horizon])
        window = cls(shape, scaler, Gauge.fit(values, origins, context, shape.target, power), 1.0, masks)
        unit = float(np.abs(window.targets(values, origins, starts)).mean())
        return replace(window, unit=unit if unit > 0 else 1.0)

    @property
    def context(self) -> int:
        """Rows that the network sees."""
        return self.gauge.context

    def scales(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """Returns what a correction of 1 is in each window, [N]: a number, or a logarithm."""
        return self.gauge.scales(self.gauge.windows(values, origins)) * self.unit

    def inputs(self, values: np.ndarray, origins: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the network's input [N, context, C] and what is known ahead [N, horizon, K + 1], float32.

        Beside the K columns known ahead that is the starting forecast.

        Raises:
            ValueError: a value does not fit in.
        """
        context = values[origins[:, None] + np.arange(-self.context, 0)]
        scaled = self.scaler(context)
        window = self.gauge.windows(values, origins)
        centre, spread = window.mean(axis=1, keepdims=True), self.gauge.scales(window)[:, None]
        scaled[:, :, self.shape.target] = (window - centre) / spread
        for column, mask in self.masks:
            scaled[:, :, column] *= 1 - context[:, :, mask]
            scaled[:, :, mask] = context[:, :, mask]
        path = ((self.gauge.up(starts) - centre) / spread).astype(np.float32)[:, :, None]
        if not (np.isfinite(scaled).all() and np.isfinite(path).all()):
            raise ValueError("the series has values too large for float32, or too unlike those of training; rescale it")
        if not self.shape.known:
            return scaled, path
        future = self.scaler(values[origins[:, None] + np.arange(self.shape.horizon)])
        return scaled, np.concatenate([future[:, :, list(self.shape.known)], path], axis=2)

    def targets(self, values: np.ndarray, origins: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Returns how far off the starting forecasts are, float32 [N, horizon]."""
        future = self.gauge.up(values[origins[:, None] + np.arange(self.shape.horizon), self.shape.target])
        off = (future - self.gauge.up(starts)) / self.scales(values, origins)[:, None]
        return off.astype(np.float32)

    def worth(self, values: np.ndarray, origins: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Returns what a correction of 1 is in the target's own units, about, [N]."""
        return self.scales(values, origins) * self.gauge.worth(starts.mean(axis=1))


class WindowDataset(Dataset):
    """The windows of ``values`` [T, C] at ``origins`` [N], the first row to forecast of each, and their ``starts``.

    A target that is ``gone``, [T], is NaN, and counts in no loss. ``owners``, [N], has the number of each window's
    series for a network that knows series apart.
    """

    def __init__(
        self, values: np.ndarray, origins: np.ndarray, starts: np.ndarray, window: Window, weights: np.ndarray,
        gone: np.ndarray, owners: np.ndarray | None = None,
    ):  # fmt: skip
        self.owners = owners
        self.gone = gone[origins[:, None] + np.arange(window.shape.horizon)]
        self.values, self.origins, self.starts, self.window, self.weights = values, origins, starts, window, weights
        self.lengths = np.full(len(origins), window.context, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.origins)

    def __getitem__(self, i: int) -> Batch:
        return self.batch(np.array([i]))

    def batch(self, chosen: np.ndarray) -> Batch:  # input [B, L, C], lengths [B], known [B, H, K + 1]; targets [B, H]
        """Returns the windows numbered in ``chosen``, and what each counts."""
        origins, starts = self.origins[chosen], self.starts[chosen]
        context, known = self.window.inputs(self.values, origins, starts)
        targets = self.window.targets(self.values, origins, starts)
        targets[self.gone[chosen]] = np.nan
        lengths = torch.from_numpy(self.lengths[chosen])
        inputs = {"input": torch.from_numpy(context), "lengths": lengths, "known": torch.from_numpy(known)}
        if self.owners is not None:
            inputs["series"] = torch.from_numpy(self.owners[chosen])
        return inputs, (torch.from_numpy(targets), torch.from_numpy(self.weights[chosen]))


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
