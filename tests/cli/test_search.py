"""``carrousel search``: trials that are pruned, kept, gone on with, and the best of which is trained."""

import json
import signal

import numpy as np
import pandas as pd
import pytest

from carrousel.data import make_images, make_sequences
from carrousel.estimators import ESTIMATORS, LSTMClassifier, ModelError, load
from carrousel.estimators._search import SPACE, Search, space_of

from .test_process import process, until

WORDS = {
    "classify": ["data.csv"],
    "regress": ["values.csv", "--label", "value"],
    "forecast": ["series.csv", "--target", "load", "--horizon", "3", "--context", "6"],
}
BRIEF = ["--epochs", "2", "--batch-size", "8", "--layers", "1", "--hidden-size", "4"]


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    y = np.arange(32) % 2
    X = [rng.normal(size=(6, 2)).astype("f4") + k for k in y]
    return make_sequences(X, y, name="two")


def searched(folder, **options):
    fixed = {"max_epochs": 3, "hidden_size": 4, "batch_size": 8, "cell": "lstm"} | options
    return Search(LSTMClassifier, fixed, "two classes", folder / "journal", 0)


@pytest.mark.parametrize("job", WORDS)
def test_every_estimator_is_searched_and_the_best_is_saved(job, folder, run):
    code, out, err = run("search", job, *WORDS[job], "-o", "model", "--trials", 2, *BRIEF)
    assert code == 0, err
    assert "2 trials" in out
    model = load(folder / "model")
    trials = pd.read_csv(folder / "model" / "search.csv")
    assert trials["trial"].tolist() == [0, 1]
    best = trials.loc[trials["loss"].idxmin()]
    for name in space_of(type(model), {"hidden_size": 4, "num_layers": 1}):
        assert getattr(model, name) == pytest.approx(best[name]) if name != "cell" else model.cell == best[name]
        assert f"{name} = " in out
    defaults = type(model)().get_params()
    first = trials.iloc[0]
    assert all(first[name] == defaults[name] for name in space_of(type(model), {"hidden_size": 4, "num_layers": 1}))
    assert not (folder / "model.search").exists()
    assert not (folder / "model.checkpoint").exists()
    assert f"saved: {'model'}/" in out


def test_over_images_only_what_they_take_is_searched(tmp_path):
    X = [np.full((4, 4, 1), k % 2) + np.random.default_rng(k).normal(size=(4, 4, 1)) for k in range(32)]
    fixed = {"max_epochs": 1, "hidden_size": 4, "batch_size": 16}
    search = Search(LSTMClassifier, fixed, "two classes", tmp_path / "journal", 0, images=True)
    assert "cell" not in search.space
    assert set(search.space["pooling"]) < set(SPACE["pooling"])
    found = search.run(make_images(X, np.arange(32) % 2, name="two"), 4)
    assert {row["state"] for row in found.trials} <= {"complete", "given up"}


def test_a_machine_is_told_too(folder, run):
    code, out, _ = run("search", "classify", "data.csv", "-o", "model", "--trials", 1, "--json", *BRIEF)
    said = json.loads(out)
    assert code == 0
    assert said["search"]["trials"] == {"complete": 1, "given up": 0}
    assert set(said["search"]["best"]) == {"cell", "learning_rate", "dropout", "input_noise", "pooling"}
    assert said["estimator"] == "LSTMClassifier"


def test_the_same_seed_searches_the_same(problem, tmp_path):
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        trials = searched(tmp_path / name).run(problem, 6).trials
        found.append([{k: v for k, v in row.items() if k != "seconds"} for row in trials])
    assert found[0] == found[1]
    assert len({row["learning_rate"] for row in found[0]}) == 6


