"""How many threads a network's batches are worth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

__all__ = ["LARGE", "threads_worth"]

LARGE = 1 << 27
"""The multiplications of a batch from which several threads are worth their while. Below it they win a millisecond
at most on an idle machine, and on a busy one wait for each other many times that at every operation."""


@contextmanager
def threads_worth(network: nn.Module, steps: float) -> Iterator[None]:
    """Leaves torch one thread in this block if batches of so many steps (of all their sequences) are small work.

    A small network then gives the same bits on machines of any number of cores.
    """
    before = torch.get_num_threads()
    small = steps * sum(weight.numel() for weight in network.parameters()) < LARGE
    if small:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if small:
            torch.set_num_threads(before)
