"""Every way in which the project writes a file or a directory, for the tests of all of them.

A writer puts version 0 or 1 of something at a path. ``tests/files/test_writers.py`` finds every call of
``carrousel._atomic`` in the sources, and fails if one is not behind a writer of this list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from carrousel import OnlineLSTM, papers, pictures
from carrousel._atomic import write_directory, write_file
from carrousel.bench._kept import keep_figures
from carrousel.cli._output import write_json, write_table
from carrousel.data.music import write_midi, write_sound
from carrousel.estimators import LSTMClassifier
from carrousel.learning import Advantage, ControllerAndModel, Evolino, Metalearned, PolicyGradient, SubGoals
from carrousel.learning.evolution import GeneticAlgorithm
from carrousel.learning.online import Learner, Network
from carrousel.streams import StreamClassifier, StreamRegressor
from carrousel.training._checkpoint import Run, RunState, save_checkpoint

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"


@dataclass(frozen=True)
class Writer:
    """One way of writing.

    Attributes:
        name: what it is called in a report.
        path: a name that what it writes may have.
        write: puts version 0 or 1 at a path.
        behind: the functions that it goes through to ``carrousel._atomic``, as ``"file:function"`` of the sources.
        directory: whether it writes a directory.
    """

    name: str
    path: str
    write: Callable[[Path, int], Any]
    behind: str
    directory: bool = False

    def read(self, path: Path) -> dict[str, bytes]:
        """What is at the path: every file's content by its name."""
        if not path.is_dir():
            return {"": path.read_bytes()}
        return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


@cache
def _lstm(version: int) -> OnlineLSTM:
    learner = OnlineLSTM(3, 24, 1, seed=version)
    learner.learn_many(np.ones((5, 3)), np.ones((5, 1)))
    return learner


@cache
def _actor(version: int) -> Learner:
    network = Network(20, 4, blocks=9, unit_squash="identity")
    return Learner(network, dtype=np.float64, seed=version)


@cache
def _learner(version: int) -> Learner:
    learner = Learner(Network(7, 7, blocks=4), 0.1, seed=version)
    learner.learn_many(np.arange(6), np.arange(1, 7))
    return learner


@cache
def _search(version: int) -> GeneticAlgorithm:
    return GeneticAlgorithm(20, 100, seed=version)


@cache
def _evolino(version: int) -> Evolino:
    model = Evolino(12, washout=3, generations=1, population=2, trials=1, random_state=version)
    return model.fit(None, np.sin(np.arange(20.0)))


@cache
def _stream(kind: type, version: int) -> Any:
    model = kind(hidden_size=16, seed=version)
    for t in range(5):
        model.learn_one({"u": float(t)}, t if kind is StreamRegressor else "ab"[t % 2])
    return model


@cache
def _classifier(version: int) -> LSTMClassifier:
    X = [np.full((5, 2), float(k % 2)) + 0.1 * k for k in range(8)]
    options = {"hidden_size": 16, "max_epochs": 1, "batch_size": 4, "random_state": version}
    return LSTMClassifier(**options).fit(X, ["a", "b"] * 4)


@cache
def _run(version: int) -> Run:
    torch.manual_seed(version)
    network = torch.nn.LSTM(4, 24)
    order = np.random.default_rng(version)
    return Run(network, torch.optim.AdamW(network.parameters()), {}, order, torch.device("cpu"), version, 9, 1, None)


def _checkpoint(path: Path, version: int) -> None:
    run = _run(version)
    with torch.random.fork_rng():
        torch.manual_seed(version)
        save_checkpoint(path, {"version": version}, RunState(), run)


def _table(version: int) -> pd.DataFrame:
    return pd.DataFrame({"id": np.arange(2000), "prediction": np.random.default_rng(version).normal(size=2000)})


def _result(path: Path, version: int) -> None:
    papers.write_result(path, {"version": version, "rows": ["row"] * 3000})


def _figures(path: Path, version: int) -> None:
    keep_figures(path, "streams", {"version": version, "rows": ["row"] * 3000})


