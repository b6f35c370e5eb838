"""The forecaster's network."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from carrousel.nets._body import Body
from carrousel.nets._losses import PinballLoss
from carrousel.nets.pooled import pool

__all__ = ["ForecastNet"]

HIDDEN = 0.1  # of the windows in training, whose series is not told: so the mean of all learns to stand for any


class ForecastNet(Body):
    """A network that corrects a starting forecast: every quantile of what is added to every step ahead.

    It sees the LSTM's last state over the context. The quantiles cannot cross: the median is free, the others add
    positive distances outward. A small network that all steps share sees the state beside what is known ahead of a
    step, the starting forecast among it. With ``target`` a linear autoregression on the target's ``context`` values is
    added to the median (the highway of Lai et al. 2018). All that is added is zero at first, and the distances are
    ``gaps``: an untrained network says the starting forecast.

    Args:
        channels: the number of columns of the context, C.
        known: the numbers known ahead of each step, K: of covariates, and of the starting forecast.
        horizon: the number of steps ahead, H.
        target: the number of the target's column, for the highway; None has none.
        context: the steps of the context, L.
        levels: the levels of the quantiles, rising, 0.5 among them, Q.
        dropout: the rate of dropout between layers and above the LSTM.
        noise: the deviation of Gaussian noise on the input, in training only.
        lstm: keyword arguments of ``carrousel.LSTM``.
        series: how many series it tells apart.
        embedding: numbers that are learned of each of them, E, and stand beside the state; 0 for none. A series that is
            not among them (-1) has the mean of all; in training a tenth of the windows has it too.

    Attributes:
        gaps: the distances between neighbouring quantiles that an untrained network gives, [H, Q]; that at the median
            is not used. They are 1 until they are set.
    """

    gaps: Tensor

    def __init__(
        self, channels: int, known: int, horizon: int, target: int | None, context: int, levels: tuple[float, ...], *,
        dropout: float, noise: float, lstm: dict[str, Any], series: int = 0, embedding: int = 0,
    ):  # fmt: skip
        super().__init__(channels, dropout=dropout, noise=noise, lstm=lstm)
        self.horizon, self.quantiles = horizon, len(levels)
        self.loss = PinballLoss(levels)
        self.median = levels.index(0.5)
        self.embedding = nn.Embedding(series, embedding) if embedding else None
        width = self.width + embedding
        self.head = nn.Linear(width, horizon * self.quantiles)
        self.target = target
        self.highway = None if target is None else nn.Linear(context, horizon, bias=False)
        self.shared = nn.Sequential(nn.Linear(width + known, 32), nn.Tanh(), nn.Linear(32, self.quantiles))
        for layer in (self.head, self.highway, self.shared[2]):
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        self.register_buffer("gaps", torch.ones(horizon, self.quantiles), persistent=False)

    def forward(
        self, input: Tensor, lengths: Tensor, known: Tensor, series: Tensor | None = None
    ) -> Tensor:  # [B, L, C], [B], [B, H, K], [B] -> [B, H, Q]
        """Returns every quantile of what is to be added to every step ahead; ``series`` has their numbers."""
        input = self.noisy(input)
        ragged = bool((lengths < input.shape[1]).any())
        output = self.lstm(input, lengths=lengths if ragged else None)[0]
        state = self.dropout(pool(output, lengths, "last", self.directions))  # [B, D]
        if self.embedding is not None:
            state = torch.cat([state, self._of_series(series, state)], dim=1)
        beside = state[:, None].expand(-1, self.horizon, -1)
        raw = self.head(state).view(len(state), self.horizon, self.quantiles)
        raw = raw + self.shared(torch.cat([beside, known], dim=2))
        middle = raw[..., self.median : self.median + 1]
        if self.highway is not None:
            column = input[:, :, self.target]  # [B, L]
            if ragged:
                column = column.masked_fill(torch.arange(input.shape[1], device=input.device) >= lengths[:, None], 0.0)
            middle = middle + self.highway(column)[..., None]
        return self._around(middle, raw)

    def _of_series(self, series: Tensor | None, state: Tensor) -> Tensor:  # [B] -> [B, E]
        assert self.embedding is not None
        usual = self.embedding.weight.mean(dim=0).expand(len(state), -1)
        if series is None:
            return usual
        known = series >= 0
        if self.training:
            known = known & (torch.rand(len(series), device=series.device) >= HIDDEN)
        return torch.where(known[:, None], self.embedding(series.clamp(min=0)), usual)

    def untrained(self) -> Tensor:
        """Returns the quantiles that an untrained network gives, [H, Q]."""
        zero = torch.zeros_like(self.gaps)
        return self._around(zero[:, :1], zero)

    def _around(self, middle: Tensor, raw: Tensor) -> Tensor:  # [..., H, 1], [..., H, Q] -> [..., H, Q]
        gaps, m = self.gaps * functional.softplus(raw) / math.log(2.0), self.median
        below = middle - gaps[..., :m].flip(-1).cumsum(-1).flip(-1)
        above = middle + gaps[..., m + 1 :].cumsum(-1)
        return torch.cat([below, middle, above], dim=-1)

    def each(self, output: Tensor, target: Tensor) -> Tensor:  # [B, H, Q], [B, H] -> [B]
        """Returns the pinball loss of each window."""
        return self.loss.each(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> Tensor:  # [B, H, Q] -> [B, H]
        """Returns the median of each step ahead."""
        return self.loss.decode(output)

    @classmethod
    def example(cls) -> tuple[ForecastNet, dict[str, Tensor], Tensor]:
        """Returns a corrector of three steps with a covariate beside the start, no longer untrained, and a batch."""
        lstm = {"hidden_size": 5, "num_layers": 2}
        known = {"series": 3, "embedding": 2}
        network = cls(2, 2, 3, 0, 6, (0.1, 0.5, 0.9), dropout=0.2, noise=0.1, lstm=lstm, **known)
        for weight in network.parameters():
            if not weight.any():
                nn.init.normal_(weight, std=0.1)
        batch = {"input": torch.randn(4, 6, 2), "lengths": torch.tensor([6, 2, 5, 1]), "known": torch.randn(4, 3, 2)}
        batch["series"] = torch.tensor([0, -1, 2, 0])
        return network, batch, torch.randn(4, 3)
