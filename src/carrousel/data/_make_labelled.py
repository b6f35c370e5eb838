"""Checks that what readers of tags and strings return passes, whatever file it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from carrousel.data._check import checked_steps
from carrousel.data._errors import DataError
from carrousel.data._fill import check_fill, missing_words
from carrousel.data._labelled import Tagged, Transcribed
from carrousel.data._words import group_names, native, plain_names

__all__ = ["make_tagged", "make_transcribed"]


def make_tagged(
    X: Sequence[Any],
    y: Sequence[Any] | None,
    *,
    name: str,
    split: str = "all",
    ids: Any = None,
    channels: Any = None,
    groups: Any = None,
    rows: Sequence[str] | None = None,
    fill: str | None = None,
    how: Sequence[str] = (),
) -> Tagged:
    """Returns Tagged sequences after checking them.

    Args:
        X: arrays of numbers ``[T_i, C]``, or of symbols or words ``[T_i]``.
        y: labels ``[T_i]`` of each, an empty one for a step that has none; or None.
        name: where the data came from, for messages.
        split: the part of the data set.
        ids: names of the sequences; by default 0 to N - 1.
        channels: C names; by default ``"channel 0"`` and so on, of symbols ``"symbol"``.
        groups: what sequences have in common, ``[N]``: the person, the voice.
        rows: what messages call each sequence, such as ``"line 12"``; by default its id.
        fill: what stands for missing values (NaN), one of ``FILLS``; None refuses them.
        how: how the data were written, for people.

    Raises:
        DataError: they cannot be tagged sequences; the message names the sequence, and the step.
    """
    shared = _checked(X, name=name, ids=ids, channels=channels, groups=groups, rows=rows, fill=fill, how=how)
    words = shared.pop("words")
    tags: list[np.ndarray] | None = None
    if y is not None:
        _refuse_other_count(len(y), len(X), "lists of labels", name)
        tags = []
        for word, x, labels in zip(words, shared["X"], y, strict=True):
            labels = _texts(labels, f"{name}: {word}")
            if len(labels) != len(x):
                raise DataError(f"{name}: {word} has {len(x)} steps but {len(labels)} labels; each step has one")
            tags.append(labels)
        lacking = sum(int((labels == "").sum()) for labels in tags)
        if lacking:
            steps = sum(len(labels) for labels in tags)
            shared["how"] = (*shared["how"], f"{lacking} of {steps} steps have no label")
    return Tagged(y=tags, name=name, split=split, **shared)


def make_transcribed(
    X: Sequence[Any],
    y: Sequence[Iterable[Any]] | None,
    *,
    name: str,
    split: str = "all",
    ids: Any = None,
    channels: Any = None,
    groups: Any = None,
    rate: float | None = None,
    made: Mapping[str, str | int | float] | None = None,
    rows: Sequence[str] | None = None,
    fill: str | None = None,
    how: Sequence[str] = (),
) -> Transcribed:
    """Returns Transcribed sequences after checking them.

    Args:
        X: arrays of numbers ``[T_i, C]``, or of symbols or words ``[T_i]``.
        y: the labels of each, at least one, in their order: ``("one", "two")``, or ``"cat"`` for three letters; or
            None.
        name: where the data came from, for messages.
        split: the part of the data set.
        ids: names of the sequences; by default 0 to N - 1.
        channels: C names; by default ``"channel 0"`` and so on, of symbols ``"symbol"``.
        groups: what sequences have in common, ``[N]``: the person, the voice.
        rate: steps in a second.
        made: the reader's options by which the channels and labels were made of recordings or drawings.
        rows: what messages call each sequence, such as ``"line 12"``; by default its id.
        fill: what stands for missing values (NaN), one of ``FILLS``; None refuses them.
        how: how the data were written, for people.

    Raises:
        DataError: they cannot be transcribed sequences; the message names the sequence.
    """
    shared = _checked(X, name=name, ids=ids, channels=channels, groups=groups, rows=rows, fill=fill, how=how)
    words = shared.pop("words")
    strings: list[tuple[str, ...]] | None = None
    if y is not None:
        _refuse_other_count(len(y), len(X), "transcripts", name)
        strings = [tuple(_texts(labels, f"{name}: {word}").tolist()) for word, labels in zip(words, y, strict=True)]
        for word, string in zip(words, strings, strict=True):
            if not string:
                raise DataError(f"{name}: {word}: its transcript is empty; at least one label is needed")
            if "" in string:
                raise DataError(f"{name}: {word}: label {string.index('') + 1} of its transcript is empty")
    return Transcribed(y=strings, name=name, split=split, rate=rate, made=dict(made or {}), **shared)


def _checked(
    X: Sequence[Any], *, name: str, ids: Any, channels: Any, groups: Any, rows: Sequence[str] | None, fill: str | None,
    how: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """Returns what both kinds have, by the names of their fields, and what messages call the sequences, ``words``."""
    if len(X) == 0:
        raise DataError(f"{name}: there are no sequences")
    check_fill(fill, name)
    ids = np.arange(len(X)) if ids is None else plain_names(ids, f"{name}: ids")
    _refuse_other_count(len(ids), len(X), "ids", name)
    groups = group_names(groups, len(X), "sequences", name)
    words = list(rows or [f"sequence {i!s}" for i in ids])
    if _is_symbols(X[0]):
        arrays = [_symbols(x, f"{name}: {word}") for word, x in zip(words, X, strict=True)]
        named, lacking = tuple(map(str, ("symbol",) if channels is None else channels)), 0
        if len(named) != 1:
            raise DataError(f"{name}: a step is one symbol, but there are {len(named)} channel names")
    else:
        arrays, named, lacking = checked_steps(X, words, name=name, channels=channels, fill=fill)
    how = (*how, *missing_words(0, lacking, fill))
    return {"X": arrays, "ids": ids, "channels": named, "groups": groups, "how": how, "words": words}


def _refuse_other_count(count: int, sequences: int, what: str, name: str) -> None:
    if count != sequences:
        raise DataError(f"{name}: {sequences} sequences but {count} {what}")


def _is_symbols(x: Any) -> bool:
    array = np.asarray(x)
    return array.dtype.kind == "U" or (array.dtype.kind == "O" and all(isinstance(v, str) for v in array.ravel()))


def _symbols(x: Any, where: str) -> np.ndarray:
    """Returns the symbols of a sequence, str ``[T]``."""
    array = np.asarray(x)
    if array.ndim != 1:
        raise DataError(f"{where} has {array.ndim} dimensions; symbols are [steps]")
    symbols = _texts(array, where)
    if not len(symbols):
        raise DataError(f"{where} is empty (it has no steps)")
    if (symbols == "").any():
        raise DataError(f"{where}, step {int((symbols == '').argmax())}: the symbol is empty")
    return symbols


def _texts(labels: Iterable[Any], where: str) -> np.ndarray:
    """Returns labels as text, ``[T]``: whole numbers and booleans are written, values are none."""
    if not isinstance(labels, np.ndarray) or labels.dtype == object:
        plain = [label.item() if isinstance(label, np.generic) else label for label in labels]
        other = next((label for label in plain if not isinstance(label, (str, int))), None)
        if other is not None:
            raise DataError(f"{where}: the label {other!r} is no word and no whole number")
        labels = np.array([str(label) for label in plain], dtype=str)
        ends = [k for k, label in enumerate(plain) if isinstance(label, str) and "\0" in label]  # NumPy cuts them off
        if ends:
            raise DataError(f"{where}: the label {plain[ends[0]]!r} holds a NUL character; text is needed")
    labels = native(labels, where) if labels.size else labels.astype(str)
    if labels.ndim != 1 or labels.dtype.kind not in "biuU":
        shape = f"{labels.dtype} {list(labels.shape)}"
        raise DataError(f"{where}: labels must be words or whole numbers, one for each step; they are {shape}")
    return labels.astype(str)
