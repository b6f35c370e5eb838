"""Patterns of bits to be copied: the gradient that is carried forward beside the one that is sent back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row, Trial, mean
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.irie2023._gradients import Backward, Forward, Weights, patterns
from carrousel.papers.irie2023._paper import CITATION

__all__ = ["COPY"]

SHORT, LONG = 100, 10_000  # steps of the sequences for which it is counted what is kept


class _Ready(Prepared):
    """What gives the gradient, its twin by back-propagation, and the first weights."""

    def ready(self) -> None:
        """Takes one gradient; nothing is learned."""
        drawn = patterns(np.random.default_rng(0), 2, 3)
        for way in (self.learner, self.task):
            way.gradient(*drawn, self.sets)


def _prepare(setting: Setting) -> Prepared:
    about = setting.config.learner
    cell = "lstm" if about["method"] == "lstm" else "elstm"
    backward = Backward(cell, about["hidden"], about["span"])
    weights = backward.begun(setting.apart(1))
    way: Any = Forward(about["hidden"], weights) if about["method"] == "rtrl" else backward
    return _Ready(way, backward, weights)


class _Adam:
    """Adam as in torch, of weights by name, after the gradient's norm has been cut to 1."""

    def __init__(self, rate: float, clip: float) -> None:
        self.rate, self.clip, self.count = rate, clip, 0
        self.first: Weights = {}
        self.second: Weights = {}

    def step(self, weights: Weights, gradient: Weights) -> Weights:
        self.count += 1
        norm = float(np.sqrt(sum(float((g**2).sum()) for g in gradient.values())))
        scale = min(1.0, self.clip / (norm + 1e-6))
        new = {}
        for name, w in weights.items():
            g = scale * gradient[name]
            self.first[name] = 0.9 * self.first.get(name, 0.0) + 0.1 * g
            self.second[name] = 0.999 * self.second.get(name, 0.0) + 0.001 * g**2
            hat, square = self.first[name] / (1 - 0.9**self.count), self.second[name] / (1 - 0.999**self.count)
            new[name] = w - self.rate * hat / (np.sqrt(square) + 1e-8)
        return new


def _judge(way: Any, weights: Weights, drawn: tuple[np.ndarray, ...]) -> tuple[float, float]:
    """Returns the mean cross entropy of a step, and the share of bits that are right."""
    codes, targets, spans = drawn
    said = way.outputs(codes, spans, weights)
    loss = -np.log(np.maximum(said[np.arange(len(said)), targets], 1e-300)).mean()
    bits = targets < 2
    return float(loss), float((said.argmax(1) == targets)[bits].mean())


def _apart(one: Weights, other: Weights) -> float:
    """Returns how far gradients are from each other, relative to the largest of their numbers."""
    most = max(float(np.abs(g).max()) for g in other.values())
    return max(float(np.abs(one[name] - other[name]).max()) for name in other) / most


