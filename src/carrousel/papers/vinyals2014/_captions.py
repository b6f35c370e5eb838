"""Vinyals et al. 2014: the picture given before the first word, or beside every word."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from carrousel.nets.captioner import Captioner
from carrousel.papers._experiment import Column, Config, Experiment, Quick, Row
from carrousel.papers._networks import SIZE, Taught, means, sized, teach
from carrousel.papers._trial import Found, Setting
from carrousel.papers.vinyals2014._paper import CITATION
from carrousel.papers.vinyals2014._scenes import WORDS, Scenes
from carrousel.training import Job

__all__ = ["CAPTIONS"]


class _Eye(nn.Module):
    """A vector from a picture of 24 × 24 pixels that keeps where things are: convolutions, a linear layer,
    and layer norm, without which the numbers grow until the LSTM's gates are shut for good.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for above, below in ((16, 3), (32, 16), (32, 32)):
            layers += [nn.Conv2d(below, above, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 3 * 3, features), nn.LayerNorm(features))
        self.features = features

    def forward(self, image: Tensor) -> Tensor:  # [B, 3, 24, 24] -> [B, features]
        return self.layers(image)


def _network(config: Mapping[str, Any]) -> nn.Module:
    return Captioner(
        len(WORDS), lstm={"hidden_size": config["hidden"]}, encoder=_Eye(config["features"]),
        every_step=config["every_step"],
    )  # fmt: skip


def _prepare(setting: Setting) -> Taught:
    config, rng = sized(setting), setting.apart(1)
    train, valid = Scenes(config["items"], rng), Scenes(config["valid"], rng)
    test = Scenes(config["test"], rng)
    return Taught(Job(partial(_network, config), train, valid), test, sets=Scenes(config["test"], rng, unseen=True))


def _train(prepared: Taught, setting: Setting) -> Found:
    network, found = teach(prepared, setting)
    width = setting.config["beam"]
    seen, unseen = (_scores(network, part, width) for part in (prepared.task, prepared.sets))
    return {**found, "exact": seen[0], "unseen": unseen[0], "unseen_words": unseen[1]}


def _scores(network: Any, scenes: Any, width: int) -> tuple[float, float]:
    """Returns the shares of sentences, and of words, that are right."""
    with torch.no_grad():
        said = network.caption(scenes.images, width=width, most=12)
    words = [
        np.mean([a == b for a, b in zip(one[: len(right)], right, strict=False)]) if one else 0.0
        for one, right in zip(said, scenes.sentences, strict=True)
    ]
    exact = np.mean([one == right for one, right in zip(said, scenes.sentences, strict=True)])
    return float(exact), float(np.mean(words))


def _rows() -> tuple[Row, ...]:
    rows = []
    for name, label, every_step in (("once", "picture given once", False), ("every-word", "beside every word", True)):
        task = {"items": 4000, "valid": 300, "test": 500, "beam": 5, "whole": {"items": 30_000, "beam": 20}}
        learner = {
            "hidden": 64, "features": 64, "every_step": every_step, "learning_rate": 0.003, "batch_size": 32,
            "gradient_clip": 5.0,
        }  # fmt: skip
        config = Config(task, learner, {"max_epochs": 30, "patience": 8})
        rows.append(Row(name, label, {"units": "64"}, {}, config))
    return tuple(rows)


def _holds(measured: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(measured["every-word"]["unseen_words"] > 0.46)


CAPTIONS = Experiment(
    "vinyals2014/captions",
    "Say what is in a picture of two shapes (pictures of our own), the picture given once or beside every word",
    CITATION,
    _rows(),
    _prepare,
    _train,
    trials=3,
    figures=(
        Column("exact", "sentences right", ".1%"),
        Column("exact_sd", "±", ".1%"),
        Column("unseen", "right, with unseen pairs", ".1%"),
        Column("unseen_sd", "±", ".1%"),
        Column("unseen_words", "words right, with unseen pairs", ".1%"),
    ),
    summary=means("exact", "unseen", "unseen_words"),
    options=SIZE,
    quick=Quick(
        "after a little training more words about unseen combinations are right than the sentences' form alone gives",
        _holds,
        ("every-word",),
        config={
            "items": 800,
            "valid": 50,
            "test": 60,
            "max_epochs": 5,
            "hidden": 48,
            "beam": 1,
            "learning_rate": 0.006,
            "batch_size": 16,
        },
    ),
    source="from notes",
    outcome="",
    finding="",
    notes="",
)
