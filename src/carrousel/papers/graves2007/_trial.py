"""A trial on images: multidimensional LSTM for every place, beside convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from carrousel.data import load_images
from carrousel.nets.segmenter import Segmenter
from carrousel.papers._networks import Taught, outputs, sized, teach
from carrousel.papers._trial import Found, Setting
from carrousel.papers.graves2007._images import TEXTURES, pieces, textured, warped
from carrousel.training import BatchSource, Job
from carrousel.training._batches import ImageDataset

__all__ = ["prepare", "train"]

DIGITS = 10
VALIDATION = 400
WARPS = 7  # the seed of the distortions of the test part, which are those of all trials


class Digits(nn.Module):
    """A convolutional network that names the digit of an image: two convolutions, two layers above them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(320, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, DIGITS),
        )  # fmt: skip

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, 28, 28, 1] -> [B, 10]
        """Returns the logits of the digits."""
        return self.layers(input.permute(0, 3, 1, 2))

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each image, [B]; of the places' targets [B, H, W] the digit is the least."""
        return nn.functional.cross_entropy(output, _digit(target), reduction="none")

    def classes_of(self, output: Tensor, lengths: Tensor, background: int | None = None) -> Tensor:
        """Returns the digit of each image, [B]."""
        return output.argmax(dim=1)


class Places(nn.Module):
    """A convolutional network that names the class of every place, each by the 21 x 21 places around it."""

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 5, padding=2), nn.ReLU(),
            nn.Conv2d(width, width, 5, padding=4, dilation=2), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=4, dilation=4), nn.ReLU(), nn.Conv2d(width, classes, 1),
        )  # fmt: skip

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, H, W, C] -> [B, H, W, K]
        """Returns the logits of every place's classes."""
        return self.layers(input.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each image, the mean over its places, [B]."""
        return nn.functional.cross_entropy(output.permute(0, 3, 1, 2), target, reduction="none").mean(dim=(1, 2))


def _digit(target: Tensor) -> Tensor:
    return target.flatten(1).amin(dim=1)


def _items(images: np.ndarray, target: np.ndarray) -> ImageDataset:
    """Returns images of one size ``[N, H, W, C]`` with the class of every place ``[N, H, W]``."""
    sizes = np.tile(np.array(images.shape[1:3]), (len(images), 1))
    return ImageDataset(images.reshape(-1, images.shape[3]).astype(np.float32), sizes, target)


def _textures(task: Mapping[str, Any], rng: np.random.Generator) -> list[ImageDataset]:
    parts = []
    for name in ("images", "validation", "tested"):
        drawn = [textured(rng, task["tall"], task["wide"], task["kinds"]) for _ in range(task[name])]
        parts.append(_items(np.stack([image for image, _ in drawn]), np.stack([places for _, places in drawn])))
    return parts


def _small(task: Mapping[str, Any], rng: np.random.Generator) -> list[ImageDataset]:
    """Returns scikit-learn's digits of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, y = digits.images / 16, digits.target.astype(np.int64)
    order = rng.permutation(len(y))
    begin, parts = 0, []
    for count in (task["images"], 100, 200):
        rows = order[begin : begin + count]
        parts.append(_items(images[rows, :, :, None], pieces(images[rows], DIGITS, y[rows])))
        begin += count
    return parts


def _numbers(task: Mapping[str, Any], rng: np.random.Generator) -> list[ImageDataset]:
    """Returns digits to learn from, to stop by and to judge by, the last ones also warped."""
    train, test = load_images("mnist-5k", split="train"), load_images("mnist-5k", split="test")
    order = rng.permutation(len(train))
    valid, kept = order[:VALIDATION], order[VALIDATION : VALIDATION + task["images"]]
    warps = np.random.default_rng(WARPS)
    given = [(train.take(kept), False), (train.take(valid), False), (test, False), (test, True)]
    parts = []
    for data, warp in given:
        images = np.stack(data.X)[..., 0]
        images = np.stack([warped(image, warps) for image in images]) if warp else images
        target = pieces(images, DIGITS, np.asarray(data.y).astype(np.int64))
        parts.append(_items(images[..., None], target))
    return parts


def prepare(setting: Setting) -> Taught:
    """Returns the network of a row, with images to learn from and to judge by; all rows of a trial see the same."""
    config = sized(setting)
    task, about = config.task, config.learner
    rng = setting.apart(1)
    if task["data"] == "textures":
        train, valid, test = _textures(task, rng)
        classes, more, channels = len(TEXTURES), None, 3
    elif task["data"] == "small digits":
        train, valid, test = _small(task, rng)
        classes, more, channels = DIGITS + 1, None, 1
    else:
        train, valid, test, more = _numbers(task, rng)
        classes, channels = DIGITS + 1, 1
    if about["method"] == "lstm":
        build: Any = partial(Segmenter, channels, classes, hidden=(about["hidden"],))
    else:
        build = Digits if task["data"] == "digits" else partial(Places, channels, classes, about["hidden"])
    return Taught(Job(build, train, valid), test, more)


def train(prepared: Any, setting: Setting) -> Found:
    """Teaches the network, and returns the errors of places and of whole images on what it never saw."""
    network, found = teach(prepared, setting)
    found |= _judged(network, prepared.task, "clean")
    return found if prepared.sets is None else {**found, **_judged(network, prepared.sets, "warped")}


def _judged(network: Any, source: BatchSource, name: str) -> dict[str, float]:
    wrong, places, images = [], 0.0, 0
    for inputs, output, target in outputs(network, source):
        if hasattr(network, "classes_of") and int(target.max()) == DIGITS:
            said = network.classes_of(output, inputs["lengths"], background=DIGITS)
            wrong.append((said != _digit(target)).numpy())
        if output.ndim == 4:
            places += float((output.argmax(dim=3) != target).float().mean(dim=(1, 2)).sum())
            images += len(target)
    found = {f"{name}_places": places / images} if images else {}
    return {**found, f"{name}": float(np.concatenate(wrong).mean())} if wrong else found
