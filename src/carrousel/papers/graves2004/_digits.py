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
    task = {"data": "spoken-digits", "channels": 26, "whole": {"max_epochs": 100, "patience": 20}}
    config = Config(task, learner, {"max_epochs": 25, "patience": 6})
    return Row(name, label, {"size": size}, {}, config)


_TAUGHT = {"noise": 0.3, "learning_rate": 5e-3, "batch_size": 16, "gradient_clip": 1.0}
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
**Result.** To be written.
"""

DIGITS = Experiment(
    "graves2004/digits",
    "Isolated spoken digits: a forward LSTM with its target at the end, beside hidden Markov models",
    CITATION,
    _ROWS,
    _prepare,
    _train,
    trials=5,
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
        config={"data": "drawn", "hidden": 16, "max_epochs": 8, "learning_rate": 0.03},
    ),
    pictures=(Picture("confusion", "Which digit is taken for which by the LSTM of the first trial", _draw),),
    outcome="yes",
    finding="To be written.",
    notes=_NOTES,
)
