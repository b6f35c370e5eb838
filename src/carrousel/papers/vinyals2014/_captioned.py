"""Pictures of one size with sentences, as items to train on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from carrousel.training._pairs import padded_strings

__all__ = ["Captioned"]


class Captioned(Dataset):
    """Pictures and the numbers of their sentences' words.

    Args:
        images: ``[N, 3, side, side]``.
        right: the sentences that are right of each picture; the first is learned.
    """

    def __init__(self, images: Tensor, right: Sequence[Sequence[list[int]]]) -> None:
        self.images, self.right = images, right
        self.sentences = [first for first, *_ in right]
        self.lengths = np.array([len(sentence) for sentence in self.sentences], np.int64)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int) -> tuple[dict[str, Tensor], Tensor]:
        return self.batch(np.array([i]))

    def batch(self, chosen: np.ndarray) -> tuple[dict[str, Tensor], Tensor]:  # input [B, U], image [B, 3, H, W]
        sentence = padded_strings([np.array(self.sentences[k]) for k in chosen], -1)
        lengths, images = torch.from_numpy(self.lengths[chosen]), self.images[torch.from_numpy(chosen)]
        return {"input": sentence.clamp(min=0), "lengths": lengths, "image": images}, sentence
