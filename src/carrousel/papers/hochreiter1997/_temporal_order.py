"""Hochreiter & Schmidhuber 1997, experiment 6: temporal order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import SUCCESS, Experiment, Figure, Picture, Quick, Row, Trial
from carrousel.papers.hochreiter1997 import _ending
from carrousel.papers.hochreiter1997._curves import draw_curves
from carrousel.tasks import TemporalOrder

__all__ = ["TEMPORAL_ORDER"]


def _trial(config: Mapping[str, Any], options: Mapping[str, str], seed: int, number: int) -> Trial:
    task = TemporalOrder(config["relevant"])
    return _ending.trial(task, config, options["average"] == "squared", seed, number)


def _row(name: str, relevant: int, rate: float, weights: int, trials: int, published: dict[str, Any]) -> Row:
    config = {
        "blocks": relevant,
        "block_size": 2,
        "biased": "cell input_gate output_gate output",
        "biases": {"input_gate": [-2, -4, -6][:relevant]},
        "unit_squash": "sigmoid",
        "relevant": relevant,
        "rate": rate,
        "wrong": 1,
        "error": 0.1,
        "block": 400,
        "limit": 5_000_000,
    }
    columns = {"task": name, "classes": str(2**relevant), "weights": str(weights), "rate": str(rate)}
    published = {"trials": trials, "success_rate": 1.0, **published, "wrong_max": 3, "error_max": "< 0.1"}
    return Row(name, "LSTM", columns, published, config, trials)


_ROWS = (
    _row("6a", 2, 0.5, 156, 20, {"sequences_mean": 31_390, "wrong_mean": 1}),
    _row("6b", 3, 0.1, 308, 10, {"sequences_mean": 571_100, "wrong_mean": 2}),
)

_NOTES = """\
Places are counted from 1, the first symbol E being at place 1; all ranges of places and lengths include both ends.

The average error is the mean absolute error of the 2,000 most recent training sequences over all outputs;
average=squared takes the squared error. With several outputs of which all but one should be 0 it is below 0.1 long
before the 2,000 sequences are all right, so it decides nothing. A trial is tested with the weights of the very
sequence that met the criterion.
"""


def _draw_curves(path: Path, result: Mapping[str, Any]) -> None:
    draw_curves(path, result, {row.name: f"{row.name}, {row.columns['classes']} classes" for row in _ROWS})


TEMPORAL_ORDER = Experiment(
    "hochreiter1997/temporal-order",
    "Temporal order: which of two symbols came first, second, third, tens of steps apart",
    f"{_ending.CITATION}. Experiment 6, table 9",
    _ROWS,
    _trial,
    trials=10,
    figures=(
        *SUCCESS,
        Figure("wrong_mean", "wrong of 2560", ",.1f"),
        Figure("wrong_max", "at most", "d"),
        Figure("error_max", "mean error at most", ".4f"),
    ),
    summary=_ending.summary,
    options={"average": ("absolute", "squared")},
    quick=Quick(
        "LSTM learns 6a in one of two trials at least, and is then right in 9 of 10 fresh sequences",
        lambda rows: rows["6a"]["success_rate"] > 0 and rows["6a"]["wrong_max"] < 256,
        ("6a",),
        trials=2,
        config={"limit": 60_000},
    ),
    pictures=(
        Picture("curves", "Mean absolute error of the sequences learned, one line for each trial", _draw_curves),
    ),
    notes=_NOTES,
)
