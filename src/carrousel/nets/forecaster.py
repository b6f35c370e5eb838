"""The forecaster's network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from carrousel.nets._body import Body
from carrousel.nets._losses import PinballLoss
from carrousel.nets.pooled import pool

__all__ = ["ForecastNet"]


class ForecastNet(Body):
    """A network that gives every quantile of every step ahead, from the LSTM's last state over the context.

    The quantiles cannot cross: the median is free, the others add positive distances outward. Covariates known ahead
    join the state in a small network that all steps share. With ``target`` a linear autoregression on its ``context``
    values is added to the median (the highway of Lai et al. 2018), zero at first.

    Args:
        channels: the number of columns of the context, C.
        known: the number of covariates known ahead, K.
        horizon: the number of steps ahead, H.
        target: the number of the target's column, for the highway; None has none.
        context: the steps of the context, L.
        levels: the levels of the quantiles, rising, 0.5 among them, Q.
        dropout: the rate of dropout between layers and above the LSTM.
        noise: the deviation of Gaussian noise on the input, in training only.
        lstm: keyword arguments of ``carrousel.LSTM``.
    """

    def __init__(
        self, channels: int, known: int, horizon: int, target: int | None, context: int, levels: tuple[float, ...], *,
        dropout: float, noise: float, lstm: dict[str, Any],
    ):  # fmt: skip
        super().__init__(channels, dropout=dropout, noise=noise, lstm=lstm)
        self.horizon, self.quantiles = horizon, len(levels)
        self.loss = PinballLoss(levels)
        self.median = levels.index(0.5)
        width = self.width
        self.head = nn.Linear(width, horizon * self.quantiles)
        self.target = target
        self.highway = None if target is None else nn.Linear(context, horizon, bias=False)
        if self.highway is not None:
            nn.init.zeros_(self.highway.weight)
        self.shared = (
            nn.Sequential(nn.Linear(width + known, 32), nn.Tanh(), nn.Linear(32, self.quantiles)) if known else None
        )

    def forward(
        self, input: Tensor, lengths: Tensor, known: Tensor | None = None
    ) -> Tensor:  # [B, L, C], [B], [B, H, K] -> [B, H, Q]
        """Returns every quantile of every step ahead; ``known`` holds the covariates known ahead."""
        input = self.noisy(input)
        ragged = bool((lengths < input.shape[1]).any())
        output = self.lstm(input, lengths=lengths if ragged else None)[0]
        state = self.dropout(pool(output, lengths, "last", self.directions))  # [B, D]
        raw = self.head(state).view(len(state), self.horizon, self.quantiles)
        if self.shared is not None:
            if known is None:
                raise ValueError("the network was made for covariates known ahead; give known=")
            beside = state[:, None].expand(-1, self.horizon, -1)
            raw = raw + self.shared(torch.cat([beside, known], dim=2))
        middle, m = raw[..., self.median : self.median + 1], self.median
        if self.highway is not None:
            column = input[:, :, self.target]  # [B, L]
            if ragged:
                column = column.masked_fill(torch.arange(input.shape[1], device=input.device) >= lengths[:, None], 0.0)
            middle = middle + self.highway(column)[..., None]
        gaps = functional.softplus(raw)
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
        """Returns a forecaster of three steps with a covariate known ahead, and a batch for it."""
        lstm = {"hidden_size": 5, "num_layers": 2}
        network = cls(2, 1, 3, 0, 6, (0.1, 0.5, 0.9), dropout=0.2, noise=0.1, lstm=lstm)
        batch = {"input": torch.randn(4, 6, 2), "lengths": torch.tensor([6, 2, 5, 1]), "known": torch.randn(4, 3, 1)}
        return network, batch, torch.randn(4, 3)
