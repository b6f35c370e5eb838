"""The network, the training and the test of experiments 3 to 6, where the error comes at sequences' ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.learning.online import Learner, Network
from carrousel.papers._experiment import Column, Row, Trial, success
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers._until import until_window
from carrousel.tasks import Task

__all__ = [
    "LINES",
    "TEST",
    "TESTED",
    "draw_errors",
    "network",
    "prepared",
    "summary",
    "tested",
    "train",
    "with_cells",
]

TEST = 2_560
"""The sequences of the test of a trial that succeeded."""

TESTED = (
    Column("wrong_mean", f"wrong of {TEST}", ",.1f"),
    Column("wrong_max", "at most", "d"),
    Column("error_max", "mean error at most", ".4f"),
)
"""The columns of that test."""

LINES = "Mean absolute error of the sequences learned, one line for each trial"
"""The caption of a picture by :func:`draw_errors`."""


def with_cells(learner: Mapping[str, Any], cells: str) -> dict[str, Any]:
    """Returns a configuration's learner with cells that are ``"biased"``, as the paper says, or ``"unbiased"``."""
    groups = [group for group in learner["biased"].split() if group != "cell" or cells == "biased"]
    return {**learner, "biased": " ".join(groups)}


def network(task: Task, learner: Mapping[str, Any]) -> Network:
    """Returns the paper's network: the hidden layer sees the inputs and itself, outputs see the cells.

    Weights and biases are uniform in [-0.1, 0.1], but for the biases that ``learner["biases"]`` gives. ``"biased"``
    names the groups that have biases, ``"unit_squash"`` the output units' squashing function.
    """
    blocks, size, squash = learner["blocks"], learner["block_size"], learner["unit_squash"]
    plain = Network(task.input_size, task.output_size, blocks, size, init=0.1, unit_squash=squash)
    return plain.biased(learner["biased"], **{group: tuple(values) for group, values in learner["biases"].items()})


def prepared(task: Task, learner: Mapping[str, Any], rng: np.random.Generator) -> Prepared:
    """Returns a learner and its task; ``learner["loss"]`` is its loss, by default squared."""
    net = network(task, learner)
    return Prepared(Learner(net, learner["rate"], loss=learner.get("loss", "squared"), seed=rng), task)


def train(prepared: Prepared, setting: Setting) -> Found:
    """Trains until the criterion of experiments 4 to 6 is met, then tests."""
    until, squared = setting.config.until, setting.options["average"] == "squared"
    found = until_window(prepared.learner, prepared.task, setting.rng, squared=squared, **until)
    return {**found, **(tested(prepared, setting) if found["success"] else {})}


def tested(prepared: Prepared, setting: Setting) -> Found:
    """Tests on fresh sequences; returns how many are wrong, and mean absolute and squared errors."""
    task = prepared.task
    drawn = task.draw(setting.apart(1), TEST)
    answers = drawn.outputs_of(prepared.learner)
    off = np.abs(answers - drawn.goals)
    wrong = int((~task.right(answers, drawn)).sum())
    return {"wrong": wrong, "error": float(off.mean()), "squared_error": float((off**2).mean())}


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns a row's figures: when trials succeeded, and how these did on the test set."""
    won = [trial for trial in trials if trial["success"]]
    figures: dict[str, Any] = {**success(trials), "curves": [trial["curve"] for trial in trials]}
    if won:
        for key in ("wrong", "error", "squared_error"):
            figures[f"{key}_mean"] = float(np.mean([trial[key] for trial in won]))
            figures[f"{key}_max"] = max(trial[key] for trial in won)
    return figures


def draw_errors(path: Path, result: Mapping[str, Any], rows: Sequence[Row], title: str) -> None:
    """Draws the training errors of every trial, a panel for each row that was run; ``title`` has the row's columns."""
    from carrousel.pictures.curves import Curves, draw_curves
    from carrousel.pictures.style import save

    columns = {row.name: row.columns for row in rows}
    panels = []
    for entry in result["rows"]:
        measured = entry.get("measured", {})
        if not measured.get("curves"):
            continue
        lines = [
            ([(k + 0.5) * curve["every"] / 1000 for k in range(len(curve["errors"]))], curve["errors"])
            for curve in measured["curves"]
        ]
        means = [figures.get("sequences_mean") for figures in (entry["published"], measured)]
        published, mean = (value / 1000 if value else None for value in means)
        panels.append(Curves(title.format(**columns[entry["row"]]), lines, published, mean))
    save(draw_curves(panels, xlabel="training sequences / 1,000", ylabel="mean absolute error"), path)
