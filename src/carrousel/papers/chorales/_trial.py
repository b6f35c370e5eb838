"""Trains a network on pieces of music, and takes how well it foretells others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carrousel.papers._experiment import Trial, mean
from carrousel.papers._pieces import Parts, nats, pieces
from carrousel.papers._trial import Found, Prepared, Setting

__all__ = ["TABLES", "prepare", "summary", "train"]

TABLES = {"single": "single keys", "previous": "previous-frame table"}


class _Model:
    """A network before it is trained and after, or a table."""

    def __init__(self, about: Mapping[str, Any], parts: Parts):
        import torch

        from carrousel.data.music import KEYS
        from carrousel.estimators._frame_tables import FrameTables
        from carrousel.nets.frames import FrameNet

        self.tables = FrameTables.learned(parts["train"])
        lstm: dict[str, Any] = {"hidden_size": about["hidden"], "cell": about["cell"]}
        if about["cell"] in ("lstm", "peephole"):
            lstm["forget_bias"] = 1.0

        def build() -> FrameNet:
            network = FrameNet(KEYS, lstm=lstm, dropout=about["dropout"])
            network.start_at(self.tables.share)
            return network

        self.build = build
        self.network: Any = None
        if about["cell"] not in TABLES:
            with torch.random.fork_rng():
                self.network = build()

    def ready(self) -> None:
        """Compiles the passes of the network."""
        import torch

        if self.network is None:
            return
        self.network(torch.zeros(1, 2, self.tables.counts.shape[2]), torch.tensor([2])).sum().backward()


def prepare(setting: Setting) -> Prepared:
    """Returns what builds the network, and the pieces."""
    parts = pieces(setting.config.task["pieces"])
    return Prepared(_Model(setting.config.learner, parts), None, parts)


def train(prepared: Prepared, setting: Setting) -> Found:
    """Trains the network, and returns its nats a frame; the weights count that did best on the validation pieces."""
    from carrousel.estimators._frame_items import items_of, transposed
    from carrousel.training import Job, Options
    from carrousel.training import train as train_network

    about, until, parts = setting.config.learner, setting.config.until, prepared.sets
    model = prepared.learner
    tables = nats(parts["test"], lambda piece: model.tables.chances(piece)[TABLES["previous"]])
    if about["cell"] in TABLES:
        name = TABLES[about["cell"]]
        found = {part: nats(parts[part], lambda piece: model.tables.chances(piece)[name]) for part in parts}
        counts = 88 * (1 if about["cell"] == "single" else 2)
        return {**_figures(found, tables), "epochs": 0, "weights": counts, "steps": sum(map(len, parts["train"]))}
    shifted = [each for piece in parts["train"] for each in transposed(piece, about["transpose"])]
    options = Options(
        about["rate"], about["decay"], about["batch"], until["epochs"], until["patience"], gradient_clip=1.0
    )
    job = Job(model.build, items_of(shifted), items_of(parts["valid"]))
    trained = train_network(job, options, int(setting.rng.integers(2**31)))
    network: Any = trained.network
    model.network = network
    found = {part: nats(parts[part], network.chances) for part in parts}
    steps = sum(map(len, shifted)) * len(trained.history)
    weights = sum(weight.numel() for weight in network.parameters())
    return {**_figures(found, tables), "epochs": trained.best_epoch, "weights": weights, "steps": steps}


def _figures(found: Mapping[str, float], table: float) -> Found:
    """Returns the nats of the parts; success is to be below the previous-frame table on the test pieces."""
    return {"success": found["test"] < table, **{f"{part}_nll": nats for part, nats in found.items()}}


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns a row's figures: means, and the lowest and the highest of the test."""
    nats = [trial["test_nll"] for trial in trials]
    return {
        "success_rate": mean([float(trial["success"]) for trial in trials]),
        "nll": mean(nats),
        "least": min(nats, default=None),
        "most": max(nats, default=None),
        "valid_nll": mean([trial["valid_nll"] for trial in trials]),
        "train_nll": mean([trial["train_nll"] for trial in trials]),
        "epochs": mean([trial["epochs"] for trial in trials]),
    }