def test_a_search_goes_on_where_it_was_broken_off(problem, tmp_path):
    first = searched(tmp_path).run(problem, 3)
    journal = tmp_path / "journal"
    # Killed in the middle of a trial, with half a line written and the lock held.
    study = searched(tmp_path)._study()
    study.ask()
    journal.write_bytes(journal.read_bytes() + b'{"op_code": 4, "wor')
    (tmp_path / "journal.lock").symlink_to(journal)
    second = searched(tmp_path).run(problem, 5)
    assert second.trials[:3] == first.trials
    states = [row["state"] for row in second.trials]
    assert states.count("broken off") == 1
    assert len(states) == 6
    assert searched(tmp_path).run(problem, 5).trials == second.trials  # nothing is left to do
    for other in ({"cell": "gru"}, {"max_epochs": 4}):
        with pytest.raises(ModelError, match="is of a search with fixed"):
            searched(tmp_path, **other).run(problem, 6)


def test_a_damaged_journal_is_refused(problem, tmp_path):
    searched(tmp_path).run(problem, 1)
    journal = tmp_path / "journal"
    for damage in (b"hello\n", journal.read_bytes().replace(b"op_code", b"opcode"), b"[]\n"):
        journal.write_bytes(damage)
        with pytest.raises(ModelError, match="cannot be read as the journal of a search"):
            searched(tmp_path).run(problem, 2)


def test_hopeless_trials_are_given_up(problem, tmp_path, monkeypatch):
    """A learning rate that learns nothing loses against those before it, and does not get all epochs."""
    rates = iter([0.03, 0.03, 0.03, 0.03, 0.03, 1e-9])
    space = {"learning_rate": ("number", 1e-10, 1.0)}
    monkeypatch.setattr("carrousel.estimators._search.SPACE", space)
    monkeypatch.setattr("carrousel.estimators._search._suggested", lambda trial, name, how: next(rates))
    search = searched(tmp_path, max_epochs=20)
    monkeypatch.setattr(search.estimator, "get_params", lambda self, deep=False: {**vars(self)})
    found = search.run(problem, 6)
    assert [row["state"] for row in found.trials] == ["complete"] * 5 + ["given up"]
    assert found.trials[-1]["epochs"] < 20


@pytest.mark.slow
@pytest.mark.timeout(300)  # each imports torch
def test_several_processes_share_the_trials(problem, tmp_path):
    found = searched(tmp_path).run(problem, 4, jobs=2)
    assert [row["trial"] for row in found.trials] == [0, 1, 2, 3]
    assert len({row["learning_rate"] for row in found.trials}) == 4
    assert found.loss == min(row["loss"] for row in found.trials if row["loss"] is not None)


def test_time_that_is_over(problem, tmp_path):
    with pytest.raises(ValueError, match="no trial came to its end"):
        searched(tmp_path).run(problem, 4, timeout=0.0)
    few = make_sequences(problem.X[:2], problem.y[:2], name="few")
    with pytest.raises(ValueError, match="there is none"):
        Search(LSTMClassifier, {"validation": None}, "few", tmp_path / "few", 0).run(few, 1)
    fixed = dict.fromkeys(SPACE, 1)
    with pytest.raises(ValueError, match="every parameter that can be searched is fixed"):
        Search(LSTMClassifier, fixed, "", tmp_path / "none", 0).run(problem, 1)


def test_every_estimator_has_something_to_search():
    for kind in ESTIMATORS:
        assert {"hidden_size", "num_layers", "cell", "learning_rate", "input_noise"} <= set(space_of(kind, {}))
        for name, (how, *choices) in space_of(kind, {}).items():  # the first trial has the defaults
            default = kind().get_params()[name]
            assert default in choices if how == "one of" else choices[0] <= default <= choices[1], name
    assert "pooling" in space_of(LSTMClassifier, {})


@pytest.mark.slow
def test_killed_and_resumed(folder, refused, run):
    words = ["search", "classify", "data.csv", "-o", "model", "--trials", "3", "--batch-size", "4", "--epochs", "60"]
    begun = process(*words)
    until(folder / "model.search", begun)
    begun.send_signal(signal.SIGINT)
    _, err = begun.communicate(timeout=100)
    assert begun.returncode == 130, err
    assert "--resume goes on from" in err
    refused(*words, says=["--resume goes on"])
    refused(*words, "--resume", "--dropout", "0.5", says=["model.search", "fixed"])
    code, _, err = run(*words, "--resume")
    assert code == 0, err
    assert run(*words, "--resume")[:2] == (0, "finished already: model/\n")
