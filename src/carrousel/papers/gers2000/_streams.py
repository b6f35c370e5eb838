"""How both experiments learn and are tested: from streams that end at the first wrong step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel.learning.online import Descent, Learner, Network
from carrousel.papers._experiment import Trial
from carrousel.tasks import ContinualTask, Endless

__all__ = ["Reach", "follow", "network", "prepared", "train", "trial"]

_FIRST = 256  # steps that are looked at first in a stream; most streams end before
_DRAWN = 400_000  # steps that are drawn at a time

Reach = tuple[int, int]
"""How far a stream was right: steps, whole strings."""


def network(config: Mapping[str, Any]) -> Network:
    """The paper's network, 4 blocks of two cells: 424 weights with 7 inputs and outputs and forget gates, else 360.

    Cells are fed by inputs and cells, gates and outputs by these and a bias. All weights begin in [-0.2, 0.2], but
    input and output gates' biases at -0.5, -1.0, -1.5, -2.0, forget gates' as the configuration says.
    """
    forget = config.get("forget")
    gates = ["input_gate", "output_gate"] + ["forget_gate"] * bool(forget)
    staggered = (-0.5, -1.0, -1.5, -2.0)
    biases: dict[str, tuple[float, ...]] = {"input_gate": staggered, "output_gate": staggered}
    if forget:
        biases["forget_gate"] = tuple(forget)
    return Network(
        config["inputs"],
        config["outputs"],
        4,
        2,
        forget_gates=bool(forget),
        state_decay=config.get("state_decay", 1.0),
        traces_decay=config.get("traces_decay", True),
        feeds={"cell": "input cell", **dict.fromkeys([*gates, "output"], "input cell bias")},
        init=0.2,
        bias_init=biases,
    )


def prepared(config: Mapping[str, Any], rng: np.random.Generator) -> Learner:
    """A new network, and everything compiled."""
    made = Learner(network(config), Descent(config["rate"], decay=config["rate_decay"]), seed=rng)
    made.reset()
    return made


def follow(
    learner: Learner, endless: Endless, learn: bool, steps: int, strings: int | None = None, resets: bool = False
) -> Reach:
    """Goes through a new stream from a reset network until it is wrong or the stream's end.

    Args:
        learner: the network.
        endless: where the stream comes from.
        learn: whether it learns, from the wrong step too.
        steps: how long the stream is; its last string is a whole one.
        strings: how many strings it has at most.
        resets: whether the network is reset before every string.
    """
    right, whole, size = 0, 0, _FIRST
    while right < steps and whole != strings:
        stream = endless.ahead(min(size, steps - right), strings and strings - whole)
        spans = stream.spans() if resets else None if right else [[0, len(stream.codes)]]
        targets = endless.task.targets(stream.kinds)
        found = learner.follow(stream.codes, targets, endless.task.tolerance, learn, spans)
        done = int(np.searchsorted(stream.ends, found, "right"))
        right, whole, size = right + found, whole + done, size * 4
        endless.skip(min(done + 1, len(stream.ends)))
        if found < len(stream.codes):
            break
    return right, whole


def train(config: Mapping[str, Any], made: Learner, endless: Endless, limit: int) -> tuple[bool, int, list[Reach], int]:
    """Learns from one stream after the other until all test streams are right.

    Returns:
        Whether they were; after how many training streams; how far each of the last test streams was right; the steps
        of all streams.
    """
    steps, strings, resets = config["steps"], config.get("strings"), config.get("resets", False)

    def full(reach: Reach) -> bool:
        return reach[0] >= steps or reach[1] == strings

    total = 0
    for done in range(1, limit + 1):
        made.rate = config["rate"]
        total += follow(made, endless, True, steps, strings, resets)[0]
        reached: list[Reach] = []
        while len(reached) < config["tests"] and (done == limit or all(map(full, reached[-1:]))):
            reached.append(follow(made, endless, False, steps, strings, resets))
        total += sum(right for right, _ in reached)
        if len(reached) == config["tests"] and all(map(full, reached)):
            break
    return all(map(full, reached)), done, reached, total


def trial(task: ContinualTask, config: Mapping[str, Any], seed: int, number: int) -> Trial:
    """Trains and tests one network."""
    rng = np.random.default_rng([seed, number])
    made = prepared(config, rng)
    endless = Endless(task, rng, min(_DRAWN, 4 * config["steps"]))
    start = time.perf_counter()
    success, streams, reached, steps = train(config, made, endless, config["limit"])
    lengths = [min(right, config["steps"]) for right, _ in reached]
    return {
        "success": success,
        "streams": streams,
        "length": sum(lengths) / len(lengths),
        "strings": sum(strings for _, strings in reached) / len(reached),
        "steps": steps,
        "seconds": time.perf_counter() - start,
    }
