"""Texts on the command line: a model goes on, is judged, drawn, and refuses what it cannot do."""

import io
import json

import pytest

from .conftest import QUICK


@pytest.fixture
def model(models):
    return models / "generate"


def test_the_text_comes_after_its_beginning(run, model, folder, monkeypatch):
    code, out, _ = run("generate", model, "--prompt", "the ", "--length", "12", "--seed", "3")
    assert code == 0
    assert out.startswith("the ")
    assert run("generate", model, "--prompt", "the ", "--length", "12", "--seed", "3")[1] == out
    told = json.loads(run("generate", model, "--prompt", "the ", "--length", "12", "--seed", "3", "--json")[1])
    assert out == f"the {told['text']}\n"
    assert told["seed"] == 3

    class Standard:
        buffer = io.BytesIO(b"the \n")

    monkeypatch.setattr("sys.stdin", Standard)
    _, piped, err = run("generate", model, "--prompt", "-", "--length", "12", "--seed", "3")
    assert (piped, err) == (out, "")
    code, _, err = run("generate", model, "--prompt", "t☃☃", "--length", "1")
    assert code == 0
    assert err == "--prompt: 2 of its symbols are not known to the model and say nothing to it: '☃'\n"


def test_a_model_of_text_goes_through_the_other_commands(run, model, folder):
    code, out, err = run("evaluate", model, "text.txt", "--json")
    assert code == 0, err
    report = json.loads(out)["report"]
    methods = {score["method"] for score in report["scores"]}
    assert methods == {"LSTM", "single symbols", "interpolated 6-gram"}
    assert any("192 characters are too short to tell" in note for note in report["notes"])
    (folder / "prose.csv").write_text("no table, for\na line has one comma, another, two\n")
    code, out, err = run("predict", model, "prose.csv")
    assert code == 0, err
    assert out.splitlines()[0] == "document,characters,symbols,unknown,bits_per_character,perplexity"
    code, out, err = run("inspect", model, "text.txt", "-o", "p")
    assert code == 0, err
    assert out.splitlines() == ["p/text.png", "p/generated.png", "p/learning-curve.png"]


def test_several_files_are_learned_together(run, folder):
    (folder / "more.md").write_text("more of the cat\n" * 20)
    code, out, err = run("train", "generate", "text.txt", "more.md", "-o", "m", *QUICK, "--json")
    assert code == 0, err
    assert json.loads(out)["data"] == "text.txt, more.md"
    code, out, err = run("train", "generate", "text.txt", "--test", "more.md", "-o", "n", *QUICK, "--tokens", "words")
    assert code == 0, err
    assert "A symbol is a word" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["generate", "none"], "none: there is no such model"),
        (["generate", "MODELS/classify"], "is a classifier, which makes up no text"),
        (["generate", "MODELS/generate", "--top-p", "0"], "top_p must be above 0"),
        (["generate", "MODELS/generate", "--stop", ""], "stop must be a text"),
        (["generate", "MODELS/generate", "--temperature", "nan"], "--temperature"),
        (["train", "generate", "text.txt", "text.txt"], "text.txt is given twice"),
        (["train", "generate", "none.txt"], "none.txt: there is no such file"),
        (["train", "generate", "text.txt", "--holdout", "2"], "--holdout 2.0: a share between 0 and 1"),
        (["train", "generate", "python-source", "--holdout", "0.1"], "has a test part of its own"),
        (["train", "generate", "python-source", "text.txt"], "the others have none; --test gives one for all"),
        (["train", "generate", "text.txt", "--test", "data.csv", "--holdout", "0.1"], "give one of them"),
        (["train", "generate", "text.txt", "--tokens", "letters"], "tokens must be one of"),
        (["train", "generate", "text.txt", "--field", "x"], "--field is no option for this kind of data"),
        (["train", "generate", "text.txt", "--bidirectional"], "bidirectional must be False"),
        (["evaluate", "MODELS/generate", "text.txt", "--label", "x"], "that option is for others"),
    ],
)
def test_what_is_refused(refused, models, folder, words, says):
    refused(*[word.replace("MODELS", str(models)) for word in words], says=[says])
