"""The tasks whose error comes at a sequence's end: the generators by counting, the criteria on outputs made by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from carrousel.tasks import Adding, Multiplication, TemporalOrder, TwoSequence, WithGoals

TASKS = (
    TwoSequence(40, 3),
    TwoSequence(40, 1, noisy_signal=True),
    TwoSequence(40, 2, noisy_targets=True),
    Adding(40),
    Multiplication(60),
    TemporalOrder(2),
    TemporalOrder(3),
)


def drawn(task, sequences=4000, seed=0):
    return task.draw(np.random.default_rng(seed), sequences)


def uniform(values, low, high):
    """Whether whole numbers take all values from low to high, both included, equally often."""
    counts = Counter(np.asarray(values).tolist())
    expected = len(values) / (high - low + 1)
    return set(counts) == set(range(low, high + 1)) and max(abs(n - expected) for n in counts.values()) < 4.5 * np.sqrt(
        expected
    )


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_sequences_lie_one_after_the_other_with_one_target_each(task):
    found = drawn(task, 1000)
    begin, end = found.spans.T
    assert begin[0] == 0
    assert (begin[1:] == end[:-1]).all()
    assert end[-1] == len(found.inputs) == len(found.targets)
    given = found.targets >= 0 if found.targets.ndim == 1 else ~np.isnan(found.targets).any(1)
    assert np.flatnonzero(given).tolist() == (end - 1).tolist()
    assert found.goals.shape == (1000, task.output_size)
    shortest = getattr(task, "T", 100)
    assert uniform(end - begin, shortest, shortest + shortest // 10)
    if found.inputs.ndim == 2:
        assert found.inputs.shape[1] == task.input_size
        assert found.inputs.dtype == found.targets.dtype == np.float32


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_the_seed_decides(task):
    one, two, other = drawn(task, 50), drawn(task, 50), drawn(task, 50, seed=1)
    for name in ("inputs", "targets", "spans", "goals"):
        assert np.array_equal(getattr(one, name), getattr(two, name), equal_nan=name != "spans")
    assert not np.array_equal(one.goals, other.goals) or not np.array_equal(one.inputs, other.inputs)


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_a_part_is_the_sequences_themselves(task):
    found = drawn(task, 20)
    part = found.part(5, 12)
    assert len(part.spans) == len(part.goals) == 7
    for (a, b), (c, d) in zip(part.spans, found.spans[5:12], strict=True):
        assert np.array_equal(part.inputs[a:b], found.inputs[c:d])
    assert len(found.part(3, 3).inputs) == 0


@pytest.mark.parametrize("N", [1, 3])
def test_two_sequences_first_elements_tell_the_class(N):
    found = drawn(TwoSequence(40, N))
    begin = found.spans[:, 0]
    first = found.goals[:, 0] == 1
    assert abs(first.mean() - 0.5) < 0.04
    assert set(found.goals[:, 0]) == {0.0, 1.0}
    told = found.inputs[begin[:, None] + np.arange(N), 0]
    assert (told == np.where(first, 1, -1)[:, None]).all()
    assert np.array_equal(found.targets[found.spans[:, 1] - 1], found.goals.astype(np.float32))
    rest = np.delete(found.inputs[:, 0], (begin[:, None] + np.arange(N)).ravel())
    assert abs(rest.mean()) < 0.01
    assert abs(rest.var() - 0.2) < 0.005


def test_two_sequences_with_noise():
    noisy = drawn(TwoSequence(40, 2, noisy_signal=True))
    told = noisy.inputs[noisy.spans[:, :1] + np.arange(2), 0] - np.where(noisy.goals == 1, 1, -1)
    assert abs(told.mean()) < 0.03
    assert abs(told.var() - 0.2) < 0.015
    targets = drawn(TwoSequence(40, 2, noisy_targets=True))
    assert set(targets.goals[:, 0]) == {0.2, 0.8}
    assert (targets.inputs[targets.spans[targets.goals[:, 0] == 0.2, 0], 0] == 1).all()  # class 1
    noise = targets.targets[targets.spans[:, 1] - 1] - targets.goals
    assert abs(noise.mean()) < 0.02
    assert abs(noise.var() - 0.1) < 0.01


@pytest.mark.parametrize("first_marker", [-1.0, 1.0])
@pytest.mark.parametrize("kind", [Adding, Multiplication])
def test_marked_pairs(kind, first_marker):
    task = kind(60, first_marker)
    found = drawn(task, 8000)
    begin, end = found.spans.T
    numbers, markers = found.inputs.T
    low = -1 if kind is Adding else 0
    assert low <= numbers.min() < low + 0.01
    assert 0.99 < numbers.max() <= 1
    assert abs(numbers.mean() - (low + 1) / 2) < 0.005
    assert set(markers.tolist()) == {-1.0, 0.0, 1.0}
    assert (markers[end - 1] == -1).all()
    neutral = 0.0 if kind is Adding else 1.0
    firsts, seconds, hidden = [], [], 0
    for k in range(len(begin)):
        marks = np.flatnonzero(markers[begin[k] : end[k]] == 1)
        X = [float(numbers[begin[k] + m]) if m else neutral for m in marks]
        if first_marker == -1:
            assert markers[begin[k]] == -1
            assert (markers[begin[k] + 1 : end[k] - 1] >= 0).all()
            if len(marks) == 1:  # the other mark is on the first pair
                X.append(neutral)
                hidden += 1
                marks = np.array([0, marks[0]])
        assert len(marks) == 2
        assert marks.max() <= 60 // 2 - 1
        assert marks.min() < 10
        goal = 0.5 + sum(X) / 4 if kind is Adding else X[0] * X[1]
        assert found.goals[k, 0] == pytest.approx(goal, abs=1e-6)
        if marks.max() >= 10:
            firsts.append(int(marks.min()))
            seconds.append(int(marks.max()))
    assert uniform(firsts, 0, 9)
    assert uniform(seconds, 10, 29)
    # The first mark is on the first pair with the probability 1/10, else the second one with 1/29.
    if first_marker == -1:
        assert abs(hidden / len(begin) - (0.1 + 0.9 / 29)) < 0.015


@pytest.mark.parametrize("relevant", [2, 3])
def test_temporal_orders(relevant):
    task = TemporalOrder(relevant)
    found = drawn(task, 3000)
    ranges = {2: [(10, 20), (50, 60)], 3: [(10, 20), (33, 43), (66, 76)]}[relevant]
    places, classes, fillers = [], [], Counter()
    for k, (begin, end) in enumerate(found.spans):
        text = "".join(task.symbols[code] for code in found.inputs[begin:end])
        assert text[0] == "E"
        assert text[-1] == "B"
        order = "".join(symbol for symbol in text if symbol in "XY")
        assert task.classes[int(found.targets[end - 1])] == order
        assert found.goals[k].tolist() == [float(name == order) for name in task.classes]
        places.append([place for place, symbol in enumerate(text, 1) if symbol in "XY"])
        classes.append(int(found.targets[end - 1]))
        fillers.update(text[1:-1])
    for column, (low, high) in zip(np.array(places).T, ranges, strict=True):
        assert uniform(column, low, high)
    assert uniform(classes, 0, 2**relevant - 1)
    assert set(fillers) == set("abcdXY")
    assert max(fillers[c] for c in "abcd") / min(fillers[c] for c in "abcd") < 1.03
    if relevant == 3:
        assert task.classes == ["XXX", "XXY", "XYX", "XYY", "YXX", "YXY", "YYX", "YYY"]


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_no_sequences_are_none(task):
    found = drawn(task, 0)
    assert (len(found.inputs), len(found.targets), len(found.goals), found.spans.shape) == (0, 0, 0, (0, 2))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: TemporalOrder(4), "2 or 3"),
        (lambda: Adding(10), "at least 11"),
        (lambda: Multiplication(0), "at least 11"),
        (lambda: TwoSequence(3, 4), "from 1 to T"),
        (lambda: TwoSequence(3, 0), "from 1 to T"),
    ],
)
def test_sizes_that_make_no_task_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_the_least_length_of_the_adding_problem_is_enough():
    found = drawn(Adding(11, first_marker=1.0))
    assert (np.add.reduceat(found.inputs[:, 1] == 1, found.spans[:, 0]) == 2).all()
    assert (found.inputs[found.spans[:, 1] - 1, 1] == -1).all()


@pytest.mark.parametrize(
    ("task", "goals", "outputs", "right"),
    [
        (TwoSequence(), [[1.0], [0.0], [1.0]], [[0.81], [0.19], [0.79]], [True, True, False]),
        (TwoSequence(), [[0.0]], [[0.21]], [False]),
        (TwoSequence(noisy_targets=True), [[0.2], [0.8], [0.8]], [[0.29], [0.89], [0.69]], [True, True, False]),
        (Adding(), [[0.5], [0.5], [0.5]], [[0.539], [0.461], [0.541]], [True, True, False]),
        (Multiplication(), [[0.0], [1.0]], [[-0.05], [0.97]], [False, True]),
        (
            TemporalOrder(),
            [[0, 1, 0, 0]] * 3,
            [[0.29, 0.71, 0, 0], [0, 0.69, 0, 0], [0, 1, 0, 0.31]],
            [True, False, False],
        ),
    ],
)
def test_the_criterion(task, goals, outputs, right):
    drawn = WithGoals(np.zeros(0), np.zeros(0), np.zeros((len(goals), 2), np.int64), np.array(goals))
    assert task.right(np.array(outputs), drawn).tolist() == right
