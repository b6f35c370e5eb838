"""Music on the command line: from files of MIDI to a model, and from a model to files that one hears and sees."""

import json
import wave

import mido
import numpy as np
import pytest

from carrousel.data import load_music
from carrousel.data.music import write_midi

from .conftest import QUICK

SCALE = np.eye(88, dtype=np.uint8)[[39, 41, 43, 44] * 6]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from carrousel.cli import main

    home = tmp_path_factory.mktemp("music")
    paths = [write_midi(home / f"{k}.mid", np.roll(SCALE, k, axis=1), resolution=2) for k in range(6)]
    files = [str(path) for path in paths]
    assert main(["train", "generate", *files, "--resolution", "2", "-o", str(home / "m"), *QUICK]) == 0
    return home / "m"


@pytest.fixture
def files(folder):
    write_midi(folder / "a.mid", SCALE, resolution=2)
    (folder / "bad.mid").write_text("no music")
    (folder / "cut.mid").write_bytes((folder / "a.mid").read_bytes()[:40])
    (folder / "tune.abc").write_text("X:1\nL:1/8\nK:C\nCDEF|\n" * 2)
    return folder


def test_music_goes_into_files(run, model, files):
    words = ["generate", model, "--length", "16", "--seed", "3"]
    code, out, err = run(*words, "-o", "t.mid", "-o", "made/t.wav", "-o", "t.png", "--tempo", "60")
    assert (code, out, err) == (0, "t.mid\nmade/t.wav\nt.png\n", "")
    assert mido.MidiFile("t.mid").length == pytest.approx(8.0)
    with wave.open("made/t.wav") as file:
        assert file.getnframes() == round(8.08 * 22_050)
    assert (files / "t.png").read_bytes().startswith(b"\x89PNG")
    first = (files / "t.mid").read_bytes()
    told = json.loads(run(*words, "-o", "t.mid", "--tempo", "60", "--json")[1])
    assert (files / "t.mid").read_bytes() == first
    assert (told["frames"], told["resolution"], told["files"]) == (16, 2, ["t.mid"])
    code, _, err = run(*words, "--prompt", "a.mid", "--threshold", "0.9", "--temperature", "0.5", "-o", "on.mid")
    assert (code, err) == (0, "")
    np.testing.assert_array_equal(load_music("on.mid", resolution=2).frames[0][:24], SCALE)


def test_a_model_of_music_goes_through_the_other_commands(run, model, files):
    code, out, err = run("evaluate", model, "a.mid", "--json")
    assert code == 0, err
    methods = [score["method"] for score in json.loads(out)["report"]["scores"]]
    assert methods == ["LSTM", "single keys", "previous-frame table"]
    code, out, err = run("predict", model, "a.mid")
    assert code == 0, err
    assert out.splitlines()[0] == "piece,frames,notes,nats_per_frame,accuracy"
    code, out, err = run("inspect", model, "a.mid", "-o", "p")
    assert code == 0, err
    assert out.splitlines() == ["p/piece.png", "p/generated.png", "p/activations.png", "p/learning-curve.png"]


def test_tunes_are_texts_unless_frames_are_asked_for(run, files):
    code, out, err = run("train", "generate", "tune.abc", "-o", "t", *QUICK, "--json", "--holdout", "0")
    assert code == 0, err
    assert json.loads(out)["estimator"] == "LSTMGenerator"
    pytest.importorskip("music21")
    words = ["train", "generate", "tune.abc", "-o", "m", *QUICK, "--json", "--holdout", "0"]
    code, out, err = run(*words, "--resolution", "2")
    assert code == 0, err
    assert json.loads(out)["estimator"] == "LSTMComposer"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "generate", "bad.mid"], "bad.mid: this is no MIDI file"),
        (["train", "generate", "a.mid", "bad.mid"], "bad.mid: this is no MIDI file"),
        (["train", "generate", "cut.mid"], "cut.mid: cannot be read: it is no intact MIDI file"),
        (["train", "generate", "a.mid", "text.txt"], "a.mid is music and text.txt is text"),
        (["train", "generate", "a.mid", "--tokens", "words"], "--tokens words: that is of text"),
        (["train", "generate", "a.mid", "--vocabulary", "9"], "--vocabulary 9: that is of text"),
        (["train", "generate", "a.mid", "--field", "x"], "--field is no option for this kind of data"),
        (["train", "generate", "a.mid", "--resolution", "0"], "--resolution 0: frames in a quarter note"),
        (["train", "generate", "text.txt", "--resolution", "4"], "music are read from"),
        (["train", "generate", "a.mid", "a.mid"], "a.mid is given twice"),
        (["evaluate", "MODEL", "bad.mid"], "bad.mid: this is no MIDI file"),
        (["evaluate", "MODEL", "a.mid", "--resolution", "4"], "the model has 2 frames a quarter note"),
        (["evaluate", "MODEL", "text.txt"], "music are read from"),
        (["evaluate", "MODEL", "a.mid", "--label", "x"], "--label is no option for this kind of data"),
        (["generate", "MODEL"], "--out: "),
        (["generate", "MODEL", "-o", "x.ogg"], "--out x.ogg: write .mid"),
        (["generate", "MODEL", "-o", "x.mid", "--prompt", "bad.mid"], "bad.mid: this is no MIDI file"),
        (["generate", "MODEL", "-o", "x.mid", "--prompt", "none.mid"], "none.mid: there is no such file"),
        (["generate", "MODEL", "-o", "x.mid", "--length", "0"], "--length 0"),
        (["generate", "MODEL", "-o", "x.mid", "--tempo", "0"], "tempo must be"),
        (["generate", "MODEL", "-o", "x.mid", "--threshold", "2"], "threshold must be a probability"),
        (["generate", "MODEL", "-o", "new/x.mid", "--temperature", "0"], "temperature must be a number above 0"),
        (["generate", "MODEL", "-o", "x.mid", "--top-k", "3"], "--top-k: that is of text"),
        (["generate", "MODEL", "-o", "x.mid", "--stop", "x"], "--stop: that is of text"),
        (["generate", "TEXT", "-o", "x.mid"], "--out: that is of music"),
        (["generate", "TEXT", "--tempo", "90"], "--tempo: that is of music"),
        (["generate", "TEXT", "--threshold", "0.5"], "--threshold: that is of music"),
    ],
)
def test_what_is_refused(refused, model, models, files, words, says):
    places = {"MODEL": str(model), "TEXT": str(models / "generate")}
    refused(*[places.get(word, word) for word in words], says=[says])
