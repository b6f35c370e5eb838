"""The Reber grammars."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from carrousel.tasks import EmbeddedReber, Reber


@pytest.mark.parametrize("task", [Reber(), EmbeddedReber()])
def test_strings_are_of_the_grammar_and_follow_their_followers(task):
    rng = np.random.default_rng(0)
    for _ in range(300):
        string = task.string(rng)
        followers = task.followers(string)
        assert len(followers) == len(string) - 1
        assert all(symbol in legal for symbol, legal in zip(string[1:], followers, strict=True))


def test_lengths_are_the_exact_ones():
    """Mean 12 and P(9) = 1/4 for embedded strings."""
    rng = np.random.default_rng(1)
    lengths = np.array([len(EmbeddedReber().string(rng)) for _ in range(20_000)])
    assert lengths.min() == 9
    assert abs(lengths.mean() - 12) < 0.1
    assert abs((lengths == 9).mean() - float(Fraction(1, 4))) < 0.015


@pytest.mark.parametrize("wrong", ["", "BTPXSE", "BTXSEE", "BTXXVPSE ", "TXSE", "BTS"])
def test_other_strings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"grammar|begin with B"):
        Reber().followers(wrong)


def test_the_second_symbol_returns():
    with pytest.raises(ValueError, match=r"B T \.\.\. T E"):
        EmbeddedReber().followers("BTBTXSEPE")


@pytest.mark.parametrize("distinct", [True, False])
def test_training_and_test_sets_are_disjoint_and_seeded(distinct):
    task = EmbeddedReber()
    training, test = task.train_test([3, 1], distinct=distinct)
    assert len(training.text) == len(test.text) == 256
    assert not set(training.text) & set(test.text)
    assert (len(set(training.text)) == len(set(test.text)) == 256) == distinct
    assert task.train_test([3, 1], distinct=distinct)[0].text == training.text
    assert task.train_test([3, 2], distinct=distinct)[0].text != training.text
    for (begin, end), string in zip(training.spans, training.text, strict=True):
        assert "".join("BTPSXVE"[k] for k in training.inputs[begin:end]) == string[:-1]
        assert "".join("BTPSXVE"[k] for k in training.targets[begin:end]) == string[1:]


def test_the_criterion():
    task = Reber()
    strings = task.encode(["BTXSE"])
    perfect = strings.legal.astype(float)
    assert task.right(perfect, strings).all()
    perfect[1, 0] = 1.0  # as active as the legal ones is too active
    assert task.right(perfect, strings).tolist() == [True, False, True, True]
