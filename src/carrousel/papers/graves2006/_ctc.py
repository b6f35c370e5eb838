"""Strings of labels by CTC, by hybrids of a BLSTM and a Markov model, and by Markov models alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from carrousel.nets._ctc import prefix_search
from carrousel.nets.tagger import Tagger
from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._hmm import Emissions, Loop, mixtures, runs_of
from carrousel.papers._networks import SIZE, Fitted, Taught, means, outputs, sized, teach
from carrousel.papers._speech import Speech, speech_of
from carrousel.papers._transcribing import by_ctc, error_of, label_error
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.graves2005._nets import ByDuration
from carrousel.papers.graves2006._paper import CITATION
from carrousel.training import Job

__all__ = ["CTC"]


def _prepare(setting: Setting) -> Prepared:
    config = sized(setting)
    speech = speech_of(config["data"], config["items"])
    if config["method"] == "ctc":
        return by_ctc(speech, config, speech.said)
    if config["method"] == "hmm":
        return Fitted(speech)
    lstm = {"hidden_size": config["hidden"], "cell": "peephole", "bidirectional": True}
    make = partial(Tagger, speech.channels, len(speech.names), noise=config["noise"], lstm=lstm)
    train, valid, test = (speech.with_frames(part) for part in ("train", "valid", "test"))
    return Taught(Job(make, train, valid, criterion=ByDuration() if config["by_duration"] else None), test, speech)


def _train(prepared: Any, setting: Setting) -> Found:
    """Trains, and gives the label error rate on the test part, of CTC that of prefix search too."""
    speech: Speech = prepared.sets
    true = speech.strings["test"]
    if setting.config["method"] == "ctc":
        network, found = teach(prepared, setting)
        said = [prefix_search(y, limit=setting.config["prefixes"]) for y in _log_probabilities(network, prepared.task)]
        return {**found, "error": label_error(network, prepared.task, true), "prefix": error_of(said, true)}
    units, states = len(speech.names), setting.config["states"]
    found = {"success": True, "steps": sum(map(len, speech.X["train"]))}
    if setting.config["method"] == "hmm":
        runs = runs_of(speech.frames["train"], speech.X["train"], units)
        seed = int(setting.apart(0).integers(2**31))
        emissions = mixtures(runs, states, setting.config["mixtures"], seed)
    else:
        network, found = teach(prepared, setting)
        emissions = _of_tagger(network, speech, states)
    loop = Loop(emissions, speech.frames["train"], units, states, speech.pause)
    loop.weigh(speech.X["valid"], speech.strings["valid"])
    return {**found, "error": error_of(loop.decode(speech.X["test"]), true)}


def _log_probabilities(network: Any, source: Any) -> list[np.ndarray]:
    """Returns the log probabilities of every label and the blank at each step of each item, ``[T_i, K + 1]``."""
    found = []
    for inputs, output, _ in outputs(network, source):
        lengths = inputs["lengths"].tolist()
        found += [each[:length] for each, length in zip(output.double().numpy(), lengths, strict=True)]
    return found


def _of_tagger(network: Any, speech: Speech, states: int) -> Emissions:
    """Returns p(label | utterance) / p(label) as the emissions of all states of a label."""
    counts = np.bincount(np.concatenate(speech.frames["train"]), minlength=len(speech.names)) + 1.0
    prior = np.log(counts / counts.sum())

    def emissions(X: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = []
        with torch.no_grad():
            for x in X:
                said = network(torch.from_numpy(x)[None], torch.tensor([len(x)]))[0].double().log_softmax(dim=1)
                found.append(np.repeat(said.numpy() - prior, states, axis=1))
        return found

    return emissions


def _row(name: str, label: str, data: str, size: str, published: Mapping[str, float], **learner: Any) -> Row:
    task = {"data": data, "items": 400, "whole": {"items": 700 if data == "phones" else 2000, "max_epochs": 150}}
    until = {"max_epochs": 40, "patience": 8} if learner["method"] == "ctc" else {"max_epochs": 15, "patience": 4}
    columns = {"data": "made phones" if data == "phones" else "digit strings", "size": size}
    return Row(name, label, columns, published, Config(task, learner, until))


_TAUGHT = {"learning_rate": 3e-3, "batch_size": 8, "gradient_clip": 1.0}
_CTC = {"method": "ctc", "hidden": 100, "layers": 1, "directions": 2, "noise": 0.6, "prefixes": 300, **_TAUGHT}
_HYBRID = {"method": "hybrid", "hidden": 93, "noise": 0.0, "states": 3, "by_duration": False, **_TAUGHT}
_TWICE = "100 blocks x 2"
_ROWS = (
    _row("hmm", "HMM, a chain a phone", "phones", "3 states, 6 Gaussians each", {"error": 0.3885}, method="hmm",
         states=3, mixtures=6),
    Row("quoted-hmm-context", "HMM, phones in context", {"data": "TIMIT"}, {"error": 0.3521}),
    _row("hybrid", "BLSTM/HMM", "phones", "93 blocks x 2", {"error": 0.3384}, **_HYBRID),
    _row("hybrid-weighted", "BLSTM/HMM, weighted error", "phones", "93 blocks x 2", {"error": 0.3157},
         **{**_HYBRID, "by_duration": True}),
    _row("ctc", "CTC", "phones", _TWICE, {"error": 0.3147, "prefix": 0.3051}, **_CTC),
    _row("hmm-digits", "HMM, a chain a digit", "digit-strings", "8 states, 4 Gaussians each", {}, method="hmm",
         states=8, mixtures=4),
    _row("hybrid-digits", "BLSTM/HMM", "digit-strings", "93 blocks x 2", {}, **{**_HYBRID, "states": 6}),
    _row("ctc-digits", "CTC", "digit-strings", _TWICE, {}, **_CTC),
)  # fmt: skip


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws what the first trial's network says of an utterance of the test part, and when."""
    from carrousel.pictures.labels import draw_spikes
    from carrousel.pictures.style import save

    setting = Setting.of(CTC.config("ctc-digits"), result["options"], result["seed"], 0)
    prepared: Any = _prepare(setting)
    network, _ = teach(prepared, setting)
    speech: Speech = prepared.sets
    x, true = speech.X["test"][0], speech.strings["test"][0]
    y = _log_probabilities(network, prepared.task)[0]
    words = [[speech.names[code] for code in string] for string in (prefix_search(y), true)]
    title = "Connected digits by CTC: a spike for each, and the blank between them"
    labels = speech.names[: speech.said]
    save(draw_spikes(np.exp(y), labels, x, said=words[0], actual=words[1], title=title), path)


