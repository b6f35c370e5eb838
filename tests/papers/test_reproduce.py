"""Tables, trials, and the command that runs them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from carrousel import papers
from carrousel.cli import main
from carrousel.learning.online import Learner, Network
from carrousel.papers import _run
from carrousel.papers.hochreiter1997 import _reber as reber
from carrousel.papers.hochreiter1997._reber_picture import draw
from carrousel.tasks import EmbeddedReber


@pytest.fixture(autouse=True)
def _own_trials(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_the_published_table():
    table = {row.name: row for row in papers.get("hochreiter1997/reber").rows}
    assert [table[name].published["sequences_mean"] for name in reber._LSTM] == [
        39_740,
        21_730,
        14_060,
        9_500,
        8_440,
    ]
    assert reber.network_of_2000(4, 2).weight_count == int(table["lstm-2000-4x2-0.5"].columns["weights"])
    for name, row in table.items():
        if name.startswith("lstm") and row.published:
            net = reber.network(row.config["blocks"], row.config["block_size"])
            assert str(net.weight_count) == row.columns["weights"]
    assert table["rcc"].config is None


def test_outputs_that_see_the_hidden_layer():
    counts = [reber.network(blocks, size, "layer").weight_count for blocks, size in ((4, 1), (3, 2))]
    assert counts == [264 + 7 * 8, 276 + 7 * 6]
    task = EmbeddedReber()
    legal = np.array([[0, 1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]], bool)
    outputs = np.array([[0.2, 0.9, 0.1, 0, 0, 0, 0], [0.1, 0.2, 0, 0, 0, 0, 0]])
    assert task.right(outputs, legal, "best").tolist() == [True, False]
    assert task.right(outputs, legal).tolist() == [False, False]


def test_the_paper_s_initial_weights():
    network = reber.network(4, 1)
    weights = network.initial_weights(np.random.default_rng(0))
    assert weights["output_gate"][:, -1].tolist() == [-1, -2, -3, -4]
    assert np.abs(weights["input_gate"][:, -1]).max() <= 0.1
    assert 0.15 < max(np.abs(w[:, :-1]).max() for w in weights.values()) <= 0.2


def test_the_criterion_is_tried_on_every_string():
    """An oracle that is wrong on one string alone is found out, whichever it is."""
    strings = EmbeddedReber().encode([EmbeddedReber().draw(np.random.default_rng(k)) for k in range(80)])

    class Oracle:
        def __init__(self, fault):
            self.fault = fault

        def sequence_outputs(self, codes, spans):
            rows = []
            for begin, end in spans:
                out = strings.legal[begin:end].astype(float)
                if (strings.spans[self.fault] == [begin, end]).all():
                    out[-1] = 1 - out[-1]
                rows.append(out)
            return np.concatenate(rows)

    order = np.random.default_rng(0).permutation(80)
    for fault in range(80):
        assert order[reber._first_wrong(Oracle(fault), strings, order)] == fault
    strings.spans[79] = strings.spans[78]
    assert reber._first_wrong(Learner(Network(7, 7)), strings, order) is not None


def test_the_network_of_2000_learns_and_is_drawn(tmp_path):
    task = EmbeddedReber()
    rng = np.random.default_rng(0)
    training = task.encode([task.draw(rng) for _ in range(128)])
    for seed in range(4):
        learner = Learner(reber.network_of_2000(4, 2), 0.5, seed=seed)
        success, sequences, steps = reber.train(learner, training, training, rng, 20_000)
        assert sequences % 10 == 0
        assert steps > 8 * sequences
        if success:
            break
    assert success
    draw(learner, tmp_path / "x.png", "A title")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def fake(config, options, seed, number, trials):
    """A trial that leaves a trace of having been run."""
    with open(config["log"], "a") as file:
        file.write(f"{number}\n")
    if number == config.get("fails"):
        raise KeyboardInterrupt
    return {"success": number % 2 == 0, "sequences": 10 * (number + 1), "seconds": 0.1}


def test_a_killed_run_goes_on_from_the_trials_that_are_done(tmp_path):
    log = tmp_path / "log"
    row = papers.Row("one", "One", {}, {"success_rate": 1.0}, {"log": str(log)})
    experiment = papers.Experiment("test/one", "A test", "Nobody", (row,), fake, {"update": ("step", "end")})
    first = papers.reproduce(experiment, trials=4, jobs=1)
    assert first["rows"][0]["measured"]["success_rate"] == 0.5
    assert first["rows"][0]["measured"]["sequences_mean"] == 20
    assert first["rows"][0]["measured"]["sequences_max"] == 30
    file = next(_run.trials_directory().iterdir())
    kept = file.read_text().splitlines()
    file.write_text("\n".join(kept[:3]) + '\n{"trial": 2, "succ')  # killed while it wrote
    assert papers.reproduce(experiment, trials=4, jobs=1) == first
    assert sorted(log.read_text().split()) == sorted(["0", "1", "2", "3", "2", "3"])
    papers.reproduce(experiment, trials=4, jobs=1, options={"update": "end"})
    papers.reproduce(experiment, trials=4, jobs=1, fresh=True)
    assert len(log.read_text().split()) == 4 + 2 + 4 + 4


def test_trials_are_the_same_however_they_are_run():
    experiment = papers.get("hochreiter1997/reber")
    row = experiment.row("lstm-3x2-0.5")
    config = {**row.config, "limit": 300}
    one, two = (experiment.trial(config, experiment.choose({}), 0, 3, 30) for _ in range(2))
    assert (one["success"], one["sequences"]) == (two["success"], two["sequences"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (["hochreiter1997/rober"], "did you mean 'hochreiter1997/reber'"),
        (["hochreiter1997/reber", "--row", "rcc"], "is quoted, not run"),
        (["hochreiter1997/reber", "--row", "lstm"], "its rows are rtrl-3"),
        (["hochreiter1997/reber", "--set", "update=never"], "update must be one of end, step"),
        (["hochreiter1997/reber", "--set", "rate=1"], "has no option 'rate'"),
        (["hochreiter1997/reber", "--json", "/nowhere/x.json"], "no directory"),
    ],
)
def test_wrong_calls_are_refused_before_anything_runs(call, message, capsys):
    assert main(["reproduce", *call]) == 2
    assert message in capsys.readouterr().err


def test_the_command_writes_the_table(tmp_path, monkeypatch, capsys):
    experiment = papers.get("hochreiter1997/reber")
    rows = [replace(row, config=row.config and {**row.config, "limit": 20}) for row in experiment.rows]
    small = papers.Experiment(experiment.name, "t", "c", tuple(rows), experiment.trial, experiment.options)
    monkeypatch.setitem(papers.EXPERIMENTS, experiment.name, small)
    path = tmp_path / "table.json"
    assert main(["reproduce", experiment.name, "--trials", "3", "--jobs", "1", "--json", str(path)]) == 0
    out = capsys.readouterr().out
    assert "RCC" in out
    assert "39,740" in out
    found = json.loads(path.read_text())
    assert set(found) == {"experiment", "seed", "options", "rows"}
    assert [row["row"] for row in found["rows"]] == [row.name for row in experiment.rows]
    measured = next(row for row in found["rows"] if row["row"] == "lstm-4x1-0.1")["measured"]
    assert set(measured) == {
        "trials",
        "success_rate",
        "sequences_mean",
        "sequences_min",
        "sequences_max",
        "seconds",
    }
    assert main(["reproduce"]) == 0
    assert "hochreiter1997/reber" in capsys.readouterr().out
