"""The Kalman filter on counted strings: how far a network counts, what is fixed, and when a network is dropped."""

from __future__ import annotations

import numpy as np

from carrousel import papers
from carrousel.papers.gers2001._trial import language, network
from carrousel.papers.perez2003 import EXPERIMENTS
from carrousel.papers.perez2003 import _trial as counting


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
    experiment = EXPERIMENTS[0]
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
