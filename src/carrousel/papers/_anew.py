"""Sequences of a task, drawn anew for every batch, as a network's training takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from carrousel.papers._networks import Taught, sized
from carrousel.papers._trial import Setting
from carrousel.training import Job

__all__ = ["Anew", "lstm_of", "prepare_anew"]


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


def lstm_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of ``carrousel.LSTM`` in a configuration; a forget bias that is None is not one of them."""
    given = {"hidden_size": config["hidden"], "cell": config["cell"], "forget_bias": config["forget_bias"]}
    return {name: value for name, value in given.items() if value is not None}


def prepare_anew(
    setting: Setting, task: Any, build: Callable[[], nn.Module], *, held_out: int, tested: int, ends: bool = False
) -> Taught:
    """Returns what a trial begins with: ``items`` sequences a pass, ``held_out`` and ``tested`` others, of one task."""
    counts = (sized(setting)["items"], held_out, tested)
    seeds = setting.apart(1).integers(2**31, size=3).tolist()
    train, valid, test = (Anew(task, count, seed, ends=ends) for count, seed in zip(counts, seeds, strict=True))
    return Taught(Job(build, train, valid), test, sets=task)
