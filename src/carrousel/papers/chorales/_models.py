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
NOTES = """
**Result.** With about 21,400 weights LSTM and GRU take 8.91 nats a quarter in the mean of five seeds, and a tanh
network 9.12: in this order they are published on other files of the chorales. The previous-frame table takes 10.80,
single keys 11.36.

**Data.** The scores for four voices in music21's corpus, a frame each quarter note, 88 keys; of those that sound
alike one is kept: 362. Sorted by their BWV numbers every fifth is for the test, and every fifth of the rest for
validation. They stand in the keys in which they were written. The published figures are of the JSB chorales, which
are 382 others of these in another split; they say what to expect, and no more.

**What is counted.** All 88 keys of every frame, the first too, before which there is silence. A piece's frames are
foretold from its own beginning alone. The mean is over frames.

**Training.** AdamW, at the rate 0.01 at most, decay 0.01, sixteen chorales a batch, dropout of 0.3 above the LSTM,
the norm clipped at 1; it ends after ten epochs without a lower validation loss, and the weights of the best epoch
count. Outputs begin at the shares of their keys: without that 40 epochs come to 10.6 on the validation part, with it
to 9.1. Rate, dropout and the use of transposition were chosen on the validation part, by an LSTM of 64 cells, before
the test part was looked at. Chung et al. had weight noise and RMSProp.

**Transposed.** The largest LSTM learns each chorale up to five semitones higher and lower too, and has six times the
weights.

**Quick run.** It needs no package: its pieces are drawn blues, those of `eck2002/blues`.
""".strip()
PUBLISHED = {"elman": 9.10, "gru": 8.54, "lstm": 8.67}  # on the JSB split
_ON_JSB = "The published figure is of another split of other files of the chorales, JSB, with as many weights."


def _row(name: str, label: str, cell: str, hidden: int, **changes: Any) -> Row:
    learner = {"cell": cell, "hidden": hidden, "dropout": 0.3, "rate": 1e-2, "decay": 1e-2, "batch": 16, "transpose": 0}
    config = Config({"pieces": "chorales"}, learner, {"epochs": 60, "patience": 10}).changed(**changes)
    published = {"nll": PUBLISHED[name]} if name in PUBLISHED else {}
    columns = {"units": str(hidden) if hidden else "-", "transposed": f"up to {config['transpose']}" if hidden else "-"}
    columns["transposed"] = columns["transposed"].replace("up to 0", "no")
    trials = 1 if not hidden else 5 if name in PUBLISHED else 3
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
    trials=3,
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
    finding=(
        "Gated networks take 8.9 nats a quarter of the chorales and a tanh network 9.1, tables 10.8 and 11.4; pieces "
        "that are learned higher and lower too take an LSTM further."
    ),
    notes=NOTES,
)
