"""An estimator of a new kind, of data of a new kind, goes through every command."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from made_up.estimators.tagger import LineTagger

from carrousel import estimators
from carrousel.cli import app
from carrousel.cli._parts import Parts
from carrousel.cli.train import trainer

from .conftest import QUICK


@dataclass(frozen=True)
class LineOptions:
    source = "a file of lines"
    first: int = 20  # lines to train on

    def parameters(self):
        return {}

    def opened(self, source, seed):
        return source

    def parts(self, source, model):
        lines = model.read(source)
        return Parts(lines[: self.first], lines[self.first :], f"{len(lines)} lines")


@pytest.fixture
def lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(estimators, "ESTIMATORS", (*estimators.ESTIMATORS, LineTagger))
    monkeypatch.setattr(app.train, "registered_commands", list(app.train.registered_commands))
    app.train.command("tag-lines")(trainer(lambda: LineTagger, LineOptions, "Train a tagger of steps."))
    values = np.random.default_rng(0).normal(size=(30, 6))
    (tmp_path / "steps.txt").write_text("\n".join(" ".join(f"{v}:{int(v > 0)}" for v in row) for row in values))
    return "steps.txt"


def test_a_new_kind_of_estimator_needs_nothing_of_the_commands(lines, run, refused):
    code, out, err = run("train", "tag-lines", lines, "--first", "24", "-o", "m", "--json", "--lr", "0.1", *QUICK)
    assert code == 0, err
    assert json.loads(out)["report"]["count"] == 6
    code, out, err = run("evaluate", "m", lines, "--json")
    assert code == 0, err
    assert json.loads(out)["report"]["scores"][0]["metrics"]["accuracy"] > 0.6
    refused("generate", "m", says=["m is a model of the class LineTagger, which makes up no text", "train generate"])
    code, out, err = run("predict", "m", lines)
    assert code == 0, err
    assert len(out.splitlines()) == 31
    code, out, err = run("inspect", "m", lines, "-o", "p")
    assert code == 0, err
    assert out.splitlines() == ["p/tags.png", "p/learning-curve.png"]
    code, out, err = run("analyse", "gradients", "m", lines, "-o", "p/flow.png")
    assert code == 0, err
    assert out.splitlines()[-1] == "p/flow.png"
    for words in (["--label", "x"], ["--split", "test"], ["--max-size", "1GB"]):
        refused("evaluate", "m", lines, *words, says=[f"{words[0]}: LineTagger takes no such option"])
    refused("predict", "m", lines, "--future", lines, says=["--future: LineTagger"])
    refused("inspect", "m", lines, "--sequence", "0", says=["--sequence: LineTagger"])
    assert "tag-lines " in run("train", "--help")[1]


def test_a_parameter_that_the_estimator_lacks_is_refused(lines, refused, monkeypatch):
    monkeypatch.setattr(LineOptions, "parameters", lambda self: {"fill": "mask"})
    refused("train", "tag-lines", lines, "-o", "m", says=["--fill: LineTagger takes no such option"])