def _train(prepared: Prepared, setting: Setting) -> Found:
    """Trains for some epochs, or until all bits of the validation sequences are right.

    Where the gradient is carried forward, it is compared with the one that is sent back, before and after; and the
    first epochs are made by that one too, beside it.
    """
    way, twin, weights = prepared.learner, prepared.task, prepared.sets
    task, about, until = setting.config.task, setting.config.learner, setting.config.until
    longest = task["longest"]
    training = patterns(setting.apart(2), task["training"], longest)
    validation = patterns(setting.apart(3), task["validation"], longest)
    test = patterns(setting.apart(4), task["validation"], longest)
    forward = isinstance(way, Forward)
    some = (training[0], training[1], training[2][: about["batch"]])
    begun = weights
    off = [_apart(way.gradient(*some, weights), twin.gradient(*some, weights))] if forward else []
    adam, beside = _Adam(about["rate"], about["clip"]), _Adam(about["rate"], about["clip"])
    other, curve, rights, curve_off = weights, [], [], 0.0
    steps, spent, epochs, right = 0, 0.0, 0, 0.0
    while epochs < until["epochs"] and right < 1:
        order = setting.rng.permutation(len(training[2]))
        compared = forward and epochs < until["beside"]
        for first in range(0, len(order), about["batch"]):
            spans = training[2][order[first : first + about["batch"]]]
            begin = time.process_time()
            gradient = way.gradient(training[0], training[1], spans, weights)
            spent += time.process_time() - begin
            weights = adam.step(weights, gradient)
            steps += int((spans[:, 1] - spans[:, 0]).sum())
            if compared:
                other = beside.step(other, twin.gradient(training[0], training[1], spans, other))
        epochs += 1
        loss, right = _judge(way, weights, validation)
        curve.append(loss)
        rights.append(right)
        if compared:
            there, _ = _judge(twin, other, validation)
            curve_off = max(curve_off, abs(there - loss) / loss)
    if forward:
        off.append(_apart(way.gradient(*some, weights), twin.gradient(*some, weights)))
    count = sum(w.size for w in begun.values())
    found = {"success": right == 1, "epochs": epochs, "steps": steps, "weights": count}
    found |= {"right": _judge(way, weights, test)[1], "microseconds": 1e6 * spent / max(1, steps)}
    found |= {"short": way.kept(SHORT) / 1024, "long": way.kept(LONG) / 1024, "curve": curve, "rights": rights}
    return {**found, "gradient_off": max(off, default=None), "curve_off": curve_off if forward else None}


def _summary(trials: Sequence[Trial]) -> dict[str, Any]:
    names = ("right", "microseconds", "short", "long", "gradient_off", "curve_off")
    told = {name: mean([trial[name] for trial in trials if trial[name] is not None]) for name in names}
    return {
        **told,
        "loss": mean([trial["curve"][-1] for trial in trials]),
        "epochs": mean([t["epochs"] for t in trials]),
    }


def _row(name: str, label: str, longest: int, method: str, *, span: int = 0, **about: Any) -> Row:
    task = {"longest": longest, "training": 500, "validation": 100}
    learner = {"method": method, "hidden": 32, "span": span, "rate": 0.003, "batch": 20, "clip": 1.0}
    config = Config(task, learner, {"epochs": 40, "beside": 3}).changed(**about)
    return Row(name, label, {"patterns": f"1 to {longest} bits", "units": str(config["hidden"])}, {}, config)


_LONGER: dict[str, Any] = {"hidden": 64, "rate": 0.01, "epochs": 300}

_ROWS = (
    _row("rtrl-50", "eLSTM, RTRL", 50, "rtrl"),
    _row("bptt-50", "eLSTM, back-propagation", 50, "bptt"),
    _row("truncated-50", "eLSTM, back-propagation through 10 steps", 50, "bptt", span=10),
    _row("lstm-50", "LSTM, back-propagation", 50, "lstm"),
    _row("rtrl-5", "eLSTM, RTRL", 5, "rtrl", **_LONGER),
    _row("bptt-5", "eLSTM, back-propagation", 5, "bptt", **_LONGER),
)