_NOTES = """\\
**Result.** To be written.
"""

CTC = Experiment(
    "graves2006/ctc",
    "Strings of phones and of digits: connectionist temporal classification beside hybrids and Markov models",
    CITATION,
    _ROWS,
    _prepare,
    _train,
    trials=3,
    figures=(
        Column("error", "label error", ".1%"),
        Column("error_sd", "deviation", ".1%"),
        Column("prefix", "by prefix search", ".1%"),
        Column("prefix_sd", "deviation", ".1%"),
        Column("epochs", "epochs", ".1f"),
    ),
    summary=means("error", "prefix", "epochs"),
    options=SIZE,
    quick=Quick(
        "on drawn utterances CTC says nine of ten labels right, and prefix search errs no more than best path",
        lambda rows: rows["ctc"]["error"] < 0.1 and rows["ctc"]["prefix"] <= rows["ctc"]["error"] + 0.005,
        ("ctc",),
        config={"data": "drawn", "items": 60, "hidden": 20, "noise": 0.1, "max_epochs": 20, "learning_rate": 0.03},
    ),
    pictures=(Picture("spikes", "What the first trial's network says of an utterance of digits, and when", _draw),),
    source="from notes",
    outcome="partly",
    finding="To be written.",
    notes=_NOTES,
)
