"""Hochreiter & Schmidhuber 1997, experiment 3: noise and signal on the same channel."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.papers._experiment import Experiment, Figure, Picture, Quick, Row, Trial, success
from carrousel.papers.hochreiter1997 import _ending
from carrousel.papers.hochreiter1997._curves import draw_curves
from carrousel.tasks import Ended, TwoSequence

__all__ = ["TWO_SEQUENCE"]

TESTED = 256
"""Sequences of the test set that says when to stop."""


def _trial(config: Mapping[str, Any], options: Mapping[str, str], seed: int, number: int) -> Trial:
    """One trial: its stopping test set is drawn once, and looked at after every ``config["interval"]`` sequences."""
    task = TwoSequence(config["T"], config["N"], config["noisy_signal"], config["noisy_targets"])
    rng = np.random.default_rng([seed, number])
    learner = _ending.prepared(task, _ending.with_cells(config, options["cells"]), rng)
    start = time.perf_counter()
    tested = task.draw(rng, TESTED)
    interval, limit = config["interval"], config["limit"]
    done = steps = 0
    st1 = None
    won = False
    curve: list[float] = []
    while done < limit and not won:
        drawn = task.draw(rng, config["block"])
        off = []
        for first in range(0, config["block"], interval):
            part = drawn.part(first, first + interval)
            answers = learner.learn_and_answer(part.inputs, part.targets, part.spans)
            off.append(np.abs(answers - part.goals).mean())
            done, steps = done + interval, steps + len(part.inputs)
            error = _error(learner, task, tested, config["wrong"])
            if error is not None:
                st1 = st1 or done
                if error < config["error"]:
                    won = True
                    break
        else:
            curve.append(float(np.mean(off)))
    found = {"success": won, "sequences": done, "st1": st1, "steps": steps}
    final = _ending.tested(learner, task, seed, number) if won else {}
    shown = _ending.thinned(curve, config["block"])
    return {**found, **final, "curve": shown, "seconds": time.perf_counter() - start}


def _error(learner: Any, task: TwoSequence, tested: Ended, wrong: int) -> float | None:
    """The mean absolute error on the test set; None if ``wrong`` or more of its sequences are wrong."""
    missed, errors = 0, 0.0
    first, size = 0, 4
    while first < len(tested.spans):
        # The answer is nearly always known after the first few.
        part = tested.part(first, first + size)
        answers = learner.answers(part.inputs, part.spans)
        missed += int((~task.right(answers, part.goals)).sum())
        if missed >= wrong:
            return None
        errors += float(np.abs(answers - part.goals).sum())
        first, size = first + size, size * 4
    return errors / len(tested.spans)


def _summary(trials: Sequence[Trial]) -> dict[str, Any]:
    first = [found["st1"] for found in trials if found["st1"] is not None]
    won = [found for found in trials if found["success"]]
    figures: dict[str, Any] = {
        "st1_mean": sum(first) / len(first) if first else None,
        **success(trials),
        "curves": [found["curve"] for found in trials],
    }
    if won:
        figures["fraction"] = float(np.mean([found["wrong"] / _ending.TEST for found in won]))
        figures["error_mean"] = float(np.mean([found["error"] for found in won]))
    return figures


_COMMON = {
    "blocks": 3,
    "block_size": 1,
    "biased": "cell input_gate output_gate",
    "biases": {"input_gate": [-1, -3, -5], "output_gate": [-2, -4, -6]},
    "unit_squash": "sigmoid",
    "interval": 100,
    "limit": 5_000_000,
}
# Of each task the rate and what makes a trial stop: fewer wrong sequences of 256, a mean absolute error below.
_TASKS: dict[str, dict[str, Any]] = {
    "3a": {"noisy_signal": False, "noisy_targets": False, "rate": 1.0, "wrong": 1, "error": 0.01},
    "3b": {"noisy_signal": True, "noisy_targets": False, "rate": 1.0, "wrong": 6, "error": 0.04},
    "3c": {"noisy_signal": False, "noisy_targets": True, "rate": 0.1, "wrong": 1, "error": 0.015},
}


def _row(task: str, T: int, N: int, published: dict[str, Any]) -> Row:
    config = {**_COMMON, **_TASKS[task], "T": T, "N": N, "block": 400 if T < 500 else 100}
    columns = {"task": task, "T": f"{T:,}", "N": str(N), "weights": "102"}
    return Row(f"{task}-T{T}-N{N}", "LSTM", columns, published, config)


def _published(st1: int | None, st2: int, fraction: float, **more: Any) -> dict[str, Any]:
    found = {"trials": 10, "sequences_mean": st2, "fraction": fraction, **more}
    return found if st1 is None else {"st1_mean": st1, **found}


_ROWS = (
    _row("3a", 100, 3, _published(27_380, 39_850, 0.000195)),
    _row("3a", 100, 1, _published(58_370, 64_330, 0.000117)),
    _row("3a", 1000, 3, _published(446_850, 452_460, 0.000078)),
    _row("3b", 100, 3, _published(41_740, 43_250, 0.00828)),
    _row("3b", 100, 1, _published(74_950, 78_430, 0.01500)),
    _row("3b", 1000, 1, _published(481_060, 485_080, 0.01207)),
    _row("3c", 100, 3, _published(None, 269_650, 0.00558, error_mean=0.014)),
    _row("3c", 100, 1, _published(None, 565_640, 0.00441, error_mean=0.012)),
)

_FIGURES = (
    Figure("st1_mean", "ST1", compared=True),
    Figure("success_rate", "success", ".0%"),
    Figure("sequences_mean", "ST2", compared=True),
    Figure("sequences_min", "from"),
    Figure("sequences_max", "to"),
    Figure("fraction", "misclassified", ".6f"),
    Figure("error_mean", "mean error", ".4f"),
)

_NOTES = """\
With N = 3 most trials classify the training sequences after some 4,000. The first block does it: feedback drives its
state to +12 or -12, as the first elements say. Many then fall back to chance, and learn again with another block. In a
trial that was looked into, sequences of both classes drove the state to -25 from then on, where h has no slope. When
the criterion is met depends on when the looks at it fall between. With T = 100 and N = 1 trials are alike: they meet it
after about half of the published number of sequences, or, in 3b, two of ten do not (see below).

