"""Elman networks, RTRL and BPTT on the tasks of Hochreiter & Schmidhuber 1997, with a table each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row, Trial, mean, success
from carrousel.papers.baselines._trials import prepare, train
from carrousel.papers.hochreiter1997 import CITATION

__all__ = ["BPTT", "ELMAN", "RTRL"]

FAILS = "fails on long time lags"  # section 5 of the paper, of Elman's training procedure, BPTT and RTRL
TEN = "fails from lag 10 on"
UNSOLVED = "never solved by another algorithm"
BORDER = "does not fail completely"
REBER, ORDER = "embedded Reber grammar", "temporal order 6a"


def _row(
    name: str,
    task: str,
    weights: int,
    said: str,
    published: Mapping[str, Any],
    config: Config,
) -> Row:
    method, learner = config["method"], config.learner
    columns = {
        "task": task,
        "hidden units": str(learner["hidden"]),
        "weights": f"{weights:,}",
        "learning rate": str(learner["rate"]),
        "cap": f"{config['limit']:,}",
        "the paper says": said,
    }
    return Row(name, method, columns, published, config)


def _learner(
    method: str, inputs: int, hidden: int, outputs: int, rate: float, init: float, bias: bool
) -> dict[str, Any]:
    sizes = {"inputs": inputs, "hidden": hidden, "outputs": outputs}
    return {"method": method, **sizes, "rate": rate, "init": init, "bias": bias}


def _reber(
    method: str, hidden: int, weights: int, rate: float, limit: int, said: str, published: Mapping[str, Any]
) -> Row:
    learner = _learner(method, 7, hidden, 7, rate, 0.2, False)
    config = Config({"task": "reber"}, learner, {"limit": limit})
    return _row(f"reber-{hidden}", REBER, weights, said, published, config)


def _lag(method: str, p: int, hidden: int, weights: int, limit: int, said: str, published: Mapping[str, Any]) -> Row:
    learner = _learner(method, p + 1, hidden, p + 1, 1.0, 0.2, False)
    config = Config({"task": "lag", "p": p}, learner, {"limit": limit})
    return _row(f"lag-{p}", f"lag {p}, noise-free", weights, said, published, config)


def _endings(method: str, hidden: int, weights: tuple[int, int, int], caps: tuple[int, int, int]) -> tuple[Row, ...]:
    tasks: tuple[tuple[str, str, dict[str, int], int, int, float, float | None, str], ...] = (
        ("two-sequence", "2-sequence, T = 100, N = 3", {"T": 100, "N": 3}, 1, 1, 1.0, None, FAILS),
        ("adding", "adding, T = 100", {"T": 100}, 2, 1, 0.5, 0.01, UNSOLVED),
        ("temporal-order", ORDER, {"relevant": 2}, 8, 4, 0.5, 0.1, UNSOLVED),
    )
    rows = []
    for (name, words, about, inputs, outputs, rate, error, said), count, cap in zip(tasks, weights, caps, strict=True):
        learner = _learner(method, inputs, hidden, outputs, rate, 0.1, True)
        config = Config({"task": name, "about": about}, learner, {"error": error, "limit": cap})
        rows.append(_row(name, words, count, said, {}, config))
    return tuple(rows)


def _summary(trials: Sequence[Trial]) -> dict[str, Any]:
    return {**success(trials), "right": mean([trial["right"] for trial in trials])}


_ELMAN = (
    _reber("elman", 15, 435, 0.1, 200_000, "fails", {"success_rate": 0.0}),
    _lag("elman", 4, 10, 200, 500_000, "nothing", {}),
    _lag("elman", 10, 10, 320, 200_000, FAILS, {}),
    _lag("elman", 100, 10, 2_120, 20_000, FAILS, {}),
    *_endings("elman", 10, (131, 141, 234), (50_000, 50_000, 50_000)),
)

_RTRL = (
    _reber("rtrl", 3, 170, 0.05, 200_000, f"{BORDER}: some fraction", {"sequences_mean": 173_000}),
    _reber("rtrl", 12, 494, 0.1, 50_000, f"{BORDER}: some fraction", {"sequences_mean": 25_000}),
    _lag("rtrl", 4, 1, 66, 500_000, "7 of 9", {"success_rate": 0.78, "sequences_mean": 1_043_000}),
    _lag("rtrl", 10, 1, 276, 100_000, TEN, {"success_rate": 0.0}),
    Row(
        "lag-100",
        "rtrl",
        {"task": "lag 100, noise-free", "hidden units": "1", "weights": "10,404", "the paper says": TEN},
        {"success_rate": 0.0},
        note="Not run, for the exact gradient of 102 units costs more than 10^8 operations a step. See BPTT.",
    ),
    *_endings("rtrl", 8, (99, 108, 252), (40_000, 40_000, 20_000)),
)

_BPTT = (
    _reber("bptt", 12, 494, 0.1, 200_000, BORDER, {}),
    _lag("bptt", 4, 1, 66, 500_000, "7 of 9 (RTRL)", {}),
    _lag("bptt", 10, 1, 276, 200_000, TEN, {}),
    _lag("bptt", 100, 1, 20_706, 5_000, TEN, {"success_rate": 0.0}),
    *_endings("bptt", 8, (99, 108, 252), (50_000, 50_000, 50_000)),
)

_NOTES = """\
**Result.** Networks without memory cells learn nothing here that lies more than four steps back, except the grammar,
which some learn by the exact gradient.

