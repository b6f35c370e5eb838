"""Experiments 3 to 6 of 1997: the published tables, the architectures, when trials stop, what pictures show."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel import papers
from carrousel.papers._until import thinned, until_window
from carrousel.papers.hochreiter1997 import _adding, _ending, _two_sequence
from carrousel.papers.hochreiter1997._adding_picture import draw
from carrousel.tasks import Adding, TemporalOrder, TwoSequence, WithGoals

EXPERIMENTS = [
    papers.get(f"hochreiter1997/{name}") for name in ("two-sequence", "adding", "multiplication", "temporal-order")
]


def task_of(experiment, row):
    config = row.config
    if experiment.name.endswith("two-sequence"):
        return TwoSequence(config["T"], config["N"], config["noisy_signal"], config["noisy_targets"])
    if experiment.name.endswith("temporal-order"):
        return TemporalOrder(config["relevant"])
    return _adding._task(row.config, experiment.choose({}))


def as_printed(experiment, row):
    """The configuration with all units biased as the paper says."""
    if "output" in experiment.options:
        return _adding._learner(row.config, experiment.choose({"cells": "biased"}))
    return row.config.learner


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_networks_have_the_published_numbers_of_weights(experiment):
    for row in experiment.rows:
        net = _ending.network(task_of(experiment, row), as_printed(experiment, row))
        assert net.weight_count == int(row.columns["weights"])
        assert (net.input_squash, net.output_squash) == ("sigmoid_pm2", "sigmoid_pm1")
        weights = net.initial_weights(np.random.default_rng(0))
        for group in ("input_gate", "output_gate"):
            given = row.config["biases"].get(group)
            if given:
                assert weights[group][:, -1].tolist() == given
            else:
                assert np.abs(weights[group][:, -1]).max() <= 0.1
        assert max(np.abs(w[:, :-1]).max() for w in weights.values()) <= 0.1


def test_readings_that_the_paper_does_not_print():
    """Cells without biases, and the output unit with the delta that goes with it."""
    for experiment, cells in zip(EXPERIMENTS[1:3], ("unbiased", "biased"), strict=True):
        row = experiment.rows[0]
        for chosen, weights in (({}, 89 if cells == "unbiased" else 93), ({"cells": "unbiased"}, 89)):
            made = _adding._learner(row.config, experiment.choose(chosen))
            assert _ending.network(task_of(experiment, row), made).weight_count == weights
        for output, how in (
            ("identity", ("identity", "squared")),
            ("logistic", ("sigmoid", "squared")),
            ("logistic-plain", ("sigmoid", "cross_entropy")),
        ):
            made = _adding._learner(row.config, experiment.choose({"output": output}))
            learner = _ending.prepared(task_of(experiment, row), made, np.random.default_rng(0)).learner
            assert (learner.network.unit_squash, learner.loss) == how
    row = EXPERIMENTS[0].rows[0]
    task = task_of(EXPERIMENTS[0], row)
    assert _ending.network(task, _ending.with_cells(row.config.learner, "unbiased")).weight_count == 102 - 3


def test_two_sequence_trials_heed_the_cells():
    row = EXPERIMENTS[0].rows[0]
    config = row.config.changed(limit=400, block=400)
    one, two = (EXPERIMENTS[0].trial(config, {"cells": cells}, 0, 0) for cells in ("biased", "unbiased"))
    assert one["curve"] != two["curve"]


def test_biases_and_rates_are_the_paper_s():
    two, adding, multiplication, order = (
        {row.name: row.config for row in experiment.rows} for experiment in EXPERIMENTS
    )
    assert two["3a-T1000-N3"]["biases"] == {"input_gate": [-1, -3, -5], "output_gate": [-2, -4, -6]}
    assert [two[name]["rate"] for name in ("3a-T100-N1", "3b-T100-N1", "3c-T100-N1")] == [1.0, 1.0, 0.1]
    assert adding["T500"]["biases"] == {"input_gate": [-3, -6]}
    assert multiplication["n13"]["biases"] == {}
    assert order["6b"]["biases"] == {"input_gate": [-2, -4, -6]}
    assert (adding["T100"]["rate"], multiplication["n140"]["rate"]) == (0.5, 0.1)
    assert (order["6a"]["rate"], order["6b"]["rate"]) == (0.5, 0.1)


def test_the_published_figures():
    two, adding, multiplication, order = ({row.name: row.published for row in e.rows} for e in EXPERIMENTS)
    assert [(row["st1_mean"], row["sequences_mean"]) for row in two.values() if "st1_mean" in row] == [
        (27_380, 39_850),
        (58_370, 64_330),
        (446_850, 452_460),
        (41_740, 43_250),
        (74_950, 78_430),
        (481_060, 485_080),
    ]
    assert [row["sequences_mean"] for name, row in two.items() if name.startswith("3c")] == [269_650, 565_640]
    assert [row["sequences_mean"] for row in adding.values()] == [74_000, 209_000, 853_000]
    assert [row["sequences_mean"] for row in multiplication.values()] == [482_000, 1_273_000]
    assert [row["sequences_mean"] for row in order.values()] == [31_390, 571_100]


class Told:
    """A learner that errs as it is told, sequence after sequence; its weights are how many it has learned."""

    def __init__(self, errors):
        self.errors, self.at = errors, 0

    @property
    def weights(self):
        return self.at

    @weights.setter
    def weights(self, at):
        self.at = at

    def learn_and_answer(self, inputs, targets, spans):
        self.at += len(spans)
        return np.array(self.errors[self.at - len(spans) : self.at], float)[:, None]


class Flat:
    """A task without anything: each sequence is one step, each goal nought."""

    def draw(self, rng, count):
        ends = np.arange(1, count + 1)
        nothing = np.zeros((count, 1))
        return WithGoals(nothing, nothing, np.stack([ends - 1, ends], 1), nothing)

    def right(self, outputs, drawn):
        return np.abs(outputs - drawn.goals).max(1) < 0.04


@pytest.mark.parametrize("block", [1, 7, 400, 5000])
@pytest.mark.parametrize(
    ("errors", "goal", "expected"),
    [
        ([0.0] * 6000, {"wrong": 1}, 2000),
        ([0.0] * 100 + [0.05] + [0.0] * 6000, {"wrong": 1}, 2101),
        ([0.0] * 100 + [0.05] + [0.0] * 6000, {"wrong": 2}, 2000),
        ([0.05] * 1000 + [0.0] * 6000, {"wrong": 140}, 1000 + 2000 - 139),
        ([0.03] * 1000 + [0.0] * 6000, {"wrong": 1, "error": 0.01}, 1000 + 2000 - 666),
        ([0.03] * 1000 + [0.0] * 6000, {"wrong": 1, "error": 0.01, "squared": True}, 2000),
    ],
)
def test_training_ends_with_the_very_sequence(errors, goal, expected, block):
    learner = Told(errors)
    found = until_window(learner, Flat(), np.random.default_rng(0), **goal, block=block, limit=6000)
    assert found["success"]
    assert found["sequences"] == found["steps"] == expected
    assert learner.at == expected  # the weights are those of that sequence


def test_a_trial_that_does_not_succeed_ends_at_its_limit():
    found = until_window(Told([0.05] * 3000), Flat(), np.random.default_rng(0), wrong=1, block=400, limit=2900)
    assert (found["success"], found["sequences"]) == (False, 2900)


def test_the_last_block_is_learned_again_bit_for_bit():
    """The weights at the end are those of a learner that saw no more than these sequences."""
    task = Adding(20)
    about = {**_adding.ADDING.rows[0].config.learner, "unit_squash": "sigmoid"}
    rng = np.random.default_rng(3)
    learner = _ending.prepared(task, about, rng).learner
    found = until_window(learner, task, rng, wrong=2001, block=1500, limit=9000)
    assert found["sequences"] == 2000
    rng = np.random.default_rng(3)
    other = _ending.prepared(task, about, rng).learner
    for part in (task.draw(rng, 1500), task.draw(rng, 1500).part(0, 500)):
        other.learn_and_answer(part.inputs, part.targets, part.spans)
    for name, w in learner.weights.items():
        assert np.array_equal(w, other.weights[name])


class Saying:
    """A learner whose answers are off by these numbers."""

    def __init__(self, drawn, off):
        self.drawn, self.off, self.asked = drawn, off, 0

    def answers(self, inputs, spans):
        first, self.asked = self.asked, self.asked + len(spans)
        return self.drawn.goals[first : self.asked] + np.reshape(self.off[first : self.asked], (-1, 1))


@pytest.mark.parametrize(("missed", "wrong", "expected"), [(0, 1, True), (1, 1, False), (5, 6, True), (6, 6, False)])
def test_st1_and_st2(missed, wrong, expected):
    task = TwoSequence(10, 1)
    drawn = task.draw(np.random.default_rng(0), 256)
    off = np.full(256, 0.008)
    off[256 - missed :] = 0.3
    error = _two_sequence._error(Saying(drawn, off), task, drawn, wrong)
    assert (error is not None) == expected
    if expected:
        assert error == pytest.approx(off.mean())


def test_curves_are_thinned():
    assert thinned([], 400) == {"every": 400, "errors": []}
    assert thinned([1.0, 2.0], 400) == {"every": 400, "errors": [1.0, 2.0]}
    thin = thinned([float(k // 2) for k in range(120)], 100)
    assert thin == {"every": 200, "errors": [float(k) for k in range(60)]}


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_trials_depend_on_seed_and_number_alone(experiment):
    row = experiment.rows[0]
    config = row.config.changed(limit=800, block=400)
    options = experiment.choose({})
    one, two, other = (experiment.trial(config, options, 0, number) for number in (1, 1, 2))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}
    assert one["curve"] != other["curve"]
    assert (one["success"], one["sequences"]) == (False, 800)
    figures = experiment.measure([one, other])
    assert figures["success_rate"] == 0
    assert len(figures["curves"]) == 2


def test_both_stopping_points_of_the_multiplication_problem_are_of_the_same_trial():
    first, second = (row.config for row in _adding.MULTIPLICATION.rows)
    assert first.changed(wrong=13) == second
    options = _adding.MULTIPLICATION.choose({})
    early, late = (
        _adding.MULTIPLICATION.trial(first.changed(T=20, block=2000, wrong=wrong), options, 0, 0)
        for wrong in (1200, 1000)
    )
    assert early["success"]
    assert late["success"]
    assert early["sequences"] < late["sequences"]
    blocks = early["sequences"] // 2000
    assert late["curve"]["errors"][:blocks] == early["curve"]["errors"][:blocks]


def test_pictures(tmp_path):
    for experiment in EXPERIMENTS[1:3]:
        rows = [
            {
                "row": row.name,
                "published": dict(row.published),
                "measured": {"curves": [{"every": 400, "errors": [0.5, 0.1, 0.01]}], "sequences_mean": 1200.0},
            }
            for row in experiment.rows
        ]
        experiment.pictures[0].draw(tmp_path / "curves.png", {"rows": rows})
        assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
        with pytest.raises(ValueError, match="no row was run"):
            experiment.pictures[0].draw(tmp_path / "none.png", {"rows": []})
    adding = _adding.ADDING
    setting = papers.Setting.of(adding.config("T100").changed(T=30), adding.choose({}), 0, 0)
    prepared = adding.prepare(setting)
    learner, before = prepared.learner, prepared.learner.weights
    draw(tmp_path / "trace.png", prepared, {"sequences": 0}, setting, np.random.default_rng(0))
    assert (tmp_path / "trace.png").read_bytes().startswith(b"\x89PNG")
    assert all(np.array_equal(w, before[name]) for name, w in learner.weights.items())
