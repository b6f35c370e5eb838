"""How right labels are: those of every step, and strings of them.

Labels may be anything that can be compared: words, letters, numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Spotted", "aligned", "distance", "f1_by_class", "frame_accuracy", "keywords", "label_error_rate"]


def frame_accuracy(actual: Iterable[Any], said: Iterable[Any]) -> float:
    """Returns the share of steps whose label is right, over all sequences.

    >>> frame_accuracy([["a", "b", "b"], ["a"]], [["a", "b", "a"], ["a"]])
    0.75
    """
    pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(actual, said, strict=True)]
    return float(np.concatenate([a == b for a, b in pairs]).mean())


def f1_by_class(actual: Iterable[Any], said: Iterable[Any]) -> dict[Any, float]:
    """Returns the F1 of each label that occurs in the truth, over the steps of all sequences (scikit-learn's).

    >>> f1_by_class([["a", "b", "b", "a"]], [["a", "b", "a", "a"]])
    {'a': 0.8, 'b': 0.6666666666666666}
    """
    from sklearn.metrics import f1_score

    true, found = (np.concatenate([np.asarray(each) for each in labels]) for labels in (actual, said))
    labels = np.unique(true)
    values = f1_score(true, found, labels=labels, average=None, zero_division=0.0)
    return dict(zip(labels.tolist(), np.asarray(values).tolist(), strict=True))


def distance(actual: Sequence[Any], said: Sequence[Any]) -> int:
    """Returns how many labels must be put in, left out or changed to make one string the other (Levenshtein).

    >>> distance("sitting", "kitten")
    3
    """
    return int(_distances(actual, said)[-1, -1])


def label_error_rate(actual: Iterable[Sequence[Any]], said: Iterable[Sequence[Any]]) -> float:
    """Returns the edit distance of all strings together, in units of the number of labels (Graves et al. 2006).

    It may exceed 1: where much is said that is not there.

    >>> label_error_rate([["one", "two"], ["six"]], [["one", "two", "two"], ["six"]])
    0.3333333333333333
    """
    pairs = list(zip(actual, said, strict=True))
    return sum(distance(a, b) for a, b in pairs) / sum(len(a) for a, _ in pairs)


def aligned(actual: Sequence[Any], said: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Returns the pairs of labels that stand for each other in the shortest edit; None stands for no label.

    >>> aligned("abc", "bcd")
    [('a', None), ('b', 'b'), ('c', 'c'), (None, 'd')]
    """
    table = _distances(actual, said)
    i, j = len(actual), len(said)
    pairs: list[tuple[Any, Any]] = []
    while i or j:
        if i and j and table[i, j] == table[i - 1, j - 1] + (actual[i - 1] != said[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((actual[i], said[j]))
        elif j and table[i, j] == table[i, j - 1] + 1:
            j -= 1
            pairs.append((None, said[j]))
        else:
            i -= 1
            pairs.append((actual[i], None))
    return pairs[::-1]


@dataclass(frozen=True)
class Spotted:
    """What was found of keywords.

    Attributes:
        there: how many keywords there are.
        hits: how many of them were found.
        false_alarms: how many were found that are not there.
        minutes: how long was listened.
    """

    there: int
    hits: int
    false_alarms: int
    minutes: float

    @property
    def hit_rate(self) -> float:
        """The share of the keywords that was found; NaN where there are none."""
        return self.hits / self.there if self.there else float("nan")

    @property
    def false_alarms_a_minute(self) -> float:
        """False alarms in a minute of what was listened to."""
        return self.false_alarms / self.minutes


def keywords(
    actual: Iterable[Sequence[Any]], said: Iterable[Sequence[Any]], words: Collection[Any], minutes: float
) -> Spotted:
    """Returns how many keywords were found, and how many false alarms there were.

    Of both strings the keywords alone are looked at. One that is said in place of another is a miss and a false alarm.

    Args:
        actual: the labels that there are, of each sequence.
        said: the labels that were found.
        words: the keywords.
        minutes: how long all sequences together are.

    >>> keywords([["one", "two", "six"], ["two"]], [["one", "six"], ["two", "two"]], {"two", "six"}, minutes=0.5)
    Spotted(there=3, hits=2, false_alarms=1, minutes=0.5)
    """
    there = hits = alarms = 0
    for a, b in zip(actual, said, strict=True):
        for true, found in aligned([x for x in a if x in words], [x for x in b if x in words]):
            there += true is not None
            hits += true is not None and true == found
            alarms += found is not None and true != found
    return Spotted(there, hits, alarms, minutes)


def _distances(a: Sequence[Any], b: Sequence[Any]) -> np.ndarray:
    """Returns the edit distances of all beginnings of two strings, [len(a) + 1, len(b) + 1]."""
    numbers: dict[Any, int] = {}
    first, second = (
        np.array([numbers.setdefault(x, len(numbers)) for x in string], dtype=np.int64) for string in (a, b)
    )
    places = np.arange(len(second) + 1)
    table = np.empty((len(first) + 1, len(second) + 1), dtype=np.int64)
    table[0] = places
    for i, label in enumerate(first, 1):
        row = table[i - 1] + 1
        row[1:] = np.minimum(row[1:], table[i - 1, :-1] + (second != label))
        table[i] = np.minimum.accumulate(row - places) + places  # labels put in, from any place before
    return table
