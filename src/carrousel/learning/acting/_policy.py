"""Recurrent nets of an agent: one that says how probable actions are, and one that foresees what they will earn."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from carrousel.nets import LSTM

__all__ = ["Policy", "Recurrent"]

LEAST_SPREAD = 1e-3


class Recurrent(nn.Module):
    """A recurrent layer of any cell, and a linear layer on top."""

    def __init__(self, inputs: int, hidden: int, outputs: int, cell: str, *, forget_bias: float | None = None) -> None:
        super().__init__()
        self.lstm = LSTM(inputs, hidden, cell=cell, forget_bias=forget_bias)
        self.head = nn.Linear(hidden, outputs)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.weight.mul_(0.1)  # actions are almost equally probable at first

    def forward(self, x: Tensor, resets: Tensor | None = None) -> Tensor:  # [T, B, I], [T, B] -> [T, B, O]
        """Returns the outputs of whole rows, from zero states."""
        told: Tensor = self.head(self.lstm(x, resets=resets)[0])
        return told

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:  # [B, I] -> [B, O]
        """Returns the outputs of one step, and the states after it; None begins."""
        told, state = self.lstm(x[None], state)
        return self.head(told[0]), state


class Policy(Recurrent):
    """A recurrent net whose outputs are a distribution of actions: of a few, or normal in each number.

    Args:
        inputs, hidden: the numbers of units.
        actions: how many actions there are, or how many numbers an action has.
        is_discrete: which of these.
        cell: a cell of the family.
        forget_bias: of its forget gates at first.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        actions: int,
        is_discrete: bool,
        cell: str,
        *,
        forget_bias: float | None = None,
    ) -> None:
        super().__init__(inputs, hidden, actions if is_discrete else 2 * actions, cell, forget_bias=forget_bias)
        self.is_discrete = is_discrete

    def log_odds(self, outputs: Tensor, actions: Tensor) -> Tensor:
        """Returns the logarithms of actions' probabilities, or densities: ``[n, O], [n] or [n, a] -> [n]``."""
        if self.is_discrete:
            return torch.log_softmax(outputs, 1).gather(1, actions.long()[:, None])[:, 0]
        mean, spread = self.normal(outputs)
        z = (actions - mean) / spread
        return (-0.5 * z * z - spread.log() - 0.5 * np.log(2 * np.pi)).sum(1)

    def normal(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Returns means and spreads, ``[n, a]``; a spread is 1 where the output is 0."""
        mean, raw = outputs.chunk(2, dim=1)
        return mean, nn.functional.softplus(raw + 0.5413) + LEAST_SPREAD

    def draw(self, outputs: Tensor, rng: np.random.Generator, greedy: bool) -> np.ndarray:
        """Draws an action from each distribution, or takes the most probable: ``[n]`` or ``[n, a]``."""
        if self.is_discrete:
            odds = torch.softmax(outputs.double(), 1).numpy()
            if greedy:
                return odds.argmax(1)
            drawn = (np.cumsum(odds, 1) < rng.random((len(odds), 1))).sum(1)
            return np.minimum(drawn, odds.shape[1] - 1)
        mean, spread = (part.double().numpy() for part in self.normal(outputs))
        return mean if greedy else mean + spread * rng.standard_normal(mean.shape)
