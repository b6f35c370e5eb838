"""Layers above each other, in one and in both directions, with equally many weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._networks import SIZE, Taught, means, sized, teach
from carrousel.papers._speech import speech_of
from carrousel.papers._transcribing import by_ctc, label_error
from carrousel.papers._trial import Found, Setting
from carrousel.papers.graves2013._paper import CITATION

__all__ = ["DEPTH"]


def _prepare(setting: Setting) -> Taught:
    config = sized(setting)
    speech = speech_of(config["data"], config["items"])
    return by_ctc(speech, config, speech.said)


def _train(prepared: Taught, setting: Setting) -> Found:
    """Trains, and gives the label error rate on the test part by best path."""
    network, found = teach(prepared, setting)
    return {**found, "error": label_error(network, prepared.task, prepared.sets.strings["test"])}


def _row(layers: int, directions: int, hidden: int, published: Mapping[str, float], note: str = "") -> Row:
    learner = {
        "layers": layers, "directions": directions, "hidden": hidden, "noise": 0.6, "learning_rate": 3e-3,
        "batch_size": 8, "gradient_clip": 1.0,
    }  # fmt: skip
    task = {"data": "phones", "items": 250, "whole": {"items": 700, "max_epochs": 150}}
    columns = {"layers": str(layers), "directions": str(directions), "blocks a layer and direction": str(hidden)}
    label = f"CTC, {'both directions' if directions == 2 else 'one direction'}"
    name = f"{'both' if directions == 2 else 'one'}-{layers}"
    return Row(name, label, columns, published, Config(task, learner, {"max_epochs": 25, "patience": 6}), note=note)


_ROWS = (
    _row(1, 1, 173, {}),
    _row(2, 1, 105, {}),
    _row(3, 1, 82, {"error": 0.196}, "Published of 421 blocks a layer, 3.8 million weights."),
    _row(1, 2, 117, {"error": 0.239}, "Published of 250 blocks a layer and direction, 0.8 million weights."),
    _row(2, 2, 63, {"error": 0.210}, "Published of 250 blocks a layer and direction, 2.3 million weights."),
    _row(3, 2, 49, {"error": 0.186}, "Published of 250 blocks a layer and direction, 3.8 million weights."),
    Row("quoted-both-5", "CTC, both directions", {"layers": "5", "directions": "2"}, {"error": 0.184}),
    Row("quoted-both-1-622", "CTC, both directions, 622 blocks", {"layers": "1", "directions": "2"}, {"error": 0.230}),
)


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws the label errors on the test part, beside the published ones."""
    from carrousel.pictures.beside import Bar, draw_beside
    from carrousel.pictures.style import save

    rows = {row.name: row for row in _ROWS}
    bars = [
        Bar(
            f"{rows[entry['row']].label}, {rows[entry['row']].columns['layers']} layers", entry["measured"]["error"],
            published=entry["published"].get("error"), words=f"{entry['measured']['error']:.1%}",
        )
        for entry in result["rows"] if "measured" in entry
    ]  # fmt: skip
    shown = {"measured": "ours, 150,000 weights, on speech that a machine made", "published": "published, on TIMIT"}
    save(draw_beside(bars, "Label errors of unseen words by unseen voices", other="", share=True, **shown), path)


_NOTES = """\\
**Result.** To be written.
"""

DEPTH = Experiment(
    "graves2013/depth",
    "Phones by CTC: one to three layers, one direction and both, at 150,000 weights each",
    CITATION,
    _ROWS,
    _prepare,
    _train,
    trials=3,
    figures=(
        Column("error", "label error", ".1%"),
        Column("error_sd", "deviation", ".1%"),
        Column("epochs", "epochs", ".1f"),
    ),
    summary=means("error", "epochs"),
    options=SIZE,
    quick=Quick(
        "on drawn utterances two layers of both directions say nine of ten labels right",
        lambda rows: rows["both-2"]["error"] < 0.1,
        ("both-2",),
        config={"data": "drawn", "items": 60, "hidden": 14, "noise": 0.1, "max_epochs": 20, "learning_rate": 0.03},
    ),
    pictures=(Picture("errors", "Label errors by layers and directions", _draw),),
    source="from memory",
    outcome="partly",
    finding="To be written.",
    notes=_NOTES,
)
