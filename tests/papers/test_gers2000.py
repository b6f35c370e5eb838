"""The continual experiments of 2000: architectures, streams, tests, and what is summed up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from carrousel import papers
from carrousel.learning.online import Learner, Network
from carrousel.papers.gers2000 import _reber, _streams, _temporal_order
from carrousel.tasks import ContinualReber, ContinualTemporalOrder, Endless

REBER = papers.get("gers2000/continual-reber")
ORDER = papers.get("gers2000/continual-temporal-order")
TASK = ContinualReber()


@pytest.mark.parametrize("experiment", [REBER, ORDER], ids=["reber", "temporal order"])
def test_architectures(experiment):
    for row in experiment.rows:
        config = row.config.learner
        config = config if experiment is REBER else _temporal_order._learner(config, ORDER.choose({}))
        network = _streams.network(config)
        assert network.weight_count == int(row.columns["weights"])
        assert "gate" not in "".join(network.feeds.values())
        assert "bias" not in network.feeds["cell"]
        weights = network.initial_weights(np.random.default_rng(0))
        for gate in ("input_gate", "output_gate"):
            assert weights[gate][:, -1].tolist() == [-0.5, -1.0, -1.5, -2.0]
        if network.forget_gates:
            assert weights["forget_gate"][:, -1].tolist() == list(config["forget"])
        assert 0.19 < np.abs(weights["output"]).max() <= 0.2
        assert 0.19 < np.abs(weights["cell"]).max() <= 0.2
    assert _streams.network(REBER.config("forget").learner).weight_count == 424


def test_the_published_tables():
    for experiment in (REBER, ORDER):
        keys = {figure.key for figure in experiment.figures}
        for row in experiment.rows:
            assert {*row.published} - {"trials"} <= keys
            shares = [value for key, value in row.published.items() if key.endswith("rate")]
            assert not row.published or sum(shares) == pytest.approx(1)
    published = {row.name: row.published for row in REBER.rows}
    assert [published[name]["perfect_rate"] for name in published] == [0.74, 0, 0, 0.18, 0.62]
    assert published["forget"]["good_length"] == 39_171


class Oracle:
    """Right for so many steps of each stream, then wrong; keeps what it was given."""

    def __init__(self, right):
        self.right, self.calls, self.rate = iter(right), [], None

    def follow(self, codes, targets, tolerance, learn=True, spans=None):
        self.calls.append((len(codes), learn, None if spans is None else len(spans), self.rate))
        if spans is not None and spans[0][0] == 0:  # a stream's first steps
            self.left = next(self.right)
        found = min(self.left, len(codes))
        self.left -= found
        return found


def endless(seed=0):
    return Endless(TASK, np.random.default_rng(seed), 5000)


def test_a_stream_is_followed_to_its_first_error_or_its_end():
    for right in (0, 5, 255, 256, 300, 700, 1999):
        steps, strings = _streams.follow(Oracle([right]), endless(), True, 2000)
        assert steps == right
        ends = endless().ahead(2000).ends
        assert strings == (ends <= right).sum()
    steps, strings = _streams.follow(Oracle([10**9]), endless(), True, 2000)
    ends = endless().ahead(2000).ends
    assert (steps, strings) == (ends[-1], len(ends))
    steps, strings = _streams.follow(Oracle([10**9]), endless(), True, 10**6, 40)
    assert (steps, strings) == (ends[39], 40)


def test_every_stream_is_new_and_begins_with_a_string():
    supply, task = endless(), TASK

    class Reader(Oracle):
        def follow(self, codes, *rest):
            if rest[-1] is not None:
                self.streams.append([])
            found = super().follow(codes, *rest)
            self.streams[-1].append(codes[: found + 1])
            return found

    reader = Reader([3, 14, 400, 0, 25])
    reader.streams = []
    for _ in range(5):
        _streams.follow(reader, supply, True, 2000)
    whole = "".join(task.symbols[code] for code in endless().ahead(3000).codes)
    at = 0
    for stream in reader.streams:
        text = "".join(task.symbols[code] for code in np.concatenate(stream))
        assert whole[at:].startswith(text)
        ends = endless().ahead(3000).ends
        at = int(ends[np.searchsorted(ends, at + len(text) - 1, "right")])


def setting_of(row, experiment=REBER, **changes):
    return papers.Setting.of(experiment.config(row).changed(**changes), experiment.choose({}), 0, 0)


def train(learner, setting, limit):
    setting = replace(setting, config=setting.config.changed(limit=limit))
    return _streams.train(papers.Prepared(learner, TASK, endless()), setting)


def test_training_and_testing_alternate():
    setting = setting_of("standard", steps=500, tests=3)
    # Three training streams; tests stop at the first stream that fails, but those of the end do not.
    oracle = Oracle([10, 4, 20, 10**9, 5, 30, 7, 10**9, 8])
    found = train(oracle, setting, limit=3)
    assert not found["success"]
    assert found["streams"] == 3
    assert found["length"] == pytest.approx((7 + 500 + 8) / 3)
    firsts = [learn for _, learn, spans, _ in oracle.calls if spans]
    assert firsts == [True, False, True, False, False, True, False, False, False]
    assert {rate for *_, rate in oracle.calls} == {0.5}
    # Perfect: all test streams, the first time.
    found = train(Oracle([1, 0, 2, *[10**9] * 3]), setting, limit=30)
    assert (found["success"], found["streams"], found["length"]) == (True, 2, 500)
    assert 3 + 3 * 500 <= found["steps"] <= 3 + 3 * 600


def test_the_rate_decays_within_a_stream_and_is_restored():
    setting = setting_of("forget-rate-decay", steps=300, tests=1)
    learner = REBER.prepare(setting).learner
    train(learner, setting, limit=1)
    assert learner.rate < 0.5
    first = learner.weights
    train(learner, setting, limit=2)
    # the wrong step is learned from too: the rate has decayed once more than steps were right
    learner.rate = 0.5
    right, _ = _streams.follow(learner, endless(), True, 300)
    assert learner.rate == pytest.approx(0.5 * 0.99 ** (right + 1), rel=1e-4)
    assert any(np.abs(w - first[name]).max() > 0 for name, w in learner.weights.items())


def test_testing_changes_no_weight():
    learner = REBER.prepare(setting_of("forget")).learner
    before = learner.weights
    _streams.follow(learner, endless(), False, 1000)
    for name, w in learner.weights.items():
        assert np.array_equal(w, before[name])


def test_the_criterion_is_the_error_of_every_output():
    """An output layer that knows the goal by heart, with one unit off by a little less or more than 0.49."""
    feeds = {"output": "input"}
    stream = TASK.stream(np.random.default_rng(0), 12)
    goals = TASK.goals[stream.kinds[:1]]
    for off, right in ((0.489, 1), (0.491, 0)):
        learner = Learner(Network(7, 7, blocks=0, feeds=feeds))
        weights = np.zeros((7, 7))
        wanted = np.where(goals[0] > 0, 0.99, 0.01)
        wanted[1] = 1 - off if goals[0, 1] else off
        weights[:, stream.codes[0]] = np.log(wanted / (1 - wanted))
        learner.weights = {"output": weights}
        assert learner.follow(stream.codes[:1], goals, TASK.tolerance, learn=False) == right
    assert ContinualTemporalOrder().tolerance == 0.49


def test_networks_are_sorted():
    def one(success, streams, length):
        return {"success": success, "streams": streams, "length": length, "strings": length / 10}

    found = [one(True, 10, 1e5), one(True, 20, 1e5), one(False, 99, 1000.5), one(False, 99, 1000.0), one(False, 99, 3)]
    assert _reber.summary(found) == {
        "perfect_rate": 0.4,
        "perfect_streams": 15,
        "good_rate": 0.2,
        "good_length": 1000.5,
        "rest_rate": 0.4,
        "rest_length": 501.5,
    }
    assert _temporal_order.summary(found[3:]) == {
        "perfect_rate": 0.0,
        "perfect_streams": None,
        "partial_rate": 1.0,
        "partial_sequences": 50.15,
    }


@pytest.mark.parametrize("name", ["resets", "state-decay", "forget-rate-decay"])
def test_a_trial_depends_on_seed_and_number_alone(name):
    config = REBER.config(name).changed(limit=400, steps=200)
    options = REBER.choose({})
    one, two = (REBER.trial(config, options, 3, 1) for _ in range(2))
    assert one | {"seconds": 0} == two | {"seconds": 0}
    other = REBER.trial(config, options, 3, 2)
    assert (one["steps"], one["length"]) != (other["steps"], other["length"])


def test_the_options_are_used():
    config = REBER.config("state-decay").changed(limit=2000, steps=200)
    assert len({REBER.trial(config, {"state_decay": way}, 0, 0)["steps"] for way in ("inexact", "exact")}) == 2
    config = ORDER.config("forget").changed(limit=40)
    steps = {ORDER.trial(config, {"forget_bias": "5", "other_steps": way}, 0, 0)["steps"] for way in ("none", "zero")}
    assert len(steps) == 2
    for bias, values in (("5", [5.0] * 4), ("1", [1.0] * 4), ("staggered", [0.5, 1.0, 1.5, 2.0])):
        made = _temporal_order._learner(config.learner, {"forget_bias": bias})
        weights = _streams.network(made).initial_weights(np.random.default_rng(0))
        assert weights["forget_gate"][:, -1].tolist() == values


def test_pictures_are_drawn(tmp_path):
    from carrousel.papers.gers2000._picture import draw

    result, small = {"seed": 0, "options": REBER.choose({})}, {"steps": 100, "tests": 1, "limit": 20}
    trained = papers.first_success(REBER, "forget", result, tries=1, or_last=True, **small)
    assert (trained[1]["streams"], trained[1]["success"]) == (20, False)
    with pytest.raises(ValueError, match="none of 1 networks learned"):
        papers.first_success(REBER, "forget", result, tries=1, **small)
    draw(tmp_path / "x.png", trained, trained, 0, 100, 40)
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
