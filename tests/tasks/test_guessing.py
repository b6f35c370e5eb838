"""The tasks of random weight guessing, by counting."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.tasks import FirstElements, FreeLatch, Parity, Tomita


def lengths(examples):
    return examples.spans[:, 1] - examples.spans[:, 0]


@pytest.mark.parametrize("task", [FreeLatch(), FirstElements(), FirstElements(relevant=3), Parity()])
def test_lengths_and_classes(task):
    drawn = task.draw(np.random.default_rng(0), 1000)
    assert lengths(drawn).min() == 500
    assert lengths(drawn).max() == 600
    assert lengths(drawn).mean() == pytest.approx(550, abs=4)
    assert (drawn.goals[:, 0][::2] == drawn.goals[:, 0][0]).all()
    assert (drawn.goals[:, 0][1::2] == drawn.goals[:, 0][1]).all()
    assert drawn.spans[0, 0] == 0
    assert (drawn.spans[1:, 0] == drawn.spans[:-1, 1]).all()
    assert drawn.spans[-1, 1] == len(drawn.inputs)
    again = task.draw(np.random.default_rng(0), 1000)
    assert (again.inputs == drawn.inputs).all()


def test_the_free_latch():
    drawn = FreeLatch(spread=0.3).draw(np.random.default_rng(0), 200)
    starts = drawn.inputs[drawn.spans[:, 0]]
    assert (starts[::2] == [1, 0, 0]).all()
    assert (starts[1::2] == [0, 1, 0]).all()
    assert set(drawn.goals[:, 0]) == {0.8, -0.8}
    rest = np.delete(drawn.inputs, drawn.spans[:, 0], 0)
    assert (rest[:, :2] == 0).all()
    assert rest[:, 2].mean() == pytest.approx(0, abs=0.005)
    assert rest[:, 2].std() == pytest.approx(0.3, rel=0.02)


@pytest.mark.parametrize(("relevant", "low"), [(1, -1.0), (3, 0.0)])
def test_the_first_elements_say_the_class(relevant, low):
    drawn = FirstElements(relevant, 0.2, low).draw(np.random.default_rng(1), 200)
    first = drawn.spans[:, :1] + np.arange(relevant)
    assert (drawn.inputs[first, 0] == np.where(drawn.goals[:, 0] == 1, 1.0, -1.0)[:, None]).all()
    assert set(drawn.goals[:, 0]) == {1.0, low}
    rest = np.delete(drawn.inputs[:, 0], first.ravel())
    assert rest.std() == pytest.approx(0.2, rel=0.02)
    assert not np.isin(rest, [1.0, -1.0]).any()


def test_parity():
    drawn = Parity(noise=0.2).draw(np.random.default_rng(2), 400)
    bits = drawn.inputs[:, 0] > 0
    ones = np.add.reduceat(bits.astype(int), drawn.spans[:, 0])
    assert (ones % 2 == drawn.goals[:, 0]).all()
    assert bits.mean() == pytest.approx(0.5, abs=0.005)
    assert bits[drawn.spans[:, 1] - 1].mean() == pytest.approx(0.5, abs=0.1)
    off = drawn.inputs[:, 0] - np.where(bits, 1, -1)
    assert np.abs(off).max() <= 0.2
    assert off.std() == pytest.approx(0.2 / 3**0.5, rel=0.02)
    assert set(Parity().draw(np.random.default_rng(0), 2).inputs.ravel()) == {1.0, -1.0}


@pytest.mark.parametrize("language", [1, 2, 4])
def test_the_training_strings_of_tomita_are_what_they_are_said_to_be(language):
    from carrousel.tasks._guessing import _MEMBERS, _OTHERS

    task = Tomita(language)
    members, others = _MEMBERS[language].split(), _OTHERS[language].split()
    assert all(task.contains(string) for string in members)
    assert not any(task.contains(string) for string in others)
    training = task.training()
    assert len(training.goals[:, 0]) == len(members) + len(others)
    assert training.goals[:, 0].sum() == len(members)
    assert training.goals[:, 0][:2].tolist() == [1.0, 0.0]
    assert sorted(lengths(training)) == sorted(map(len, members + others))


def by_counting(language, string):
    if language == 1:
        return "0" not in string
    if language == 2:
        return string == "10" * (len(string) // 2)
    return max(len(run) for run in string.split("1")) < 3


@pytest.mark.parametrize("language", [1, 2, 4])
def test_random_strings_of_the_languages(language):
    drawn = Tomita(language).draw(np.random.default_rng(0), 300)
    for (begin, end), target in zip(drawn.spans, drawn.goals[:, 0], strict=True):
        string = "".join("1" if x > 0 else "0" for x in drawn.inputs[begin:end, 0])
        assert by_counting(language, string) == bool(target)
    assert drawn.goals[:, 0].mean() == 0.5
    assert lengths(drawn).min() == 1
    assert lengths(drawn).max() <= 15


def test_another_language_is_refused():
    with pytest.raises(ValueError, match="1, 2, 4"):
        Tomita(3)


@pytest.mark.parametrize("task", [FreeLatch(), FirstElements(), Parity(), Tomita(1)], ids=repr)
def test_no_sequences_are_none(task):
    drawn = task.draw(np.random.default_rng(0), 0)
    assert (len(drawn.inputs), len(drawn.goals), drawn.spans.shape) == (0, 0, (0, 2))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: FirstElements(relevant=4, shortest=3, longest=9), "shortest length, 3"),
        (lambda: FreeLatch(shortest=5, longest=4).draw(np.random.default_rng(0), 2), "5 to 4"),
        (lambda: Parity(shortest=0, longest=4).draw(np.random.default_rng(0), 2), "0 to 4"),
        (lambda: Tomita(1).encode(["11", "1a"]), "'1a'"),
    ],
)
def test_what_makes_no_sequences_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
