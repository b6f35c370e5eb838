"""Trains and tests on streams that end at the first wrong step, as both experiments do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel.learning.online import Descent, Learner, Network
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.tasks import ContinualTask, Endless

__all__ = ["COMMON", "Reach", "follow", "network", "prepared", "train"]

_FIRST = 256  # steps that are looked at first in a stream; most streams end before
_DRAWN = 400_000  # steps that are drawn at a time

COMMON: dict[str, float] = {"rate": 0.5, "rate_decay": 1.0}
"""What learners have in common: the rate, and by what it is multiplied at every step."""

Reach = tuple[int, int]
"""How far a stream was right: steps, whole strings."""


def network(config: Mapping[str, Any]) -> Network:
    """Returns the paper's network, 4 blocks of two cells.

    It has 424 weights with 7 inputs and outputs and forget gates, 360 without them.
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


def prepared(task: ContinualTask, learner: Mapping[str, Any], setting: Setting) -> Prepared:
    """Returns a network, its task, and the first of its streams."""
    descent = Descent(learner["rate"], decay=learner["rate_decay"])
    new = Learner(network(learner), descent, seed=setting.rng)
    return Prepared(new, task, Endless(task, setting.rng, min(_DRAWN, 4 * setting.config.task["steps"])))


def follow(
    learner: Learner, endless: Endless, learn: bool, steps: int, strings: int | None = None, resets: bool = False
) -> Reach:
    """Follows a new stream with a reset network until that is wrong; returns how far it was right.

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
        followed = learner.follow(stream.codes, targets, endless.task.tolerance, learn, spans)
        done = int(np.searchsorted(stream.ends, followed, "right"))
        right, whole, size = right + followed, whole + done, size * 4
        endless.skip(min(done + 1, len(stream.ends)))
        if followed < len(stream.codes):
            break
    return right, whole


def train(prepared: Prepared, setting: Setting) -> Found:
    """Trains on one stream after the other until all test streams are right.

    Returns:
        ``{"success", "streams", "length", "strings", "steps"}``: whether they were; after how many training streams;
        how far the last test streams were right in the mean, in steps and in strings; the steps of all streams.
    """
    learner, endless, task = prepared.learner, prepared.sets, setting.config.task
    rate, tests, limit = setting.config.learner["rate"], setting.config.until["tests"], setting.config.until["limit"]
    steps, strings, resets = task["steps"], task.get("strings"), task.get("resets", False)

    def full(reach: Reach) -> bool:
        return reach[0] >= steps or reach[1] == strings

    total = 0
    for done in range(1, limit + 1):
        learner.rate = rate
        total += follow(learner, endless, True, steps, strings, resets)[0]
        reached: list[Reach] = []
        while len(reached) < tests and (done == limit or all(map(full, reached[-1:]))):
            reached.append(follow(learner, endless, False, steps, strings, resets))
        total += sum(right for right, _ in reached)
        if len(reached) == tests and all(map(full, reached)):
            break
    lengths = [min(right, steps) for right, _ in reached]
    return {
        "success": all(map(full, reached)),
        "streams": done,
        "length": sum(lengths) / len(lengths),
        "strings": sum(whole for _, whole in reached) / len(reached),
        "steps": total,
    }
