"""Follows an endless stream of embedded Reber strings and learns from it, by a filter or the gradient rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from statistics import median
from typing import Any

import numpy as np

from carrousel.learning import Annealed, Kalman, KalmanLearner
from carrousel.learning.online import Descent, Learner
from carrousel.papers._experiment import Trial, mean
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.gers2000._streams import network
from carrousel.tasks import ContinualReber, Endless

__all__ = ["SUSTAINED", "Runs", "prepare", "summary", "train"]

SUSTAINED = 1_000
"""So many right predictions in a row are sustained prediction."""
LOOK = 250  # symbols between two looks at the predictions
DRAWN = 20_000  # symbols that are drawn at a time


class Runs:
    """Right predictions in a row, as they come.

    Attributes:
        seen: predictions that were added.
        row: right ones since the last wrong one.
        sustained: after how many predictions there were enough in a row for the first time; None if never.
        after: right ones that followed on these.
        lost: whether a wrong one came after that.

    >>> runs = Runs(2)
    >>> for right in ([True, False, True], [True, True, True, False, True]):
    ...     runs.add(np.array(right))
    >>> runs.sustained, runs.after, runs.lost, runs.seen
    (4, 2, True, 8)
    """

    def __init__(self, enough: int) -> None:
        self.enough, self.seen, self.row = enough, 0, 0
        self.sustained: int | None = None
        self.after, self.lost = 0, False

    def add(self, right: np.ndarray) -> None:
        """Adds predictions, True for right ones."""
        for one in right.tolist():
            self.seen += 1
            self.row = self.row + 1 if one else 0
            if self.sustained is None:
                if self.row == self.enough:
                    self.sustained = self.seen
            elif not self.lost:
                self.lost = not one
                self.after += one


def teacher(learner: Learner, about: Mapping[str, Any], groups: str) -> Any:
    """Returns what changes a network's weights: a new filter over it, or the network itself."""
    if about["rate"] is not None:
        return learner
    noise, wander = (Annealed(first, last, about["annealed"]) for first, last in (about["noise"], about["wander"]))
    return KalmanLearner(learner, Kalman(groups, about["variance"], noise, wander))


def prepare(setting: Setting) -> Prepared:
    """Returns a network of 424 weights, and an endless stream."""
    about, task = setting.config.learner, ContinualReber()
    net = network({"inputs": 7, "outputs": 7, "forget": tuple(about["forget"])})
    descent = Descent(0.0 if about["rate"] is None else about["rate"])
    learner = Learner(net, descent, dtype=np.float64, seed=setting.rng)
    return _Ready(learner, task, teacher(learner, about, setting.options["groups"]))


class _Ready(Prepared):
    """A learner that is compiled with its filter, which is ``sets``."""

    def ready(self) -> None:
        """Compiles what a trial calls; nothing changes."""
        self.sets.ready()
        self.learner.ready()


def train(prepared: Prepared, setting: Setting) -> Found:
    """Learns from one stream until its predictions are sustained and then wrong once, or for so many symbols.

    Returns:
        ``{"success", "steps", "weights", ...}``; where it succeeded ``"symbols"``, until there were a thousand right
        predictions in a row, ``"after"``, how many more were right while learning went on, and ``"frozen"``, how
        many are right when the stream goes on and these weights do not change any more.
    """
    learner, task, until = prepared.learner, prepared.task, setting.config.until
    endless, runs, kept = Endless(task, setting.rng, DRAWN), Runs(SUSTAINED), None
    while not runs.lost and (runs.seen < until["limit"] if runs.sustained is None else runs.after < until["lasting"]):
        stream = endless.ahead(LOOK)
        endless.skip(len(stream.ends))
        goals = task.targets(stream.kinds)
        try:
            said = prepared.sets.learn_many(stream.codes, goals, tell=True)
        except FloatingPointError:  # the filter can make nothing of this network any more
            break
        runs.add((np.abs(said - goals) <= task.tolerance).all(1))
        if runs.sustained is not None and kept is None:
            kept = deepcopy(learner)  # with its states, for it was never reset and knows no beginning
    found: Found = {"success": runs.sustained is not None, "steps": runs.seen, "weights": learner.weight_count}
    if kept is not None:
        frozen = _frozen(kept, Endless(task, setting.apart(1), DRAWN), until["lasting"])
        found |= {"symbols": runs.sustained, "after": min(runs.after, until["lasting"]), "frozen": frozen}
    return found


def _frozen(learner: Learner, endless: Endless, steps: int) -> int:
    """Returns how many predictions are right before the first wrong one, at most ``steps``; no weight changes."""
    right = 0
    while right < steps:
        stream = endless.ahead(LOOK)
        endless.skip(len(stream.ends))
        done = learner.follow(stream.codes, endless.task.targets(stream.kinds), endless.task.tolerance, learn=False)
        right += done
        if done < len(stream.codes):
            break
    return min(right, steps)


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns a row's figures; but for the share, of the networks whose predictions were sustained."""
    won = [trial for trial in trials if trial["success"]]

    def middle(key: str) -> float | None:
        return median(trial[key] for trial in won) if won else None

    return {
        "success_rate": len(won) / len(trials) if trials else None,
        "symbols_mean": mean([trial["symbols"] for trial in won]),
        "symbols_median": middle("symbols"),
        "symbols_max": max((trial["symbols"] for trial in won), default=None),
        "after_median": middle("after"),
        "after_max": max((trial["after"] for trial in won), default=None),
        "frozen_median": middle("frozen"),
        "frozen_max": max((trial["frozen"] for trial in won), default=None),
        "each": [[trial[key] for trial in won] for key in ("symbols", "after", "frozen")],
    }
