"""Hochreiter & Schmidhuber 1997, experiments 2a and 2b: a lag of p steps, with and without regularities in between."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.learning import Chunker, OneUnitNetwork
from carrousel.learning.online import Learner, Network
from carrousel.papers._experiment import Experiment, Picture, Quick, Row, Trial
from carrousel.papers.hochreiter1997._successive import all_right
from carrousel.tasks import CodedSequences, NoiseFreeLag, NoRegularities

__all__ = ["NOISE_FREE", "NO_REGULARITIES", "network", "perceptron"]

TESTS = 10_000  # sequences that must be right one after the other
WINDOW = 100  # training sequences over which the error before the cell is added is averaged
FALL = 0.05  # the cell is added when the error falls by a smaller share than this from one window to the next
SQUASHES = {"symmetric": "sigmoid_pm2", "printed": "sigmoid"}


def perceptron(p: int) -> Network:
    """What LSTM begins with: outputs fed by the inputs."""
    return Network(p + 1, p + 1, blocks=0, init=0.2, feeds={"output": "input"})


def network(p: int, g: str = "printed") -> Network:
    """With the memory cell and its input gate, fed by the inputs; h is the identity. 10504 weights for p = 100."""
    feeds = {"cell": "input", "input_gate": "input", "output": "input cell"}
    squashes = {"input_squash": SQUASHES[g], "output_squash": "identity"}
    return Network(p + 1, p + 1, blocks=1, output_gates=False, init=0.2, feeds=feeds, **squashes)


class _Growing:
    """LSTM that begins as a perceptron; cell and gate are added once the error has stopped to fall."""

    def __init__(self, task: NoiseFreeLag, rate: float, g: str, update: str, rng: np.random.Generator) -> None:
        self.task, self.added = task, 0
        self._rate, self._g, self._update, self._rng = rate, g, update, rng
        self.learner = Learner(perceptron(task.p), rate, update=update, seed=rng)
        self._before, self._errors, self._seen = np.inf, 0.0, 0

    def learn_sequences(self, codes: np.ndarray, targets: np.ndarray, spans: np.ndarray) -> None:
        if not self.added:
            self._errors += self._error(codes, targets, spans)
        self.learner.learn_sequences(codes, targets, spans)
        self._seen += len(spans)
        if not self.added and self._seen % WINDOW == 0:
            if self._errors > (1 - FALL) * self._before:
                self._add()
            self._before, self._errors = self._errors, 0.0

    def _error(self, codes: np.ndarray, targets: np.ndarray, spans: np.ndarray) -> float:
        """The sum of squared errors over all of the sequences' targets, before they are learned from."""
        said = self.learner.sequence_outputs(codes, spans)
        wanted = np.concatenate([targets[begin:end] for begin, end in spans])
        errors = (said - (np.arange(said.shape[1]) == wanted[:, None])) ** 2
        return float(errors[wanted >= 0].sum())

    def _add(self) -> None:
        grown = Learner(network(self.task.p, self._g), self._rate, update=self._update, seed=self._rng)
        weights = grown.weights
        weights["output"][:, :-1] = self.learner.weights["output"]
        grown.weights = weights
        self.learner, self.added = grown, self._seen

    def sequence_outputs(self, codes: np.ndarray, spans: np.ndarray) -> np.ndarray:
        return self.learner.sequence_outputs(codes, spans)

    def answers(self, codes: np.ndarray, spans: np.ndarray) -> np.ndarray:
        return self.learner.answers(codes, spans)


def _made(config: Mapping[str, Any], options: Mapping[str, str], task: NoiseFreeLag, rng: Any, number: int) -> Any:
    """The row's learner; where a row has several rates, trials take them in turn."""
    rate = config["rates"][number % len(config["rates"])]
    update, method = options["update"], config["method"]
    if method == "lstm":
        return _Growing(task, rate, options["g"], update, rng)
    if method == "chunker":
        return Chunker(task.symbols, rate, threshold=config["threshold"], update=update, seed=rng)
    update = "end" if method == "bptt" else update
    return OneUnitNetwork(task.symbols, task.symbols, method, rate, update=update, seed=rng)


