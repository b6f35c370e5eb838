"""What ``carrousel bench classification`` measures, keeps and makes a table of."""

import json

import numpy as np
import pytest

from carrousel.bench import _classification, _recordings
from carrousel.bench._classification import Outcome, by_data, measure_outcomes, ranks, read_outcomes, relative
from carrousel.bench._recordings import RECORDINGS, NotInstalledError, Recording
from carrousel.data import make_sequences

QUICK = {"hidden_size": 4, "max_epochs": 1}


@pytest.fixture
def made(monkeypatch):
    """Two small data sets, and MiniRocket left out, which compiles for a minute."""
    monkeypatch.setattr("carrousel.estimators._rivals.Examples.convolved", lambda self, values, seed, classes: _none())
    reads = []

    def read(task, part):
        reads.append(part)
        rng = np.random.default_rng(len(part))
        y = np.arange(12) % 2 if task == "classification" else np.arange(12.0)
        return make_sequences([rng.normal(size=(9, 1)) for _ in range(12)], y, name="made", split=part)

    kinds = ("classification", "regression")
    return [Recording(f"made {task}", "-", task, lambda part, task=task: read(task, part)) for task in kinds], reads


def _none():
    raise ImportError("it is left out here")


def test_what_is_measured_is_kept_and_not_measured_again(made, tmp_path):
    recordings, reads = made
    told = []
    first = measure_outcomes(recordings, 2, tmp_path / "f.json", told.append, **QUICK)
    assert told == first == read_outcomes(tmp_path / "f.json")
    assert [(o.data, o.seed) for o in first] == [(r.name, seed) for r in recordings for seed in (0, 1)]
    assert len(first[0].scores) == 5
    assert list(first[1].scores) == ["LSTM"]
    assert first[0].shape == (12, 12, 9, 1, 2)
    reads.clear()
    told.clear()
    assert measure_outcomes(recordings, 2, tmp_path / "f.json", told.append, **QUICK) == first
    assert reads == told == []
    other = measure_outcomes(recordings[:1], 1, tmp_path / "f.json", told.append, **QUICK | {"max_epochs": 2})
    assert (told, other[0].epochs) == (other, 2)
    assert read_outcomes(tmp_path / "f.json") == [*other, *first[1:]]
    facts = json.loads((tmp_path / "f.json").read_text())
    facts["outcomes"][0]["scores"]["LSTM"] = 1.0
    (tmp_path / "f.json").write_text(json.dumps(facts))
    with pytest.raises(ValueError, match="its checksum does not match"):
        read_outcomes(tmp_path / "f.json")


def outcome(data, seed, task="classification", **scores):
    return Outcome(data, task, (1, 1, 1, 1, 2), seed, scores, 1, 0.0, {})


def test_ranks_by_hand():
    outcomes = [
        outcome("a", 0, LSTM=0.9, near=0.6, line=0.8),
        outcome("a", 1, LSTM=0.5),
        outcome("b", 0, LSTM=0.6, near=0.6, line=0.1),
        outcome("c", 0, "regression", LSTM=2.0, near=1.0, mean=4.0),
    ]
    assert ranks(outcomes, "classification") == {"LSTM": 1.75, "near": 2.25, "line": 2.0}  # 2, 3, 1 and 1.5, 1.5, 3
    assert ranks(outcomes, "classification", ["line"]) == {"LSTM": 1.25, "near": 1.75}
    assert ranks(outcomes, "regression") == {"LSTM": 2.0, "near": 1.0, "mean": 3.0}
    assert relative(by_data(outcomes, "regression")["c"], "LSTM") == 0.5
    assert ranks([], "regression") == {}


def test_recordings_that_are_here_can_be_read():
    found, said = 0, []
    for recording in RECORDINGS:
        if recording.name in ("ACSF1", "PLAID", "PigCVP", "OSULeaf"):  # the same readers as others, and larger
            continue
        try:
            train, test = recording.read("train"), recording.read("test")
        except NotInstalledError as error:
            said.append(str(error))
            continue
        found += 1
        assert train.channels == test.channels
        assert len(train.classes()) > 1 if recording.task == "classification" else len(train.values())
    assert found >= 7  # those of sktime
    assert all("pip install --no-deps" in words for words in said)


def test_a_package_that_is_not_there():
    with pytest.raises(NotInstalledError, match="no_such_package is not installed"):
        _recordings._inside("no_such_package", "a.ts")


def test_the_command(run, monkeypatch, made, tmp_path):
    recordings, _ = made
    gone = Recording("gone", "nothing", "regression", lambda part: _recordings._inside("nothing", "x"))
    monkeypatch.setattr(_recordings, "RECORDINGS", (*recordings, gone))
    measure = _classification.measure_outcomes
    monkeypatch.setattr(_classification, "measure_outcomes", lambda *args: measure(*args, **QUICK))
    code, out, err = run("bench", "classification", "--seeds", 1, "--out", tmp_path / "f.json")
    assert code == 0, err
    assert "gone is left out: nothing is not installed" in err
    assert "| *mean rank* | " in out
    assert out.startswith("made classification, seed 0: LSTM ")
    code, out, _ = run("bench", "classification", "--seeds", 1, "--out", tmp_path / "f.json", "--json")
    assert len(json.loads(out)["outcomes"]) == 2
    code, _, err = run("bench", "classification", "--only", "GunPiont")
    assert (code, "no such data set" in err) == (2, True)
