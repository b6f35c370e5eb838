"""Experiment 2 of 1997: tables, networks, criteria, trials."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel import papers
from carrousel.learning import Chunker, OneUnitNetwork
from carrousel.papers._until import all_right
from carrousel.papers.hochreiter1997 import _distractors, _lag
from carrousel.tasks import LongLagDistractors, NoiseFreeLag, NoRegularities

LAG, NONE, FAR = (
    papers.get(f"hochreiter1997/{name}") for name in ("noise-free-lag", "no-regularities", "long-lag-distractors")
)


def test_the_published_tables():
    rows = {row.name: row for row in LAG.rows}
    assert [rows[f"rtrl-4-{rate}"].published["sequences_mean"] for rate in (1, 4, 10)] == [1_043_000, 892_000, 254_000]
    assert [row.published["success_rate"] for row in LAG.rows] == [0.78, 0.56, 0.22, 0, 0, 0, 0.33, 1]
    assert rows["lstm-100"].published["sequences_mean"] == 5_040
    assert NONE.row("lstm-100").published["sequences_mean"] == 5_680
    assert [row.published["sequences_mean"] for row in FAR.rows] == [
        30_000, 31_000, 33_000, 38_000, 49_000, 49_000, 75_000, 135_000, 203_000,
    ]  # fmt: skip
    assert (LAG.trials, NONE.trials, FAR.trials) == (18, 18, 20)


def test_weights_are_as_many_as_published():
    for row in FAR.rows:
        assert str(_distractors.network(row.config["p"], "full").weight_count) == row.columns["weights"]
        assert _distractors.network(row.config["p"], "inputs").weight_count == int(row.columns["weights"]) - 36
    for row in (*LAG.rows, *NONE.rows):
        p, method = row.config["p"], row.config["method"]
        count = {
            "lstm": lambda p: _lag.network(p, "printed").weight_count,
            "chunker": lambda p: Chunker(p + 1).weight_counts[0],
        }.get(method, lambda p: OneUnitNetwork(p + 1, p + 1).weight_count)(p)
        assert str(count) == row.columns["weights"]
    assert _lag.perceptron(100).weight_count == 101 * 101


class Told:
    """Knows the answers, but for those of certain sequences."""

    def __init__(self, task, wrong=()):
        self.task, self.wrong, self.asked = task, set(wrong), 0

    def answers(self, codes, spans):
        kinds = codes[spans[:, 0] + 1] - (self.task.p + 2)
        said = (np.arange(2) == kinds[:, None]).astype(float)
        for k in range(len(spans)):
            if self.asked + k in self.wrong:
                said[k] = 0.5
        self.asked += len(spans)
        return said


@pytest.mark.parametrize("fault", [0, 99, 100, 4321, 9_999, 10_000])
def test_one_wrong_sequence_of_ten_thousand_is_found(fault):
    task = LongLagDistractors(2, 2)
    told = Told(task, [fault])
    passed, steps = all_right(told, task, np.random.default_rng(0), 10_000, 100)
    assert passed == (fault >= 10_000)
    assert steps >= told.asked * (task.q + 3)
    assert told.asked <= max(2 * fault, fault + 1000, 100) + 1


def test_learning_on_a_streak_is_counted_from_its_first_sequence():
    task = LongLagDistractors(2, 2)

    class Learns(Told):
        def learn_and_answer(self, codes, targets, spans):
            return self.answers(codes, spans)

    def train(learner, criterion, **changes):
        config = FAR.config("q50-p50").changed(**changes)
        setting = papers.Setting.of(config, FAR.choose({"criterion": criterion}), 0, 0)
        return _distractors.train(papers.Prepared(learner, task), setting)

    found = train(Learns(task, range(250)), "learning", tests=1000)
    assert (found["success"], found["sequences"]) == (True, 250)
    found = train(Learns(task, [0, 777]), "learning", tests=1000)
    assert found["sequences"] == 778
    found = train(Learns(task, range(0, 5000, 50)), "learning", limit=3000)
    assert (found["success"], found["sequences"]) == (False, 3000)
    found = train(Learns(task, range(150)), "frozen", tests=500)
    assert (found["success"], found["sequences"]) == (True, 300)


@pytest.mark.parametrize("p", [4, 30])
def test_the_cell_is_added_when_the_error_stands_still(p):
    """Before, the network is a perceptron; what it learned is kept."""
    task, rng = NoRegularities(p), np.random.default_rng(0)
    learner = _lag._Growing(task, 1.0, LAG.choose({}), rng)
    errors = []
    while not learner.added:
        before = learner.learner.weights["output"]
        sums = 0.0
        for _ in range(10):
            drawn = task.draw(rng, 10)
            sums += learner._error(drawn.inputs, drawn.targets, drawn.spans)
            before = learner.learner.weights["output"]
            learner.learn_sequences(drawn.inputs, drawn.targets, drawn.spans)
        errors.append(sums)
    assert learner.added == 100 * len(errors) >= 200
    falls = 1 - np.array(errors[1:]) / np.array(errors[:-1])
    assert (falls[:-1] >= 0.05).all()
    assert falls[-1] < 0.05
    grown = learner.learner.weights["output"]
    assert grown.shape == (p + 1, p + 2)
    assert 0 < np.abs(grown[:, :-1] - before).max() < 0.5  # the last ten sequences


@pytest.mark.parametrize(("delta", "loss"), [("printed", "squared"), ("plain", "cross_entropy")])
def test_the_delta_is_that_of_the_perceptron_and_of_what_it_grows_into(delta, loss):
    learner = _lag._Growing(NoiseFreeLag(4), 1.0, LAG.choose({"delta": delta}), np.random.default_rng(0))
    assert learner.learner.loss == loss
    learner._add()
    assert learner.learner.loss == loss


def test_errors_at_the_end_alone():
    drawn = NoRegularities(4).draw(np.random.default_rng(0), 3)
    assert _lag._ends_of(drawn).reshape(3, 4)[:, :3].tolist() == [[-1] * 3] * 3
    assert (_lag._ends_of(drawn)[3::4] == drawn.answers).all()


@pytest.mark.parametrize(
    ("experiment", "row", "options"),
    [
        (LAG, "rtrl-4-10", {"update": "end"}),
        (LAG, "bptt-100", {}),
        (LAG, "chunker-100", {}),
        (LAG, "lstm-100", {"g": "printed"}),
        (NONE, "lstm-100", {"errors": "step"}),
        (FAR, "q50-p50", {"connections": "full"}),
    ],
)
def test_trials_depend_on_seed_and_number_alone(experiment, row, options):
    small = {"limit": 300} if experiment is FAR else {"p": 6, "limit": 300}
    config = experiment.config(row).changed(**small)
    chosen = experiment.choose(options)
    one, two = (experiment.trial(config, chosen, 0, 3) for _ in range(2))
    for found in (one, two):
        assert found.pop("seconds") > 0
    assert one == two
    assert one["sequences"] <= 300
    assert one["steps"] >= one["sequences"]


def test_rows_with_several_rates_take_them_in_turn():
    config = LAG.config("rtrl-100").changed(p=5)
    learners = [LAG.prepare(papers.Setting.of(config, LAG.choose({}), 0, number)).learner for number in range(4)]
    assert [learner.rate for learner in learners] == [1.0, 4.0, 10.0, 1.0]


def test_pictures_are_drawn(tmp_path):
    measured = {"sequences_mean": 40_000.0, "sequences_min": 20_000, "sequences_max": 90_000}
    rows = [{"row": row.name, "published": dict(row.published), "measured": measured} for row in FAR.rows]
    for k, given in enumerate((rows, rows[:2], rows[-1:], [{**rows[0], "measured": {}}])):
        FAR.pictures[0].draw(tmp_path / f"{k}.png", {"rows": given})
        assert (tmp_path / f"{k}.png").read_bytes().startswith(b"\x89PNG")
    LAG.pictures[0].draw(tmp_path / "trace.png", {"seed": 0, "options": LAG.choose({})})
    assert (tmp_path / "trace.png").stat().st_size > 10_000
