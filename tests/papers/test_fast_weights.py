"""Experiments of 1992, 1993 and 2023: their streams, their criteria, gradients against each other, trials."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel import papers
from carrousel.learning import SelfReferentialMatrix
from carrousel.papers.irie2023._gradients import Backward, Forward, patterns
from carrousel.papers.schmidhuber1992._streams import cars, flip_flop
from carrousel.papers.schmidhuber1993._matrix import constants, first_symbols, functions, gradient_error

FAST, MATRIX, COPY, FLOW = (
    papers.get(name)
    for name in (
        "schmidhuber1992/fast-weights",
        "schmidhuber1993/self-referential",
        "irie2023/copy",
        "hochreiter1991/error-flow",
    )
)


def test_the_published_figures():
    rows = {row.name: row.published for row in FAST.rows}
    assert rows["flip-flop-direct"]["steps_max"] == "within 300"
    assert rows["flip-flop-from-to"]["steps_max"] == "within 800"


def test_a_flip_flop_switches_on_the_first_b_after_a():
    events, targets = flip_flop(np.random.default_rng(0), 500, on=True)
    for t in range(500):
        before = [event for event in events[:t] if event < 2]
        assert targets[t, 0] == (events[t] == 1 and (not before or before[-1] == 0))
    assert 0 < targets.mean() < 0.5


def test_cars_are_where_they_were_parked_last():
    inputs, targets = cars(np.random.default_rng(0), 3000, 0.5)
    parked = inputs[:, :3].sum(axis=1)
    assert set(parked) == {0.0, 1.0}
    last = -1
    for t in range(3000):
        if inputs[t, 6]:
            assert targets[t].argmax() == last
        else:
            assert np.isnan(targets[t]).all()
        last = inputs[t, :3].argmax() if parked[t] else last
    assert 0.2 < inputs[:, 6].mean() < 0.3  # half of the steps of business, which is half of all
    np.testing.assert_allclose(inputs[:, 3:6].mean(), 0.5, atol=0.03)


def test_the_hundred_right_steps_are_counted_from_their_first():
    """A learner that is wrong in one step and never again; one whose weights grow without end."""

    class Knows:
        weight_count, wrong, grows = 3, 37, False

        def learn_many(self, inputs, targets, tell):
            if self.grows:
                raise ValueError("the fast weights grew without end")
            said = targets.copy()
            if 0 <= self.wrong < len(said):
                said[self.wrong] += 0.06
            self.wrong -= len(said)
            return said

        def reset(self):
            pass

    for row in ("flip-flop-direct", "flip-flop-delta"):
        learner, setting = Knows(), papers.Setting.of(FAST.config(row), {}, 0, 0)
        found = FAST.train(papers.Prepared(learner, None), setting)
        assert (found["success"], found["sequences"]) == (True, 38)
        learner.grows = True
        found = FAST.train(papers.Prepared(learner, None), setting)
        assert (found["success"], found["grew"]) == (False, True)


def test_the_tasks_of_the_matrix():
    rng = np.random.default_rng(0)
    codes, targets, spans = first_symbols(rng, 30, 4)
    np.testing.assert_array_equal(targets[spans[:, 1] - 1, 0], codes[spans[:, 0]])
    assert np.isnan(targets).sum() == 30 * 4
    _, targets, _ = constants(rng, 30, 4)
    assert set(targets.reshape(30, 4).mean(1)) == {0.0, 1.0}
    codes, targets, _ = functions(rng, 30, 4)
    assert {tuple(set(row)) for row in (codes ^ targets.ravel().astype(int)).reshape(30, 4)} == {(0,), (1,)}


def test_a_wrong_gradient_is_seen():
    net, (codes, targets, _) = SelfReferentialMatrix(3, 1), first_symbols(np.random.default_rng(1), 1, 3)
    rng = np.random.default_rng(0)
    assert gradient_error(net, codes, targets, rng) < 1e-7
    exact = net.gradient
    net.gradient = lambda x, y: (exact(x, y)[0], 1.01 * exact(x, y)[1])
    assert 0.005 < gradient_error(net, codes, targets, rng) < 0.02


@pytest.mark.parametrize("longest", [1, 7])
def test_patterns_are_said_after_they_were_seen(longest):
    codes, targets, spans = patterns(np.random.default_rng(0), 40, longest)
    assert spans[-1, 1] == len(codes) == len(targets)
    for begin, end in spans:
        half = (begin + end) // 2
        assert 1 <= half - begin <= longest
        np.testing.assert_array_equal(targets[half:end], codes[begin:half])
        assert (codes[half:end] == 2).all()
        assert (targets[begin:half] == 2).all()


def test_two_ways_to_one_gradient():
    """Of sequences of several lengths; a piece as long as the longest is the whole, a shorter one is not."""
    rng = np.random.default_rng(0)
    backward = Backward("elstm", 5, 0)
    weights = {name: w + rng.normal(0, 0.5, w.shape) for name, w in backward.begun(rng).items()}
    drawn = patterns(rng, 6, 9)
    longest = int((drawn[2][:, 1] - drawn[2][:, 0]).max())
    whole = backward.gradient(*drawn, weights)
    forward = Forward(5, weights)
    for other, same in (
        (forward.gradient(*drawn, weights), True),
        (Backward("elstm", 5, longest).gradient(*drawn, weights), True),
        (Backward("elstm", 5, 3).gradient(*drawn, weights), False),
    ):
        near = [np.allclose(other[name], whole[name], rtol=1e-10, atol=1e-12) for name in whole]
        assert all(near) == same
    np.testing.assert_allclose(*(way.outputs(drawn[0], drawn[2], weights) for way in (forward, backward)), rtol=1e-10)
    kept = [way.kept(40) for way in (forward, backward, Backward("elstm", 5, 10))]
    assert kept[0] == forward.kept(400)
    assert backward.kept(400) > 9 * kept[1]
    assert kept[2] < 0.4 * kept[1]


SMALL = [
    (FAST, "flip-flop-delta", {"limit": 300}),
    (MATRIX, "functions", {"limit": 20, "tests": 5, "steps": 3}),
    (COPY, "rtrl-5", {"epochs": 1, "training": 10, "validation": 4, "hidden": 3, "beside": 1}),
    (FLOW, "trained", {"lags": [3, 6], "limit": 20, "tests": 5}),
]


@pytest.mark.parametrize(("experiment", "row", "small"), SMALL, ids=[each[0].name for each in SMALL])
def test_trials_depend_on_seed_and_number_alone(experiment, row, small):
    config = experiment.config(row).changed(**small)
    one, two, other = (dict(experiment.trial(config, {}, 0, number)) for number in (1, 1, 2))
    for found in (one, two, other):
        for clock in ("seconds", "microseconds"):
            found.pop(clock, None)
    assert one == two
    assert one != other
