"""Pictures of two coloured shapes, and the sentence that says what and where they are."""

from __future__ import annotations

import numpy as np
import torch

from carrousel.papers.vinyals2014._captioned import Captioned

__all__ = ["UNSEEN", "WORDS", "Scenes"]

COLOURS = {
    "red": (1.0, 0.1, 0.1), "green": (0.1, 0.8, 0.1), "blue": (0.2, 0.3, 1.0), "yellow": (1.0, 0.9, 0.1),
    "white": (1.0, 1.0, 1.0),
}  # fmt: skip
SHAPES = ("square", "disc", "triangle", "cross", "ring")
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
RELATIONS = tuple(OPPOSITE)
WORDS = ("a", *COLOURS, *SHAPES, *RELATIONS, "of")
"""All words of the sentences."""

UNSEEN = frozenset({("red", "cross"), ("green", "disc"), ("blue", "square"), ("yellow", "ring"), ("white", "triangle")})
"""The pairs of colour and shape that only test pictures have, each of these at least one."""

SIZE, LARGE = 24, 9  # pixels of a picture and of a shape
NOISE = 0.05


def _mask(shape: str) -> np.ndarray:
    y, x = np.mgrid[:LARGE, :LARGE] - LARGE // 2
    far = np.hypot(x, y)
    return {
        "square": np.maximum(abs(x), abs(y)) <= 3,
        "disc": far <= 4,
        "triangle": (y + 4 >= 2 * abs(x)) & (y <= 3),
        "cross": (abs(x) <= 1) | (abs(y) <= 1),
        "ring": (far <= 4) & (far > 2),
    }[shape]


def _sentence(one: tuple[str, str], relation: str, other: tuple[str, str]) -> list[str]:
    return ["a", *one, *([relation, "of"] if relation in ("left", "right") else [relation]), "a", *other]


class Scenes(Captioned):
    """Pictures of two shapes on a dark ground, side by side or one above the other, and their sentences.

    A picture may be told from either of its shapes: one sentence of the two, drawn, is learned, and both are right.

    Args:
        count: how many.
        rng: draws them.
        unseen: whether each has a pair of colour and shape of ``UNSEEN``, and not none of them.

    >>> inputs, sentences = Scenes(3, np.random.default_rng(0)).batch(np.arange(3))
    >>> inputs["image"].shape, " ".join(WORDS[word] for word in sentences[0] if word >= 0)
    (torch.Size([3, 3, 24, 24]), 'a white cross right of a blue disc')
    """

    def __init__(self, count: int, rng: np.random.Generator, *, unseen: bool = False) -> None:
        number = {word: k for k, word in enumerate(WORDS)}
        images: list[np.ndarray] = []
        right: list[list[list[int]]] = []
        while len(images) < count:
            pair = [(str(rng.choice(list(COLOURS))), str(rng.choice(SHAPES))) for _ in range(2)]
            if bool(UNSEEN & set(pair)) != unseen or pair[0] == pair[1]:
                continue
            relation = str(rng.choice(RELATIONS))
            images.append(self._draw(pair, relation, rng))
            both = _sentence(pair[0], relation, pair[1]), _sentence(pair[1], OPPOSITE[relation], pair[0])
            right.append([[number[word] for word in words] for words in both])
        super().__init__(torch.from_numpy(np.stack(images)), right)

    @staticmethod
    def _draw(pair: list[tuple[str, str]], relation: str, rng: np.random.Generator) -> np.ndarray:
        image = rng.normal(0.1, NOISE, (3, SIZE, SIZE)).astype(np.float32)
        near, far = (int(rng.integers(0, 4)) for _ in range(2))  # along the line on which both are
        places = [near, SIZE - LARGE - far]
        if relation in ("right", "below"):
            places.reverse()
        for (colour, shape), along in zip(pair, places, strict=True):
            across = int(rng.integers(4, SIZE - LARGE - 3))
            top, left = (across, along) if relation in ("left", "right") else (along, across)
            part = image[:, top : top + LARGE, left : left + LARGE]
            part[:, _mask(shape)] += np.array(COLOURS[colour], np.float32)[:, None] - 0.1
        return image
