"""Bakker 2002: the T-maze and its noisy form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel.learning.acting import Advantage, Explorer
from carrousel.learning.before_lstm import ElmanNetwork
from carrousel.learning.online import Learner, Network
from carrousel.papers._experiment import Column, Config, Experiment, Quick, Row
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.bakker2002._paper import CITATION
from carrousel.tasks import MemoryBits, TMaze

__all__ = ["NOISY_T_MAZE", "T_MAZE"]

LENGTHS = (5, 10, 15, 20, 25, 30, 40, 50, 60, 70)
RIGHT = 0.8  # the share of right turns, with the stochastic policy, above which a run has succeeded
PATIENCE = 50  # a test episode is cut off after so many times the corridor's length, and counts as wrong
COMMON = {"discount": 0.98, "trace": 0.8, "kappa": 0.1}
EXPLORER = {"hidden": 8, "rate": 0.003, "beta": 0.9, "per_value": 0.03, "coldest": 0.03, "hottest": 5.0}
GATES = {"input_gate": -2.0, "forget_gate": 5.0}  # their first biases: see the notes for how they were chosen
TEMPERATURE = 0.5  # of the table, which has no net to direct it
GROUPS = "cell input_gate forget_gate output_gate hidden output"


def _learner(config: Config, inputs: int, actions: int, seed: int) -> Learner | ElmanNetwork:
    kind = config["kind"]
    if kind == "lstm":
        network = Network(inputs, actions, blocks=3, hidden=12, forget_gates=True, unit_squash="identity")
        first = {group: (bias,) * 3 for group, bias in config["gates"].items()}
        return Learner(network.biased(GROUPS, **first), dtype=np.float64, seed=seed)
    if kind == "elman":
        return ElmanNetwork(inputs, 16, actions, init=0.1, seed=seed)
    shape = Network(inputs, actions, blocks=0, feeds={"output": "input"}, unit_squash="identity", init=1e-3)
    return Learner(shape, dtype=np.float64, seed=seed)


def _prepare(setting: Setting) -> Prepared:
    config = setting.config
    maze = TMaze(config["length"], config["noisy"])
    world = MemoryBits(maze) if config["kind"] == "bits" else maze
    seeds = setting.rng.integers(0, 2**31, 3).tolist()
    learner = _learner(config, world.observation_space.shape[0], world.action_space.n, seeds[0])
    explorer = None if config["kind"] == "bits" else Explorer(**config["explorer"])
    agent = Advantage(
        learner, config["rate"], explorer=explorer, temperature=TEMPERATURE, seed=seeds[1], **dict(COMMON)
    )
    world.reset(seed=seeds[2])
    return Prepared(agent, world)


def _train(prepared: Prepared, setting: Setting) -> Found:
    """Lives until enough turns of a test are right, or for as many steps as there may be."""
    agent, world, until = prepared.learner, prepared.task, setting.config.until
    limit = PATIENCE * setting.config["length"]
    maze = TMaze(setting.config["length"], setting.config["noisy"])
    place = MemoryBits(maze, limit=limit) if setting.config["kind"] == "bits" else TMaze(maze.length, maze.noisy, limit)
    made = episodes = tests = 0
    right = 0.0
    while made < until["limit"] and right <= RIGHT:
        try:
            lived = agent.live(world, until["interval"])
        except ValueError:  # its weights have grown beyond all bounds
            break
        made += lived.steps_made
        episodes += len(lived)
        right = float((agent.try_out(place, until["tests"], seed=tests).last_rewards > 0).mean())
        tests += 1
    weights = agent.learner.weight_count
    return {"success": right > RIGHT, "sequences": episodes, "steps": made, "right": right, "weights": weights}


def _row(noisy: bool, kind: str, length: int) -> Row:
    label = {"lstm": "LSTM", "elman": "Elman network, exact gradient", "bits": "table and a bit of memory"}[kind]
    rate = {"lstm": 0.0002, "elman": 0.001, "bits": 0.01}[kind]
    most = {"lstm": 5_000_000, "elman": 500_000, "bits": 3_000_000}[kind]
    columns = {"N": str(length), "learning rate": f"{rate:g}"}
    learner = {"kind": kind, "rate": rate, "explorer": EXPLORER}
    if kind == "lstm":
        learner["gates"] = GATES
    config = Config({"length": length, "noisy": noisy}, learner, {"limit": most, "interval": 25_000, "tests": 200})
    published = {"trials": 10, **({"success_rate": 1.0} if kind == "lstm" and length <= 50 else {})}
    return Row(f"{kind}-{length}", label, columns, published, config)


def _rows(noisy: bool) -> tuple[Row, ...]:
    return tuple(_row(noisy, kind, length) for kind in ("lstm", "elman", "bits") for length in LENGTHS)


_RAN = """\
LSTM solved ten of ten runs in corridors of 5 to 30 steps, eight at 40 and at 50, seven at 60 and five at 70, within
5,000,000 steps. The table with a bit of memory solved six of ten at 5 and none at 10. Elman's network solved none of
ten at 5 within its 500,000 steps. So LSTM remembers far longer than the others, as published, but two runs fail at 40
and at 50. Elman's network and the table were not run in longer corridors; `carrousel reproduce bakker2002/t-maze` goes
on from what is there."""

_RAN_NOISY = """\
LSTM solved ten of ten runs in noisy corridors of 5 and of 20 steps and seven at 50, about as many as without noise. The
table with a bit of memory, whose boxes the noise crosses, solved none of ten at 5, and Elman's network none within its
500,000 steps. The other lengths were not run; `carrousel reproduce bakker2002/noisy-t-maze` goes on from what is
there."""

_NOTES = """\
The paper says in its figure how many of ten runs succeed, and how many episodes they take; that LSTM solves ten of
ten to N = 50 is remembered from there, the other numbers are not known.