Cells' biases, which the paper has, make 3b with N = 1 and T = 1,000 take five times the published number of sequences,
for the reason that is given with the adding problem. With cells=unbiased, the default there, both rows of 3b with N = 1
are learned when the paper says, by 19 of 20 trials; but the rows with N = 3 are then learned far sooner than published,
and a few trials of 3a take a million sequences and more. So the paper's biases are the default here, and both tables
stand below.

The 256 sequences that say when to stop are drawn once for each trial, and are looked at after every 100 training
sequences; the paper does not say how often, but all its means of 10 trials are multiples of 10. ST1 is the first time
that few enough of them are wrong, ST2 the first time that the mean absolute error is small enough as well. 3c has one
criterion, which stands under ST2; under ST1 is when its first half was first met.

The noise of the inputs has the variance 0.2, as the paper says: with 3b and N = 1 a sequence shows the sign of the
other class with the probability 0.0127 then, near to the published 0.0150 and 0.0121, and never if 0.2 were the
deviation. So of the 256 sequences that say when to stop 3 tell the wrong class in the mean, and where it is 6 or more
the criterion cannot be met: of the three trials of 3b with N = 1 that failed, two have 7 and 6 of them, and their
errors had long been small.
"""


def _draw_curves(path: Path, result: Mapping[str, Any]) -> None:
    draw_curves(
        path,
        result,
        {row.name: f"{row.columns['task']}, T = {row.columns['T']}, N = {row.columns['N']}" for row in _ROWS},
    )


TWO_SEQUENCE = Experiment(
    "hochreiter1997/two-sequence",
    "The two-sequence problem: the class of a long noisy sequence, told by its first elements",
    f"{_ending.CITATION}. Experiment 3, tables 4, 5 and 6",
    _ROWS,
    _trial,
    trials=10,
    figures=_FIGURES,
    summary=_summary,
    options={"cells": ("biased", "unbiased")},
    quick=Quick(
        "LSTM tells the two classes apart over 20 steps of noise, in both of two trials",
        lambda rows: rows["3a-T100-N3"]["success_rate"] == 1 and rows["3a-T100-N3"]["fraction"] < 0.01,
        ("3a-T100-N3",),
        trials=2,
        config={"T": 20, "limit": 100_000},
    ),
    pictures=(
        Picture("curves", "Mean absolute error of the sequences learned, one line for each trial", _draw_curves),
    ),
    notes=_NOTES,
)
