"""Eck & Schmidhuber 2002: chords alone, and chords with melodies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._trial import first_success
from carrousel.papers.eck2002._paper import CITATION
from carrousel.papers.eck2002._trial import prepare, summary, train

__all__ = ["BLUES"]

FIGURES = (
    Column("success_rate", "11 choruses", ".0%"),
    Column("sequences_mean", "learned"),
    Column("kept", "choruses kept of 100", ".1f"),
    Column("right", "right chords", ".0%"),
    Column("told", "foretold", ".1%"),
    Column("like", "as a segment", ".0%"),
    Column("scale", "of the scale", ".0%"),
    Column("notes", "notes a bar", ".1f"),
)
SHOWN = 100  # choruses that a network plays by itself
_BLOCKS = {
    "rule": "on-line", "rate": 1e-4, "melody_rate": 1e-3, "momentum": 0.9, "init": 0.1, "output_bias": 0.5,
}  # fmt: skip


def _blocks(name: str, tune: bool, forget: int, trials: int, note: str = "") -> Row:
    until = {"choruses": 150_000, "at_once": 4, "block": 200, "songs": 60_000 if tune else 0, "shown": SHOWN}
    config = Config({"melody": tune}, {**_BLOCKS, "forget": forget}, until)
    columns = {
        "experiment": "2" if tune else "1",
        "network": "8 blocks of 2 cells" if tune else "4 blocks of 2 cells",
        "rule": "on-line",
        "first forget bias": "0.5 to 2" if forget > 0 else "-0.5 to -2",
    }
    return Row(name, "LSTM", columns, {}, config, trials=trials, note=note)


def _layers(name: str, tune: bool, cell: str, hidden: int, rate: float, note: str = "") -> Row:
    until = {"songs": 120, "batch": 4, "epochs": 200} if tune else {"songs": 40, "batch": 1, "epochs": 150}
    learner = {"rule": "BPTT", "cell": cell, "hidden": hidden, "rate": rate, "forget": 1}
    config = Config({"melody": tune}, learner, {**until, "shown": SHOWN})
    columns = {
        "experiment": "2" if tune else "1",
        "network": f"{hidden} {'cells' if cell == 'lstm' else 'units'}",
        "rule": "BPTT",
        "first forget bias": "1" if cell == "lstm" else "-",
    }
    return Row(name, "LSTM" if cell == "lstm" else "Elman", columns, {}, config, trials=3, note=note)


def _draw_chords(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.eck2002._picture import draw

    draw(path, *first_success(BLUES, "1", result), "Chords that a network plays by itself")


def _draw_melody(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.eck2002._picture import draw

    draw(path, *first_success(BLUES, "2", result), "Chords and a melody that a network plays by itself")


BLUES = Experiment(
    "eck2002/blues",
    "The form of the blues: twelve bars of chords, alone and with melodies, played on and on by the network itself",
    CITATION,
    (
        _blocks("1", False, 1, 5),
        _blocks("1-closed", False, -1, 5),
        _layers("1-lstm", False, "lstm", 7, 5e-2),
        _layers("1-elman", False, "elman", 16, 1e-2),
        _blocks("2", True, 1, 3),
        _blocks("2-closed", True, -1, 3),
        _layers("2-lstm", True, "lstm", 10, 2e-2),
        _layers("2-elman", True, "elman", 22, 1e-2),
    ),
    prepare,
    train,
    figures=FIGURES,
    summary=summary,
    quick=Quick(
        "a network foretells most changes of chords: a copy of the chord before would be right at 90 % of the steps",
        lambda rows: rows["1"]["told"] > 0.96,
        ("1",),
        config={"rate": 3e-4, "choruses": 10_000, "shown": 2},
    ),
    pictures=(
        Picture("chords", "Ten choruses of chords that a network plays by itself, a line each", _draw_chords),
        Picture(
            "melody", "Ten choruses of chords and melody that a network plays by itself, a line each", _draw_melody
        ),
    ),
    source="from notes",
    outcome="partly",
    finding="",
    notes="",
)
