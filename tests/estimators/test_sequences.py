"""What the estimators take for sequences, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from carrousel.estimators import LSTMClassifier, LSTMRegressor
from carrousel.estimators._sequences import as_sequences
from carrousel.training._batches import Batches, SequenceDataset

from .conftest import QUICK, pulses


def test_forms_of_the_same_sequences_agree():
    block = np.random.default_rng(0).normal(size=(4, 5, 3))
    for X in (block, list(block), tuple(torch.tensor(block)), [pd.DataFrame(x) for x in block], list(map(list, block))):
        found = as_sequences(X)
        assert np.array_equal(found.values.reshape(4, 5, 3), block)
        assert found.lengths.tolist() == [5] * 4


def test_one_channel_forms():
    flat = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(as_sequences(flat).values, flat.reshape(6, 1))
    ragged = as_sequences([np.array([1.0]), np.array([2.0, 3.0])])
    assert ragged.lengths.tolist() == [1, 2]
    assert ragged.channels == 1


def test_frames_name_the_channels():
    X, y = pulses(20)
    model = LSTMClassifier(**QUICK).fit([pd.DataFrame(x, columns=["ax", "ay"]) for x in X], y)
    assert model.channel_names_ == ["ax", "ay"]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.data())
def test_take_gives_those_sequences(lengths, data):
    arrays = [np.random.default_rng(k).normal(size=(n, 2)) for k, n in enumerate(lengths)]
    chosen = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=8))
    taken = as_sequences(arrays).take(np.array(chosen))
    assert np.array_equal(taken.values, np.concatenate([arrays[k] for k in chosen]))
    assert taken.lengths.tolist() == [lengths[k] for k in chosen]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([np.ones((3, 2)), np.array([[1, 2], [np.nan, 1]])], ValueError, "NaN at sequence 1, step 1, channel 0"),
        ([np.ones((3, 2)), np.array([[1, -np.inf]])], ValueError, "-inf at sequence 1, step 0, channel 1"),
        ([pd.DataFrame({"a": [1.0], "b": [np.inf]})], ValueError, "channel 1 \\('b'\\)"),
        ([np.ones((3, 2)), np.ones((3, 4))], ValueError, "mixed channel counts .* sequence 0 has 2, sequence 1 has 4"),
        ([np.ones((3, 2)), np.ones((0, 2))], ValueError, "sequence 1 of X is empty"),
        ([np.ones((3, 0))], ValueError, "no channel"),
        ([], ValueError, "0 sample"),
        (np.ones((2, 3, 4, 5, 6)), ValueError, "shape \\(2, 3, 4, 5, 6\\)"),
        ([1.0, 2.0], ValueError, "Reshape your data"),
        ([np.ones((2, 2)), np.ones((2, 2, 2))], ValueError, "sequence 1 of X has shape \\(2, 2, 2\\)"),
        ([["a", "b"]], ValueError, "sequence 0 of X is no array of real numbers"),
        ([pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})], ValueError, "sequence 1 of X has the columns"),
    ],
)
def test_refused(X, error, message):
    with pytest.raises(error, match=message):
        LSTMClassifier().fit(X, [0, 1][: len(X)])


def test_a_2d_array_fixes_its_width_but_not_the_length_of_sequences():
    flat = np.random.default_rng(0).normal(size=(20, 6))
    model = LSTMClassifier(**QUICK | {"max_epochs": 1}).fit(flat, np.arange(20) % 2)
    assert (model.n_features_in_, model.n_channels_) == (6, 1)
    with pytest.raises(ValueError, match="X has 5 features, but LSTMClassifier is expecting 6 features as input"):
        model.predict(flat[:, :5])
    assert np.array_equal(model.predict_proba(list(flat)), model.predict_proba(flat))
    assert model.predict(flat[:, :5, None]).shape == (20,)


def test_refused_when_predicting():
    X, y = pulses(20)
    model = LSTMClassifier(**QUICK).fit(X, y)
    with pytest.raises(ValueError, match="X has 3 channels, but LSTMClassifier was fitted on 2"):
        model.predict([np.ones((4, 3))])


@pytest.mark.parametrize(
    ("kind", "options", "y", "message"),
    [
        (LSTMClassifier, {}, ["a"] * 20, "at least 2 classes, but y holds one class only: 'a'"),
        (LSTMClassifier, {}, ["a", "b"], "inconsistent numbers of samples"),
        (LSTMClassifier, {"cell": "lstn"}, ["a", "b"] * 10, "unknown cell 'lstn'; did you mean 'lstm'"),
        (LSTMClassifier, {"pooling": "median"}, ["a", "b"] * 10, "unknown pooling 'median'"),
        (LSTMClassifier, {"validation": 1.5}, ["a", "b"] * 10, "validation must be a number above 0 and below 1"),
        (LSTMClassifier, {"max_epochs": 0}, ["a", "b"] * 10, "max_epochs must be an integer of at least 1"),
        (LSTMClassifier, {"learning_rate": float("nan")}, ["a", "b"] * 10, "learning_rate must be a number above 0"),
        (LSTMRegressor, {}, [1.0, np.nan] * 10, "NaN"),
        (LSTMRegressor, {}, np.ones((20, 2, 2)), "dim 3"),
    ],
)
def test_refused_targets_and_options(kind, options, y, message):
    X, _ = pulses(20)
    with pytest.raises(ValueError, match=message):
        kind(**QUICK | options).fit(X, y)


def test_padding_is_served_as_zeros_and_every_item_once():
    X, _ = pulses(50)
    found = as_sequences(X)
    data = SequenceDataset(found.values.astype(np.float32), found.lengths, np.arange(50))
    seen = []
    for inputs, numbers in Batches(data, 8, np.random.default_rng(0)):
        assert inputs["input"].shape[1] == inputs["lengths"].max()
        for row, length, k in zip(inputs["input"], inputs["lengths"], numbers, strict=True):
            assert torch.equal(row[:length], torch.tensor(X[k], dtype=torch.float32))
            assert not row[length:].any()
            seen.append(int(k))
    assert sorted(seen) == list(range(50))


def test_similar_lengths_share_a_batch():
    lengths = (1000 ** np.random.default_rng(0).random(512)).astype(int)  # most are short, some are long
    data = SequenceDataset(np.zeros((lengths.sum(), 1), dtype=np.float32), lengths, np.zeros(512))
    padded = sum(
        inputs["input"].shape[0] * inputs["input"].shape[1] for inputs, _ in Batches(data, 32, np.random.default_rng(0))
    )
    assert padded < 2 * lengths.sum()  # batches drawn blindly pad to six times the steps


def test_the_limit_draws_other_items_every_epoch():
    data = SequenceDataset(np.zeros((100, 1), dtype=np.float32), np.ones(100, dtype=int), np.arange(100))
    batches = Batches(data, 10, np.random.default_rng(0), limit=2)
    epochs = [sorted(int(k) for _, numbers in batches for k in numbers) for _ in range(2)]
    assert len(batches) == 2
    assert [len(set(e)) for e in epochs] == [20, 20]
    assert epochs[0] != epochs[1]