**What the paper says.** It compares with RTRL, and in one row with BPTT. Elman's procedure, BPTT and RTRL fail on
problems without training examples of short lags, from lags of 10 steps on. Only the embedded Reber grammar is a border
case.

**The caps.** "Cap" is the number of training sequences after which a trial has failed. The caps let all trials of a
method end within twenty minutes on one core. A trial that fails at a cap says nothing about longer training: where the
paper trained longer, its cap was 5,000,000 sequences.

**"Right"** is what was right when training was over: the share of steps for the grammar and the lags, the share of
1,000 fresh sequences for the other problems. With lag p, all but one of every p steps can be predicted from the symbol
before. The 2-sequence problem and the adding problem can be right by chance: a constant output is right on half of the
sequences of the first, if it is that class's, and on some of the second.

**RTRL and BPTT** go down the same gradient here, since weights change at sequences' ends. They differ in cost, which is
O(units^4) and O(units^2) a step, and hence in caps.

**What was chosen.**

- The networks are fully recurrent, with the outputs among the recurrent units. The paper's network for the lags has one
  self-recurrent hidden unit, and outputs that are not recurrent; it stands in the tables of
  hochreiter1997/noise-free-lag.
- Learning rates are the paper's for the grammar, 1.0 for the lags as in its first row, and those of LSTM for the other
  problems. Initial weights are as LSTM's.
- Numbers of hidden units other than the paper's 3, 12 and 15 are a choice.
- The criterion of the lags is milder than the paper's. Both sequences must be right once, which is looked at after
  every 100, and not during 10,000 successive sequences.
"""

_FIGURES = (
    Column("success_rate", "success", ".0%"),
    Column("sequences_mean", "sequences"),
    Column("sequences_min", "from"),
    Column("sequences_max", "to"),
    Column("right", "right", ".1%"),
)


def _experiment(method: str, title: str, rows: tuple[Row, ...]) -> Experiment:
    def draw(path: Path, result: Mapping[str, Any]) -> None:
        from carrousel.papers.baselines._picture import draw

        draw(path, result, rows, title)

    return Experiment(
        f"baselines/{method}",
        f"{title} on the tasks of LSTM",
        f"{CITATION}, section 5",
        rows,
        prepare,
        train,
        trials=5,
        figures=_FIGURES,
        summary=_summary,
        quick=Quick(
            "with lag 10 all symbols but the last are learned soon, and the last is not",
            lambda found: found["lag-10"]["success_rate"] == 0 and abs(found["lag-10"]["right"] - 0.9) < 1e-9,
            ("lag-10",),
            config={"limit": 3_000},
        ),
        pictures=(Picture("right", "What was right when training was over, and which trials succeeded", draw),),
        outcome="yes",
        finding="Networks without memory cells learn nothing that lies more than four steps back, except the grammar.",
        notes=_NOTES,
    )


ELMAN = _experiment("elman", "Elman's network and training procedure", _ELMAN)
RTRL = _experiment("rtrl", "A fully recurrent network and real-time recurrent learning", _RTRL)
BPTT = _experiment("bptt", "A fully recurrent network and back-propagation through time", _BPTT)
