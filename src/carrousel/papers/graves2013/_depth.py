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


def _train(prepared: Any, setting: Setting) -> Found:
    """Trains, and gives the label error rate on the test part by best path."""
    network, found = teach(prepared, setting)
    return {**found, "error": label_error(network, prepared.task, prepared.sets.strings["test"])}


def _row(layers: int, directions: int, hidden: int, published: Mapping[str, float], note: str = "") -> Row:
    learner = {
        "layers": layers, "directions": directions, "hidden": hidden, "stack": 2, "noise": 0.3, "learning_rate": 5e-3,
        "batch_size": 4, "gradient_clip": 1.0,
    }  # fmt: skip
    task = {"data": "phones", "items": 150, "whole": {"items": 700, "max_epochs": 120, "patience": 15}}
    columns = {"layers": str(layers), "directions": str(directions), "blocks a layer and direction": str(hidden)}
    label = f"CTC, {'both directions' if directions == 2 else 'one direction'}"
    name = f"{'both' if directions == 2 else 'one'}-{layers}"
    return Row(name, label, columns, published, Config(task, learner, {"max_epochs": 60, "patience": 24}), note=note)


_ROWS = (
    _row(1, 1, 162, {}),
    _row(2, 1, 101, {}),
    _row(3, 1, 80, {"error": 0.196}, "Published of 421 blocks a layer, 3.8 million weights."),
    _row(1, 2, 107, {"error": 0.239}, "Published of 250 blocks a layer and direction, 0.8 million weights."),
    _row(2, 2, 60, {"error": 0.210}, "Published of 250 blocks a layer and direction, 2.3 million weights."),
    _row(3, 2, 47, {"error": 0.186}, "Published of 250 blocks a layer and direction, 3.8 million weights."),
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
            f"{rows[entry['row']].label}, layers {rows[entry['row']].columns['layers']}", entry["measured"]["error"],
            published=entry["published"].get("error"), words=f"{entry['measured']['error']:.1%}",
        )
        for entry in result["rows"] if "measured" in entry
    ]  # fmt: skip
    shown = {"measured": "ours, 150,000 weights, on speech that a machine made", "published": "published, on TIMIT"}
    save(draw_beside(bars, "Label errors of unseen words by unseen voices", other="", share=True, **shown), path)


_NOTES = """\
**Result.** At equal weights both directions make fewer errors than one at every depth: 25.5, 25.0 and 23.6 % with one,
two and three layers, where one direction makes 30.7, 25.7 and 31.3 %. With both directions each layer more helps, as is
published; with one the second helps and the third does not, which begins late and is still learning when the 60 epochs
end. After 24 epochs three layers had made 34 and 78 % of errors: depth wants time first. Means of three trials.

**The data** are not those of the paper. TIMIT is licensed, so the speech here is made by espeak-ng (the data set
`phones`): sixty phones and silence, known to the sample, with noise added. The 26 features of a frame are 13 cepstra,
of which the first is the log energy, and their slopes. The test has words and voices that are in no training part;
two of the twelve training voices are set aside to stop training. A machine says a phone much the same way each time,
so errors are lower than of people: orders can be set beside the paper's, percentages cannot.

The paper has 123 features of a frame, 61 phones that are scored as 39, and networks of 0.8 to 6.8 million weights.

**Size.** All networks have 150,000 weights. The committed run learns from 150 utterances for 60 epochs; `--set
size=whole` from 700, at most 120, which takes about four hours of one core.

**Networks** are of LSTM with peepholes under CTC with best path. Two frames are joined to a step, which halves the
time and lets deep networks begin sooner: under CTC a network says nothing but the blank at first, and three layers
stay there for about ten of these epochs. With single frames, noise of 0.6 and a rate of 0.01 neither two nor three
layers got away from it within 15 epochs, so what is compared is also how fast each learns. Noise of 0.3 on the input,
AdamW at 0.005 on batches of four, chosen for three layers of both directions by the loss on the utterances set aside.
The paper's noise on the weights, its retraining and the transducer are left out. Published figures are from memory.
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
        config={"data": "drawn", "items": 60, "hidden": 12, "noise": 0.1, "max_epochs": 8, "learning_rate": 0.03},
    ),
    pictures=(Picture("errors", "Label errors by layers and directions", _draw),),
    source="from memory",
    outcome="yes",
    finding=(
        "At 150,000 weights each both directions beat one at every depth, and of both directions three layers make "
        "fewer errors than two, and two than one."
    ),
    notes=_NOTES,
)
