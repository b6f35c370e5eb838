"""Whole episodes: what was shown, done and earned, and how they are laid side by side for one pass of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Episode", "Packed", "packed"]


@dataclass(frozen=True)
class Episode:
    """One episode.

    Attributes:
        inputs: ``[steps, inputs]``, what the policy was shown.
        actions: ``[steps]`` whole numbers, or ``[steps, n]`` numbers as they were drawn.
        rewards: ``[steps]``.
    """

    inputs: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray

    def returns(self, discount: float) -> np.ndarray:
        """Returns what was earned from each step on, ``[steps]``, later rewards discounted."""
        found, total = np.zeros(len(self.rewards)), 0.0
        for t in range(len(self.rewards) - 1, -1, -1):
            total = self.rewards[t] + discount * total
            found[t] = total
        return found


@dataclass(frozen=True)
class Packed:
    """Episodes laid into rows, one after the other in each, for one pass with resets.

    Attributes:
        inputs: ``[T, rows, inputs]``, float32; zeros past a row's end.
        resets: bools ``[T, rows]``, True where an episode begins.
        rows, steps: ``[steps of all]``, where each step stands, episode after episode.
        owners: ``[steps of all]``, the number of its episode.
    """

    inputs: np.ndarray
    resets: np.ndarray
    rows: np.ndarray
    steps: np.ndarray
    owners: np.ndarray


def packed(episodes: Sequence[Episode]) -> Packed:
    """Lays episodes into rows as long as the longest, each where there is room for it, the long ones first."""
    lengths = np.array([len(episode.rewards) for episode in episodes])
    longest = int(lengths.max())
    filled: list[int] = []
    place = np.zeros((len(episodes), 2), np.int64)
    for number in np.argsort(-lengths, kind="stable"):
        free = [row for row, end in enumerate(filled) if end + lengths[number] <= longest]
        row = free[0] if free else len(filled)
        if not free:
            filled.append(0)
        place[number] = row, filled[row]
        filled[row] += int(lengths[number])
    inputs = np.zeros((longest, len(filled), episodes[0].inputs.shape[1]), np.float32)
    resets = np.zeros((longest, len(filled)), bool)
    for episode, (row, begin) in zip(episodes, place, strict=True):
        inputs[begin : begin + len(episode.inputs), row] = episode.inputs
        resets[begin, row] = True
    owners = np.repeat(np.arange(len(episodes)), lengths)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Packed(inputs, resets, place[owners, 0], place[owners, 1] + within, owners)
