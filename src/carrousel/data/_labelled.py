"""Sequences with a label for each step, and sequences with a string of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from carrousel.data._errors import DataError

__all__ = ["Labelled", "Tagged", "Transcribed", "spoken"]


@dataclass(frozen=True)
class Labelled:
    """Sequences of possibly different lengths over the same channels, each with several labels.

    Attributes:
        X: list of N float32 arrays ``[T_i, C]``, every T_i at least 1, all values finite, or NaN where read with
            ``fill="mask"``. Of symbols or words: arrays of str, ``[T_i]``.
        y: the labels of each sequence, or None without labels.
        ids: names of the sequences ``[N]``: the source's own, or 0 … N - 1.
        channels: C names; of symbols one.
        groups: what sequences have in common with others, ``[N]``: the person, the voice; None if that is not known.
        name: where the data came from, for messages and tables.
        split: ``"train"``, ``"test"``, or ``"all"`` where the source has no such parts or both were asked for.
        how: how the source was read where that had to be told from its content.
    """

    X: list[np.ndarray]
    y: list[Any] | None
    ids: np.ndarray
    channels: tuple[str, ...]
    groups: np.ndarray | None = None
    name: str = "data"
    split: str = "all"
    how: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.X)

    @property
    def lengths(self) -> np.ndarray:
        """The steps of each sequence, ``[N]``."""
        return np.array([len(x) for x in self.X], dtype=np.int64)

    @property
    def symbolic(self) -> bool:
        """Whether a step is a symbol or a word, and not numbers."""
        return bool(self.X) and self.X[0].dtype.kind == "U"

    def take(self, rows: np.ndarray | list[int]) -> Self:
        """Returns the sequences at these positions."""
        rows = np.asarray(rows, dtype=np.int64)
        y = None if self.y is None else [self.y[i] for i in rows]
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, X=[self.X[i] for i in rows], y=y, ids=self.ids[rows], groups=groups)

    def labels(self) -> np.ndarray:
        """Returns the labels that occur, sorted.

        Raises:
            DataError: there are none.
        """
        found = sorted({str(label) for labels in self.y or [] for label in set(labels)} - {""})
        if not found:
            raise DataError(f"{self.name}: there are no labels")
        return np.array(found)

    def __str__(self) -> str:
        lengths = self.lengths
        low, high = int(lengths.min()), int(lengths.max())
        steps = f"{low} steps" if low == high else f"{low} to {high} steps"
        if self.symbolic:
            of = f"{len(set().union(*(set(x.tolist()) for x in self.X)))} symbols"
        else:
            of = f"{len(self.channels)} channel{'s' * (len(self.channels) != 1)}"
        return f"{len(self)} sequence{'s' * (len(self) != 1)} of {steps}, {of}"

    def _of_groups(self) -> str:
        return "" if self.groups is None else f", {len(np.unique(self.groups))} groups"


@dataclass(frozen=True)
class Tagged(Labelled):
    """Sequences with a label for every step: phones of speech, tags of words, states of a sensor.

    Attributes:
        y: list of N arrays ``[T_i]`` of str, ``""`` for a step without a label; or None.

    All others are as in ``Labelled``.

    >>> import numpy as np
    >>> words = [np.array(["the", "dog", "barks"]), np.array(["dogs", "bark"])]
    >>> tags = [np.array(["D", "N", "V"]), np.array(["N", "V"])]
    >>> data = Tagged(words, tags, np.arange(2), ("word",))
    >>> print(data, data.labels())
    2 sequences of 2 to 3 steps, 5 symbols, 3 labels ['D' 'N' 'V']
    """

    y: list[np.ndarray] | None

    def __str__(self) -> str:
        text = super().__str__()
        return text + ("" if self.y is None else f", {len(self.labels())} labels") + self._of_groups()


@dataclass(frozen=True)
class Transcribed(Labelled):
    """Sequences with a string of labels each, whose places are not known: recordings with what is said in them.

    Attributes:
        y: list of N tuples of str; or None.
        rate: steps in a second, or in another unit that a picture shows; None if that is not known.
        made: the reader's options by which recordings or drawings became these channels and labels: other ones that a
            model is to transcribe are made alike. Empty where the channels stood in the file.

    All others are as in ``Labelled``.

    >>> import numpy as np
    >>> data = Transcribed([np.zeros((30, 2), "f")], [("one", "two")], np.arange(1), ("x", "y"), rate=100.0)
    >>> print(data)
    1 sequence of 30 steps, 2 channels, strings of 2 labels, 2 different ones
    """

    y: list[tuple[str, ...]] | None
    rate: float | None = None
    made: Mapping[str, str | int | float] = field(default_factory=dict)

    def __str__(self) -> str:
        text = super().__str__()
        if self.y is not None:
            counts = [len(string) for string in self.y]
            of = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
            text += f", strings of {of} labels, {len(self.labels())} different ones"
        return text + self._of_groups()


def spoken(labels: Any) -> str:
    """Returns a string of labels as people read it: letters side by side, words with a space between them.

    >>> spoken(("c", "a", "t")), spoken(("one", "two"))
    ('cat', 'one two')
    """
    words = [str(label) for label in labels]
    return "".join(words) if all(len(word) == 1 for word in words) else " ".join(words)
