"""One network of Gers, Schraudolph & Schmidhuber 2002, trained on streams that end at the first wrong output."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from carrousel.learning.online import Descent, Learner, Network
from carrousel.papers._experiment import SUCCESS, Figure, Trial, success
from carrousel.tasks import GeneratingSpikes, MeasuringDelays, PeriodicFunction, TimedStream

__all__ = [
    "CITATION",
    "FIGURES",
    "GATES",
    "NOTES",
    "ROUNDS",
    "Task",
    "network",
    "prepared",
    "summary",
    "task",
    "train",
    "trial",
]

CITATION = (
    "F. A. Gers, N. N. Schraudolph, J. Schmidhuber: Learning precise timing with LSTM recurrent networks. "
    "Journal of Machine Learning Research 3, 2002"
)
LEARNED, TESTED = 100, 1_000  # periods of a stream
ROUNDS = 10_000  # streams learned from in one call
GATES = ("-1,+2,-2", "0,+2,-2", "0,-2,+2")
"""Initial biases of input, forget and output gate."""
FIGURES = (*(Figure(each.key, each.heading, each.form) for each in SUCCESS), Figure("rmse", "RMSE", ".3f"))
NOTES = f"""
A stream ends at the first wrong output, which is learned from too, or after {LEARNED} periods; a test stream of up to
{TESTED:,} follows each, with weights that do not change; success is a test stream that is right to its end. States
begin at zero in each stream, momentum goes on. "Sequences" are the streams learned from. RMSE is over {TESTED:,}
periods, of the networks that succeeded.

The record of the paper gives initial biases 0, -2 and 2 for input, forget and output gates. With these almost nothing
is learned: a cell whose forget gate is nearly closed holds nothing. Forget gates are meant to begin open, and the
paper of 2001, by two of the authors, has -1, 2 and -2, which is the default here (`gates=-1,+2,-2`) and gives numbers
of streams near the published ones; `gates=0,+2,-2` is the record with the signs turned. Rate and momentum are an
option: `descent=paper` takes the published pair.
""".strip()

Task = MeasuringDelays | GeneratingSpikes | PeriodicFunction


def network(peepholes: bool, squash: str = "sigmoid", gates: str = GATES[0]) -> Network:
    """The paper's network: 17 weights, 14 without peepholes.

    One input, one block of one cell, one output; gates and the cell see the input, the cell and a bias, the output
    the cell and a bias.

    >>> network(True).weight_count, network(False).weight_count
    (17, 14)
    """
    names = ("input_gate", "forget_gate", "output_gate")
    first = dict(zip(names, (float(bias) for bias in gates.split(",")), strict=True))
    return Network(
        1,
        1,
        forget_gates=True,
        peepholes=peepholes,
        input_squash="identity",
        output_squash="identity",
        unit_squash=squash,
        feeds={**dict.fromkeys(("cell", *names), "input cell bias"), "output": "cell bias"},
        init=0.1,
        bias_init={gate: (bias,) for gate, bias in first.items()},
    )


def task(config: Mapping[str, Any], options: Mapping[str, str]) -> Task:
    """The task of a row."""
    if config["task"] == "measuring":
        return MeasuringDelays(config["period"], tuple(config["intervals"]), options["between"] == "zero")
    constant = float(options["input"] == "one")
    if config["task"] == "generating":
        return GeneratingSpikes(config["period"], constant)
    return PeriodicFunction(config["shape"], config["period"], constant, config["tolerance"])


def prepared(config: Mapping[str, Any], options: Mapping[str, str], rng: np.random.Generator) -> Learner:
    """The network with its first weights, compiled."""
    rate, momentum = config["descent"][options["descent"]]
    net = network(config["peepholes"], config["squash"], options["gates"])
    learner = Learner(net, Descent(rate, momentum), seed=rng)
    learner.rehearse([[0.0]], [[0.0]], [[0, 0]], [[0, 0]], 0.0)
    return learner


def train(
    learner: Learner, chosen: Task, limit: int, rng: np.random.Generator, tested: int = TESTED
) -> tuple[bool, int, int, TimedStream]:
    """Trains until a test succeeds.

    Returns:
        Whether one did; the number of streams learned from; that of all steps; the last steps that were drawn.
    """
    done = steps = 0
    drawn = isinstance(chosen, MeasuringDelays)
    stream = chosen.stream(tested, rng)
    while done < limit:
        rounds = min(ROUNDS, limit - done)
        if drawn:
            stream = chosen.stream(2 * ROUNDS + tested, rng)
        learned, test = (stream.spans(rng, rounds, periods) for periods in (min(LEARNED, tested), tested))
        right = learner.rehearse(stream.inputs, stream.targets, learned, test, chosen.tolerance)
        done += len(right)
        lengths = np.stack([spans[:, 1] - spans[:, 0] for spans in (learned, test)], 1)[: len(right)]
        steps += int(np.minimum(right + 1, lengths).sum())
        if len(right) and right[-1, 1] == lengths[-1, 1]:
            return True, done, steps, stream
    return False, done, steps, stream


def trial(config: Mapping[str, Any], options: Mapping[str, str], seed: int, number: int) -> Trial:
    """Trains one network until a test of 1,000 periods is right."""
    rng = np.random.default_rng([seed, number])
    learner, chosen = prepared(config, options, rng), task(config, options)
    start = time.perf_counter()
    learned, sequences, steps, stream = train(learner, chosen, config["limit"], rng, config.get("tested", TESTED))
    found: dict[str, Any] = {"success": learned, "sequences": sequences, "steps": steps}
    if learned:
        outputs = learner.sequence_outputs([stream.inputs])
        found["rmse"] = float(np.sqrt(np.nanmean((outputs - stream.targets) ** 2)))
    return {**found, "seconds": time.perf_counter() - start}


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Successes, and the errors of the networks that had one."""
    errors = [trial["rmse"] for trial in trials if trial["success"]]
    return {**success(trials), "rmse": sum(errors) / len(errors) if errors else None}
