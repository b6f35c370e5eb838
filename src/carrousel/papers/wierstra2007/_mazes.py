"""Wierstra and others 2007: the T-maze and the maze of 89 states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from carrousel.papers._experiment import Column, Config, Experiment, Quick, Row, Trial, mean
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.wierstra2007._agents import Walk, agent_of
from carrousel.papers.wierstra2007._paper import CITATION
from carrousel.tasks import Maze89, TMaze

__all__ = ["MAZE", "T_MAZE"]

LENGTHS = (5, 10, 20, 30, 50, 70, 100)
RIGHT = 0.8  # the share of right turns above which a trial has succeeded, as in Bakker's T-maze
LEARNER = {"hidden": 16, "rate": 0.05, "discount": 1.0, "forget_bias": 5.0, "sees_actions": False, "batch": 50}
IN_MAZE = {"hidden": 16, "rate": 0.02, "discount": 0.98, "forget_bias": 1.0, "sees_actions": True, "batch": 40}


class _Still:
    """Stands where nothing is to be compiled."""

    agent = Walk()

    def ready(self) -> None:
        """Has nothing to compile."""


def _prepare_t(setting: Setting) -> Prepared:
    world = TMaze(setting.config["length"], limit=setting.config["patience"] * setting.config["length"])
    return Prepared(agent_of(world, setting), world)


def _train_t(prepared: Prepared, setting: Setting) -> Found:
    """Lives until enough turns of a test are right, or for as many steps as there may be."""
    agent, world, config = prepared.learner.agent, prepared.task, setting.config
    episodes = steps = 0
    right = 0.0
    while steps < config["limit"] and right <= RIGHT:
        lived = agent.live(world, 500, batch=config["batch"], seed=int(setting.rng.integers(2**31)))
        episodes, steps = episodes + len(lived), steps + lived.steps_made
        right = float((agent.try_out(world, config["tests"], seed=episodes).last_rewards > 0).mean())
    return {
        "success": right > RIGHT, "sequences": episodes, "steps": steps, "right": right,
        "weights": agent.weight_count,
    }  # fmt: skip


def _row_t(length: int) -> Row:
    until = {"limit": 60_000 * length, "tests": 200}
    config = Config({"length": length, "patience": 20}, LEARNER, until)
    return Row(f"lstm-{length}", "recurrent policy gradient", {"N": str(length)}, {}, config)


def _learns_t(measured: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(measured["lstm-5"]["success_rate"] == 1)


_NOTES_T = """\
**What came out.** The sign is remembered through corridors of 5, 10 and 20 steps, in 3, 2 and 2 of three trials, after
about 5,000 and, of 20 steps, 15,000 episodes. Longer corridors, in which the paper succeeds, were not run.

The paper has the T-maze of Bakker 2002 and solves longer corridors than he did, up to about N = 100, as far as is
remembered; its sizes, rates and batches are not published. Here both nets have 16 LSTM cells whose forget gates begin
open (a bias of 5), rates are 0.05 with Adam, a batch is 50 episodes, and rewards are not discounted. These were chosen
with N = 5 and N = 10, one seed each; with a discount, or smaller rates, the way is found and the sign is not
remembered. An episode ends after 20 times the corridor's length. A trial has succeeded when more than 80 % of the
turns are right in a test of 200 episodes with the stochastic policy, after every 500 episodes, and has 60,000 N
steps."""


def _walks(setting: Setting) -> bool:
    return bool(setting.config["walks"])


def _prepare_maze(setting: Setting) -> Prepared:
    world = Maze89()
    return Prepared(_Still() if _walks(setting) else agent_of(world, setting), world)


def _train_maze(prepared: Prepared, setting: Setting) -> Found:
    """Lives for as many episodes as there are, and acts in as many tests."""
    agent, world, config = prepared.learner.agent, prepared.task, setting.config
    episodes = steps = 0
    while not _walks(setting) and episodes < config["episodes"]:
        more = min(10 * config["batch"], config["episodes"] - episodes)
        lived = agent.live(world, more, batch=config["batch"], seed=int(setting.rng.integers(2**31)))
        episodes, steps = episodes + len(lived), steps + lived.steps_made
    told = agent.try_out(world, config["tests"], seed=1 + setting.number)
    reached = float((told.last_rewards > 0).mean())
    return {
        "success": reached > 0.9, "sequences": episodes, "steps": steps + told.steps_made, "reached": reached,
        "median": float(np.median(told.steps)), "weights": agent.weight_count,
    }  # fmt: skip


def _summary_maze(trials: Sequence[Trial]) -> dict[str, Any]:
    reached = [trial["reached"] for trial in trials]
    return {
        "reached": mean(reached), "least": min(reached, default=None), "most": max(reached, default=None),
        "median": mean([trial["median"] for trial in trials]),
    }  # fmt: skip


def _row_maze(name: str, label: str, walks: bool, published: dict[str, Any]) -> Row:
    config = Config({"walks": walks}, IN_MAZE, {"episodes": 8000, "tests": 1000})
    return Row(name, label, {}, published, config)


def _learns_maze(measured: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(measured["lstm"]["reached"] > measured["walk"]["reached"] + 0.02)


_NOTES_MAZE = """\
**What came out.** The goal is reached in 95.4 % of the episodes (91.7 to 99.1 %), in a median of 52 steps, where the
figures that are remembered are 95 % and 50 to 60. A walk at random reaches it in 23 %.

