"""Three of ten digits as keywords: strings of keywords alone are learned, whatever else is said between them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.estimators.metrics import keywords
from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._hmm import Loop, mixtures, runs_of
from carrousel.papers._networks import SIZE, Fitted, means, said, sized, teach
from carrousel.papers._speech import Speech, speech_of
from carrousel.papers._transcribing import by_ctc
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.fernandez2007._paper import CITATION

__all__ = ["KEYWORDS"]

WORDS = 3
"""Keywords: the digits 0, 1 and 2."""


def _kept(codes: np.ndarray) -> np.ndarray:
    """Returns the keywords of a string."""
    return codes[codes < WORDS]


def _prepare(setting: Setting) -> Prepared:
    config = sized(setting)
    speech = speech_of(config["data"], config["items"])
    return Fitted(speech) if config["method"] == "hmm" else by_ctc(speech, config, WORDS, _kept)


def _train(prepared: Any, setting: Setting) -> Found:
    """Trains, and counts hits and false alarms on the test part."""
    speech: Speech = prepared.sets
    if setting.config["method"] == "hmm":
        found = {"success": True, "steps": sum(map(len, speech.X["train"]))}
        answers = _of_markov(speech, setting)
    else:
        network, found = teach(prepared, setting)
        answers = said(network, prepared.task)
    true = [string.tolist() for string in speech.strings["test"]]
    spotted = keywords(true, answers, range(WORDS), minutes=1.0)
    others = sum(map(len, true)) - spotted.there
    return {**found, "hits": spotted.hit_rate, "alarms": spotted.false_alarms / others, "there": spotted.there}


def _of_markov(speech: Speech, setting: Setting) -> list[list[int]]:
    """Returns what a Markov model of all ten digits says of the test part."""
    states, units = setting.config["states"], len(speech.names)
    runs = runs_of(speech.frames["train"], speech.X["train"], units)
    emissions = mixtures(runs, states, setting.config["mixtures"], int(setting.apart(0).integers(2**31)))
    loop = Loop(emissions, speech.frames["train"], units, states)
    loop.weigh(speech.X["valid"], speech.strings["valid"])
    return loop.decode(speech.X["test"])


def _row(name: str, label: str, size: str, published: Mapping[str, float], note: str, **learner: Any) -> Row:
    task = {"data": "digit-strings", "items": 600, "whole": {"items": 2000, "max_epochs": 150}}
    return Row(
        name, label, {"size": size}, published, Config(task, learner, {"max_epochs": 25, "patience": 6}), note=note
    )


_CTC = {
    "method": "ctc", "hidden": 128, "layers": 1, "directions": 2, "noise": 0.5, "learning_rate": 3e-3, "batch_size": 8,
    "gradient_clip": 1.0,
}  # fmt: skip
_ROWS = (
    _row("ctc", "BLSTM, CTC, keywords alone are labelled", "128 blocks x 2", {"hits": 0.845, "alarms": 0.055},
         "Published of twelve keywords in spontaneous German; what its share of false alarms is a share of is unknown.",
         **_CTC),
    _row("hmm", "HMM of all ten digits", "8 states, 4 Gaussians each", {},
         "It is taught every digit and where it begins, of which CTC is told nothing.", method="hmm", states=8,
         mixtures=4),
)  # fmt: skip


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws when the first trial's network spots a keyword in an utterance of the test part."""
    from carrousel.papers._networks import outputs
    from carrousel.pictures.labels import draw_spikes
    from carrousel.pictures.style import save

    setting = Setting.of(KEYWORDS.config("ctc"), result["options"], result["seed"], 0)
    prepared: Any = _prepare(setting)
    network, _ = teach(prepared, setting)
    speech: Speech = prepared.sets
    chosen = next(k for k, string in enumerate(speech.strings["test"]) if len(_kept(string)) == 2 and len(string) > 4)
    x = speech.X["test"][chosen]
    output = next(y for k, (_, y, _) in enumerate(outputs(network, prepared.task, 1)) if k == chosen)[0]
    digits = " ".join(speech.names[code] for code in speech.strings["test"][chosen])
    spoken = network.decode(output[None], None)[0]
    save(
        draw_spikes(
            output.exp().numpy(), speech.names[:WORDS], x, said=[speech.names[code] for code in spoken],
            actual=[speech.names[code] for code in _kept(speech.strings["test"][chosen])],
            title=f"The keywords 0, 1 and 2 in the digits {digits}",
        ),
        path,
    )  # fmt: skip


_NOTES = """\\
**Result.** To be written.
"""

KEYWORDS = Experiment(
    "fernandez2007/keywords",
    "Keywords in what else is said: three of ten digits, learned from strings of keywords alone",
    CITATION,
    _ROWS,
    _prepare,
    _train,
    trials=4,
    figures=(
        Column("hits", "keywords found", ".1%"),
        Column("hits_sd", "deviation", ".1%"),
        Column("alarms", "false alarms, of what is no keyword", ".1%"),
        Column("alarms_sd", "deviation", ".1%"),
        Column("epochs", "epochs", ".1f"),
    ),
    summary=means("hits", "alarms", "epochs"),
    options=SIZE,
    quick=Quick(
        "in drawn utterances nine of ten keywords are found, with false alarms at less than a tenth of what is none",
        lambda rows: rows["ctc"]["hits"] > 0.9 and rows["ctc"]["alarms"] < 0.1,
        ("ctc",),
        config={"data": "drawn", "items": 60, "hidden": 20, "noise": 0.1, "max_epochs": 20, "learning_rate": 0.03},
    ),
    pictures=(Picture("spikes", "When the first trial's network spots a keyword in a string of digits", _draw),),
    source="from memory",
    outcome="partly",
    finding="To be written.",
    notes=_NOTES,
)
