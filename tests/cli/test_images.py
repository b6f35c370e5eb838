"""Images on the command line, from files in MNIST's format to pictures of what a model sees."""

import json
import struct

import numpy as np
import pytest

QUICK = ["--hidden-size", "4", "--epochs", "2", "--batch-size", "8"]


def idx(array):
    """The bytes of an array of bytes in MNIST's format."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def bars(tmp_path):
    """A file of lying and standing bars, and their classes beside it."""
    random = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = random.integers(0, 30, (40, 6, 6), dtype=np.uint8)
    for x, standing in zip(X, y, strict=True):
        x[(slice(None), 2) if standing else (2, slice(None))] = 255
    path = tmp_path / "bars-images.idx3-ubyte"
    path.write_bytes(idx(X))
    (tmp_path / "bars-labels.idx1-ubyte").write_bytes(idx(y.astype(np.uint8)))
    return path


def test_a_classifier_of_images(run, refused, bars, tmp_path):
    code, out, err = run("train", "classify", bars, "-o", tmp_path / "m", *QUICK)
    assert code == 0, err
    assert "40 images" in out + err or "32 images" in out + err
    assert "logistic regression on pixels" in out
    code, out, _ = run("predict", tmp_path / "m", bars, "--json")
    assert code == 0
    assert len(json.loads(out)["predictions"]) == 40
    code, out, _ = run("evaluate", tmp_path / "m", bars)
    assert code == 0
    assert "multidimensional LSTM" in out
    code, out, _ = run("inspect", tmp_path / "m", bars, "-o", tmp_path / "p", "--sequence", "3")
    assert code == 0
    assert {path.name for path in (tmp_path / "p").iterdir()} == {
        "directions.png",
        "confusion.png",
        "learning-curve.png",
    }
    refused("train", "classify", bars, "-o", tmp_path / "n", "--cell", "gru", *QUICK, says=["is for sequences"])
    refused("predict", tmp_path / "m", "digits", says=["digits"])


@pytest.fixture
def lines(tmp_path, monkeypatch):
    """Pictures of bars side by side, and a table of their paths and texts."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    rows = ["path,text"]
    for k, text in enumerate(["tb", "b", "bbt", "t"] * 6):
        image = random.integers(0, 30, (4, 6 * len(text)), dtype=np.uint8)
        for at, label in enumerate(text):
            image[slice(0, 2) if label == "t" else slice(2, 4), 6 * at + 1 : 6 * at + 4] = 255
        Image.fromarray(image).convert("RGB").save(f"{k}.png")
        rows.append(f"{k}.png,{text}")
    (tmp_path / "lines.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_a_transcriber_of_images(run, refused, lines):
    code, out, err = run("train", "transcribe", "lines.csv", "-o", "m", "--colours", "grey", "--layers", "1", *QUICK)
    assert code == 0, err
    assert "images of 4 x 6 to 4 x 18, 1 channel, strings of 1 to 3 labels" in err
    assert "frame-wise classifier, collapsed" in out
    code, out, err = run("evaluate", "m", "lines.csv")  # pictures are made grey as those were that it learned from
    assert code == 0, err
    assert "24 test images" in out
    code, out, err = run("predict", "m", "lines.csv", "--json")
    assert code == 0, err
    assert len(json.loads(out)["predictions"]) == 24
    code, out, err = run("inspect", "m", "lines.csv", "-o", "p", "--sequence", "3.png")
    assert code == 0, err
    wanted = {f"{name}.png" for name in ("spikes", "directions", "confusion", "learning-curve")}
    assert {path.name for path in (lines / "p").iterdir()} == wanted
    for words, says in (
        (["evaluate", "m", "lines.csv", "--colours", "rgb"], ["it has 3 channels, the model was trained on 1"]),
        (["train", "transcribe", "lines.csv", "--set", "stack=9", *QUICK], ["image 0.png", "labels need", "columns"]),
        (["train", "transcribe", "lines.csv", "--units", "syllables", *QUICK], ["--units syllables"]),
        (["train", "transcribe", "lines.csv", "--one-direction", *QUICK], ["is for sequences"]),
        (["train", "transcribe", "mnist-6k", *QUICK], ["neither a file nor a known data set"]),
        (["train", "classify", "lines.csv", "--label", "text", "--groups", "text", *QUICK], ["lines.csv holds images"]),
    ):
        refused(*words, says=says)
    (lines / "lines.csv").write_text("path,text\n0.png,tb\n1.png,b\nno.png,t\n")
    refused("train", "transcribe", "lines.csv", *QUICK, says=["lines.csv", "row 3 (no.png)", "there is no such file"])
    (lines / "lines.csv").write_text("path,text\n0.png,tb\n1.png,\n")
    refused("train", "transcribe", "lines.csv", *QUICK, says=["lines.csv", "row 2", "text", "empty"])


def test_a_classifier_of_pictures_in_a_table(run, lines):
    text = (lines / "lines.csv").read_text().replace("path,text", "path,label")
    (lines / "classes.csv").write_text(text)
    code, _, err = run("train", "classify", "classes.csv", "-o", "m", "--colours", "grey", *QUICK)
    assert code == 0, err
    assert "images of 4 x 6 to 4 x 18, 1 channel, 4 classes" in err
    code, _, err = run("evaluate", "m", "classes.csv", "--colours", "grey")
    assert code == 0, err
