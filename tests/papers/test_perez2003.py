"""The Kalman filter on counted strings and on a stream: how far a network counts, and how long it is right."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from carrousel import papers
from carrousel.papers.gers2001._trial import language, network
from carrousel.papers.perez2003 import EXPERIMENTS
from carrousel.papers.perez2003 import _reber_trial as stream
from carrousel.papers.perez2003 import _trial as counting
from carrousel.tasks import Endless


class Counter:
    """Counts right up to a number: says what ``follow`` does of a network that does."""

    def __init__(self, most):
        self.most, self.n, self.task = most, 0, language("anbncn", 10)
        self.told = []

    def reset(self):
        self.told = []

    def follow(self, codes, goals, tolerance, learn):
        assert (tolerance, learn) == (1.0, False)
        self.told.append((codes, goals))
        return len(codes) - (int((np.concatenate([c for c, _ in self.told]) == 1).sum()) > self.most)


def test_the_ladder_ends_before_the_first_string_that_is_not_accepted(monkeypatch):
    task = language("anbncn", 10)
    assert [counting.ladder(Counter(n), task, 1_000) for n in (5, 10, 99, 150, 5_000)] == [0, 10, 50, 100, 1_000]
    assert list(counting._rungs(22_000_000))[-3:] == [10_000_000, 20_000_000, 22_000_000]
    # In pieces a string is what the task makes of it.
    monkeypatch.setattr(counting, "CHUNK", 3)
    counter = Counter(100)
    assert counting._accepts(counter, task, 7)
    string = task.encode([(7,)])
    np.testing.assert_array_equal(np.concatenate([codes for codes, _ in counter.told]), string.inputs)
    np.testing.assert_array_equal(np.concatenate([goals for _, goals in counter.told]), string.wanted(4))


def test_a_trial_leaves_the_start_symbol_alone_and_its_weights_behind():
    experiment = papers.get("perez2003/anbncn")
    config = experiment.config("dekf").changed(strings=150, longest=20)
    setting = papers.Setting.of(config, experiment.choose({}), 0, 1)
    prepared = experiment.prepare(setting)
    found = experiment.train(prepared, setting)
    assert found["networks"] == 1
    weights = prepared.learner.weights
    assert not any(weights[group][:, 0].any() for group in ("cell", "input_gate", "forget_gate", "output_gate"))
    assert found["success"] == (found["sequences"] <= 150)
    assert not found["success"] or found["reach"] >= 10


def test_a_network_is_kept_by_both_its_input_gates():
    learner = counting.Learner(network("anbncn"))
    weights = learner.weights
    for peepholes, kept in (((1.0, -1.5), True), ((1.0, 0.9), False), ((0.0, 2.0), False)):
        weights["input_gate_peephole"][:, 0] = peepholes
        learner.weights = weights
        assert counting.saturated(learner) is kept


def test_right_predictions_in_a_row_are_counted_across_lots():
    rng = np.random.default_rng(0)
    right = rng.random(400) < 0.9
    text = "".join("1" if one else "0" for one in right)
    whole, pieces = stream.Runs(12), stream.Runs(12)
    whole.add(right)
    for lot in np.array_split(right, 37):
        pieces.add(lot)
    assert vars(whole) == vars(pieces)
    assert whole.sustained == text.index("1" * 12) + 12
    rest = text[whole.sustained :]
    assert (whole.after, whole.lost) == (rest.index("0"), True)
    never = stream.Runs(12)
    never.add(np.zeros(5, bool))
    assert (never.sustained, never.after, never.lost) == (None, 0, False)


def of_a_stream(row, **changes):
    experiment = EXPERIMENTS[0]
    config = experiment.config(row).changed(**changes)
    setting = papers.Setting.of(config, experiment.choose({}), 5, 0)
    return setting, experiment.prepare(setting)


@pytest.mark.parametrize("row", ["dekf", "gradient"])
def test_a_stream_is_learned_from_until_it_is_lost(row, monkeypatch):
    monkeypatch.setattr(stream, "SUSTAINED", 12)
    setting, prepared = of_a_stream(row, limit=60_000, lasting=40)
    assert prepared.learner.weight_count == 424
    before = prepared.learner.vector.copy()
    found = stream.train(prepared, setting)
    assert found["success"]
    assert 12 <= found["symbols"] <= found["steps"] <= 60_300
    assert found["symbols"] + found["after"] <= found["steps"]
    assert 0 <= found["frozen"] <= 40
    assert (prepared.learner.vector != before).any()


def test_weights_are_frozen_and_the_stream_goes_on():
    _, prepared = of_a_stream("gradient")
    endless = Endless(prepared.task, np.random.default_rng(0), 500)
    learned = endless.ahead(300)
    endless.skip(len(learned.ends))
    prepared.learner.learn_many(learned.codes, prepared.task.targets(learned.kinds))
    before, state = prepared.learner.vector.copy(), prepared.learner.activations["state"].copy()
    copy = deepcopy(prepared.learner)
    right = stream._frozen(copy, Endless(prepared.task, np.random.default_rng(1), 500), 100)
    np.testing.assert_array_equal(copy.vector, before)
    np.testing.assert_array_equal(prepared.learner.activations["state"], state)  # the copy's alone moved on
    again = Endless(prepared.task, np.random.default_rng(1), 500).ahead(300)
    outputs = prepared.learner.predict_many(again.codes)
    off = np.abs(outputs - prepared.task.targets(again.kinds)).max(1) > 0.49
    assert right == min(100, int(np.argmax(off)))


def test_a_filter_that_diverges_ends_the_trial(monkeypatch):
    setting, prepared = of_a_stream("dekf", limit=2_000)

    def diverge(*given, **more):
        raise FloatingPointError("the filter diverged")

    monkeypatch.setattr(prepared.sets, "learn_many", diverge)
    found = stream.train(prepared, setting)
    assert (found["success"], found["steps"]) == (False, 0)
    assert stream.summary([found])["symbols_mean"] is None


def test_figures_are_of_the_networks_that_sustained():
    won = {"success": True, "symbols": 10, "after": 4, "frozen": 7}
    found = stream.summary([won, {"success": False}, {**won, "symbols": 30, "after": 2}])
    assert found["success_rate"] == 2 / 3
    assert (found["symbols_mean"], found["symbols_max"], found["after_median"]) == (20, 30, 3)
    assert found["each"] == [[10, 30], [4, 2], [7, 7]]
