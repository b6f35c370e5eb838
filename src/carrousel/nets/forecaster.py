"""The forecaster's network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from carrousel.nets._lstm import LSTM
from carrousel.nets.pooled import pool


class ForecastNet(nn.Module):
    """LSTM over the context -> its last state -> every quantile of every step ahead.

    The quantiles cannot cross: the median is free, the others add positive distances outward. Covariates known ahead
    join the state in a small network that all steps share. With ``target``, the number of the target's channel, a
    linear autoregression on its ``context`` values is added to the median (the highway of Lai et al. 2018), zero at
    first.
    """

    def __init__(
        self, channels: int, known: int, horizon: int, target: int | None, context: int, levels: tuple[float, ...], *,
        dropout: float, noise: float, lstm: dict[str, Any],
    ):  # fmt: skip
        super().__init__()
        between = dropout if lstm.get("num_layers", 1) > 1 else 0.0
        self.lstm = LSTM(channels, dropout=between, batch_first=True, **lstm)
        self.noise, self.horizon, self.quantiles = noise, horizon, len(levels)
        self.median = levels.index(0.5)
        self.directions = 2 if lstm.get("bidirectional") else 1
        width = self.directions * (lstm.get("proj_size") or lstm["hidden_size"])
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, horizon * self.quantiles)
        self.target = target
        self.highway = None if target is None else nn.Linear(context, horizon, bias=False)
        if self.highway is not None:
            nn.init.zeros_(self.highway.weight)
        self.shared = (
            nn.Sequential(nn.Linear(width + known, 32), nn.Tanh(), nn.Linear(32, self.quantiles)) if known else None
        )

    def forward(self, input: Tensor, known: Tensor) -> Tensor:  # [B, L, C], [B, H, K] -> [B, H, Q]
        if self.training and self.noise > 0:
            input = input + self.noise * torch.randn_like(input)
        lengths = torch.full((len(input),), input.shape[1], device=input.device)
        state = self.dropout(pool(self.lstm(input)[0], lengths, "last", self.directions))  # [B, D]
        raw = self.head(state).view(len(state), self.horizon, self.quantiles)
        if self.shared is not None:
            beside = state[:, None].expand(-1, self.horizon, -1)
            raw = raw + self.shared(torch.cat([beside, known], dim=2))
        middle, m = raw[..., self.median : self.median + 1], self.median
        if self.highway is not None:
            middle = middle + self.highway(input[:, :, self.target])[..., None]
        gaps = functional.softplus(raw)
        below = middle - gaps[..., :m].flip(-1).cumsum(-1).flip(-1)
        above = middle + gaps[..., m + 1 :].cumsum(-1)
        return torch.cat([below, middle, above], dim=-1)