def _at_the_end(drawn: CodedSequences) -> np.ndarray:
    """The targets, those of the last steps only."""
    targets = np.full_like(drawn.targets, -1)
    last = drawn.spans[:, 1] - 1
    targets[last] = drawn.targets[last]
    return targets


def _succeeds(learner: Any, task: NoiseFreeLag, rng: np.random.Generator, tests: int) -> tuple[bool, int]:
    """The criterion, and the steps that it took; there are two sequences only where there are regularities."""
    if isinstance(task, NoRegularities):
        return all_right(learner, task, rng, tests, first=10)
    both = task.encode([0, 1])
    return bool(task.right(learner.sequence_outputs(both.codes, both.spans), both.targets).all()), len(both.codes)


def _trial(config: Mapping[str, Any], options: Mapping[str, str], seed: int, number: int) -> Trial:
    task = (NoiseFreeLag if config["regular"] else NoRegularities)(config["p"])
    rng = np.random.default_rng([seed, number])
    learner = _made(config, options, task, rng, number)
    nothing = task.draw(np.random.default_rng(0), 0)
    learner.learn_sequences(nothing.codes, nothing.targets, nothing.spans)  # compiled before the clock starts
    start = time.perf_counter()
    success, done, steps = False, 0, 0
    end_only = options.get("errors") == "end" and config["method"] != "chunker"
    while not success and done < config["limit"]:
        drawn = task.draw(rng, config["interval"])
        learner.learn_sequences(drawn.codes, _at_the_end(drawn) if end_only else drawn.targets, drawn.spans)
        success, tested = _succeeds(learner, task, rng, config["tests"])
        done, steps = done + config["interval"], steps + config["interval"] * task.p + tested
    found = {"success": success, "sequences": done, "steps": steps, "seconds": time.perf_counter() - start}
    return {**found, "cell_added": learner.added} if config["method"] == "lstm" else found


_ALL_RATES = (1.0, 4.0, 10.0)
_TABLE: tuple[tuple[str, str, int, tuple[float, ...], str, float | None, int | None, int], ...] = (
    # method, heading, p, rates, weights, success, after, limit
    ("rtrl", "RTRL", 4, (1.0,), "36", 0.78, 1_043_000, 5_000_000),
    ("rtrl", "RTRL", 4, (4.0,), "36", 0.56, 892_000, 5_000_000),
    ("rtrl", "RTRL", 4, (10.0,), "36", 0.22, 254_000, 5_000_000),
    ("rtrl", "RTRL", 10, _ALL_RATES, "144", 0.0, None, 5_000_000),
    ("rtrl", "RTRL", 100, _ALL_RATES, "10404", 0.0, None, 500_000),
    ("bptt", "BPTT", 100, _ALL_RATES, "10404", 0.0, None, 500_000),
    ("chunker", "CH", 100, (1.0,), "10506", 0.33, 32_400, 200_000),
    ("lstm", "LSTM", 100, (1.0,), "10504", 1.0, 5_040, 200_000),
)


def _row(regular: bool, line: tuple[str, str, int, tuple[float, ...], str, float | None, int | None, int]) -> Row:
    method, heading, p, rates, weights, success, after, limit = line
    rate = f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g}-{rates[-1]:g}"
    name = f"{method}-{p}" + (f"-{rate}" if p == 4 else "")
    config: dict[str, Any] = {"method": method, "regular": regular, "p": p, "rates": list(rates), "limit": limit}
    config |= {"interval": 10 if method == "lstm" else 100, "tests": TESTS}
    if method == "chunker":
        config["threshold"] = 0.25
    published: dict[str, Any] = {"trials": 18, "success_rate": success}
    if after is not None:
        published["sequences_mean"] = after
    columns = {"delay p": str(p), "learning rate": rate, "weights": weights}
    return Row(name, heading, columns, published, config)


_OF_2B = (
    ("rtrl", "RTRL", 100, _ALL_RATES, "10404", 0.0, None, 200_000),
    ("bptt", "BPTT", 100, _ALL_RATES, "10404", 0.0, None, 200_000),
    ("chunker", "CH", 100, (1.0,), "10506", 0.0, None, 100_000),
    ("lstm", "LSTM", 100, (1.0,), "10504", 1.0, 5_680, 200_000),
)
