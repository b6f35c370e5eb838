"""What the network adds to a starting forecast: nothing where that does not help on windows it did not learn from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from carrousel.estimators._base import PREDICT_BATCH
from carrousel.estimators._conformal import offsets_of, ordered
from carrousel.estimators._windows import Window
from carrousel.training._threads import threads_worth

__all__ = ["Correction", "gaps_of", "share_of"]

SHARES = (0.25, 0.5, 0.75, 1.0)
PARTS = 5  # of the validation windows, one after another
SURE = 1.0  # standard errors by which a gain must differ from none
LEAST_GAP = 1e-3  # between neighbouring quantiles, in units of a usual error


def share_of(corrections: np.ndarray, wanted: np.ndarray, worth: np.ndarray) -> float:
    """Returns the share of corrections that surely lessens the error most, 0 where none surely does.

    The gain is the mean over parts of the windows of the logarithm of the error's ratio, as where the starting forecast
    is chosen; of it a standard error over the parts is taken away. What helps in one part alone is chance.

    Args:
        corrections: of N windows in their order, [N, H].
        wanted: the corrections that would have been right, [N, H].
        worth: what a window's errors count, [N].
    """
    if len(wanted) < PARTS:
        return 0.0
    parts = np.array_split(np.arange(len(wanted)), PARTS)

    def errors(share: float) -> np.ndarray:
        off = np.abs(wanted - share * corrections).mean(axis=1) * worth
        return np.array([off[part].mean() for part in parts]) + 1e-12

    before, best, least = errors(0.0), 0.0, 0.0
    for share in SHARES:
        ratios = np.log(errors(share) / before)
        bound = float(ratios.mean() + SURE * ratios.std(ddof=1) / np.sqrt(PARTS))
        if bound < least:
            best, least = share, bound
    return best


def gaps_of(errors: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Returns the distances between neighbouring quantiles of errors [N, H], outward from the median, [H, Q].

    That of the median itself is 1.
    """
    middle = levels.index(0.5)
    repeated = np.repeat(errors.astype(np.float64)[:, :, None], len(levels), axis=2)
    off = np.abs(ordered(offsets_of(repeated, levels), middle))
    gaps = np.ones_like(off)
    gaps[:, middle + 1 :] = np.diff(off[:, middle:], axis=1)
    gaps[:, :middle] = -np.diff(off[:, : middle + 1], axis=1)
    return np.maximum(gaps, LEAST_GAP)


@dataclass(frozen=True)
class Correction:
    """What a network makes of starting forecasts.

    Attributes:
        window: what the network sees, and the unit of its corrections.
        share: of the network's corrections, that is taken; 0 leaves the starting forecasts as they are.
        offsets: what is added so that the quantiles hold, [H, Q].
    """

    window: Window
    share: float
    offsets: np.ndarray

    @classmethod
    def fit(
        cls, network: Any, window: Window, values: np.ndarray, origins: np.ndarray, starts: np.ndarray,
        levels: tuple[float, ...], owners: np.ndarray | None = None,
    ) -> Correction:  # fmt: skip
        """Returns a trained network's correction, judged on validation windows; without any all of it is taken."""
        whole = cls(window, 1.0, np.zeros((window.shape.horizon, len(levels))))
        if len(origins) == 0:
            return whole
        wanted = window.targets(values, origins, starts).astype(np.float64)
        said = whole.relative(network, values, origins, starts, owners)[:, :, levels.index(0.5)]
        part = replace(whole, share=share_of(said, wanted, window.worth(values, origins, starts)))
        errors = wanted[:, :, None] - part.relative(network, values, origins, starts, owners)
        return replace(part, offsets=offsets_of(errors, levels))

    def relative(
        self, network: Any, values: np.ndarray, origins: np.ndarray, starts: np.ndarray,
        owners: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Returns the quantiles of the corrections, in the window's units, [N, H, Q].

        ``owners``, [N], has the number of each window's series for a network that knows series apart.
        """
        network.eval()
        untrained = network.untrained().detach().cpu().double().numpy()
        if self.share == 0:
            return np.broadcast_to(untrained, (len(origins), *untrained.shape))
        device, outputs = next(network.parameters()).device, []
        with torch.no_grad(), threads_worth(network, PREDICT_BATCH * self.window.context):
            for begin in range(0, len(origins), PREDICT_BATCH):
                part = slice(begin, begin + PREDICT_BATCH)
                inputs = self.window.inputs(values, origins[part], starts[part])
                context, known = (torch.from_numpy(each).to(device) for each in inputs)
                lengths = torch.full((len(context),), self.window.context, device=device)
                whose = () if owners is None else (torch.from_numpy(owners[part]).to(device),)
                outputs.append(network(context, lengths, known, *whose).cpu().double())
        return self.share * torch.cat(outputs).numpy() + (1 - self.share) * untrained

    def quantiles(
        self, network: Any, values: np.ndarray, origins: np.ndarray, starts: np.ndarray, middle: int,
        owners: np.ndarray | None = None,
    ) -> np.ndarray:  # [N, H, Q]  # fmt: skip
        """Returns the corrected forecasts in the target's units; number ``middle`` is the median."""
        gauge, scale = self.window.gauge, self.window.scales(values, origins)[:, None, None]
        relative = self.relative(network, values, origins, starts, owners) + self.offsets
        found = gauge.down(gauge.up(starts)[:, :, None] + scale * relative)
        if self.share == 0:
            found[:, :, middle] = starts  # to the last bit: it is the same forecast
        return ordered(found, middle)
