"""One text for another: training, search, figures, saving."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import torch

from carrousel.data import DataError, Pairs
from carrousel.data.tokenisers import TOKENISERS
from carrousel.estimators import LSTMTranslator, load
from carrousel.estimators._pair_report import pair_report
from carrousel.estimators._pair_rules import ContextRules, EndingRules

SMALL = {"hidden_size": 12, "max_epochs": 2, "batch_size": 16, "learning_rate": 0.02, "dropout": 0.0, "beam": 3}
SMALL |= {"random_state": 0}
WORDS = ["".join(word) for word in np.random.default_rng(0).choice(list("abc"), (60, 4))]
SOUNDS = [" ".join({"a": "AH", "b": "B", "c": "K S"}[letter] for letter in word) for word in WORDS]
KINDS = {
    "default": {},
    "sutskever": {"bidirectional": False, "attention": None, "reverse": True, "num_layers": 2},
    "cho": {"bidirectional": False, "attention": None, "cell": "gru_cho", "fed": True, "maxout": 8},
    "dot": {"attention": "dot", "sampling": 0.2, "rivals": False, "tokens": "pieces", "vocabulary": 270},
}


@pytest.fixture(scope="module")
def models():
    options = {name: {**SMALL, **options} for name, options in KINDS.items()}
    return {name: LSTMTranslator(**one, target_tokens="symbols").fit(WORDS, SOUNDS) for name, one in options.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_answers_the_same(models, kind, tmp_path):
    model = models[kind]
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    asked = ["abc", "cab", "aaaa", "ä"]
    assert again.predict(asked).tolist() == model.predict(asked).tolist()
    assert again.candidates(asked, 3) == model.candidates(asked, 3)
    assert again.report(WORDS[:9], SOUNDS[:9]) == model.report(WORDS[:9], SOUNDS[:9])
    assert again.get_params() == model.get_params()
    again.save(tmp_path / "again")
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_it_learns_and_finds_what_any_answer_would_be():
    model = LSTMTranslator(**SMALL | {"max_epochs": 14, "hidden_size": 24}, target_tokens="symbols")
    model.fit(WORDS[:50], SOUNDS[:50])
    new = [(word, said) for word, said in zip(WORDS[50:], SOUNDS[50:], strict=True) if word not in WORDS[:50]]
    words, sounds = map(list, zip(*new, strict=True))
    report = model.report(words, sounds)
    assert report.model.metrics["symbol error"] < 0.2
    assert report.task == "translation"
    rules = next(score for score in report.scores if score.method == "rules in context")
    assert rules.metrics["exact match"] > 0.8
    found = model.candidates(words[:1], 3)[0]
    assert len({answer for answer, _ in found}) == 3
    assert found[0][1] == max(chance for _, chance in found)
    assert model.score(words, sounds) == report.model.metrics["exact match"]
    assert model.score([words[0]] * 2, ["other", model.predict(words[:1])[0]]) == 1  # any answer counts


def test_groups_stay_together_and_a_broken_off_training_goes_on(tmp_path):
    groups = [word[0] for word in WORDS]
    whole = LSTMTranslator(**SMALL).fit(WORDS, WORDS, groups=groups)

    def stop(progress):
        if progress.event == "epoch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LSTMTranslator(**SMALL).fit(WORDS, WORDS, groups=groups, checkpoint=tmp_path / "c", progress=stop)
    again = LSTMTranslator(**SMALL).fit(WORDS, WORDS, groups=groups, checkpoint=tmp_path / "c", resume=True)
    for a, b in zip(whole.network_.parameters(), again.network_.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("options", "X", "y", "message"),
    [
        ({}, [], [], "X: there are no texts"),
        ({}, ["a", " "], ["a", "b"], "X: text 1 is empty"),
        ({}, ["a"], [""], "y: text 0 is empty"),
        ({}, ["a"], ["a", "b"], "X has 1 texts and y has 2"),
        ({}, [3], ["a"], "number 0 is a int"),
        ({"tokens": "x"}, ["a"], ["a"], "tokens must be one of"),
        ({"attention": "x"}, ["a"], ["a"], "attention must be one of"),
        ({"beam": 0}, ["a"], ["a"], "beam must be"),
        ({"sampling": 1.5}, ["a"], ["a"], "sampling must be"),
        ({"maxout": -1}, ["a"], ["a"], "maxout must be"),
        ({"normalise": -1.0}, ["a"], ["a"], "normalise must be"),
        ({"input_noise": 0.5}, ["a"], ["a"], "input_noise must be"),
        ({"longest": 0}, ["a"], ["a"], "longest must be"),
        ({"vocabulary": 1}, ["a"], ["a"], "a vocabulary of 1 symbols"),
    ],
)
def test_what_is_refused(options, X, y, message):
    with pytest.raises(ValueError, match=message):
        LSTMTranslator(**SMALL | options).fit(X, y)
    if "groups" not in options:
        with pytest.raises(ValueError, match="groups has 1"):
            LSTMTranslator(**SMALL).fit(["a", "b"], ["a", "b"], groups=["x"])


def test_one_pair_of_one_symbol():
    model = LSTMTranslator(**SMALL).fit(["a"], ["b"])
    assert set(model.predict(["a"])[0]) <= {"b", "\N{REPLACEMENT CHARACTER}"}


def test_data_as_they_are_read(models):
    data = Pairs(WORDS[:4], SOUNDS[:4], name="pairs")
    for kind, name in (("default", "attention"), ("cho", "gates")):
        model = models[kind]
        table = model.table(data)
        assert list(table.columns) == ["source", "answer", "target"]
        assert list(model.table(Pairs(WORDS[:4], None)).columns) == ["source", "answer"]
        figures = model.drawings(data, sequence="cab")
        assert set(figures) == {name, "learning-curve"}
    shown = models["default"].drawings(data, sequence="cab")["attention"].axes[0]
    assert [label.get_text() for label in shown.get_xticklabels()] == ["c", "a", "b"]
    np.testing.assert_allclose(np.asarray(shown.images[0].get_array()).sum(1), 1, atol=1e-5)
    for call in (models["default"].report_on, models["default"].fit_on):
        with pytest.raises(DataError, match="no answers"):
            call(Pairs(["a"], None))


def test_damaged_models_are_refused(models):
    model = models["default"]
    facts, arrays = model._facts(), model._arrays()
    for wrong in (
        {**facts, "longest": 0},
        {**facts, "pairs": None},
        {**facts, "source": None},
        {**facts, "target": {"kind": "words", "words": []}},
        {**facts, "pairs": {"size": facts["pairs"]["size"], "length": 3}},
    ):
        with pytest.raises(ValueError, match=r"its|says|tokeniser"):
            LSTMTranslator(**model.get_params())._restore(wrong, arrays)


# ---- figures ----


def test_figures_of_strings():
    right = {"one": ["eins"], "two": ["zwei", "zwo"], "ten": ["zehn"]}
    said = {"LSTM": {"one": "eins", "two": "zwo", "ten": "zehen"}, "copy": {"one": "one", "two": "two", "ten": "ten"}}
    report = pair_report(said, right, TOKENISERS["characters"].learned(["a"]), ["A note."])
    assert report.model.metrics == {"exact match": 2 / 3, "character error": 1 / 11}
    assert report.winner.method == "LSTM"
    assert report.count == 3
    assert report.notes == ("A note.",)
    sentences = {"a b": ["the cat sat here", "the cat sits here"], "c": ["a dog"]}
    said = {"LSTM": {"a b": "the cat sits here", "c": "a dog"}, "copy": {"a b": "a b", "c": "c"}}
    report = pair_report(said, sentences, TOKENISERS["words"].learned(["a"]), [])
    assert report.metric == "chrF"
    assert report.model.metrics["chrF"] == pytest.approx(100)
    assert report.best_simple.metrics["chrF"] < 30
    assert report.model.metrics["BLEU"] > report.best_simple.metrics["BLEU"]


def test_rules():
    rules = EndingRules([("Hand", "Hände"), ("Land", "Länder"), ("Wand", "Wände"), ("Tag", "Tage")])
    assert "".join(rules.say("Tag")) == "Tage"
    assert "".join(rules.say("Montag")) == "Montage"
    context = ContextRules([(word, sound.split()) for word, sound in zip(WORDS, SOUNDS, strict=True)])
    assert context.say("cabbage") == ["K", "S", "AH", "B", "B", "AH"]
    assert ContextRules([]).say("abc") == []


# ---- the command line ----


def test_the_commands(tmp_path, monkeypatch, capsys):
    from carrousel.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in zip(WORDS, SOUNDS, strict=True)))
    quick = ["--epochs", "1", "--hidden-size", "8", "--target-tokens", "symbols"]
    assert main(["train", "translate", "pairs.tsv", "-o", "m", *quick, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["estimator"] == "LSTMTranslator"
    assert "exact match" in told["report"]["scores"][0]["metrics"]
    assert main(["evaluate", "m", "pairs.tsv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"]["count"] == len(set(WORDS))
    lines = tmp_path / "words.txt"
    lines.write_text("abc\ncab\n")
    with lines.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert main(["predict", "m", "-"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert table["source"].tolist() == ["abc", "cab"]
    assert main(["inspect", "m", "pairs.tsv", "-o", "p"]) == 0
    assert (tmp_path / "p" / "attention.png").exists()
    for content, words in (
        ("a\tb\n\tb\n", "line 2 has no source"),
        ("a\tb\nc\n", "line 2 has 0 tabs"),
        ("a\tb\nc\t\n", "line 2 has no target"),
        ("a\n", "no answers"),
        ("", "nothing in it"),
    ):
        (tmp_path / "bad.tsv").write_text(content)
        capsys.readouterr()
        assert main(["train", "translate", "bad.tsv", *quick]) == 2
        assert words in capsys.readouterr().err
        assert not (tmp_path / "bad-model").exists()
