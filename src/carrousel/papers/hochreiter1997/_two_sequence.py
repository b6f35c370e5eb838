"""Hochreiter & Schmidhuber 1997, experiment 3: noise and signal on the same channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row, Trial, mean, success
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers._until import thinned
from carrousel.papers.hochreiter1997 import _ending
from carrousel.papers.hochreiter1997._paper import CITATION
from carrousel.tasks import TwoSequence, WithGoals

__all__ = ["TWO_SEQUENCE"]

TESTED = 256
"""Sequences of the test set that says when to stop."""


def _prepare(setting: Setting) -> Prepared:
    learner = _ending.with_cells(setting.config.learner, setting.options["cells"])
    return _ending.prepared(TwoSequence(**setting.config.task), learner, setting.rng)


def _train(prepared: Prepared, setting: Setting) -> Found:
    """Trains until the test set, drawn once, is classified, which is looked at after every ``interval`` sequences."""
    learner, task, rng, until = prepared.learner, prepared.task, setting.rng, setting.config.until
    tested = task.draw(rng, TESTED)
    interval, limit, block = until["interval"], until["limit"], until["block"]
    done = steps = 0
    st1 = None
    won = False
    curve: list[float] = []
    while done < limit and not won:
        drawn = task.draw(rng, block)
        off = []
        for first in range(0, block, interval):
            part = drawn.part(first, first + interval)
            answers = learner.learn_and_answer(part.inputs, part.targets, part.spans)
            off.append(np.abs(answers - part.goals).mean())
            done, steps = done + interval, steps + len(part.inputs)
            error = _error(learner, task, tested, until["wrong"])
            if error is not None:
                st1 = st1 or done
                if error < until["error"]:
                    won = True
                    break
        else:
            curve.append(float(np.mean(off)))
    found = {"success": won, "sequences": done, "st1": st1, "steps": steps}
    final = _ending.tested(prepared, setting) if won else {}
    return {**found, **final, "curve": thinned(curve, block)}


def _error(learner: Any, task: TwoSequence, tested: WithGoals, wrong: int) -> float | None:
    """Returns the mean absolute error on the test set, or None if ``wrong`` or more of its sequences are wrong."""
    missed, errors = 0, 0.0
    first, size = 0, 4
    while first < len(tested.spans):
        # The answer is nearly always known after the first few.
        part = tested.part(first, first + size)
        answers = learner.answers(part.inputs, part.spans)
        missed += int((~task.right(answers, part)).sum())
        if missed >= wrong:
            return None
        errors += float(np.abs(answers - part.goals).sum())
        first, size = first + size, size * 4
    return errors / len(tested.spans)


def _summary(trials: Sequence[Trial]) -> dict[str, Any]:
    first = [found["st1"] for found in trials if found["st1"] is not None]
    won = [found for found in trials if found["success"]]
    figures: dict[str, Any] = {
        "st1_mean": mean(first),
        **success(trials),
        "curves": [found["curve"] for found in trials],
    }
    if won:
        figures["fraction"] = float(np.mean([found["wrong"] / _ending.TEST for found in won]))
        figures["error_mean"] = float(np.mean([found["error"] for found in won]))
    return figures


_NETWORK = {
    "blocks": 3,
    "block_size": 1,
    "biased": "cell input_gate output_gate",
    "biases": {"input_gate": [-1, -3, -5], "output_gate": [-2, -4, -6]},
    "unit_squash": "sigmoid",
}
# Of each task the rate and what makes a trial stop: fewer wrong sequences of 256, a mean absolute error below.
_TASKS: dict[str, tuple[dict[str, Any], float, dict[str, Any]]] = {
    "3a": ({"noisy_signal": False, "noisy_targets": False}, 1.0, {"wrong": 1, "error": 0.01}),
    "3b": ({"noisy_signal": True, "noisy_targets": False}, 1.0, {"wrong": 6, "error": 0.04}),
    "3c": ({"noisy_signal": False, "noisy_targets": True}, 0.1, {"wrong": 1, "error": 0.015}),
}


def _row(task: str, T: int, N: int, published: dict[str, Any]) -> Row:
    noise, rate, criterion = _TASKS[task]
    until = {**criterion, "interval": 100, "block": 400 if T < 500 else 100, "limit": 5_000_000}
    config = Config({"T": T, "N": N, **noise}, {**_NETWORK, "rate": rate}, until)
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
    Column("st1_mean", "ST1", compared=True),
    Column("success_rate", "success", ".0%"),
    Column("sequences_mean", "ST2", compared=True),
    Column("sequences_min", "from"),
    Column("sequences_max", "to"),
    Column("fraction", "misclassified", ".6f"),
    Column("error_mean", "mean error", ".4f"),
)

_NOTES = """\
**Result.** LSTM learns all eight problems, in 8 to 10 of 10 trials. Half of the means are within a factor of 2 of the
published ones. 3b takes five to six times as many sequences with N = 3 and with T = 1,000. With N = 1 and T = 100, 3b
and 3c take less than half as many.

**With N = 3** most trials classify the training sequences after some 4,000. The first block does it: feedback drives
its state to +12 or -12, as the first elements say. Many then fall back to chance, and learn again with another block.
One such trial was looked into: sequences of both classes drove the state to -25 from then on, where h has no slope. So
a trial succeeds early only if a look at the criterion comes before it falls back.

**With N = 1 and T = 100** trials are alike. They meet the criterion after about half of the published number of
sequences. In 3b two of ten do not meet it, for the reason that the last paragraph gives.

**The cells' biases**, which the paper has, make 3b with T = 1,000 take five times the published number of sequences,
for the reason that stands with the adding problem. Without them (`cells=unbiased`, the second table) 19 of 20 trials of
3b with N = 1 learn, about when the paper says. But with N = 3 three of the four rows are then learned far sooner
than published, and a few trials of 3a take a million sequences and more. So the paper's biases are the default here.

**What the paper leaves open.** It does not say how often the test set is looked at. Here 256 sequences are drawn once
for each trial, and looked at after every 100 training sequences; all the paper's means of 10 trials are multiples of
10. ST1 is the first time that few enough of the 256 are wrong. ST2 is the first time that the mean absolute error is
small enough as well. 3c has one criterion, which stands under ST2; its ST1 says when the first half was first met.

**The noise** of the inputs has the variance 0.2, as the paper says. With 3b and N = 1 a sequence then shows the sign of
the other class with the probability 0.0127, near to the published 0.0150 and 0.0121. If 0.2 were the standard
deviation, it never would. So 3 of the 256 sequences tell the wrong class in the mean, and where 6 or more do the
criterion cannot be met. Of the three trials of 3b with N = 1 that failed, two have 7 and 6 of them, and their errors
had long been small.
"""


def _draw_errors(path: Path, result: Mapping[str, Any]) -> None:
    _ending.draw_errors(path, result, _ROWS, "{task}, T = {T}, N = {N}")


TWO_SEQUENCE = Experiment(
    "hochreiter1997/two-sequence",
    "The two-sequence problem: the class of a long noisy sequence, told by its first elements",
    f"{CITATION}. Experiment 3, tables 4, 5 and 6",
    _ROWS,
    _prepare,
    _train,
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
    pictures=(Picture("curves", _ending.LINES, _draw_errors),),
    outcome="partly",
    finding=(
        "LSTM learns all eight problems; half of the means are within a factor of 2, and two of the hardest "
        "rows take five to six times as long."
    ),
    notes=_NOTES,
)
