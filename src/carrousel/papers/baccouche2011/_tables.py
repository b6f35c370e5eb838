"""Exercises seen by a watch, one person left out, and clips of moving digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row, Trial
from carrousel.papers._networks import SIZE
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.baccouche2011._clips import MOTIONS, clips, learn_clips, prepare_clips
from carrousel.papers.baccouche2011._paper import CITATION
from carrousel.papers.baccouche2011._watch import PEOPLE, learn_watch, prepare_watch

__all__ = ["ACTION"]

SURE = 2.262  # deviations on either side of the mean of ten in an interval of 95 %, Student's t


def _prepare(setting: Setting) -> Prepared:
    return prepare_clips(setting) if setting.config.task["data"] == "clips" else prepare_watch(setting)


def _train(prepared: Any, setting: Setting) -> Found:
    return learn_clips(prepared, setting) if setting.config.task["data"] == "clips" else learn_watch(prepared, setting)


def _summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns the mean of the shares; of the watch over people, with the interval that holds of other people too."""
    found: dict[str, Any] = {"accuracy": float(np.mean([trial["accuracy"] for trial in trials]))}
    if "person" not in trials[0]:
        if len(trials) > 1:
            found["deviation"] = float(np.std([trial["accuracy"] for trial in trials], ddof=1))
        return found
    of: dict[int, list[float]] = {}
    for trial in trials:
        of.setdefault(trial["person"], []).append(trial["accuracy"])
    people = np.array([np.mean(each) for each in of.values()])
    if len(people) > 1:
        middle, deviation = float(people.mean()), float(people.std(ddof=1))
        wide = SURE * deviation / np.sqrt(len(people))
        found |= {
            "accuracy": middle,
            "deviation": deviation,
            "low": middle - wide,
            "high": min(1.0, middle + wide),
            "worst": float(people.min()),
        }
    return found


def _watch(name: str, label: str, learner: Mapping[str, Any], until: Mapping[str, Any], trials: int) -> Row:
    return Row(
        f"watch-{name}", label, {"data": "watch"}, {}, Config({"data": "watch", "whole": {}}, learner, until), trials
    )


_TURNED = {"sizes": True, "copies": 3, "turned": 20.0}
_AS_IS = {"sizes": False, "copies": 0, "turned": 0.0}
_PIECES = {"length": 100, "every": 50}
_OF_WATCH = {
    "method": "lstm", "hidden_size": 32, "input_noise": 1.2, "dropout": 0.6, "pooling": "mean", "learning_rate": 0.01
}  # fmt: skip
_EPOCHS = {"max_epochs": 14}
NOISE = 0.3
_CLIPS = {
    "data": "clips", "clips": 300, "validation": 100, "tested": 300, "frames": 24, "noise": NOISE,
    "whole": {"clips": 2000, "validation": 500, "tested": 2000, "max_epochs": 40},
}  # fmt: skip
_OF_CLIPS = {"learning_rate": 3e-3, "weight_decay": 1e-3, "batch_size": 16, "features": 24, "hidden_size": 32}
_STOP = {"max_epochs": 24, "patience": 12, "gradient_clip": 1.0}


def _moving(method: str, label: str) -> Row:
    learner = {**_OF_CLIPS, "method": method}
    return Row(f"clips-{method}", label, {"data": "moving digits"}, {}, Config(_CLIPS, learner, _STOP), 3)


def _quoted(name: str, label: str, accuracy: float) -> Row:
    return Row(f"quoted-{name}", label, {"data": "KTH"}, {"accuracy": accuracy})


_ROWS = (
    _watch(
        "lstm",
        "LSTM over features of pieces of 2 s",
        {"method": "lstm", **_PIECES, **_TURNED, **_OF_WATCH},
        _EPOCHS,
        5 * PEOPLE,
    ),
    _watch(
        "voting",
        "logistic regression on the features, pieces vote",
        {"method": "linear", **_PIECES, **_AS_IS},
        {},
        PEOPLE,
    ),
    _watch(
        "recordings",
        "logistic regression on features of whole recordings",
        {"method": "linear", "length": None, "every": None, **_AS_IS},
        {},
        PEOPLE,
    ),
    _moving("lstm", "3-D convolution, LSTM over its features"),
    _moving("voting", "3-D convolution, its windows vote"),
    _quoted("kth1-lstm", "3-D convolution, LSTM (KTH1)", 0.9439),
    _quoted("kth1-voting", "3-D convolution, voting (KTH1)", 0.9104),
    _quoted("kth2-lstm", "3-D convolution, LSTM (KTH2)", 0.9217),
    _quoted("kth2-voting", "3-D convolution, voting (KTH2)", 0.8940),
)

