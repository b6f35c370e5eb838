"""Sak, Senior & Beaufays 2014: networks with and without a recurrent projection, at equal numbers of weights."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from carrousel.nets.language_model import LanguageModel
from carrousel.papers._bars import bars
from carrousel.papers._experiment import Column, Config, Experiment, Quick, Row
from carrousel.papers._networks import SIZE, Taught, means, sized, teach
from carrousel.papers._source_text import loss_of_text, source_text
from carrousel.papers._trial import Found, Setting
from carrousel.papers.sak2014._paper import CITATION
from carrousel.training import Job, Streams

__all__ = ["PROJECTION", "weights_of"]

SYMBOLS = 100  # characters that have a number; all others share one


def weights_of(n_i: int, n_c: int, n_o: int, n_r: int | None = None) -> int:
    """Returns the weights of the paper's network of one layer with peepholes, without biases.

    Args:
        n_i: inputs.
        n_c: cells.
        n_o: outputs.
        n_r: numbers of the recurrent projection; None for none.

    >>> weights_of(40, 800, 14247, 512) > weights_of(40, 512, 14247)
    True
    """
    if n_r is None:
        return 4 * n_c * n_c + 4 * n_i * n_c + n_c * n_o + 3 * n_c
    return 4 * n_c * n_r + 4 * n_i * n_c + n_r * n_o + n_c * n_r + 3 * n_c


def _network(config: Mapping[str, Any]) -> nn.Module:
    lstm = {
        "hidden_size": config["hidden"], "proj_size": config["projection"], "num_layers": config["layers"],
        "cell": "peephole",
    }  # fmt: skip
    return LanguageModel(SYMBOLS, lstm=lstm, embedding=config["embedding"], dropout=config["dropout"])


def _prepare(setting: Setting) -> Taught:
    config = sized(setting)
    train, valid, test = source_text(config, setting.apart(1), SYMBOLS)
    learned, held = (Streams(part, config["batch_size"], config["steps"]) for part in (train, valid))
    return Taught(Job(partial(_network, config), learned, held), learned, sets=test)


def _train(prepared: Taught, setting: Setting) -> Found:
    network, found = teach(prepared, setting)
    return {**found, "bits": loss_of_text(network, prepared.sets) / float(np.log(2))}


def _rows() -> tuple[Row, ...]:
    rows = []
    # Widths at which networks of as many layers have equally many weights, within a hundredth.
    for name, label, layers, hidden, projection in (
        ("lstm-1", "LSTM", 1, 128, 0),
        ("projected-1", "LSTM with projection", 1, 247, 64),
        ("lstm-2", "LSTM", 2, 93, 0),
        ("projected-2", "LSTM with projection", 2, 143, 56),
    ):
        task = {
            "data": "source", "items": 400_000, "valid": 40_000, "test": 60_000,
            "whole": {"items": 4_000_000, "test": 400_000, "max_epochs": 10},
        }  # fmt: skip
        learner = {
            "hidden": hidden, "projection": projection, "layers": layers, "embedding": projection or hidden,
            "dropout": 0.0, "learning_rate": 0.005, "batch_size": 20, "steps": 50, "gradient_clip": 1.0,
        }  # fmt: skip
        columns = {"layers": str(layers), "cells": str(hidden), "projection": str(projection or "-")}
        rows.append(Row(name, label, columns, {}, Config(task, learner, {"max_epochs": 5})))
    return tuple(rows)


def _holds(measured: Mapping[str, Mapping[str, Any]]) -> bool:
    return all(found["bits"] < 2.0 for found in measured.values())


_NOTES = """\
**What came out.** At equal numbers of weights a projection changes nothing here: 3.10 bits a character with it and 3.08
without in one layer, 3.16 and 3.14 in two, means of three trials that differ by a tenth of a bit among themselves. The
paper found projections better on large networks for speech. Its formula of weights is met exactly by the layers, which
a test says.

**What is ours.** The paper's speech is not at hand. Networks read the characters of Python's own source, and are
tested on modules that they have not seen. Rows of as many layers have equally many weights, to a hundredth.

**Choices.** Peepholes as in the paper; a projection of about a third of the cells. The text differs between versions
of Python. A trial takes about a minute, ten with `--set size=whole`."""

ROWS = _rows()

PROJECTION = Experiment(
    "sak2014/projection",
    "Characters of a text, with and without a recurrent projection, at equal numbers of weights",
    CITATION,
    ROWS,
    _prepare,
    _train,
    trials=3,
    figures=(Column("bits", "bits a character", ".3f"), Column("bits_sd", "±", ".3f")),
    summary=means("bits"),
    options=SIZE,
    quick=Quick(
        "networks with and without projection learn the words of a made text, to less than two bits a character",
        _holds,
        ("lstm-1", "projected-1"),
        config={"data": "made", "items": 12_000, "valid": 1200, "test": 1200, "max_epochs": 2, "steps": 20},
    ),
    pictures=(bars(ROWS, "bits", "Bits a character of Python's own source, unseen modules", form=".2f"),),
    source="from memory",
    outcome="no",
    finding=(
        "A projection neither helps nor hurts small networks on text, at equal numbers of weights; the formula of "
        "weights agrees exactly."
    ),
    notes=_NOTES,
)
