"""The table of random weight guessing."""

from __future__ import annotations

import pytest

from carrousel import papers
from carrousel._jit import entry
from carrousel.learning import guessing
from carrousel.papers.schmidhuber1996._guessing import network

GUESSING = papers.get("schmidhuber1996/guessing")


def test_the_published_table():
    rows = {row.name: row for row in GUESSING.rows}
    numbers = {name: row.published.get("draws_mean") for name, row in rows.items() if row.config is None}
    assert [numbers[f"{name}"] for name in ("bengio-latch", "multigrid-two-sequence", "annealing-parity")] == [
        1600,
        6400,
        810_000,
    ]
    assert rows["latch-1-sd"].published["draws_mean"] == rows["latch-1-var"].published["draws_mean"] == 6
    assert rows["parity-noise-a1"].published["draws_mean"] == 41_400
    assert [rows[f"tomita-{k}"].published["draws_uncertain"] for k in (1, 2, 4)] == [182, 1511, 13_833]
    assert len(rows) == len(GUESSING.rows)


def test_noise_is_read_both_ways():
    spreads = {row.name: row.config["about"].get("spread") for row in GUESSING.own_rows()}
    for name, spread in spreads.items():
        if name.endswith("-var"):
            assert spread**2 == pytest.approx(0.2)
            assert spreads[name.replace("-var", "-sd")] == 0.2


@pytest.mark.parametrize(
    ("net", "hidden", "options", "weights"),
    [
        ("latch-1", 0, {}, 3),
        ("latch-2", 0, {}, 3),
        ("A1", 1, {}, 4 + 3),
        ("A1", 1, {"a1_output": "biased"}, 4 + 4),
        ("A2", 10, {}, 10 * 4 + 11),
        ("A2", 10, {"a2_output": "hidden+input"}, 10 * 4 + 12),
        ("A2 without self", 10, {}, 10 * 3 + 11),
    ],
)
def test_the_networks_have_the_weights_that_are_described(net, hidden, options, weights):
    assert network({"net": net, "hidden": hidden}, options).weight_count == weights


def test_trials_depend_on_seed_and_number_alone():
    options = GUESSING.choose({})
    config = GUESSING.config("parity-a2-without-self").changed(about={"shortest": 5, "longest": 9})
    one, two, other = (GUESSING.trial(config, options, 0, number) for number in (1, 1, 2))
    assert [one[key] for key in ("draws", "steps", "test_right")] == [
        two[key] for key in ("draws", "steps", "test_right")
    ]
    assert one["steps"] != other["steps"]


def test_a_search_without_success_counts_in_no_mean():
    trials = [
        {"success": True, "draws": 10, "test_right": 1.0},
        {"success": True, "draws": 30, "test_right": 0.9},
        {"success": False, "draws": 99, "test_right": None},
    ]
    found = GUESSING.summary(trials)
    assert found["draws_mean"] == 20
    assert found["success_rate"] == pytest.approx(2 / 3)
    assert found["test_right"] == pytest.approx(0.95)
    assert GUESSING.summary(trials[2:])["draws_mean"] is None


def test_the_picture(tmp_path):
    rows = [{"row": "latch-1-sd", "published": {"draws_mean": 6}, "measured": {"draws_mean": 8.0}}]
    rows += [{"row": row.name, "published": dict(row.published)} for row in GUESSING.rows if row.config is None]
    GUESSING.pictures[0].draw(tmp_path / "x.png", {"rows": rows, "seed": 0, "options": {}})
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_is_compiled_by_the_clock(monkeypatch):
    """What a search calls has its machine code when the learner is ready."""
    called = ("_search", "_answers")
    for name in called:
        monkeypatch.setattr(guessing, name, entry(getattr(guessing, name).py_func))
    config = GUESSING.config("parity-a2-without-self").changed(about={"shortest": 5, "longest": 9})
    setting = papers.Setting.of(config, GUESSING.choose({}), 0, 1)
    prepared = GUESSING.prepare(setting)
    assert [len(getattr(guessing, name).overloads) for name in called] == [0, 0]
    prepared.ready()
    assert [len(getattr(guessing, name).overloads) for name in called] == [1, 1]
    assert GUESSING.train(prepared, setting)["success"]
    assert [len(getattr(guessing, name).overloads) for name in called] == [1, 1]