_NOTES = """\
**Result.** LSTM names 89.3 % of the exercises of people whom it never saw (85.0 to 93.6 %, means of five trials a
person). That is no better than linear methods: pieces that vote name 90.0 %, whole recordings 89.3 %. A goal of 91 %
was not reached. Of moving digits LSTM over the features of a convolution names 88.9 %, the votes of the convolution's
windows 85.1 %: the order of the paper. In two of the three trials both name nearly all; in the third, whose convolution
had learned little when its 24 epochs ended, LSTM names 69 % and the vote 57 %.

**The watch.** 140 recordings of ten people at seven exercises. A trial leaves out one person, and the figures are means
over people, with the interval of 95 % that holds of other people too; LSTM has five trials for each. It reads what
pieces of 2 seconds are like, one after the other, a piece each second: of each of six channels, and of the sizes of
their two vectors, mean, deviation, least, greatest, and the mean change. That is a convolution's place in the paper.
Each recording is learned from four times, three of them turned about a random axis by 20 degrees (the deviation), as
from a watch that sits otherwise. The linear methods see the six channels of the same pieces, which vote, and of whole
recordings; turned recordings and sizes made them worse (87 % for the vote).

**How it was chosen.** On five of the ten people, one of them left out in turn, one run each: 77 % of the recordings
were right by LSTM over the channels themselves, ten steps at a time; 81 % over the features without the mean change
and with less noise; 84 % with noise of 0.8 on the features; 86 % with 1.2, which is what stands in the table. Then on
nine of the ten, two runs each: 84 % without turned recordings, 90 % with them and the sizes; turned by 30 degrees or
with less noise it was 86 to 87 %. On all ten people little is left of that gain: 89.0 % without it. The linear methods
reached 86 % on the five.

**Moving digits.** KTH is a download, so a digit of 8 x 8 pixels moves in clips of 24 frames of 32 x 32 with noise: to
and fro along one of four lines, or around a circle in either sense. Learned from are the first 1,200 digits of
scikit-learn's, judged on the last 360. The convolution has three layers and sees nine frames. By itself its windows
vote; LSTM learns on the features of its windows, once it has learned. 12 epochs were too few for one convolution of
three, which then named what a guess does; that 24 do was seen on other seeds. `--set size=whole` has 2,000 clips: 20
minutes a trial, estimated. KTH's figures are quoted from memory.
"""


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws frames of a clip of each motion, one above the other."""
    from sklearn.datasets import load_digits

    from carrousel.pictures.style import INK, new_figure, save

    digits = (load_digits().images / 16).astype(np.float32)
    found, motion = clips(np.random.default_rng(result["seed"]), digits, 60, frames=24, noise=NOISE)
    figure = new_figure(10, 7.0, "Six motions of a digit, every third frame")
    grid = figure.subplots(len(MOTIONS), 8)
    for row, (axes, name) in enumerate(zip(grid, MOTIONS, strict=True)):
        clip = found[int(np.flatnonzero(motion == row)[0])]
        for k, ax in enumerate(axes):
            ax.imshow(clip[3 * k], cmap="gray", vmin=0, vmax=1)
            ax.set_xticks([])
            ax.set_yticks([])
        axes[0].set_ylabel(name, fontsize=8, color=INK)
    save(figure, path)


ACTION = Experiment(
    "baccouche2011/action",
    "Actions: exercises seen by a watch, one person left out, and moving digits under a 3-D convolution",
    CITATION,
    _ROWS,
    _prepare,
    _train,
    trials=3,
    figures=(
        Column("accuracy", "accuracy", ".1%"),
        Column("deviation", "deviation", ".1%"),
        Column("low", "95 % from", ".1%"),
        Column("high", "to", ".1%"),
        Column("worst", "worst person", ".0%"),
    ),
    summary=_summary,
    options=SIZE,
    quick=Quick(
        "LSTM tells four made exercises of a person apart whom it never saw",
        lambda rows: rows["watch-lstm"]["accuracy"] > 0.9,
        ("watch-lstm",),
        trials=2,
        config={
            "data": "swings",
            "length": 10,
            "every": 5,
            "input_noise": 0.3,
            "max_epochs": 20,
            "sizes": False,
            "copies": 0,
        },
    ),
    pictures=(Picture("motions", "The six motions that are told apart", _draw),),
    source="from memory",
    outcome="partly",
    finding=(
        "LSTM over features of pieces names 89 % of the exercises of people whom it never saw, no more than a vote of "
        "logistic regressions on the pieces, 90 %; of moving digits 89 %, the vote of a convolution's windows 85 %."
    ),
    notes=_NOTES,
)
