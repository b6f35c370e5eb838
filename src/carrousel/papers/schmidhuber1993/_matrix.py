"""What came first, and what the errors say: tasks small enough for a matrix that changes itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from carrousel.learning import SelfReferentialMatrix
from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row, Trial, mean, success
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers._until import thinned
from carrousel.papers.schmidhuber1993._paper import CITATION

__all__ = ["MATRIX", "constants", "first_symbols", "gradient_error"]


def first_symbols(rng: np.random.Generator, count: int, lag: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns codes, targets and spans: which of two symbols stood ``lag`` steps before the end.

    >>> codes, targets, spans = first_symbols(np.random.default_rng(0), 1, 3)
    >>> codes.tolist(), targets[:, 0].tolist(), spans.tolist()
    ([1, 2, 2, 2], [nan, nan, nan, 1.0], [[0, 4]])
    """
    first = rng.integers(0, 2, count)
    codes = np.full((count, lag + 1), 2)
    codes[:, 0] = first
    targets = np.full((count, lag + 1, 1), np.nan)
    targets[:, -1, 0] = first
    begin = np.arange(count) * (lag + 1)
    return codes.ravel(), targets.reshape(-1, 1), np.stack([begin, begin + lag + 1], 1)


def constants(rng: np.random.Generator, count: int, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns codes, all alike, targets and spans: each sequence wants 1 in all of its steps, or 0.

    Which of the two it wants can be told from the errors alone, which the network sees a step later.

    >>> constants(np.random.default_rng(0), 2, 3)[1].ravel().tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    begin = np.arange(count) * length
    wanted = np.repeat(rng.integers(0, 2, count), length)
    return np.zeros(count * length, np.int64), wanted[:, None].astype(float), np.stack([begin, begin + length], 1)


def functions(rng: np.random.Generator, count: int, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns codes, targets and spans: each sequence wants of random bits these, or their opposites.

    >>> codes, targets, _ = functions(np.random.default_rng(0), 1, 4)
    >>> codes.tolist(), targets.ravel().tolist()
    ([1, 1, 1, 0], [1.0, 1.0, 1.0, 0.0])
    """
    codes, begin = rng.integers(0, 2, (count, length)), np.arange(count) * length
    wanted = codes ^ rng.integers(0, 2, (count, 1))
    return codes.ravel(), wanted.reshape(-1, 1).astype(float), np.stack([begin, begin + length], 1)


DRAWN = {"first": first_symbols, "constants": constants, "functions": functions}
SYMBOLS = {"first": 3, "constants": 1, "functions": 2}


def gradient_error(
    net: SelfReferentialMatrix, codes: np.ndarray, targets: np.ndarray, rng: np.random.Generator
) -> float:
    """Returns how far the gradient is from differences of the loss, relative to its norm, over 20 weights at random."""
    matrix = net.weights["matrix"]
    _, exact = net.gradient(codes, targets)
    places, off, total = rng.choice(matrix.size, 20, replace=False), 0.0, 0.0
    for place in places:
        losses = []
        for sign in (1, -1):
            near = matrix.copy()
            near.flat[place] += sign * 1e-5
            net.weights = {"matrix": near}
            losses.append(net.gradient(codes, targets)[0])
        differences = (losses[0] - losses[1]) / 2e-5
        off, total = off + (differences - exact.flat[place]) ** 2, total + exact.flat[place] ** 2
    net.weights = {"matrix": matrix}
    return float(np.sqrt(off / total)) if total else 0.0


def _prepare(setting: Setting) -> Prepared:
    inputs = SYMBOLS[setting.config.task["task"]]
    return Prepared(SelfReferentialMatrix(inputs, 1, seed=setting.rng, **setting.config.learner), None)


def _drawn(setting: Setting, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    task = setting.config.task
    return DRAWN[task["task"]](rng, count, task["steps"])


def _answers(net: SelfReferentialMatrix, codes: np.ndarray, targets: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Returns the last outputs of sequences in which the network sees its errors, without learning."""
    rate, net.rate = net.rate, 0.0
    told = net.learn_and_answer(codes, targets, spans)
    net.rate = rate
    return told


def _train(prepared: Prepared, setting: Setting) -> Found:
    """Teaches until the last outputs of 100 further sequences are right, that is nearer to their targets than 0.5."""
    net, until = prepared.learner, setting.config.until
    codes, targets, spans = _drawn(setting, setting.apart(1), until["tests"])
    wanted = targets[spans[:, 1] - 1]
    first = slice(*spans[0])
    before = gradient_error(net, codes[first], targets[first], setting.apart(2))
    taught, right, shares = 0, 0.0, []
    while taught < until["limit"] and right < 1:
        net.learn_sequences(*_drawn(setting, setting.rng, until["block"]))
        taught += until["block"]
        right = float((np.abs(_answers(net, codes, targets, spans) - wanted) < 0.5).mean())
        shares.append(right)
    after = gradient_error(net, codes[first], targets[first], setting.apart(3))
    length = int(spans[0, 1] - spans[0, 0])
    found = {"success": right == 1, "sequences": taught, "steps": taught * length, "right": right}
    about = {"gradient_error": max(before, after), "weights": net.weight_count}
    return {**found, **about, "curve": thinned(shares, until["block"])}


def _summary(trials: Sequence[Trial]) -> dict[str, Any]:
    told = {**success(trials), "right": mean([trial["right"] for trial in trials])}
    return {**told, "gradient_error": median(trial["gradient_error"] for trial in trials)}


def _row(name: str, label: str, task: Mapping[str, Any], changes: bool, limit: int) -> Row:
    learner = {"hidden_size": 2, "rate": 0.5, "sharpness": 2.0, "init": 0.5, "changes": changes}
    columns = {"matrix": "changes itself" if changes else "held still"}
    return Row(name, label, columns, {}, Config(task, learner, {"limit": limit, "block": 20, "tests": 100}))


_FIRST = {"task": "first", "steps": 5}
_CONSTANTS = {"task": "constants", "steps": 10}
_FUNCTIONS = {"task": "functions", "steps": 10}

_ROWS = (
    _row("first", "which symbol came five steps ago", _FIRST, True, 5_000),
    _row("first-still", "which symbol came five steps ago", _FIRST, False, 5_000),
    _row("constants", "always 1, or always 0", _CONSTANTS, True, 5_000),
    _row("constants-still", "always 1, or always 0", _CONSTANTS, False, 5_000),
    _row("functions", "a bit, or its opposite", _FUNCTIONS, True, 5_000),
    _row("functions-still", "a bit, or its opposite", _FUNCTIONS, False, 5_000),
)

_NOTES = """\
**Result.** A matrix that changes itself learns what came first in all five trials, after 20 to 560 sequences, and which
of two functions a sequence wants, from errors alone, after 340 to 740. Its gradient is that of differences to nine
digits. Held still, the same network learns what came first as well, for
that is a matter of its units; but of the functions only two thirds of the bits, and in no trial: what it has to learn
within a sequence it keeps in the matrix.

**The paper** has the matrix, its gradient, and no experiment that could be repeated. These three tasks are ours, as
small as they can be while they want memory, or learning within a sequence. In the first, one of two symbols is
followed by five steps of a third one, and the last output must say which it was. In the second, a sequence of ten
equal steps wants 1 throughout, or 0. In the third, a sequence of ten random bits wants these bits, or their
opposites. Which of the two it is shows in the errors alone, which the network sees a step later, and which fade once
it is right. A trial ends when the last outputs of 100 further sequences are on the right side of 0.5, or after 5,000
sequences.

**The network** has two hidden units, and ten bits of address for each of its two pointers. The peak g is exp(-2 d²),
d being the distance of a pointer from an address; first weights are within 0.5, and the rate is 0.5, after each
sequence: the values of the first try. In the rows that are held still nothing is added to the matrix; the same
network still reads its weights and sees its errors.

**The gradient** is exact, through all that the matrix does to itself. In each trial it is compared with differences of
the loss at 20 weights, before and after training; the column has the distance relative to the gradient's norm.
"""


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws the share of right answers in each row's first trial."""
    from carrousel.pictures.style import COLOURS, legend_beside, new_figure, save, tidy

    figure = new_figure(
        8.4, 3.6, "A matrix that changes itself: right answers while it learns, first trial of each row"
    )
    axes = figure.subplots()
    rows = [MATRIX.row(entry["row"]) for entry in result["rows"] if "measured" in entry]
    for row, colour in zip(rows, COLOURS, strict=False):
        setting = Setting.of(MATRIX.config(row.name), result["options"], result["seed"], 0)
        curve = _train(_prepare(setting), setting)["curve"]
        sequences = curve["every"] * (1 + np.arange(len(curve["errors"])))
        axes.plot(sequences, curve["errors"], color=colour, label=f"{row.label}, {row.columns['matrix']}")
    axes.set_xlabel("sequences taught")
    axes.set_ylabel("right answers")
    axes.set_ylim(0, 1.05)
    tidy(axes, grid=True)
    legend_beside(axes)
    save(figure, path)


MATRIX = Experiment(
    "schmidhuber1993/self-referential",
    "A weight matrix that reads and changes itself learns what came first, and what its errors say",
    CITATION,
    _ROWS,
    _prepare,
    _train,
    trials=5,
    figures=(
        Column("success_rate", "success", ".0%"),
        Column("sequences_mean", "sequences"),
        Column("sequences_min", "from"),
        Column("sequences_max", "to"),
        Column("right", "right in the end", ".0%"),
        Column("gradient_error", "gradient off by", ".1e"),
    ),
    summary=_summary,
    quick=Quick(
        "a matrix that changes itself learns by its exact gradient which symbol came three steps ago",
        lambda rows: rows["first"]["success_rate"] == 1 and rows["first"]["gradient_error"] < 1e-5,
        ("first",),
        config={"steps": 3, "limit": 2_000},
    ),
    pictures=(
        Picture(
            "right", "The share of right answers in 100 further sequences while each row's first trial learns", _draw
        ),
    ),
    outcome="yes",
    finding=(
        "A matrix that changes itself learns what came first and which of two functions is wanted, in every trial, by "
        "its exact gradient."
    ),
    notes=_NOTES,
)
