"""A training run's own random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

__all__ = ["RandomStates"]


class RandomStates:
    """A run's generators: torch's global one, whose state is restored at the end, and one for the order of batches."""

    def __init__(self, seed: int, device: torch.device):
        self.seed = seed
        self.fork = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
        self.order = np.random.default_rng(seed)

    def __enter__(self) -> np.random.Generator:
        self.fork.__enter__()
        torch.manual_seed(self.seed)
        return self.order

    def __exit__(self, *error: Any) -> None:
        self.fork.__exit__(*error)
