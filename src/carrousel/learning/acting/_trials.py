"""What a controller has lived through, remembered for its model: episodes, windows of them, and all in a few arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from carrousel._format import Arrays, fitted

__all__ = ["Trial", "draw_windows", "flat", "pain_of", "unflat"]


@dataclass(frozen=True)
class Trial:
    """One episode of a controller.

    Attributes:
        seen: ``[steps + 1, inputs]``, what was shown.
        actions: ``[steps, n]``, as shares of half their range.
        pains: ``[steps + 1]``, before each step and after the last.
        rewards: ``[steps]``.
    """

    seen: np.ndarray
    actions: np.ndarray
    pains: np.ndarray
    rewards: np.ndarray

    @property
    def row(self) -> tuple[float, float, float]:
        """Its return, its steps, and its last reward."""
        return float(self.rewards.sum()), float(len(self.rewards)), float(self.rewards[-1])


def pain_of(kind: str, reward: float, terminated: bool) -> float:
    """Returns the pain after a step.

    Raises:
        ValueError: a reward is no pain.
    """
    if kind == "end":
        return float(terminated)
    if not -1 <= reward <= 0:
        raise ValueError(f"pain is minus the reward, which must be from -1 to 0 then; the world has given {reward}")
    return -reward


def draw_windows(
    trials: Sequence[Trial], count: int, longest: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draws windows of episodes, each equally often; half of those that do not begin an episode's last steps end it.

    Returns:
        Observations ``[T + 1, count, inputs]``, pains ``[T + 1, count]``, actions ``[T, count, n]``, and bools
        ``[T, count]``: which steps there are. T is at most ``longest``.
    """
    chosen = [trials[k] for k in rng.integers(0, len(trials), count)]
    begins = []
    for trial in chosen:
        spare = max(0, len(trial.actions) - longest)
        begins.append(spare if rng.random() < 0.5 else int(rng.integers(spare + 1)))
    steps = [min(longest, len(trial.actions) - begin) for trial, begin in zip(chosen, begins, strict=True)]
    most = max(steps)
    seen = np.zeros((most + 1, count, chosen[0].seen.shape[1]), np.float32)
    pains = np.zeros((most + 1, count), np.float32)
    actions = np.zeros((most, count, chosen[0].actions.shape[1]), np.float32)
    real = np.zeros((most, count), bool)
    for k, (trial, begin, length) in enumerate(zip(chosen, begins, steps, strict=True)):
        seen[: length + 1, k] = trial.seen[begin : begin + length + 1]
        pains[: length + 1, k] = trial.pains[begin : begin + length + 1]
        actions[:length, k] = trial.actions[begin : begin + length]
        real[:length, k] = True
    return tuple(map(torch.from_numpy, (seen, pains, actions, real)))  # type: ignore[return-value]


def flat(trials: Sequence[Trial], inputs: int, actions: int) -> dict[str, np.ndarray]:
    """Returns all episodes, one after the other, as a file holds them."""
    empty = Trial(
        np.zeros((0, inputs), np.float32), np.zeros((0, actions), np.float32), np.zeros(0, np.float32), np.zeros(0)
    )
    every = [empty, *trials]
    return {
        "trial_steps": np.array([len(trial.actions) for trial in trials], np.int64),
        "trial_seen": np.concatenate([trial.seen for trial in every]),
        "trial_actions": np.concatenate([trial.actions for trial in every]),
        "trial_pains": np.concatenate([trial.pains for trial in every]),
        "trial_rewards": np.concatenate([trial.rewards for trial in every]),
    }


def unflat(arrays: Arrays, inputs: int, actions: int, most: int) -> list[Trial]:
    """Returns the episodes of :func:`flat`.

    Raises:
        ValueError: the arrays do not fit together, or there are more than ``most`` episodes.
    """
    steps = np.asarray(arrays.get("trial_steps", np.zeros(0)))
    count, total = (steps.shape[0] if steps.ndim == 1 else 0), len(arrays.get("trial_rewards", ()))
    declared: Mapping[str, tuple[tuple[int, ...], object]] = {
        "trial_steps": ((count,), np.int64),
        "trial_seen": ((total + count, inputs), np.float32),
        "trial_actions": ((total, actions), np.float32),
        "trial_pains": ((total + count,), np.float32),
        "trial_rewards": ((total,), np.float64),
    }
    held = fitted(arrays, declared)
    if count > most or (steps < 1).any() or steps.sum() != total:
        raise ValueError(f"it remembers {count} episodes of {steps.tolist()[:9]} steps, and holds {total} steps")
    if not ((held["trial_pains"] >= 0) & (held["trial_pains"] <= 1)).all():
        raise ValueError("a pain is not from 0 to 1")
    ends = np.cumsum(steps)
    found = []
    for k, (end, length) in enumerate(zip(ends, steps, strict=True)):
        wide, plain = slice(end - length + k, end + k + 1), slice(end - length, end)
        found.append(
            Trial(
                held["trial_seen"][wide].copy(),
                held["trial_actions"][plain].copy(),
                held["trial_pains"][wide].copy(),
                held["trial_rewards"][plain].copy(),
            )
        )
    return found