def _picture(path: Path, version: int) -> None:
    pictures.save(pictures.draw_values(np.arange(9.0), np.arange(9.0) * (version + 2), title="values"), path)


def _report(path: Path, version: int) -> None:
    name = "schmidhuber1996-guessing"
    path.mkdir(parents=True, exist_ok=True)
    if not (path / f"{name}.json").exists():
        write_file(path / f"{name}.json", (RESULTS / f"{name}.json").read_bytes())
    experiment = papers.get(name.replace("-", "/", 1))
    papers.report(path, {experiment.name: replace(experiment, title=f"version {version}")})


def _tune(version: int) -> np.ndarray:
    return np.eye(88, dtype=np.uint8)[np.arange(600) % 40 + version]


WRITERS = (
    Writer("a file", "notes.txt", lambda path, v: write_file(path, b"01"[v : v + 1] * 30_000), "-"),
    Writer(
        "a directory",
        "folder",
        lambda path, v: write_directory(path, {"a": b"01"[v : v + 1] * 30_000, "b": b"ab"[v : v + 1] * 30_000}),
        "-",
        directory=True,
    ),
    Writer("OnlineLSTM.save", "x.lstm", lambda path, v: _lstm(v).save(path), "_format.py:write"),
    Writer("Learner.save", "x.learner", lambda path, v: _learner(v).save(path), "_format.py:write"),
    Writer("Advantage.save", "x.agent", lambda path, v: Advantage(_actor(v), seed=v).save(path), "_format.py:write"),
    Writer(
        "PolicyGradient.save", "x.agent", lambda path, v: PolicyGradient(9, 2, seed=v).save(path), "_format.py:write"
    ),
    Writer(
        "ControllerAndModel.save",
        "x.agent",
        lambda path, v: ControllerAndModel(9, 2, seed=v).save(path),
        "_format.py:write",
    ),
    Writer(
        "SubGoals.save", "x.agent", lambda path, v: SubGoals(9, 2, 3, policies=1, seed=v).save(path), "_format.py:write"
    ),
    Writer(
        "Metalearned.save",
        "x.learner",
        lambda path, v: Metalearned(y_range=(0.0, 1.0 + v)).save(path),
        "_format.py:write",
    ),
    Writer("an evolution", "x.evolution", lambda path, v: _search(v).save(path), "_format.py:write"),
    Writer("Evolino.save", "x.evolino", lambda path, v: _evolino(v).save(path), "_format.py:write"),
    Writer(
        "StreamRegressor.save",
        "x.state",
        lambda path, v: _stream(StreamRegressor, v).save(path),
        "_format.py:write",
    ),
    Writer(
        "StreamClassifier.save",
        "x.state",
        lambda path, v: _stream(StreamClassifier, v).save(path),
        "_format.py:write",
    ),
    Writer("a model", "model", lambda path, v: _classifier(v).save(path), "estimators/_saved.py:save", directory=True),
    Writer("a checkpoint", "x.checkpoint", _checkpoint, "_format.py:write"),
    Writer("predictions as CSV", "x.csv", lambda path, v: write_table(_table(v), path), "cli/_output.py:write_table"),
    Writer(
        "predictions as Parquet",
        "x.parquet",
        lambda path, v: write_table(_table(v), path),
        "cli/_output.py:write_table",
    ),
    Writer(
        "figures as JSON",
        "x.json",
        lambda path, v: write_json(path, {"version": v, "rows": ["row"] * 3000}),
        "cli/_output.py:write_json",
    ),
    Writer("figures of a bench", "x.json", _figures, "bench/_kept.py:keep_figures"),
    Writer("a result", "x.json", _result, "papers/_files.py:write_result"),
    Writer("a picture", "x.png", _picture, "pictures/style.py:save"),
    Writer("music as MIDI", "x.mid", lambda p, v: write_midi(p, _tune(v), resolution=4), "data/music.py:_write"),
    Writer("music as sound", "x.wav", lambda p, v: write_sound(p, _tune(v), resolution=48), "data/music.py:_write"),
    Writer("a report", "results", _report, "papers/_report.py:report", directory=True),
)