What the paper leaves open is the net of directed exploration. Its sizes, beta, rate and temperatures were searched
with N = 10 alone, three or four runs for each setting: eight hidden units, beta 0.9, a rate of 0.003, and a
temperature of 0.03 times what the net says, at least 0.03. The table with its bit has a constant temperature, 0.5,
for it has no net; a bit is switched by an action of its own, which takes a step. The Elman network has the exact
gradient, which back-propagation through time has without an end; it is given 500,000 steps, LSTM 5,000,000, the table
3,000,000. First weights are uniform in ±0.1. A test is 200 episodes with the stochastic policy after every 25,000
steps; an episode that takes fifty times the corridor is wrong.

First biases of the gates are not known. With none, LSTM solved seven of ten runs at 30, three at 40, one at 50 and none
beyond. Forget gates that begin open, with a bias of 5, learned a corridor of 10 steps four times as fast, the best of
0, 1, 2, 3 and 5; but in long ones the cells filled up with what the corridor shows. Input gates that begin half shut,
with -2, hold against it: at 50 steps four of four runs succeeded with -2 and -3 and three with -1, on seeds that are
none of the table's. At 10 steps they take twice as long."""


def _experiment(noisy: bool, claim: str, finding: str) -> Experiment:
    noise = ", with noise" if noisy else ""
    return Experiment(
        f"bakker2002/{'noisy-' if noisy else ''}t-maze",
        f"T-maze: remember a sign through a corridor that looks the same everywhere{noise}",
        f"{CITATION}. Section 4",
        _rows(noisy),
        _prepare,
        _train,
        trials=3,
        figures=(
            Column("success_rate", "success", ".0%", compared=True),
            Column("sequences_mean", "episodes"),
            Column("sequences_min", "from"),
            Column("sequences_max", "to"),
        ),
        quick=Quick(claim, _holds, ("lstm-5",), config={"rate": 0.001, "interval": 20_000}),
        source="from memory",
        outcome="partly",
        finding=finding,
        notes=f"{_RAN_NOISY if noisy else _RAN}\n\n{_NOTES}",
    )


_FINDING = (
    "LSTM solves all of ten runs to 30 steps, eight at 40 and 50, seven at 60 and five at 70; an Elman network and a "
    "bit of memory fail much earlier."
)
_NOISY_FINDING = (
    "LSTM solves all of ten runs through 5 and 20 steps of noise and seven through 50; a bit of memory and an Elman "
    "network none through 5."
)


def _holds(measured: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(measured["lstm-5"]["success_rate"] == 1)


T_MAZE = _experiment(False, "LSTM turns as the sign has said, five steps before", _FINDING)
NOISY_T_MAZE = _experiment(True, "LSTM turns as the sign has said, through five steps of noise", _NOISY_FINDING)
