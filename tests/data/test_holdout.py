"""Holding sequences out: disjoint, complete, by class, and the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrousel.data import DataError, hold_out, make_sequences


def sequences(y):
    return make_sequences([np.full((1, 1), k) for k in range(len(y))], np.asarray(y), name="test")


@given(st.lists(st.integers(0, 3), min_size=3, max_size=60), st.floats(0.05, 0.9), st.integers(0, 9))
def test_parts(labels, share, seed):
    data = sequences(labels)
    if np.bincount(labels).max() < 2:
        with pytest.raises(DataError):
            hold_out(data, share, seed=seed)
        return
    train, test = hold_out(data, share, seed=seed)
    assert sorted([*train.ids, *test.ids]) == list(range(len(labels)))
    assert len(test) >= 1
    assert set(train.y) == set(labels)
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        if count > 1:
            assert abs((test.y == label).sum() - share * count) <= 2
    again = hold_out(data, share, seed=seed)[1]
    np.testing.assert_array_equal(again.ids, test.ids)


def test_values_need_no_classes():
    train, test = hold_out(sequences(np.linspace(0, 1, 10)), 0.3)
    assert (len(train), len(test)) == (7, 3)


def test_seeds_differ():
    data = sequences([0, 1] * 20)
    assert list(hold_out(data, 0.2, seed=0)[1].ids) != list(hold_out(data, 0.2, seed=1)[1].ids)


def test_refusals():
    with pytest.raises(ValueError, match="between 0 and 1"):
        hold_out(sequences([0, 1]), 1.0)
    with pytest.raises(DataError, match="one sequence"):
        hold_out(sequences([0]), 0.5)


@given(st.lists(st.integers(0, 5), min_size=2, max_size=40), st.floats(0.05, 0.9), st.integers(0, 9))
def test_a_group_stays_together(groups, share, seed):
    data = replace(sequences([0, 1] * len(groups)).take(np.arange(len(groups))), groups=np.array(groups))
    if len(set(groups)) < 2:
        with pytest.raises(DataError, match="all sequences are of one group"):
            hold_out(data, share, seed=seed)
        return
    try:
        train, test = hold_out(data, share, seed=seed)
    except DataError as error:
        assert "has a label that no other has" in str(error)  # noqa: PT017 - the only other reason
        return
    assert sorted([*train.ids, *test.ids]) == list(range(len(groups)))
    assert not set(train.groups) & set(test.groups)
    assert len(train)
    assert len(test)
    assert np.array_equal(test.groups, data.groups[test.ids])


def test_whole_groups_of_sequences_are_held_out():
    X = [np.zeros((2, 1), "f")] * 40
    groups = np.repeat(np.arange(10), 4)
    for y in (np.tile([0, 1], 20), np.linspace(0, 1, 40)):  # classes; values, of which none is another's
        data = make_sequences(X, y, name="people", groups=groups)
        train, test = hold_out(data, 0.3, seed=1)
        assert len(test) == 12
        assert not set(train.groups.tolist()) & set(test.groups.tolist())
    rare = make_sequences(X, np.where(groups == 4, "rare", "usual"), name="people", groups=groups)
    for seed in range(10):
        train, test = hold_out(rare, 0.3, seed=seed)
        assert "4" in train.groups.tolist()
    assert ", 2 classes, 10 groups" in str(rare)
    with pytest.raises(DataError, match="40 sequences but 2 groups"):
        make_sequences(X, None, name="people", groups=["a", "b"])
