"""The counting languages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from carrousel.tasks import CountingLanguage

ANBN = CountingLanguage("ab", (0, 0))
NESTED = CountingLanguage("abBA", (0, 1, 1, 0))
ANBNCN = CountingLanguage("abc", (0, 0, 0))


@pytest.mark.parametrize(
    ("language", "most", "count"),
    [(ANBN, 10, 10), (ANBNCN, 50, 50), (NESTED, 12, 66), (NESTED, 51, 1275)],
)
def test_strings_are_all_those_of_the_language(language, most, count):
    numbers = language.numbers(most)
    assert len(numbers) == len(set(numbers)) == count
    sums = [sum(each) for each in numbers]
    assert sums == sorted(sums)
    assert max(sums) == most
    for each in numbers:
        string = language.string(each)
        assert (
            string == "S" + "".join(x * each[k] for x, k in zip(language.letters, language.counts, strict=True)) + "T"
        )


@pytest.mark.parametrize("language", [ANBN, NESTED, ANBNCN])
def test_followers_are_what_follows_in_some_string(language):
    """Beside all strings of the language: after every prefix, the symbols that follow it in one of them."""
    strings = [language.string(each) for each in language.numbers(9)]
    for each in language.numbers(6):
        string = language.string(each)
        for t, legal in enumerate(language.followers(each)):
            prefix = string[: t + 1]
            assert set(legal) == {other[t + 1] for other in strings if other.startswith(prefix)}, (string, t)


@pytest.mark.parametrize("language", [ANBN, NESTED, ANBNCN])
def test_coding(language):
    numbers = language.numbers(6)
    coded = language.encode(numbers)
    assert coded.text == tuple(map(language.string, numbers))
    for (begin, end), string, each in zip(coded.spans, coded.text, numbers, strict=True):
        assert "".join(language.input_symbols[k] for k in coded.inputs[begin:end]) == string[:-1]
        assert "".join(language.output_symbols[k] for k in coded.targets[begin:end]) == string[1:]
        legal = ["".join(np.array(list(language.output_symbols))[row]) for row in coded.legal[begin:end]]
        assert legal == language.followers(each)
    assert coded.spans[0, 0] == 0
    assert coded.spans[-1, 1] == len(coded.inputs)
    assert coded.legal[np.arange(len(coded.inputs)), coded.targets].all()


def test_a_part_is_the_strings_themselves():
    numbers = NESTED.numbers(6)
    part, alone = NESTED.encode(numbers).part(3, 7), NESTED.encode(numbers[3:7])
    for name in ("inputs", "targets", "spans", "legal"):
        assert np.array_equal(getattr(part, name), getattr(alone, name))
    assert part.text == alone.text
    assert NESTED.encode(numbers).part(2, 2).text == ()


def test_hand_made_strings():
    assert ANBNCN.followers((2,)) == ["a", "ab", "ab", "b", "c", "c", "T"]
    assert NESTED.followers((1, 2)) == ["a", "ab", "bB", "bB", "B", "A", "T"]


@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_one_wrong_symbol_rejects_its_string_and_no_other(threshold):
    task = replace(NESTED, high=threshold + 0.5, low=threshold - 0.5)
    coded = task.encode(task.numbers(5))
    right = np.where(coded.legal, threshold + 0.1, threshold - 0.1)
    assert task.right(right, coded).all()
    for string, (begin, end) in enumerate(coded.spans):
        for step in (begin, end - 1):
            for symbol in range(5):
                wrong = right.copy()
                wrong[step, symbol] = 2 * threshold - wrong[step, symbol]
                accepted = coded.whole(task.right(wrong, coded))
                assert np.flatnonzero(~accepted).tolist() == [string]
    right[3] = threshold  # exactly between is neither
    assert not coded.whole(task.right(right, coded)).all()
    right[3] = np.nan
    assert not coded.whole(task.right(right, coded)).all()


def test_every_letter_has_its_count():
    with pytest.raises(ValueError, match="needs 3 counts, got 2"):
        CountingLanguage("abc", (0, 0))
