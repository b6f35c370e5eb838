"""Chorales: how well networks of the family foretell the next quarter, beside two tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers.chorales._paper import CITATION
from carrousel.papers.chorales._trial import prepare, summary, train

__all__ = ["MODELS"]

FIGURES = (
    Column("nll", "nats a quarter", ".2f"),
    Column("least", "from", ".2f"),
    Column("most", "to", ".2f"),
    Column("valid_nll", "validation", ".2f"),
    Column("train_nll", "training", ".2f"),
    Column("epochs", "best epoch", ".0f"),
)
PUBLISHED = {"elman": 9.10, "gru": 8.54, "lstm": 8.67}  # on the JSB split
_ON_JSB = "The published figure is of another split of other files of the chorales, JSB, with as many weights."


def _row(name: str, label: str, cell: str, hidden: int, **changes: Any) -> Row:
    learner = {"cell": cell, "hidden": hidden, "dropout": 0.3, "rate": 1e-2, "decay": 1e-2, "batch": 16, "transpose": 0}
    config = Config({"pieces": "chorales"}, learner, {"epochs": 60, "patience": 10}).changed(**changes)
    published = {"nll": PUBLISHED[name]} if name in PUBLISHED else {}
    columns = {"units": str(hidden) if hidden else "-", "transposed": f"up to {config['transpose']}" if hidden else "-"}
    columns["transposed"] = columns["transposed"].replace("up to 0", "no")
    trials = None if hidden else 1
    return Row(name, label, columns, published, config, trials=trials, note=_ON_JSB if published else "")


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.chorales._picture import draw

    draw(path, MODELS, result)


MODELS = Experiment(
    "chorales/models",
    "Bach's chorales, a frame a quarter note: how many nats does each model take for the next of 88 keys?",
    CITATION,
    (
        _row("single", "single keys", "single", 0),
        _row("previous", "previous-frame table", "previous", 0),
        _row("elman", "tanh network", "elman", 82),
        _row("gru", "GRU", "gru", 44),
        _row("lstm", "LSTM", "lstm", 36),
        _row("peephole", "LSTM with peepholes", "peephole", 36),
        _row("coupled", "coupled input and forget gate", "coupled", 44),
        _row("slstm", "sLSTM", "slstm", 36),
        _row("minlstm", "minLSTM", "minlstm", 60),
        _row("lstm-transposed", "LSTM", "lstm", 128, transpose=5, epochs=8, patience=4),
    ),
    prepare,
    train,
    trials=5,
    figures=FIGURES,
    summary=summary,
    quick=Quick(
        "an LSTM foretells drawn songs of blues better than a table of the frame before",
        lambda rows: rows["lstm"]["nll"] < rows["previous"]["nll"],
        ("previous", "lstm"),
        config={"pieces": "blues", "epochs": 15},
    ),
    pictures=(Picture("roll", "A chorale of the test, and which notes an LSTM expected", _draw),),
    source="from notes",
    outcome="yes",
    finding="",
    notes="",
)
