"""Pairs of ragged strings of symbols, for networks that say one for the other."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from carrousel.training._batches import Batch

__all__ = ["PairDataset", "padded_strings"]


class PairDataset(Dataset):
    """Sources and answers, each a string of symbols.

    Args:
        sources: whole numbers, int64 ``[T_i]`` each, none empty.
        answers: whole numbers, int64 ``[U_i]`` each.
    """

    def __init__(self, sources: list[np.ndarray], answers: list[np.ndarray]):
        self.sources, self.answers = sources, answers
        self.lengths = np.array([len(source) for source in sources], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, i: int) -> Batch:
        return self.batch(np.array([i]))

    def batch(self, chosen: np.ndarray) -> Batch:  # input [B, T], lengths [B], answer and targets [B, U]
        answer = padded_strings([self.answers[k] for k in chosen], -1)
        source = padded_strings([self.sources[k] for k in chosen], 0)
        return {"input": source, "lengths": torch.from_numpy(self.lengths[chosen]), "answer": answer}, answer


def padded_strings(strings: list[np.ndarray], beyond: int) -> Tensor:
    """Returns strings as one array ``[B, T]``, with ``beyond`` past the end of each."""
    padded = np.full((len(strings), max(map(len, strings))), beyond, dtype=np.int64)
    for row, string in zip(padded, strings, strict=True):
        row[: len(string)] = string
    return torch.from_numpy(padded)
