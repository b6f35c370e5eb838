"""Trains a network on short strings of a^n b^n c^n by a Kalman filter, and tries how far it counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from carrousel.learning import Annealed, Kalman, KalmanLearner
from carrousel.learning.online import Descent, Learner
from carrousel.papers._experiment import Trial, mean
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.gers2001._trial import language, network, reach
from carrousel.tasks import CountingLanguage

__all__ = ["ladder", "prepare", "saturated", "summary", "train"]

UPDATES = 17.5  # symbols in a string, in the mean
WHOLE = 1_000
"""Up to here all strings are tried, and of longer ones those of the ladder."""
CHUNK = 100_000
KEPT = 1.0
"""An input gate whose peephole is smaller does not saturate as its cell counts."""


class _Ready(Prepared):
    """A learner that is compiled with its filter."""

    def ready(self) -> None:
        if self.sets["filter"] is not None:
            KalmanLearner(self.learner, self.sets["filter"]).ready()
        self.learner.ready()


def prepare(setting: Setting) -> Prepared:
    """Returns a network, the language that it learns, and what else training wants."""
    about, task = setting.config.learner, setting.config.task
    net, filter = network("anbncn"), None
    if about["rate"] is None:
        updates = round(about["annealed"] * UPDATES)
        noise, wander = (Annealed(first, last, updates) for first, last in (about["noise"], about["wander"]))
        filter = Kalman(setting.options["groups"], about["variance"], noise, wander)
    descent = Descent(0.0) if about["rate"] is None else Descent(about["rate"], 0.99)
    learner = Learner(net, descent, dtype=np.float64, seed=setting.rng)
    longer = language("anbncn", min(WHOLE, task["longest"]))
    reach(learner, longer)  # its strings are worked out once in a process, and not by the clock
    return _Ready(learner, language("anbncn", task["most"]), {"filter": filter, "longer": longer})


def train(prepared: Prepared, setting: Setting) -> Found:
    """Trains networks until one is kept; of each the weights count that erred least on the training strings."""
    learner, task, until = prepared.learner, prepared.task, setting.config.until
    found: Found = {"success": False, "sequences": until["strings"], "steps": 0, "networks": 0}
    best: tuple[float, dict[str, np.ndarray]] | None = None
    for attempt in range(1 + until["restarts"]):
        if attempt:
            learner.weights = learner.network.initial_weights(setting.rng)
        first, steps, chosen = _one(prepared, setting)
        found["steps"] += steps
        found["networks"] += 1
        if first is not None and not found["success"]:
            found |= {"success": True, "sequences": first[0] + attempt * until["strings"], "at_first": first[1]}
        if chosen is None:
            continue
        learner.weights = chosen[1]
        if best is None or chosen[0] < best[0] or saturated(learner):
            best = chosen
        if saturated(learner):
            break
    if best is not None:
        learner.weights = best[1]
        found["reach"] = _reach(learner, task, prepared.sets["longer"], setting.config.task["longest"])
    return found


def _one(
    prepared: Prepared, setting: Setting
) -> tuple[tuple[int, int] | None, int, tuple[float, dict[str, np.ndarray]] | None]:
    """Trains a network; returns the strings until it accepted all and how far it counted then, the steps, the best."""
    learner, task, until = prepared.learner, prepared.task, setting.config.until
    teacher = _teacher(prepared, setting)
    first, chosen, steps, rank = None, None, 0, (0, -np.inf)
    for done in range(until["test"], until["strings"] + 1, until["test"]):
        drawn = task.draw(setting.rng, until["test"])
        steps += int(np.diff(drawn.spans).sum())
        try:
            teacher.learn_sequences(drawn.inputs, drawn.coded(), drawn.spans)
        except FloatingPointError:  # the filter can make nothing of this network any more
            break
        outputs = task.all.outputs_of(learner)
        if not task.right(outputs, task.all).all():
            continue
        if first is None:
            first = done, reach(learner, prepared.sets["longer"])
        error = float(((outputs - task.all.wanted(task.output_size)) ** 2).mean())
        now = (ladder(learner, task, until["validated"]) if until["validated"] else 0, -error)
        if now > rank:
            rank, chosen = now, (error, learner.weights)
    return first, steps, chosen


def _teacher(prepared: Prepared, setting: Setting) -> Any:
    """Returns what changes the learner's weights: a new filter, or the learner itself."""
    learner = prepared.learner
    if prepared.sets["filter"] is None:
        return learner
    trained = np.ones(learner.weight_count, bool)
    if setting.options["start"] == "ignored":
        weights, places = learner.weights, learner.named(np.arange(learner.weight_count))
        for group in ("cell", "input_gate", "forget_gate", "output_gate"):
            weights[group][:, 0] = 0.0
            trained[places[group][:, 0]] = False
        learner.weights = weights
    return KalmanLearner(learner, prepared.sets["filter"], trained=trained)


