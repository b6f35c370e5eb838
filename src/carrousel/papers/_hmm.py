"""Hidden Markov models of speech, by hmmlearn: what recurrent networks are set beside, and what reads hybrids off."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from carrousel.estimators.metrics import label_error_rate

__all__ = ["Loop", "mixtures", "runs_of"]

SCALES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""By which emissions are weighed against durations and the order of units; the best on a validation part is taken."""
FEW = 20  # frames for each Gaussian of a state, at least

Emissions = Callable[[np.ndarray], np.ndarray]
"""Gives log p(x_t | state) of an utterance, ``[T, states]``, but for what is the same for all states."""


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
    return lambda x: np.stack([model.score_samples(x) for model in models], axis=1)


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

    def decode(self, x: np.ndarray) -> list[int]:
        """Returns the codes of what is said in an utterance, ``[T, C]``, without pauses."""
        return self._read(self.emissions(x), self.scale)

    def weigh(self, X: Sequence[np.ndarray], strings: Sequence[np.ndarray]) -> None:
        """Chooses how much emissions count, by the label errors on utterances that were not learned from."""
        emissions, true = [self.emissions(x) for x in X], [each.tolist() for each in strings]

        def errors(scale: float) -> float:
            return label_error_rate(true, [self._read(each, scale) for each in emissions])

        self.scale = min(SCALES, key=errors)

    def _read(self, emissions: np.ndarray, scale: float) -> list[int]:
        states = _viterbi(self.start, self.moves, scale * emissions)
        units = states // self.states
        new = np.concatenate([[True], (units[1:] != units[:-1]) | (states[1:] < states[:-1])])
        return [int(unit) for unit in units[new] if unit != self.pause]


def _viterbi(start: np.ndarray, moves: np.ndarray, emissions: np.ndarray) -> np.ndarray:
    """Returns the most probable states of an utterance, ``[T]``, by hmmlearn."""
    from hmmlearn.base import BaseHMM

    class Given(BaseHMM):
        """A model whose emissions are given, as hmmlearn wants them of a model of one's own."""

        def _compute_log_likelihood(self, X: np.ndarray) -> np.ndarray:
            return X

    model = Given(len(start))
    model.startprob_, model.transmat_ = start, moves
    return model.decode(emissions)[1]
