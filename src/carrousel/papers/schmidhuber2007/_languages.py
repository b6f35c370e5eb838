"""Strings of a^n b^n c^n, judged symbol by symbol by evolved cells whose outputs are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row, Trial, mean
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.gers2001 import _trial as gradient
from carrousel.papers.schmidhuber2007._paper import CITATION

__all__ = ["ANBNCN", "Answering", "signs"]


def signs(codes: np.ndarray, symbols: int) -> np.ndarray:
    """Returns symbols as cells see them, ``[steps, symbols]``: 1 for each one's own input, -1 for the others.

    >>> signs(np.array([0, 2]), 3).tolist()
    [[1.0, -1.0, -1.0], [-1.0, -1.0, 1.0]]
    """
    return np.where(np.arange(symbols) == np.asarray(codes)[:, None], 1.0, -1.0)


class Answering:
    """An Evolino that answers for strings as a learner does, so that its reach is found in the same way."""

    def __init__(self, model: Any, symbols: int) -> None:
        self.model, self.symbols = model, symbols

    def sequence_outputs(self, codes: np.ndarray, spans: np.ndarray) -> np.ndarray:
        """Returns the outputs for all strings, ``[steps, outputs]``."""
        inputs = signs(codes, self.symbols)
        return np.concatenate(self.model.predict([inputs[begin:end] for begin, end in spans]))


class _Wrong:
    """Answers every string wrongly."""

    def __init__(self, outputs: int) -> None:
        self.outputs = outputs

    def sequence_outputs(self, codes: np.ndarray, spans: np.ndarray) -> np.ndarray:
        """Returns zeros, ``[steps, outputs]``."""
        return np.zeros((len(codes), self.outputs))


class _Evolving(Prepared):
    """An Evolino; ``sets`` are the strings on which its reach is tried."""

    def ready(self) -> None:
        """Compiles what a trial calls; nothing of it changes."""
        from sklearn.base import clone

        rows = np.zeros((3, self.task.input_size))
        gradient.reach(_Wrong(self.task.output_size), self.sets)  # its strings are worked out once in a process
        small = clone(self.learner).set_params(generations=1, population=2).fit([rows], [rows])
        small.predict([rows])


def _prepare(setting: Setting) -> Prepared:
    about, until, task = setting.config.learner, setting.config.until, setting.config.task
    if about["method"] == "gradient":
        return gradient.prepare(replace(setting, options=_CHOICES))
    from carrousel.learning import Evolino

    options = {name: about[name] for name in ("cells", "spread", "scale", "population", "trials")}
    model = Evolino(
        **options, washout=0, feedback=0, generations=until["generations"],
        random_state=1000 * setting.seed + setting.number,
    )  # fmt: skip
    longer = gradient.language("anbncn", task["longest"])
    return _Evolving(model, gradient.language("anbncn", task["most"]), longer)


def _train(prepared: Prepared, setting: Setting) -> Found:
    """Evolves cells on all training strings, and finds up to which n all strings are accepted."""
    if setting.config.learner["method"] == "gradient":
        return gradient.train(prepared, setting)
    model, task, longer = prepared.learner, prepared.task, prepared.sets
    strings = task.all
    inputs, wanted = signs(strings.inputs, task.input_size), strings.coded()
    spans = strings.spans.tolist()
    model.fit([inputs[begin:end] for begin, end in spans], [wanted[begin:end] for begin, end in spans])
    reach = gradient.reach(Answering(model, task.input_size), longer)
    steps = model.generations_ * model.population * model.trials * len(inputs)
    found: Found = {"success": reach >= task.most, "reach": reach, "trained": model.error_, "steps": steps}
    return {**found, "generations": model.generations_, "weights": len(model.weights_)}


def _summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns a row's figures; means of n are over the networks that accepted all training strings."""
    reached = [trial["reach"] for trial in trials if trial["success"]]
    return {
        "success_rate": len(reached) / len(trials) if trials else None,
        "average": mean(reached),
        "median": median(reached) if reached else None,
        "best": max(reached, default=None),
        "reached": reached,
        "generations": mean([trial["generations"] for trial in trials if "generations" in trial]),
        "sequences_mean": mean([trial["sequences"] for trial in trials if "sequences" in trial and trial["success"]]),
    }


LONGEST = 1_000
_CHOICES = {option: values[0] for option, values in gradient.OPTIONS.items()}


def _evolino(most: int, published: int) -> Row:
    learner = {"method": "evolino", "cells": 5, "spread": 1.0, "scale": 0.1, "population": 20, "trials": 2}
    config = Config({"most": most, "longest": LONGEST}, learner, {"generations": 200})
    columns = {"training strings": f"n = 1..{most}", "network": "5 cells"}
    return Row(f"evolino-{most}", "Evolino", columns, {"average": published}, config)