def saturated(learner: Learner) -> bool:
    """Says whether both input gates close or open for good as their cells count: it is not seen on short strings."""
    return bool((np.abs(learner.weights["input_gate_peephole"]) >= KEPT).all())


def _reach(learner: Learner, task: CountingLanguage, longer: CountingLanguage, longest: int) -> int:
    """Returns how far a network counts: all strings to 1,000, and from there the rungs of the ladder."""
    whole = reach(learner, longer)
    return whole if whole < min(WHOLE, longest) else max(whole, ladder(learner, task, longest, WHOLE))


def ladder(learner: Learner, task: CountingLanguage, most: int, least: int = 10) -> int:
    """Returns the last of the numbers 10, 20, 50, 100 ... up to ``most`` whose strings are accepted, or 0.

    >>> list(_rungs(150))
    [10, 20, 50, 100]
    """
    done = 0
    for n in _rungs(most):
        if n < least:
            continue
        if not _accepts(learner, task, n):
            break
        done = n
    return done


def _rungs(most: int) -> Iterator[int]:
    power = 10
    while power <= most:
        yield from (n for n in (power, 2 * power, 5 * power) if n <= most)
        power *= 10
    if most == 22_000_000:
        yield most


def _accepts(learner: Learner, task: CountingLanguage, n: int) -> bool:
    """Says whether a network accepts the string with this number; it runs in pieces, for the string can be long."""
    learner.reset()
    letters = len(task.letters)
    for letter in range(-1, letters):
        left = 1 if letter < 0 else n
        while left:
            now = min(left, CHUNK)
            left -= now
            codes = np.full(now, letter + 1)
            goals = np.full((now, task.output_size), task.low)
            goals[:, max(letter, 0)] = task.high
            if letter == 0:
                goals[:, 1] = task.high
            elif letter > 0 and left == 0:
                goals[-1, letter], goals[-1, letter + 1] = task.low, task.high
            # An output that has the right sign is less than 1 away from its target, of which it is within (-2, 2).
            if learner.follow(codes, goals, 1.0, learn=False) < now:
                return False
    return True


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns a row's figures; how far networks count is of those that accepted all training strings."""
    won = [trial for trial in trials if trial["success"]]
    reached = sorted(trial.get("reach", 0) for trial in trials)
    return {
        "success_rate": len(won) / len(trials) if trials else None,
        "sequences_mean": mean([trial["sequences"] for trial in won]),
        "within": len([trial for trial in won if trial["sequences"] <= 1_000]) / len(trials) if trials else None,
        "at_first": mean([trial["at_first"] for trial in won]),
        "best": reached[-1] if reached else None,
        "median": float(np.median(reached)) if reached else None,
        "thousand": len([n for n in reached if n >= WHOLE]) / len(reached) if reached else None,
        "networks": mean([trial["networks"] for trial in trials]),
    }
