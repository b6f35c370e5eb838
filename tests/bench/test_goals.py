"""``carrousel bench goals``: what it measures, keeps and makes a table of."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from carrousel import estimators
from carrousel.bench import _goals
from carrousel.bench._goals import GOALS, Goal, Reached, measure_goals, read_goals
from carrousel.bench._tables import goal_table
from carrousel.cli import main
from carrousel.data import DataError, make_sequences, make_tagged


def made(name, split):
    """Sequences that rise or fall."""
    y = np.arange(12) % 2
    X = [np.linspace(0, 2 * k - 1, 5)[:, None] for k in y]
    return make_sequences(X, y, name=name, split=split)


RISES = Goal("rises", "labels", "LSTMClassifier", made, "accuracy", 0.9, at_most=False, above_simple=True)
QUICK = {"hidden_size": 4, "max_epochs": 2, "rivals": "linear"}


@pytest.mark.parametrize("goal", GOALS.values(), ids=list(GOALS))
def test_goals_are_of_estimators_that_take_their_settings(goal):
    model = goal.model(3)
    assert model.random_state == 3
    assert {name: getattr(model, name) for name in goal.settings} == dict(goal.settings)
    assert hasattr(estimators, goal.estimator)
    assert goal.wanted is not None or goal.above_simple
    model._check_options()


def test_what_is_measured_is_kept_and_not_measured_again(tmp_path, monkeypatch):
    monkeypatch.setattr(_goals, "GOALS", {"rises": RISES})
    told = []
    path = tmp_path / "f.json"
    first = measure_goals([RISES], 2, path, lambda one, known: told.append(known), **QUICK)
    assert told == [False, False]
    assert first == read_goals(path)
    assert [(one.seed, one.epochs, one.parameters["hidden_size"]) for one in first] == [(0, 2, 4), (1, 2, 4)]
    assert next(iter(first[0].figures)) == "LSTM"
    assert "logistic regression on raw steps" in first[0].figures
    assert all(0 <= own["accuracy"] <= 1 for own in first[0].figures.values())
    assert measure_goals([RISES], 2, path, lambda one, known: told.append(known), **QUICK) == first
    assert told[2:] == [True, True]
    other = measure_goals([RISES], 1, path, lambda one, known: told.append(known), **QUICK | {"hidden_size": 5})
    assert told[4:] == [False]
    assert read_goals(path) == [*other, first[1]], "what was measured with other parameters gives way"
    facts = json.loads(path.read_text())
    facts["reached"][0]["epochs"] = 7
    path.write_text(json.dumps(facts))
    with pytest.raises(ValueError, match="its checksum does not match"):
        read_goals(path)


def test_figures_that_are_not_known_are_left_out(tmp_path, monkeypatch):
    """A report may have a figure of some methods only."""
    monkeypatch.setattr(_goals, "GOALS", {"rises": RISES})
    report = estimators.LSTMClassifier.report_on

    def with_gap(model, test):
        found = report(model, test)
        scores = [replace(score, metrics={**score.metrics, "unknown": math.nan}) for score in found.scores]
        return replace(found, scores=tuple(scores))

    monkeypatch.setattr(estimators.LSTMClassifier, "report_on", with_gap)
    (found,) = measure_goals([RISES], 1, tmp_path / "f.json", lambda *_: None, **QUICK)
    assert read_goals(tmp_path / "f.json") == [found]
    assert all("unknown" not in own and "accuracy" in own for own in found.figures.values())


def one(data, seed, ours, **simple):
    metric = GOALS[data].metric
    figures = {"LSTM": {metric: ours, **dict.fromkeys(GOALS[data].shows, 0.5)}}
    return Reached(data, seed, {}, figures | {name: {metric: value} for name, value in simple.items()}, 3, 1234, 60.0)


def cells(table, data):
    row = next(line for line in table.splitlines() if f"`{data}`" in line)
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_table_by_hand():
    reached = [
        one("digit-strings", 0, 0.02, frames=0.4),
        one("digit-strings", 1, 0.03, frames=0.4),
        one("german-plurals", 0, 0.81, rules=0.82, source=0.1),
        one("python-source", 0, 1.9, ngram=2.0, xz=1.8),
    ]
    table = goal_table(reached)
    assert cells(table, "digit-strings")[1:6] == [
        "label error rate", "≤ 0.03 ✓", "0.025 ± 0.0071 (2 seeds)", "frames: 0.4", "–",
    ]  # fmt: skip
    assert cells(table, "german-plurals")[2:6] == [
        "≥ 0.8 ✓, better than all simple methods ✗", "0.81 (1 seed)", "rules: 0.82", "character error 0.5",
    ]  # fmt: skip
    assert cells(table, "python-source")[2:5] == ["better than all simple methods ✗", "1.9 (1 seed)", "xz: 1.8"]
    assert cells(table, "python-source")[6:] == ["1,234", "60"]
    assert "german" not in goal_table(reached, "labels")
    assert "Not measured yet" in goal_table([])


def test_areas_are_those_of_a_model_and_of_a_linear_method_in_windows():
    rng = np.random.default_rng(0)
    X = [rng.choice(list("AC"), size=60, p=[0.9, 0.1] if k % 2 else [0.1, 0.9]) for k in range(8)]
    y = [np.array(["disordered" if k % 2 else "ordered"] * 60) for k in range(8)]
    data = make_tagged(X, y, name="made", split="train")
    model = estimators.LSTMTagger(hidden_size=4, max_epochs=3, validation=None, random_state=0).fit_on(data)
    areas = _goals._areas(model, data, data)
    ours, linear = (each["AUC"] for each in areas.values())
    assert next(iter(areas)) == "LSTM"
    assert linear > 0.99
    assert 0 <= ours <= 1


def test_the_command(monkeypatch, capsys, tmp_path):
    def gone(name, split):
        raise DataError("nothing is installed")

    goals = {"rises": RISES, "gone": Goal("gone", "text", "LSTMTranslator", gone, "exact match", 0.5, at_most=False)}
    monkeypatch.setattr(_goals, "GOALS", goals)
    monkeypatch.setattr("carrousel.bench._tables.GOALS", goals)
    measure = _goals.measure_goals
    monkeypatch.setattr(_goals, "measure_goals", lambda *given: measure(*given, **QUICK))
    path = tmp_path / "f.json"
    assert main(["bench", "goals", "--seeds", "1", "--out", str(path)]) == 0
    out, err = capsys.readouterr()
    assert "gone is left out: nothing is installed" in err
    assert out.startswith("rises, seed 0: accuracy ")
    assert "| `rises` | accuracy | ≥ 0.9 " in out
    assert main(["bench", "goals", "--only", "rises", "--seeds", "1", "--out", str(path)]) == 0
    assert "measured before" in capsys.readouterr().out
    assert main(["bench", "goals", "--only", "rises", "--seeds", "1", "--out", str(path), "--json"]) == 0
    assert [each["data"] for each in json.loads(capsys.readouterr().out)["reached"]] == ["rises"]
    assert main(["bench", "goals", "--only", "rizes"]) == 2
    assert "no such data set; the nearest is 'rises'" in capsys.readouterr().err
    assert main(["bench", "goals", "--out", str(tmp_path / "none" / "x")]) == 2
    assert "there is no directory" in capsys.readouterr().err