Remembered figures are uncertain: about 95 % of the episodes reach the goal by the paper's agent, in a median of 50 to
60 steps; 93.9 %, in 61, by Bakker's. Sizes, rates and batches are not published. Here both nets have 16 LSTM cells and
see the last action too, rates are 0.02 with Adam, a batch is 40 episodes, and later rewards count 0.98 a step; none of
these was searched for. An episode ends after 251 steps; the median counts an episode without the goal as 251. A trial
learns from 8,000 episodes, and is measured in 1,000 others with the stochastic policy. The walk at random takes every
action equally often."""


def _experiment(name: str, title: str, rows: tuple[Row, ...], **about: Any) -> Experiment:
    return Experiment(f"wierstra2007/{name}", title, CITATION, rows, trials=3, source="from memory", **about)


T_MAZE = _experiment(
    "t-maze",
    "T-maze: remember a sign through a corridor, by recurrent policy gradients",
    tuple(_row_t(length) for length in LENGTHS),
    prepare=_prepare_t,
    train=_train_t,
    figures=(
        Column("success_rate", "success", ".0%"),
        Column("sequences_mean", "episodes"),
        Column("sequences_min", "from"),
        Column("sequences_max", "to"),
    ),
    quick=Quick(
        "LSTM turns as the sign has said, a step before", _learns_t, ("lstm-5",),
        config={"length": 1, "hidden": 8, "limit": 15_000},
    ),
    outcome="partly",
    finding=(
        "Policy gradients learn to remember the sign through corridors of 5 to 20 steps, in seven trials of nine; "
        "longer ones were not run."
    ),
    notes=_NOTES_T,
)  # fmt: skip

MAZE = _experiment(
    "maze",
    "A maze of 89 states that look alike, seen and acted in unreliably",
    (
        _row_maze("lstm", "recurrent policy gradient", False, {"reached": 0.95, "median": 55}),
        _row_maze("walk", "a walk at random", True, {}),
        Row("quoted-advantage", "Advantage(lambda), LSTM (Bakker 2002)", {}, {"reached": 0.939, "median": 61}),
    ),
    prepare=_prepare_maze,
    train=_train_maze,
    figures=(
        Column("reached", "goal reached", ".1%", compared=True),
        Column("least", "from", ".1%"),
        Column("most", "to", ".1%"),
        Column("median", "median steps", compared=True),
    ),
    summary=_summary_maze,
    quick=Quick(
        "after 400 episodes the goal is reached more often than by a walk at random", _learns_maze, ("lstm", "walk"),
        config={"episodes": 400, "tests": 500, "batch": 20, "rate": 0.04},
    ),
    outcome="yes",
    finding=(
        "The goal is reached in 95 % of the episodes, in a median of 52 steps: as published; a walk at random reaches "
        "it in 23 %."
    ),
    notes=_NOTES_MAZE,
)  # fmt: skip