def _gradient(most: int, published: int) -> Row:
    task = {"language": "anbncn", "most": most, "longest": LONGEST}
    config = Config(task, {"method": "gradient", "rate": 1e-5}, {"limit": 1_000_000, "further": 0})
    columns = {"training strings": f"n = 1..{most}", "network": "2 blocks, 90 weights"}
    return Row(f"gradient-{most}", "LSTM, the gradient rule", columns, {"average": published}, config)


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws what each row's networks reached, beside the published means."""
    from carrousel.pictures.style import BLUE, INK, RED, new_figure, save, tidy

    figure = new_figure(8, 3.6, "How far networks count that were trained on n = 1 to so many, a dot for each")
    axes = figure.subplots()
    for entry in result["rows"]:
        if not entry.get("measured"):
            continue
        row = ANBNCN.row(entry["row"])
        evolved = row.config["method"] == "evolino" if row.config else False
        at = row.config["most"] + (0.7 if evolved else -0.7) if row.config else 0
        reached, colour = entry["measured"]["reached"], RED if evolved else BLUE
        axes.scatter([at] * len(reached), reached, s=26, alpha=0.6, color=colour, linewidth=0)
        axes.plot([at - 0.6, at + 0.6], [row.published["average"]] * 2, color=colour, linewidth=2)
    axes.scatter([], [], color=RED, label="Evolino")
    axes.scatter([], [], color=BLUE, label="LSTM, the gradient rule")
    axes.plot([], [], color=INK, linewidth=2, label="published mean")
    axes.plot([9, 41], [9, 41], color=INK, linewidth=0.6, linestyle=":", label="the training strings")
    axes.set_yscale("log")
    axes.set_xlabel("n of the longest training string")
    axes.set_ylabel("largest n")
    axes.set_xticks([10, 20, 30, 40])
    tidy(axes, grid=True)
    axes.legend(frameon=False, fontsize=8)
    save(figure, path)


_NOTES = """\
**Result.** Evolved cells learn the strings and count beyond them, though not as far as published.

**Evolino** has five cells, as remembered. They see the four symbols as 1 and -1, and nothing is fed back. The outputs'
weights are fitted to all steps of all training strings by pseudo-inverse, and a network is as fit as the squared error
of these steps is small; targets are 1 and -1, told apart by their sign. The evolution takes 200 generations of 20
chromosomes for each cell, each tried in two networks (the paper's takes about 50, of unknown size). First weights are
uniform within 1, and the Cauchy noise has the scale 0.1. First weights within 0.1 count to nothing within 50
generations, and those within 3 or 10 fit the training strings without error and count no further: the fewest errors
are not the best count. That was seen on other seeds, with n = 1..10 and 1..20, where larger populations and an earlier
end did not help.

**How n is found.** The largest n is that up to which all strings are accepted, 1,000 at most. Means are over the
networks that accept all training strings.

**The gradient rule** is `gers2001/anbncn`, trained to the first acceptance of all training strings; that table has
what 300,000 further strings make of it: means of 83, 297, 414 and 398, where strings are tried up to 500.

**Uncertain numbers.** The published means are from memory; those of Evolino are more certain than those of the
gradient rule.
"""


ANBNCN = Experiment(
    "schmidhuber2007/anbncn",
    "a^n b^n c^n by evolved cells with computed outputs: how far does counting generalise?",
    CITATION,
    (
        *(_evolino(most, published) for most, published in ((10, 53), (20, 95), (30, 355), (40, 804))),
        *(_gradient(most, published) for most, published in ((10, 29), (20, 67), (30, 93), (40, 101))),
    ),
    _prepare,
    _train,
    trials=5,
    figures=(
        Column("success_rate", "success", ".0%"),
        Column("average", "mean n"),
        Column("median", "median n"),
        Column("best", "best n"),
        Column("generations", "generations"),
        Column("sequences_mean", "strings"),
    ),
    summary=_summary,
    quick=Quick(
        "five cells that were evolved on the strings with n up to 5 accept all of them",
        lambda rows: rows["evolino-10"]["success_rate"] == 1,
        ("evolino-10",),
        config={"most": 5, "longest": 20, "generations": 40},
    ),
    pictures=(Picture("reached", "How far networks count, beside the published means", _draw),),
    source="from memory",
    outcome="partly",
    finding="Evolved cells count beyond their training strings, though not as far as published.",
    notes=_NOTES,
)
