"""History compression: what goes up a level, when, and with which code; what levels learn from one another."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.learning import HistoryCompressor
from carrousel.tasks import TwoStrings


class Watched(HistoryCompressor):
    """Writes down what each level is given."""

    def _learn(self, level, input, target):
        said = super()._learn(level, input, target)
        self.__dict__.setdefault("log", []).append((level, input[0].copy(), target.copy(), said.copy()))
        return said


def stream(strings=12, lag=3, seed=0):
    drawn = TwoStrings(lag=lag).draw(np.random.default_rng(seed), strings)
    return drawn.inputs.astype(float), drawn.targets.astype(float)


@pytest.mark.parametrize("cell", ["elman", "lstm"])
def test_a_level_sees_what_the_one_below_did_not_predict(cell):
    x, y = stream()
    learner = Watched(6, 6, 5, levels=3, cell=cell, time_bits=3, optimiser=0.5, threshold=0.4)
    told = learner.learn_many(x[:-1], y[:-1], tell=True)
    log = learner.log
    lowest = [entry for entry in log if entry[0] == 0]
    assert len(lowest) == len(x) - 1
    np.testing.assert_array_equal([said for *_, said in lowest], told)
    below = [(t, target) for t, (_, _, target, said) in enumerate(lowest) if (abs(said - target) >= 0.4).any()]
    assert learner.surprises[0] == len(below)
    for level in (1, 2):
        seen = [entry for entry in log if entry[0] == level]
        # A level's input waits until it is known what came after it.
        assert len(seen) == max(len(below) - 1, 0)
        codes = []
        for (_, input, target, _), (now, this), (_, following) in zip(seen, below, below[1:], strict=False):
            np.testing.assert_array_equal(input[:6], this)
            np.testing.assert_array_equal(target, following)
            codes.append((now, int(input[6:] @ [1, 2, 4])))
        before = [0, *(now for now, _ in codes)]
        assert [code for _, code in codes] == [
            min(now - last, 7) for (now, _), last in zip(codes, before, strict=False)
        ]
        below = [
            (now, target)
            for (_, _, target, said), (now, _) in zip(seen, below[1:], strict=False)
            if (abs(said - target) >= 0.4).any()
        ]
        assert level == 2 or learner.surprises[1] == len(below)
    assert learner.surprises[1] > 0


def test_nothing_goes_up_where_everything_is_near_enough():
    x, y = stream()
    learner = HistoryCompressor(6, 6, 4, levels=2, threshold=1.5)
    before = {name: w for name, w in learner.weights.items() if name.startswith("level1")}
    learner.learn_many(x, y)
    assert learner.surprises == [0]
    assert learner.expected() == [None]
    for name, w in before.items():
        np.testing.assert_array_equal(learner.weights[name], w)


def test_a_level_learns_to_say_what_the_units_above_it_say():
    """The automatiser's further outputs come near to the chunker's units; without them there are none."""
    x, y = stream(400)
    assert [HistoryCompressor(6, 6, 4, imitate=wanted)._nets[0].output_size for wanted in (True, False)] == [10, 6]
    learner = HistoryCompressor(6, 6, (20, 2), levels=2)
    errors = []
    for first in (0, 1400):
        for t in range(first, first + 150):
            learner.learn_one(x[t], y[t])
            said = learner._nets[0].predict_one(x[t])[6:]
            errors.append(np.abs(2 * said - 1 - learner._said[0]).mean())
        learner.learn_many(x[150:1400], y[150:1400])
    assert np.mean(errors[150:]) < 0.7 * np.mean(errors[:150])
    (expected,) = learner.expected()
    assert expected.shape == (6,)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: HistoryCompressor(3, 3, levels=0), "levels must be"),
        (lambda: HistoryCompressor(3, 3, (4, 4), levels=3), "one for each of 3 levels"),
        (lambda: HistoryCompressor(3, 3, threshold=0.0), "threshold must be a positive number"),
        (lambda: HistoryCompressor(3, 3).learn_one([0.0, 1.0, 0.0], [0.0, 2.0, 0.0]), "target 1 of step 0 is 2.0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
