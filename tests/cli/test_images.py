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
