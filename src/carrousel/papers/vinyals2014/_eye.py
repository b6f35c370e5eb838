"""The convolutional net that sees a picture, and its teaching before it is given to a captioner."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset

from carrousel.papers.vinyals2014._scenes import WORDS, Scenes
from carrousel.training import Job, Options, train

__all__ = ["Eye", "teach_eye"]

PLACES = (1, 2, 3, -2, -1)
"""Where a sentence has the words that say what is in a picture: colour, shape, relation, colour, shape."""
RELATION = 3
VALID = 300  # pictures by which the best weights are chosen


class Eye(nn.Module):
    """A vector from a picture that keeps where things are: convolutions, a linear layer, and layer norm.

    Without layer norm the numbers grow until the LSTM's gates are shut for good.

    Args:
        features: numbers of the vector.
        side: pixels of a side of the picture, a multiple of 8.
    """

    def __init__(self, features: int, side: int = 24) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for above, below in ((16, 3), (32, 16), (32, 32)):
            layers += [nn.Conv2d(below, above, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        inside = 32 * (side // 8) ** 2
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(inside, features), nn.LayerNorm(features))
        self.features = features

    def forward(self, image: Tensor) -> Tensor:  # [B, 3, side, side] -> [B, features]
        return self.layers(image)


class _Namer(nn.Module):
    """An eye, and a linear layer that names what it sees: a word for each of ``PLACES``."""

    def __init__(self, eye: Eye) -> None:
        super().__init__()
        self.eye = copy.deepcopy(eye)
        self.names = nn.Linear(eye.features, len(PLACES) * len(WORDS))

    def forward(self, input: Tensor) -> Tensor:  # [B, 3, side, side] -> [B, places, words]
        return self.names(self.eye(input)).unflatten(1, (len(PLACES), len(WORDS)))

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the sum of the cross-entropies of each picture's names, [B]."""
        return cross_entropy(output.transpose(1, 2), target, reduction="none").sum(1)


class _Named(Dataset):
    """Scenes with the words at ``PLACES`` of the sentence that begins with the shape to the left, or above."""

    def __init__(self, scenes: Scenes) -> None:
        self.images = scenes.images
        firsts = {WORDS.index("left"), WORDS.index("above")}
        told = [one if one[RELATION] in firsts else other for one, other in scenes.right]
        self.words = torch.tensor([[sentence[place] for place in PLACES] for sentence in told])
        self.lengths = np.ones(len(scenes), np.int64)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, number: int) -> tuple[dict[str, Tensor], Tensor]:
        return self.batch(np.array([number]))

    def batch(self, chosen: np.ndarray) -> tuple[dict[str, Tensor], Tensor]:
        rows = torch.from_numpy(chosen)
        return {"input": self.images[rows]}, self.words[rows]


def teach_eye(eye: Eye, rng: np.random.Generator, *, pictures: int, epochs: int) -> float:
    """Teaches an eye to name what is in scenes, as the paper's was taught on other pictures before.

    Args:
        eye: is taught in place.
        rng: draws the scenes, none of which has an unseen pair, and the weights of the layer above.
        pictures: how many scenes there are.
        epochs: passes over them.

    Returns:
        The share of the names of other scenes that are right.
    """
    items, valid = _Named(Scenes(pictures, rng)), _Named(Scenes(VALID, rng))
    options = Options(0.003, batch_size=32, max_epochs=epochs, gradient_clip=5.0)
    trained: Any = train(Job(partial(_Namer, eye), items, valid), options, int(rng.integers(2**31))).network
    eye.load_state_dict(trained.eye.state_dict())
    with torch.no_grad():
        return float((trained.eval()(valid.images).argmax(2) == valid.words).float().mean())
