"""Hochreiter & Schmidhuber 1997, experiment 6: temporal order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import SUCCESS, Config, Experiment, Picture, Quick, Row
from carrousel.papers._trial import Prepared, Setting
from carrousel.papers.hochreiter1997 import _ending
from carrousel.papers.hochreiter1997._paper import CITATION
from carrousel.tasks import TemporalOrder

__all__ = ["TEMPORAL_ORDER"]


def _prepare(setting: Setting) -> Prepared:
    config = setting.config
    return _ending.prepared(TemporalOrder(config.task["relevant"]), config.learner, setting.rng)


def _row(name: str, relevant: int, rate: float, weights: int, trials: int, published: dict[str, Any]) -> Row:
    learner = {
        "blocks": relevant,
        "block_size": 2,
        "biased": "cell input_gate output_gate output",
        "biases": {"input_gate": [-2, -4, -6][:relevant]},
        "unit_squash": "sigmoid",
        "rate": rate,
    }
    until = {"wrong": 1, "error": 0.1, "block": 400, "limit": 5_000_000}
    config = Config({"relevant": relevant}, learner, until)
    columns = {"task": name, "classes": str(2**relevant), "weights": str(weights), "rate": str(rate)}
    published = {"trials": trials, "success_rate": 1.0, **published, "wrong_max": 3, "error_max": "< 0.1"}
    return Row(name, "LSTM", columns, published, config, trials)


_ROWS = (
    _row("6a", 2, 0.5, 156, 20, {"sequences_mean": 31_390, "wrong_mean": 1}),
    _row("6b", 3, 0.1, 308, 10, {"sequences_mean": 571_100, "wrong_mean": 2}),
)

_NOTES = """\
**Result.** Both problems are learned, in about as many sequences as published: 6a by all trials, 6b by 8 of 10.

**What the paper leaves open** was chosen as follows.

- Places are counted from 1, the place of the first symbol E. All ranges of places and lengths include both ends.
- The average error is the mean absolute error of the 2,000 most recent training sequences over all outputs. With
  `average=squared` it is the squared error. All outputs but one should be 0, so the average is below 0.1 long before
  the 2,000 sequences are all right, and decides nothing.
- A trial is tested with the weights of the very sequence that met the criterion.
"""


def _draw_errors(path: Path, result: Mapping[str, Any]) -> None:
    _ending.draw_errors(path, result, _ROWS, "{task}, {classes} classes")


TEMPORAL_ORDER = Experiment(
    "hochreiter1997/temporal-order",
    "Temporal order: which of two symbols came first, second, third, tens of steps apart",
    f"{CITATION}. Experiment 6, table 9",
    _ROWS,
    _prepare,
    _ending.train,
    trials=10,
    figures=(*SUCCESS, *_ending.TESTED),
    summary=_ending.summary,
    options={"average": ("absolute", "squared")},
    quick=Quick(
        "LSTM learns problem 6a in one of two trials at least, and is then right on 9 of 10 fresh sequences",
        lambda rows: rows["6a"]["success_rate"] > 0 and rows["6a"]["wrong_max"] < 256,
        ("6a",),
        trials=2,
        config={"limit": 60_000},
    ),
    pictures=(Picture("curves", _ending.LINES, _draw_errors),),
    outcome="yes",
    finding="LSTM learns both problems in about as many sequences as published.",
    notes=_NOTES,
)
