"""Hochreiter & Schmidhuber 1997, experiments 4 and 5: the adding and the multiplication problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.papers._experiment import SUCCESS, Column, Config, Experiment, Picture, Quick, Row, Trial
from carrousel.papers._trial import Prepared, Setting, first_success
from carrousel.papers.hochreiter1997 import _ending
from carrousel.papers.hochreiter1997._paper import CITATION
from carrousel.tasks import Adding, Multiplication

__all__ = ["ADDING", "MULTIPLICATION"]

_AVERAGE = ("absolute", "squared")
# Cross entropy is the error whose delta has no derivative of the logistic function.
_OUTPUTS = {
    "identity": ("identity", "squared"),
    "logistic": ("sigmoid", "squared"),
    "logistic-plain": ("sigmoid", "cross_entropy"),
}
_NETWORK = {"blocks": 2, "block_size": 2, "biased": "cell input_gate output_gate output"}


def _task(config: Config, options: Mapping[str, str]) -> Adding:
    kind = Multiplication if config.task["product"] else Adding
    return kind(config.task["T"], {"hidden": -1.0, "shown": 1.0}[options["first_pair"]])


def _learner(config: Config, options: Mapping[str, str]) -> dict[str, Any]:
    squash, loss = _OUTPUTS[options["output"]]
    return {**_ending.with_cells(config.learner, options["cells"]), "unit_squash": squash, "loss": loss}


def _prepare(setting: Setting) -> Prepared:
    config, options = setting.config, setting.options
    return _ending.prepared(_task(config, options), _learner(config, options), setting.rng)


def _adding_row(T: int, published: dict[str, Any]) -> Row:
    config = Config(
        {"product": False, "T": T},
        {**_NETWORK, "biases": {"input_gate": [-3, -6]}, "rate": 0.5},
        {"wrong": 1, "error": 0.01, "block": 400 if T < 500 else 100, "limit": 3_000_000},
    )
    columns = {"T": f"{T:,}", "minimal lag": str(T // 2), "weights": "93"}
    published = {"trials": 10, "success_rate": 1.0, **published, "wrong_max": 3, "error_max": "< 0.01"}
    return Row(f"T{T}", "LSTM", columns, published, config)


def _multiplication_row(n_seq: int, published: dict[str, Any]) -> Row:
    config = Config(
        {"product": True, "T": 100},
        {**_NETWORK, "biases": {}, "rate": 0.1},
        {"wrong": n_seq, "error": None, "block": 400, "limit": 5_000_000},
    )
    columns = {"T": "100", "minimal lag": "50", "weights": "93", "n_seq": str(n_seq)}
    return Row(f"n{n_seq}", "LSTM", columns, {"trials": 10, "success_rate": 1.0, **published}, config)


_ADDING = (
    _adding_row(100, {"sequences_mean": 74_000, "wrong_mean": 1}),
    _adding_row(500, {"sequences_mean": 209_000, "wrong_mean": 0}),
    _adding_row(
        1000, {"sequences_mean": 853_000, "sequences_min": 370_000, "sequences_max": 2_020_000, "wrong_mean": 1}
    ),
)

_MULTIPLICATION = (
    _multiplication_row(
        140,
        {"sequences_mean": 482_000, "wrong_mean": 139, "wrong_max": 170, "rms_mean": 0.0223, "error_max": "< 0.026"},
    ),
    _multiplication_row(
        13, {"sequences_mean": 1_273_000, "wrong_mean": 14, "wrong_max": 15, "rms_mean": 0.0139, "error_max": "< 0.013"}
    ),
)


def _root_mean_square(trials: Sequence[Trial]) -> dict[str, Any]:
    """Sums up a row, with the root of the mean squared error."""
    won = [sqrt(trial["squared_error"]) for trial in trials if trial["success"]]
    return {**_ending.summary(trials), "rms_mean": float(np.mean(won)) if won else None}


_SHARED = """\
The average error is the mean absolute error of the 2,000 most recent training sequences; average=squared takes the
squared error. What the marker of the first pair is when it is marked is not said: with first_pair=hidden it stays -1
and the mark cannot be seen, with first_pair=shown it is 1. The second mark can be on the first pair too, and then
counts as the first does. A trial is tested with the weights of the very sequence that met the criterion.
"""

_ADDING_NOTES = f"""\
Every trial learns to add, and all three means are within a factor of 2 of the published ones, for networks that depart
from the printed ones in two places. As printed, T = 100 takes some twenty times as many sequences.

The default departs from what is printed in two places: cells have no biases, which makes 89 weights (cells=biased: 93),
and the output unit is the identity (output=logistic). Tables of what is printed stand below.

Cells' biases. The paper has them to make states drift on purpose. Here they make the time at chance grow with the
square of T, and the reason is plain enough to be calculated. A change of a cell's bias moves its state by T times as
much, so chance errors, multiplied by the output weight, move the mean state; multiplied by the mean state, they move
the output weight. Errors that are mere noise so multiply both again and again by 1 + x and 1 - x, which shrinks them:
with T = 500 the output weights stand at zero, to two digits, after 1,600 sequences. What teaches the gates about the
marker goes through these weights. With errors' variance 1/24 and a covariance of 1/6 of the marked inputs' sum and the
target, the time in which the marker's weights grow by a factor of e comes out as T^2 n / 1.3 sequences, n being the sum
of the squares of what is always on and feeds the cells: 1.5 with biases (the output gates stand at about 1/2), 0.5
without, and 0 if the gates do not feed the cells either. Neither the learning rate nor the gates' biases are in it, for
both growth and shrinking go with their squares. Observed with T = 500: 700,000 to 1,360,000 sequences at chance,
260,000 to 430,000, and 86,000.

