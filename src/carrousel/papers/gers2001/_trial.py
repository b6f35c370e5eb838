"""Trains a network of Gers & Schmidhuber 2001 on short strings, and tries it on longer ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from carrousel.learning.online import Descent, Learner, Network
from carrousel.papers._experiment import Trial, mean
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.tasks import CountingLanguage

__all__ = ["LANGUAGES", "OPTIONS", "language", "network", "prepare", "reach", "summary", "taught", "train"]

LANGUAGES = {"anbn": ("ab", (0, 0)), "anbmbman": ("abBA", (0, 1, 1, 0)), "anbncn": ("abc", (0, 0, 0))}
EPOCH = 1_000  # training strings between two tests
GROWTH = 1.5  # strings are tried in lots, each up to so many times the length of the one before
OPTIONS = {"coding": ("signs", "bits"), "update": ("step", "end"), "momentum": ("0.99", "0")}


CODINGS = {"signs": (1.0, -1.0), "bits": (1.0, 0.0)}
"""The targets for symbols that can follow and for the others."""

SQUASHES = {"signs": "sigmoid_pm2", "bits": "sigmoid"}


@lru_cache(maxsize=8)
def language(name: str, most: int, coding: str = "signs") -> CountingLanguage:
    """Returns a language, of which strings with at most ``most`` repeats (n, or n + m) are drawn."""
    return CountingLanguage(*LANGUAGES[name], most, *CODINGS[coding])


def network(language: str, coding: str = "signs") -> Network:
    """Returns the paper's network: 38 weights for a^n b^n, 110 for a^n b^m B^m A^n, 90 for a^n b^n c^n.

    One block of one cell, two for the others; inputs and cells feed everything, and everything has a bias.

    >>> [network(language).weight_count for language in LANGUAGES]
    [38, 110, 90]
    """
    units, blocks = 1 + len(LANGUAGES[language][0]), 1 if language == "anbn" else 2
    first = {"input_gate": -1.0, "forget_gate": 2.0, "output_gate": -2.0}
    return Network(
        units,
        units,
        blocks,
        forget_gates=True,
        peepholes=True,
        input_squash="identity",
        output_squash="identity",
        unit_squash=SQUASHES[coding],
        feeds=dict.fromkeys(("cell", *first, "output"), "input cell bias"),
        init=0.1,
        bias_init={gate: (bias,) * blocks for gate, bias in first.items()},
    )


@lru_cache(maxsize=8)
def _upto(language: CountingLanguage) -> np.ndarray:
    """Returns how many strings have at most 0, 1, ... repeats, [most + 1]."""
    totals = [sum(each) for each in language.numbers(language.most)]
    return np.searchsorted(totals, np.arange(language.most + 1), side="right")


def prepare(setting: Setting) -> Prepared:
    """Returns a network, the language that it learns, and the strings on which its reach is tried."""
    task, options, coding = setting.config.task, setting.options, setting.options["coding"]
    descent = Descent(setting.config.learner["rate"], float(options["momentum"]))
    net = network(task["language"], coding)
    learner = Learner(net, descent, update=options["update"], seed=setting.rng)
    longer = language(task["language"], task["longest"], coding)
    _upto(longer), longer.all  # worked out once in a process, and not by the clock
    return Prepared(learner, language(task["language"], task["most"], coding), longer)


def taught(learner: Learner, task: CountingLanguage, count: int, rng: np.random.Generator) -> tuple[bool, int]:
    """Teaches ``count`` random strings; returns whether all strings are then accepted, and the steps that it took."""
    drawn = task.draw(rng, count)
    learner.learn_sequences(drawn.inputs, drawn.coded(), drawn.spans)
    accepted = task.right(task.all.outputs_of(learner), task.all).all()
    return bool(accepted), int(np.diff(drawn.spans).sum())


def reach(learner: Any, longer: CountingLanguage) -> int:
    """Returns the most repeats such that all strings with as many or fewer are accepted, at most ``longer.most``.

    The learner is anything that has ``sequence_outputs``.
    """
    strings, upto, longest = longer.all, _upto(longer), longer.most
    done, next_lot = 0, 16
    while done < longest:
        most = min(next_lot, longest)
        lot = strings.part(upto[done], upto[most])
        if len(lot.spans):
            accepted = lot.whole(longer.right(lot.outputs_of(learner), lot))
            if not accepted.all():
                wrong = int(upto[done]) + int(np.argmin(accepted))
                return int(np.searchsorted(upto, wrong, side="right")) - 1
        done, next_lot = most, int(most * GROWTH)
    return longest


def train(prepared: Prepared, setting: Setting) -> Found:
    """Trains until all training strings are accepted, then on ``further`` strings, and tries longer ones meanwhile."""
    learner, task, longer = prepared.learner, prepared.task, prepared.sets
    rng, limit, further = setting.rng, setting.config.until["limit"], setting.config.until["further"]
    done, steps, accepted = 0, 0, False
    while done < limit and not accepted:
        accepted, more = taught(learner, task, EPOCH, rng)
        done, steps = done + EPOCH, steps + more
    found: Found = {"success": accepted, "sequences": done}
    if accepted:
        found["reach"] = found["later_reach"] = reach(learner, longer)
        found["later_sequences"] = done
        while done < found["sequences"] + further and found["later_reach"] < longer.most:
            _, more = taught(learner, task, EPOCH, rng)
            done, steps = done + EPOCH, steps + more
            now = reach(learner, longer)
            if now > found["later_reach"]:
                found |= {"later_reach": now, "later_sequences": done}
    return {**found, "steps": steps}


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns a row's figures; means are over the networks that accepted all training strings."""
    won = [trial for trial in trials if trial["success"]]

    def average(key: str) -> float | None:
        return mean([trial[key] for trial in won])

    def most(key: str) -> int | None:
        return max((trial[key] for trial in won), default=None)

    return {
        "success_rate": len(won) / len(trials) if trials else None,
        "sequences_mean": average("sequences"),
        "best_at_stop": most("reach"),
        "average_at_stop": average("reach"),
        "best": most("later_reach"),
        "average": average("later_reach"),
    }
