"""Hidden Markov models of speech, by hmmlearn: what recurrent networks are set beside, and what reads hybrids off."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from carrousel.estimators.metrics import label_error_rate

__all__ = ["Emissions", "Loop", "likelihood", "mixtures", "runs_of"]

SCALES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""By which emissions are weighed against durations and the order of units; the best on a validation part is taken."""
FEW = 20  # frames for each Gaussian of a state, at least

Emissions = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
"""Gives log p(x | state) of each utterance's frames ``[T_i, C]``, ``[T_i, states]``, but for what all states share."""


def runs_of(frames: Sequence[np.ndarray], X: Sequence[np.ndarray], units: int) -> list[list[np.ndarray]]:
    """Returns what stands under each run of a code, by the code: ``[units][runs]`` arrays ``[T_i, C]``.

    >>> [[len(run) for run in each] for each in runs_of([np.array([1, 0, 0, 1])], [np.zeros((4, 2))], 2)]
    [[2], [1, 1]]
    """
    found: list[list[np.ndarray]] = [[] for _ in range(units)]
    for codes, x in zip(frames, X, strict=True):
        edges = np.flatnonzero(np.diff(codes)) + 1
        for run, part in zip(np.split(codes, edges), np.split(x, edges), strict=True):
            found[int(run[0])].append(part)
    return found


def mixtures(runs: Sequence[Sequence[np.ndarray]], states: int, count: int, seed: int) -> Emissions:
    """Fits Gaussian mixtures to the states of all units, of which each has an even share of every run.

    Args:
        runs: of each unit what stands under it, arrays ``[T_i, C]``; a unit that has none takes all frames.
        states: of each unit.
        count: Gaussians of a state, with diagonal covariances; one where little is known.
        seed: of the first means.

    Returns:
        The emissions of all states, those of a unit side by side.
    """
    from sklearn.mixture import GaussianMixture

    every = np.concatenate([run for unit in runs for run in unit])
    models = []
    for unit in runs:
        shares: list[list[np.ndarray]] = [[] for _ in range(states)]
        for run in unit:
            for state in range(states):
                first, last = state * len(run) // states, (state + 1) * len(run) // states
                shares[state].append(run[min(first, len(run) - 1) : max(last, first + 1)])
        for share in shares:
            frames = np.concatenate(share) if share else every
            some = max(1, min(count, len(frames) // FEW))
            model = GaussianMixture(
                some, covariance_type="diag", reg_covar=0.01, max_iter=20, tol=0.01, random_state=seed
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # twenty rounds are enough
                models.append(model.fit(frames if len(frames) > 1 else np.repeat(frames, 2, axis=0)))

    def emissions(X: Sequence[np.ndarray]) -> list[np.ndarray]:
        together = np.concatenate(X)
        found = np.stack([model.score_samples(together) for model in models], axis=1)
        return np.split(found, np.cumsum([len(x) for x in X])[:-1])

    return emissions


def likelihood(emissions: np.ndarray, lasts: float) -> float:
    """Returns the log-likelihood of an utterance under one chain, by hmmlearn, from its emissions ``[T, states]``.

    ``lasts`` is how many frames the unit lasts in the mean, of which each state has an even share.
    """
    states = emissions.shape[1]
    leave = np.clip(states / lasts, 0.02, 0.9)
    moves = (1 - leave) * np.eye(states) + leave * np.eye(states, k=1)
    moves[-1, -1] = 1.0
    return float(_given(np.eye(states)[0], moves).score(emissions))


class Loop:
    """Units, each a chain of states, of which any may follow any other: what is most probably said is found by Viterbi.

    How long a unit lasts and which one follows it are counted in utterances whose frames have codes.

    Args:
        emissions: gives those of every state.
        frames: the codes of every frame of utterances, ``[T_i]``.
        units: how many codes there are.
        states: of a unit's chain.
        pause: the code that is left out of what is said.
    """

    def __init__(
        self, emissions: Emissions, frames: Sequence[np.ndarray], units: int, states: int, pause: int | None = None
    ) -> None:
        self.emissions, self.states, self.pause, self.scale = emissions, states, pause, 1.0
        runs = [np.split(codes, np.flatnonzero(np.diff(codes)) + 1) for codes in frames]
        lasted, count = np.ones((2, units))
        first, follows = np.ones(units), np.full((units, units), 0.1)
        for each in runs:
            order = [int(run[0]) for run in each]
            np.add.at(lasted, order, [len(run) for run in each])
            np.add.at(count, order, 1)
            first[order[0]] += 1
            np.add.at(follows, (order[:-1], order[1:]), 1)
        leave = np.repeat(np.clip(states * count / lasted, 0.02, 0.9), states)  # each state lasts alike
        begins, ends = np.arange(units) * states, np.arange(units) * states + states - 1
        self.start = np.zeros(units * states)
        self.start[begins] = first / first.sum()
        inner = leave.copy()
        inner[ends] = 0.0
        self.moves = np.diag(1 - leave) + np.diag(inner[:-1], k=1)
        self.moves[np.ix_(ends, begins)] = follows / follows.sum(axis=1, keepdims=True) * leave[ends, None]
        if states == 1:
            self.moves[np.diag_indices(units)] += 1 - leave

    def decode(self, X: Sequence[np.ndarray]) -> list[list[int]]:
        """Returns the codes of what is said in utterances, ``[T_i, C]``, without pauses."""
        return [self._read(each, self.scale) for each in self.emissions(X)]

    def weigh(self, X: Sequence[np.ndarray], strings: Sequence[np.ndarray]) -> None:
        """Chooses how much emissions count, by the label errors on utterances that were not learned from."""
        emissions, true = self.emissions(X), [each.tolist() for each in strings]

        def errors(scale: float) -> float:
            return label_error_rate(true, [self._read(each, scale) for each in emissions])

        self.scale = min(SCALES, key=errors)

    def _read(self, emissions: np.ndarray, scale: float) -> list[int]:
        states = _given(self.start, self.moves).decode(scale * emissions)[1]
        units = states // self.states
        new = np.concatenate([[True], (units[1:] != units[:-1]) | (states[1:] < states[:-1])])
        return [int(unit) for unit in units[new] if unit != self.pause]


def _given(start: np.ndarray, moves: np.ndarray) -> Any:
    """Returns hmmlearn's model of these states, which is handed emissions and not frames."""
    from hmmlearn.base import BaseHMM

    class Given(BaseHMM):
        """A model with emissions of its own, as hmmlearn wants them written."""

        def _compute_log_likelihood(self, X: np.ndarray) -> np.ndarray:
            return X

    model = Given(len(start))
    model.startprob_, model.transmat_ = start, moves
    return model