_NOTES = """\
**Result.** RESULT

**The task.** A pattern of 1 to 50 random bits is shown, then as many steps of a third symbol, in which the pattern is
to be said; before, the third symbol is wanted. A bit that is guessed is right in half of the cases. The paper has
10,000 sequences to train on, 2,048 units, batches of 128, a rate of 3e-5 and 500 epochs, and says that all bits must
be right. These rows have 500 sequences, 32 units, batches of 20, a rate of 0.003 and 40 epochs (64, 0.01 and 300
where patterns have up to 5 bits), with the paper's Adam, its gradient's norm cut to 1, and its first weights of
deviation 0.1. They show that two ways to the gradient are one, and what each costs; they do not show what such a
network can learn in the end. The paper's setting is `hidden=2048`, `training=10_000`, `batch=128`, `rate=3e-5` and
`epochs=500` in the row's configuration (`papers.get("irie2023/copy").config("rtrl-50").changed(...)`): PAPER.

**The columns.** The gradient of a batch of 20 sequences by RTRL is compared with that by back-propagation before and
after training, in float64: the largest difference, relative to the largest number of the gradient. For three epochs
both networks are trained beside each other from the same weights, and the largest relative difference of their
validation losses stands in the table. What is kept is what one sequence of 100 and of 10,000 steps needs beside the
weights: traces and states of RTRL, tensors that autograd saves, of truncated back-propagation those of one piece. The
time is the processor's, for the gradient alone.

**The network.** Of an eLSTM with `diagonal=True` a unit's output gate sees its own state alone; in the paper it sees
all states, which is no part of the recurrence. RTRL goes through sequences one by one, back-propagation through a
whole batch side by side.
"""


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws the validation loss of each row's first trial: lines that lie on each other are drawn broken."""
    from carrousel.pictures.style import COLOURS, legend_beside, new_figure, save, tidy

    entries = [entry for entry in result["rows"] if "measured" in entry]
    lengths = sorted({COPY.config(entry["row"])["longest"] for entry in entries}, reverse=True)
    figure = new_figure(9, 1.2 + 2.6 * len(lengths), "Copying patterns: validation loss of each row's first trial")
    for axes, longest in zip(figure.subplots(len(lengths), 1, squeeze=False)[:, 0], lengths, strict=True):
        rows = [COPY.row(e["row"]) for e in entries if COPY.config(e["row"])["longest"] == longest]
        for row, colour in zip(rows, COLOURS, strict=False):
            setting = Setting.of(COPY.config(row.name), result["options"], result["seed"], 0)
            curve = _train(_prepare(setting), setting)["curve"]
            style = "-" if row.name.startswith("rtrl") else (0, (4, 3))
            width = 3.0 if row.name.startswith("rtrl") else 1.4
            axes.plot(1 + np.arange(len(curve)), curve, color=colour, linestyle=style, linewidth=width, label=row.label)
        axes.set_title(f"patterns of up to {longest} bits", fontsize=9)
        axes.set_ylabel("cross entropy a step")
        tidy(axes, grid=True)
        legend_beside(axes)
    axes.set_xlabel("epochs")
    save(figure, path)


COPY = Experiment(
    "irie2023/copy",
    "A pattern of bits is to be copied: the gradient carried forward, and sent back",
    CITATION,
    _ROWS,
    _prepare,
    _train,
    trials=3,
    figures=(
        Column("right", "bits right", ".1%"),
        Column("loss", "loss", ".4f"),
        Column("epochs", "epochs", ",.0f"),
        Column("gradient_off", "gradient off by", ".1e"),
        Column("curve_off", "curve off by", ".1e"),
        Column("short", "kept, 100 steps (KiB)", ",.0f"),
        Column("long", "kept, 10,000 steps (KiB)", ",.0f"),
        Column("microseconds", "µs a step", ",.2f"),
    ),
    summary=_summary,
    quick=Quick(
        "exact RTRL of an element-wise LSTM and back-propagation have one gradient to 1e-10 and one curve; what RTRL "
        "keeps does not grow with the sequence",
        lambda rows: (
            rows["rtrl-50"]["gradient_off"] < 1e-10
            and rows["rtrl-50"]["curve_off"] < 1e-8
            and rows["rtrl-50"]["short"] == rows["rtrl-50"]["long"] < rows["bptt-50"]["short"] < rows["bptt-50"]["long"]
        ),
        ("rtrl-50", "bptt-50"),
        config={"hidden": 16, "training": 100, "validation": 20, "epochs": 2},
    ),
    pictures=(Picture("curves", "Validation losses: of RTRL thick, of back-propagation broken", _draw),),
    source="from notes",
    outcome="partly",
    finding="FINDING",
    notes=_NOTES,
)
