"""The tasks of experiment 2 of 1997, counted."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.tasks import AtEnds, Drawn, LongLagDistractors, NoiseFreeLag, NoRegularities


@pytest.mark.parametrize("p", [2, 4, 100])
def test_two_sequences_that_differ_in_first_and_last(p):
    task = NoiseFreeLag(p)
    both = task.encode([0, 1])
    for kind, (begin, end) in enumerate(both.spans):
        text = [*both.inputs[begin:end], both.targets[end - 1]]
        assert text == [p - 1 + kind, *range(p - 1), p - 1 + kind]  # x is a_p, y is a_{p+1}
        assert both.targets[begin : end - 1].tolist() == both.inputs[begin + 1 : end].tolist()
    drawn = task.draw(np.random.default_rng(0), 4000)
    assert set(map(tuple, drawn.spans)) == set(map(tuple, both.spans))
    assert abs((drawn.answers == p).mean() - 0.5) < 0.04
    assert task.input_size == task.output_size == p + 1


def test_without_regularities_every_symbol_is_everywhere_equally_probable():
    p, n = 6, 6000
    drawn = NoRegularities(p).draw(np.random.default_rng(1), n)
    codes = drawn.inputs.reshape(n, p)
    assert (drawn.spans == [[k * p, k * p + p] for k in range(n)]).all()
    assert set(codes[:, 0]) == {p - 1, p}
    assert (codes[:, 0] == drawn.answers).all()
    assert abs((codes[:, 0] == p).mean() - 0.5) < 0.03
    counts = (codes[:, 1:, None] == np.arange(p + 1)).mean(0)  # [p - 1, symbols]
    assert np.abs(counts[:, : p - 1] - 1 / (p - 1)).max() < 0.03
    assert counts[:, p - 1 :].max() == 0
    targets = drawn.targets.reshape(n, p)
    assert (targets[:, :-1] == codes[:, 1:]).all()
    pairs = np.corrcoef(codes[:, 1], codes[:, 2])[0, 1]
    assert abs(pairs) < 0.05  # what follows cannot be told from what was


@pytest.mark.parametrize(("q", "p"), [(50, 50), (20, 3), (0, 1)])
def test_distractors_lie_between_the_symbol_and_the_trigger(q, p):
    task, n = LongLagDistractors(q, p), 20_000
    drawn = task.draw(np.random.default_rng(2), n)
    begin, end = drawn.spans.T
    e, b, x = p, p + 1, p + 2
    lengths = end - begin + 1  # with the last symbol
    assert (begin[1:] == end[:-1]).all()
    assert lengths.min() == q + 4
    assert abs(lengths.mean() - (q + 13)) < 0.3
    # The number of distractors beyond q is geometric: 1/10 have none, and of the rest again.
    assert abs((lengths == q + 4).mean() - 0.1) < 0.01
    assert abs((lengths == q + 5).mean() - 0.09) < 0.01
    assert (drawn.inputs[begin] == b).all()
    assert (drawn.inputs[begin + 1] - x == drawn.answers).all()
    assert (drawn.inputs[end - 1] == e).all()
    assert abs(drawn.answers.mean() - 0.5) < 0.02
    inner = np.ones(len(drawn.inputs), bool)
    inner[begin] = inner[begin + 1] = inner[end - 1] = False
    counts = np.bincount(drawn.inputs[inner], minlength=task.input_size) / inner.sum()
    assert np.abs(counts[:p] - 1 / p).max() < 0.01
    assert counts[p:].max() == 0
    assert (drawn.targets >= 0).sum() == n
    assert task.input_size == p + 4


@pytest.mark.parametrize("task", [NoiseFreeLag(5), NoRegularities(5), LongLagDistractors(5, 70_000)])
def test_the_same_seed_gives_the_same_sequences(task):
    first, again = (task.draw(np.random.default_rng(7), 50) for _ in range(2))
    other = task.draw(np.random.default_rng(8), 50)
    assert (first.inputs == again.inputs).all()
    assert (first.targets == again.targets).all()
    assert first.answers.tolist() != other.answers.tolist()
    assert task.draw(np.random.default_rng(7), 0).spans.shape == (0, 2)


def test_all_outputs_must_be_near():
    task = NoiseFreeLag(3)
    drawn = Drawn(np.zeros(2), np.array([1, 3]), np.array([[0, 2]]))
    near = np.abs((np.arange(4) == drawn.targets[:, None]) - 0.249)
    assert task.right(near, drawn).tolist() == [True, True]
    near[0, 2] = 0.25
    near[1, 3] = 0.75
    assert task.right(near, drawn).tolist() == [False, False]
    steps = np.arange(5)[:, None]
    drawn = AtEnds(np.zeros(5), np.array([0, 1, 0, 0, 0]), np.concatenate([steps, steps + 1], 1))
    far = LongLagDistractors(5, 5)
    outputs = np.array([[0.81, 0.19], [0.19, 0.81], [0.81, 0.21], [0.79, 0.0], [0.1, 0.9]])
    assert far.right(outputs, drawn).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(
    "wrong", [lambda: NoiseFreeLag(1), lambda: NoRegularities(0), lambda: LongLagDistractors(3, 0)]
)
def test_sizes_that_make_no_task_are_refused(wrong):
    with pytest.raises(ValueError, match="at least"):
        wrong()
