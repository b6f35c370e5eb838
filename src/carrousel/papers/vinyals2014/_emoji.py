"""Emoji and the words of their names, as pictures with captions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch

from carrousel.data import Images, hold_out, load_images
from carrousel.papers.vinyals2014._captioned import Captioned

__all__ = ["emoji_parts"]

VALIDATION = 0.1
FEWEST = 3  # times that a word occurs in names to learn from; names are told by such words alone


def _captioned(data: Images, numbers: dict[str, int]) -> Captioned:
    """Returns the pictures in whose names known words stand, with the numbers of these."""
    sentences = [[numbers[word] for word in words if word in numbers] for words in data.strings()]
    kept = [k for k, sentence in enumerate(sentences) if sentence]
    images = torch.from_numpy(np.stack([np.float32(data.X[k]) for k in kept])).permute(0, 3, 1, 2)
    return Captioned(images, [[sentences[k]] for k in kept])


def emoji_parts(seed: int) -> tuple[Captioned, Captioned, Captioned, tuple[str, ...]]:
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
    test = load_images("emoji", split="test")
    return _captioned(kept, numbers), _captioned(valid, numbers), _captioned(test, numbers), words
