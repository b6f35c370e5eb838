"""Sequences of a task, drawn anew for every batch, as a network's training takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

__all__ = ["Anew"]


class Anew(Dataset):
    """Sequences that a task draws whenever a batch is asked for, none of them twice in a training.

    Which they are depends on the seed and on which items make the batch: a part that is never shuffled is the same at
    every pass, and one that is shuffled is new.

    Args:
        task: draws sequences of equal length.
        count: how many make a pass.
        seed: of all draws.
        ends: whether the goal of each sequence is its target, ``[B, D]``, and not the class of each of its steps,
            ``[B, T]``.

    >>> from carrousel.tasks import Copying
    >>> inputs, targets = Anew(Copying(T=5), 8, seed=0).batch(np.array([0, 1]))
    >>> inputs["input"].shape, targets.shape
    (torch.Size([2, 25, 10]), torch.Size([2, 25]))
    """

    def __init__(self, task: Any, count: int, seed: int, *, ends: bool = False) -> None:
        self.task, self.seed, self.ends = task, seed, ends
        begin, end = task.draw(np.random.default_rng(0), 1).spans[0]
        self.lengths = np.full(count, end - begin, np.int64)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int) -> tuple[dict[str, Tensor], Tensor]:
        return self.batch(np.array([i]))

    def batch(self, chosen: np.ndarray) -> tuple[dict[str, Tensor], Tensor]:  # input [B, T, C], lengths [B]
        drawn = self.task.draw(np.random.default_rng([self.seed, *chosen.tolist()]), len(chosen))
        B, T = len(chosen), int(self.lengths[0])
        values = drawn.inputs
        if values.ndim == 1:
            values = np.eye(self.task.input_size, dtype=np.float32)[values]
        inputs = {
            "input": torch.from_numpy(values.astype(np.float32).reshape(B, T, -1)),
            "lengths": torch.from_numpy(self.lengths[chosen]),
        }
        targets = drawn.goals.astype(np.float32) if self.ends else drawn.targets.reshape(B, T)
        return inputs, torch.from_numpy(targets)
