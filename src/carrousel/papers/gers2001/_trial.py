"""One network of Gers & Schmidhuber 2001, trained on short strings and tried on longer ones."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from carrousel.learning.online import Descent, Learner, Network
from carrousel.papers._experiment import Trial
from carrousel.tasks import CountingLanguage, Strings

__all__ = ["LANGUAGES", "OPTIONS", "network", "prepared", "reach", "summary", "train", "trial"]

LANGUAGES = {
    "anbn": CountingLanguage("ab", (0, 0)),
    "anbmbman": CountingLanguage("abBA", (0, 1, 1, 0)),
    "anbncn": CountingLanguage("abc", (0, 0, 0)),
}
EPOCH = 1_000  # training strings between two tests
GROWTH = 1.5  # strings are tried in lots, each up to so many times the length of the one before
OPTIONS = {"coding": ("signs", "bits"), "update": ("step", "end"), "momentum": ("0.99", "0")}


@dataclass(frozen=True)
class Coding:
    """How right and wrong symbols are coded: the targets, the threshold between them, the outputs' squashing."""

    high: float
    low: float
    threshold: float
    squash: str


CODINGS = {"signs": Coding(1.0, -1.0, 0.0, "sigmoid_pm2"), "bits": Coding(1.0, 0.0, 0.5, "sigmoid")}


def network(language: str, coding: str = "signs") -> Network:
    """The paper's network: 38 weights for a^n b^n, 110 for a^n b^m B^m A^n, 90 for a^n b^n c^n.

    One block of one cell, two for the others; inputs and cells feed everything, and everything has a bias.

    >>> [network(language).weight_count for language in LANGUAGES]
    [38, 110, 90]
    """
    units, blocks = len(LANGUAGES[language].inputs), 1 if language == "anbn" else 2
    first = {"input_gate": -1.0, "forget_gate": 2.0, "output_gate": -2.0}
    return Network(
        units,
        units,
        blocks,
        forget_gates=True,
        peepholes=True,
        input_squash="identity",
        output_squash="identity",
        unit_squash=CODINGS[coding].squash,
        feeds=dict.fromkeys(("cell", *first, "output"), "input cell bias"),
        init=0.1,
        bias_init={gate: (bias,) * blocks for gate, bias in first.items()},
    )


@lru_cache(maxsize=4)
def strings(language: str, most: int) -> Strings:
    """All strings with at most ``most`` repeats (n, or n + m), in the order of these."""
    return LANGUAGES[language].encode(LANGUAGES[language].numbers(most))


@lru_cache(maxsize=4)
def _upto(language: str, most: int) -> np.ndarray:
    """How many strings have at most 0, 1, ... repeats."""
    totals = [sum(each) for each in LANGUAGES[language].numbers(most)]
    return np.searchsorted(totals, np.arange(most + 1), side="right")


def prepared(language: str, rate: float, options: Mapping[str, str], rng: np.random.Generator) -> Learner:
    """The network with its first weights, compiled."""
    descent = Descent(rate, float(options["momentum"]))
    learner = Learner(network(language, options["coding"]), descent, update=options["update"], seed=rng)
    train(learner, language, 2, 0, options["coding"], rng)
    return learner


def train(
    learner: Learner, language: str, most: int, number: int, coding: str, rng: np.random.Generator
) -> tuple[bool, int]:
    """Trains on ``number`` strings drawn at random; whether all strings are then accepted, and the steps it took."""
    given, code = strings(language, most), CODINGS[coding]
    spans = given.spans[rng.integers(0, len(given.spans), number)]
    learner.learn_sequences(given.inputs, np.where(given.legal, code.high, code.low), spans)
    outputs = learner.sequence_outputs(given.inputs, given.spans)
    accepted = LANGUAGES[language].accepted(outputs, given, code.threshold).all()
    return bool(accepted), int((spans[:, 1] - spans[:, 0]).sum())


def reach(learner: Learner, language: str, longest: int, coding: str) -> int:
    """The largest number of repeats such that all strings with as many or fewer are accepted, at most ``longest``."""
    given, upto = strings(language, longest), _upto(language, longest)
    done, next_lot = 0, 16
    while done < longest:
        most = min(next_lot, longest)
        lot = given.part(upto[done], upto[most])
        if len(lot.spans):
            outputs = learner.sequence_outputs(lot.inputs, lot.spans)
            accepted = LANGUAGES[language].accepted(outputs, lot, CODINGS[coding].threshold)
            if not accepted.all():
                wrong = int(upto[done]) + int(np.argmin(accepted))
                return int(np.searchsorted(upto, wrong, side="right")) - 1
        done, next_lot = most, int(most * GROWTH)
    return longest


def trial(config: Mapping[str, Any], options: Mapping[str, str], seed: int, number: int) -> Trial:
    """Trains until all training strings are accepted, then tries longer ones, and goes on to see how far it gets."""
    language, most, longest, coding = config["language"], config["most"], config["longest"], options["coding"]
    rng = np.random.default_rng([seed, number])
    learner = prepared(language, config["rate"], options, rng)
    strings(language, longest), _upto(language, longest)
    start, done, steps, accepted = time.perf_counter(), 0, 0, False
    while done < config["limit"] and not accepted:
        accepted, more = train(learner, language, most, EPOCH, coding, rng)
        done, steps = done + EPOCH, steps + more
    found: dict[str, Any] = {"success": accepted, "sequences": done}
    if accepted:
        found["reach"] = found["later_reach"] = reach(learner, language, longest, coding)
        found["later_sequences"] = done
        while done < found["sequences"] + config["further"] and found["later_reach"] < longest:
            _, more = train(learner, language, most, EPOCH, coding, rng)
            done, steps = done + EPOCH, steps + more
            now = reach(learner, language, longest, coding)
            if now > found["later_reach"]:
                found |= {"later_reach": now, "later_sequences": done}
    return {**found, "steps": steps, "seconds": time.perf_counter() - start}


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Shares, sequences and reaches; means are over the networks that accepted all training strings."""
    won = [trial for trial in trials if trial["success"]]

    def mean(key: str) -> float | None:
        return sum(trial[key] for trial in won) / len(won) if won else None

    def most(key: str) -> int | None:
        return max((trial[key] for trial in won), default=None)

    return {
        "success_rate": len(won) / len(trials) if trials else None,
        "sequences_mean": mean("sequences"),
        "best_at_stop": most("reach"),
        "average_at_stop": mean("reach"),
        "best": most("later_reach"),
        "average": mean("later_reach"),
    }
