"""Clips of a moving digit, and a convolution over space and time under LSTM, or under a vote of its windows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from carrousel.nets._losses import WeightedCrossEntropy
from carrousel.nets.pooled import SequenceNet
from carrousel.papers._networks import Taught, outputs, sized, teach
from carrousel.papers._trial import Found, Setting
from carrousel.training import Job
from carrousel.training._batches import SequenceDataset

__all__ = ["MOTIONS", "clips", "learn_clips", "prepare_clips"]

MOTIONS = ("across", "up and down", "rising", "falling", "clockwise", "counter-clockwise")
SIDE, DIGIT = 32, 8  # pixels of a frame, and of a digit
WINDOW = 9  # frames that the convolution sees


def clips(
    rng: np.random.Generator, digits: np.ndarray, count: int, *, frames: int, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns clips of a moving digit ``[count, frames, 32, 32]``, float32, and the number of each motion.

    A digit goes to and fro along a line, lying, standing, rising to the right or falling, or around a circle in one
    sense or the other. Where it begins, how far it goes and how fast are random.

    Args:
        rng: draws all.
        digits: images ``[N, 8, 8]`` of 0 to 1, one for each clip is drawn from them.
        count: of the clips.
        frames: of each.
        noise: the deviation of Gaussian noise on every pixel.
    """
    motion = rng.integers(0, len(MOTIONS), count)
    images = digits[rng.integers(0, len(digits), count)]
    found = noise * rng.standard_normal((count, frames, SIDE, SIDE)).astype(np.float32)
    # Circles take as long for a turn as the others for a way to and fro.
    period, begin = rng.uniform(14, 28, count), rng.uniform(0, 1, count)
    reach = rng.uniform(6, (SIDE - DIGIT) / 2, count)
    middle = rng.uniform(reach, SIDE - DIGIT - reach, (2, count))
    for k in range(count):
        turn = 2 * np.pi * (begin[k] + np.arange(frames) / period[k])
        along = 2 / np.pi * np.arcsin(np.sin(turn))  # to and fro at one speed
        way = {
            0: (0 * along, along),
            1: (along, 0 * along),
            2: (-along / np.sqrt(2), along / np.sqrt(2)),
            3: (along / np.sqrt(2), along / np.sqrt(2)),
            4: (np.sin(turn), np.cos(turn)),
            5: (np.sin(turn), -np.cos(turn)),
        }[int(motion[k])]
        top, left = (np.rint(middle[axis, k] + reach[k] * way[axis]).astype(int) for axis in (0, 1))
        for t in range(frames):
            found[k, t, top[t] : top[t] + DIGIT, left[t] : left[t] + DIGIT] += images[k]
    return found, motion


class Convolution(nn.Module):
    """A network that names the motion in every window of nine frames: three convolutions over space and time.

    After Baccouche et al. 2011, smaller.

    Args:
        features: what is left of a window.
        classes: the number of motions.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(1, 6, (3, 5, 5), stride=(1, 2, 2)), nn.ReLU(),
            nn.Conv3d(6, 12, (3, 3, 3)), nn.ReLU(), nn.MaxPool3d((1, 2, 2)),
            nn.Conv3d(12, features, (5, 3, 3)), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(features, classes)

    def windows(self, input: Tensor) -> Tensor:
        """Returns the features of every window of frames ``[B, T, 1024]``, ``[B, T - 8, F]``."""
        seen = self.layers(input.unflatten(2, (1, SIDE, SIDE)).transpose(1, 2))
        return seen.amax(dim=(3, 4)).transpose(1, 2)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
        """Returns the logits of every window, ``[B, T - 8, K]``; all clips are of one length."""
        return self.head(self.windows(input))

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each clip, the mean over its windows, [B]."""
        wanted = target[:, None].expand(output.shape[:2])
        return nn.functional.cross_entropy(output.mT, wanted, reduction="none").mean(dim=1)

    def decode(self, output: Tensor, lengths: Tensor) -> Tensor:
        """Returns the motion that most windows say, [B]."""
        votes = nn.functional.one_hot(output.argmax(dim=2), output.shape[2]).sum(dim=1)
        return votes.argmax(dim=1)


def _items(frames: np.ndarray, motion: np.ndarray) -> SequenceDataset:
    count, steps = frames.shape[:2]
    values = frames.reshape(count * steps, -1)
    return SequenceDataset(values, np.full(count, steps, dtype=np.int64), motion.astype(np.int64))


def prepare_clips(setting: Setting) -> Taught:
    """Returns the convolution of a trial, with clips of the first digits to learn from and of others to judge by."""
    from sklearn.datasets import load_digits

    config = sized(setting)
    task, about = config.task, config.learner
    digits = (load_digits().images / 16).astype(np.float32)
    rng = setting.apart(1)  # both rows of a trial see the same clips
    about_clips = {"frames": task["frames"], "noise": task["noise"]}
    train, valid, test = (
        _items(*clips(rng, some, task[name], **about_clips))
        for some, name in ((digits[:1200], "clips"), (digits[1200:1437], "validation"), (digits[1437:], "tested"))
    )
    return Taught(Job(partial(Convolution, about["features"], len(MOTIONS)), train, valid), test)


def learn_clips(prepared: Taught, setting: Setting) -> Found:
    """Teaches the convolution, and LSTM on its features where the row has one; returns the share of clips right."""
    network: Any
    network, found = teach(prepared, setting)
    about, job = sized(setting).learner, prepared.learner
    test = prepared.task
    if about["method"] == "lstm":
        parts = [_features(network, source) for source in (job.train, job.valid, test)]
        build = partial(
            SequenceNet, about["features"], len(MOTIONS), pooling="last", dropout=0.2, noise=0.0,
            lstm={"hidden_size": about["hidden_size"]}, loss=WeightedCrossEntropy(torch.ones(len(MOTIONS))),
        )  # fmt: skip
        network, second = teach(Taught(Job(build, parts[0], parts[1]), parts[2]), setting)
        found = {**second, "weights": found["weights"] + second["weights"], "steps": found["steps"] + second["steps"]}
        test = parts[2]
    right = [
        (network.decode(output, inputs["lengths"]) == target).numpy()
        for inputs, output, target in outputs(network, test)
    ]
    return {**found, "accuracy": float(np.concatenate(right).mean())}


def _features(network: Convolution, source: Any) -> SequenceDataset:
    """Returns what the convolution makes of clips, a step for each window."""
    network.eval()
    with torch.no_grad():
        parts = [
            network.windows(source.batch(np.arange(start, min(start + 32, len(source))))[0]["input"]).numpy()
            for start in range(0, len(source), 32)
        ]
    values = np.concatenate(parts)
    count, steps = values.shape[:2]
    return SequenceDataset(values.reshape(count * steps, -1), np.full(count, steps), source.targets.numpy())