The output unit. The paper says that all activation functions are logistic but for g and h, the output unit's therefore
too. With output=logistic sums near -2 and 2, which want outputs near 0 and 1, stay out of reach for long: with T = 100
and biased cells the criterion was met after 1.7 million sequences in the mean. output=logistic-plain, which leaves the
logistic function's derivative out of the unit's delta, needs some 220,000 with unbiased cells, three times the
published mean. With T = 100 and biased cells other rates (1, 2, 4), float64, other biases of the input gates (-1 and
-2), or g and h with the ranges of table 10's caption did not help.

{_SHARED}"""

_MULTIPLICATION_NOTES = f"""\
Every trial learns to multiply, to both criteria, within a factor of 2 of the published means; in two readings that were
chosen for this. With the other readings it takes three times as many sequences, or is not learned.

The output unit is logistic, as the paper says; output=identity did not meet even the first criterion within 2,000,000
sequences in two trials. By default its delta is the plain error t - y, as if the error were a cross entropy; with
output=logistic it is multiplied by the logistic function's derivative, as in the paper's appendix. The first criterion
was then met after three times the published mean, the second by 3 of 10 trials within 5,000,000 sequences (with
first_pair=hidden). With first_pair=hidden and the plain error both criteria are met earlier than published, the second
by more than a factor 2. Both readings were chosen by how near they come. cells=unbiased shortens the time at chance
here too, from some 290,000 sequences to 90,000 in a trial each.

The paper tests each trial twice. Here there is a row for each of the two moments; trials of the same number are the
same trial, as far as both go, and have the same test set.

The column that the paper calls MSE cannot be a mean squared error: if 139 of 2,560 normally distributed errors are
above 0.04, their root mean square is about 0.021, and with 14 about 0.014, near to the 0.0223 and 0.0139 that are
printed. So it is set beside the root mean square.

{_SHARED}"""


def _draw_adding_errors(path: Path, result: Mapping[str, Any]) -> None:
    _ending.draw_errors(path, result, _ADDING, "T = {T}")


def _draw_multiplication_errors(path: Path, result: Mapping[str, Any]) -> None:
    _ending.draw_errors(path, result, _MULTIPLICATION, "n_seq = {n_seq}")


def _draw_trace(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.hochreiter1997._adding_picture import draw

    trained = first_success(ADDING, "T100", result, wrong=100, error=None, limit=200_000)
    draw(path, *trained, np.random.default_rng([result["seed"], 2]))


def _quick(wrong: int, T: int) -> dict[str, Any]:
    return {"T": T, "wrong": wrong, "error": None, "limit": 200_000}


ADDING = Experiment(
    "hochreiter1997/adding",
    "The adding problem: the sum of two marked numbers among hundreds",
    f"{CITATION}. Experiment 4, table 7",
    _ADDING,
    _prepare,
    _ending.train,
    trials=10,
    figures=(*SUCCESS, *_ending.TESTED),
    summary=_ending.summary,
    options={
        "cells": ("unbiased", "biased"),
        "output": ("identity", "logistic", "logistic-plain"),
        "first_pair": ("hidden", "shown"),
        "average": _AVERAGE,
    },
    quick=Quick(
        "LSTM adds two marked numbers among 30 to 33: nine of ten of 2,000 sequences are right, and the mean error on "
        "fresh ones is less than half of 1/6, which the best constant answer has",
        lambda rows: rows["T100"]["success_rate"] == 1 and rows["T100"]["error_max"] < 1 / 12,
        ("T100",),
        trials=2,
        config=_quick(200, 30),
    ),
    pictures=(
        Picture("curves", _ending.LINES, _draw_adding_errors),
        Picture("trace", "Gates and states of a learned network over one sequence with its two marks", _draw_trace),
    ),
    notes=_ADDING_NOTES,
)

MULTIPLICATION = Experiment(
    "hochreiter1997/multiplication",
    "The multiplication problem: the product of two marked numbers among a hundred",
    f"{CITATION}. Experiment 5, table 8",
    _MULTIPLICATION,
    _prepare,
    _ending.train,
    trials=10,
    figures=(*SUCCESS, Column("rms_mean", "root mean square", ".4f"), *_ending.TESTED),
    summary=_root_mean_square,
    options={
        "cells": ("biased", "unbiased"),
        "output": ("logistic-plain", "logistic", "identity"),
        "first_pair": ("shown", "hidden"),
        "average": _AVERAGE,
    },
    quick=Quick(
        "LSTM multiplies two marked numbers among 20 to 22: two of three of 2,000 sequences are right, and the mean "
        "error on fresh ones is less than half of the 0.18 that the best constant answer has",
        lambda rows: rows["n140"]["success_rate"] == 1 and rows["n140"]["error_max"] < 0.09,
        ("n140",),
        config=_quick(666, 20),
    ),
    pictures=(Picture("curves", _ending.LINES, _draw_multiplication_errors),),
    notes=_MULTIPLICATION_NOTES,
)
