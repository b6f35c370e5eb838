"""Emoji and the words of their names, as pictures with captions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from carrousel.data import Images, hold_out, load_images

__all__ = ["emoji_parts"]

VALIDATION = 0.1
FEWEST = 3  # times that a word occurs in names to learn from; names are told by such words alone


class _Captioned(Dataset):
    """Pictures of one size and the numbers of their words.

    Args:
        data: pictures with words.
        numbers: of the words.
    """

    def __init__(self, data: Images, numbers: dict[str, int]) -> None:
        sentences = [[numbers[word] for word in words if word in numbers] for words in data.strings()]
        kept = [k for k, sentence in enumerate(sentences) if sentence]
        self.images = torch.from_numpy(np.stack([np.float32(data.X[k]) for k in kept])).permute(0, 3, 1, 2)
        self.sentences = [sentences[k] for k in kept]
        self.right = [[sentence] for sentence in self.sentences]
        self.lengths = np.array([len(sentence) for sentence in self.sentences], np.int64)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, number: int) -> tuple[dict[str, Tensor], Tensor]:
        return self.batch(np.array([number]))

    def batch(self, chosen: np.ndarray) -> tuple[dict[str, Tensor], Tensor]:
        lengths = self.lengths[chosen]
        padded = torch.full((len(chosen), int(lengths.max())), -1)
        for row, k in zip(padded, chosen, strict=True):
            row[: self.lengths[k]] = torch.tensor(self.sentences[k])
        rows = torch.from_numpy(chosen)
        return {"input": padded.clamp(min=0), "lengths": torch.from_numpy(lengths), "image": self.images[rows]}, padded


def emoji_parts(seed: int) -> tuple[_Captioned, _Captioned, _Captioned, tuple[str, ...]]:
    """Returns what to learn from, to stop by, to test on, and all words, which occur ``FEWEST`` times or more.

    Args:
        seed: draws what is set aside to stop by.

    Raises:
        DataError: the font is not installed.
    """
    learned = load_images("emoji", split="train")
    kept, valid = hold_out(learned, VALIDATION, seed=seed)
    counts = Counter(word for words in learned.strings() for word in words)
    words = tuple(sorted(word for word, count in counts.items() if count >= FEWEST))
    numbers = {word: k for k, word in enumerate(words)}
    parts = (_Captioned(part, numbers) for part in (kept, valid, load_images("emoji", split="test")))
    return (*parts, words)  # type: ignore[return-value]
