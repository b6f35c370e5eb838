"""Draws a setting from the paper's space, trains a variant with it on chorales, and takes its nats a frame."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from carrousel.data.music import KEYS
from carrousel.estimators._frame_items import items_of
from carrousel.estimators._frame_tables import FrameTables
from carrousel.nets._losses import ItemLoss
from carrousel.nets.frames import FrameNet
from carrousel.papers._networks import Taught, sized, teach
from carrousel.papers._pieces import nats, pieces
from carrousel.papers._trial import Found, Setting
from carrousel.training import Job

__all__ = ["RATE", "REST", "UNITS", "drawn", "prepare", "train"]

UNITS, RATE, REST = (20, 200), (1e-6, 1e-2), (0.01, 1.0)
"""The paper's space: units, learning rate, and 1 - momentum, each log-uniform between these."""

DEVIATION = 0.1  # of the first weights
SINGLE = "single keys"


class _OfPiece(ItemLoss):
    """The negative log-likelihood of a whole piece: the sum over its frames."""

    def each(self, predicted: Tensor, actual: Tensor) -> Tensor:  # logits [B, T, N], bits [B, T, N], -1 past an end
        there = actual >= 0
        bits = actual.clamp(min=0).to(predicted.dtype)
        losses = nn.functional.binary_cross_entropy_with_logits(predicted, bits, reduction="none")
        return losses.masked_fill(~there, 0.0).sum(dim=(1, 2))


def drawn(setting: Setting) -> dict[str, float]:
    """Returns the setting that a trial of this number has, of whichever variant: units, rate, momentum, noise."""
    rng = setting.apart(2)
    units, rate, rest = (float(np.exp(rng.uniform(*np.log(ends)))) for ends in (UNITS, RATE, REST))
    noise = float(rng.uniform()) if setting.options["noise"] == "uniform" else 0.0
    return {"units": round(units), "rate": rate, "momentum": 1.0 - rest, "noise": noise}


def _network(config: Mapping[str, Any], choice: Mapping[str, float], share: np.ndarray) -> FrameNet:
    lstm = {"hidden_size": int(choice["units"]), "cell": config["cell"], "gate_recurrence": config["gate_recurrence"]}
    network = FrameNet(KEYS, lstm=lstm, noise=choice["noise"])
    for weight in network.parameters():
        nn.init.normal_(weight, 0.0, DEVIATION)
    network.start_at(share)
    for name, weight in network.named_parameters():
        if "bias_hh" in name:  # the paper's units have one bias
            nn.init.zeros_(weight)
            weight.requires_grad_(False)
    return network


def prepare(setting: Setting) -> Taught:
    """Returns what builds the network of a trial, and the pieces."""
    config, choice, parts = sized(setting), drawn(setting), pieces(setting.config["pieces"])
    tables = FrameTables.learned(parts["train"])
    learned, held, test = (items_of(parts[part]) for part in ("train", "valid", "test"))
    build = partial(_network, config, choice, tables.share)
    floor = {part: nats(parts[part], lambda piece: tables.chances(piece)[SINGLE]) for part in ("valid", "test")}
    return Taught(Job(build, learned, held, criterion=_OfPiece()), test, sets=(parts, floor))


def train(prepared: Taught, setting: Setting) -> Found:
    """Trains the network by the descent of the paper; one that diverges is as good as the shares of single keys."""
    choice = drawn(setting)
    parts, floor = prepared.sets
    try:
        network, found = teach(
            prepared,
            setting,
            learning_rate=choice["rate"],
            momentum=choice["momentum"],
            nesterov=choice["momentum"] > 0,
        )
        scores = {part: nats(parts[part], network.chances) for part in ("valid", "test")}
        finite, diverged = bool(np.isfinite([*scores.values()]).all()), False
    except ValueError as error:
        if "diverged" not in str(error):
            raise
        found, finite, diverged = {"steps": 0, "epochs": 0, "valid_loss": None}, False, True
    if not finite:
        scores = dict(floor)
    return {
        **found,
        "success": scores["test"] < floor["test"],
        "diverged": diverged,
        "valid": min(scores["valid"], floor["valid"]),
        "test": min(scores["test"], floor["test"]),
        **choice,
    }
