"""Images of possibly different sizes, each with a label, a value or a string of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from carrousel.data._errors import DataError
from carrousel.data._words import group_names, plain_labels, plain_names, refuse_twice

__all__ = ["Images", "make_images"]

Strings = tuple[tuple[str, ...], ...]
"""A string of labels for each image."""


@dataclass(frozen=True)
class Images:
    """Images of possibly different sizes over the same channels, each with a class or a string of labels.

    Attributes:
        X: list of N float32 arrays ``[H_i, W_i, C]``, row by row from the top, neither H_i nor W_i below 1, all values
            finite; black is 0 and white 1 where the source has a range of its own, such as bytes.
        y: class labels ``[N]``; or N strings of labels, a tuple of words each, which may be empty; or None without
            labels.
        ids: names of the images ``[N]``: the source's own, or 0 … N - 1.
        channels: C names.
        name: where the data came from, for messages and tables.
        split: ``"train"``, ``"test"``, or ``"all"`` where the source has no such parts or both were asked for.
        how: how the source was read where that had to be told from its content.
        groups: whose each image is ``[N]``, such as the writer's name, or None.
        made: the reader's options by which pictures and texts became these channels and labels: others that a model is
            to read are made alike.

    >>> import numpy as np
    >>> from carrousel.data import make_images
    >>> X = [np.zeros((28, 20, 1)), np.ones((28, 31, 1))]
    >>> print(make_images(X, ["a", "b"], name="letters"))
    2 images of 28 x 20 to 28 x 31, 1 channel, 2 classes
    >>> print(make_images(X, [("a", "b"), ("b",)], name="words"))
    2 images of 28 x 20 to 28 x 31, 1 channel, strings of 1 to 2 labels, 2 different ones
    """

    X: list[np.ndarray]
    y: np.ndarray | Strings | None
    ids: np.ndarray
    channels: tuple[str, ...]
    name: str = "images"
    split: str = "all"
    how: tuple[str, ...] = ()
    groups: np.ndarray | None = None
    made: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.X)

    @property
    def sizes(self) -> np.ndarray:
        """The height and the width of each image, ``[N, 2]``."""
        return np.array([x.shape[:2] for x in self.X], dtype=np.int64).reshape(-1, 2)

    def take(self, rows: np.ndarray | Sequence[int]) -> Images:
        """Returns the images at these positions."""
        rows = np.asarray(rows, dtype=np.int64)
        y = self.y
        if y is not None:
            y = tuple(y[i] for i in rows) if isinstance(y, tuple) else y[rows]
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, X=[self.X[i] for i in rows], y=y, ids=self.ids[rows], groups=groups)

    def classes(self) -> np.ndarray:
        """Returns the classes that occur, sorted.

        Raises:
            DataError: there are no labels, they are strings of several or values, or all are of one class.
        """
        if self.y is None:
            raise DataError(f"{self.name}: there are no labels")
        if isinstance(self.y, tuple):
            raise DataError(f"{self.name}: each image has a string of labels; one class each is needed")
        if self.y.dtype.kind == "f" and (self.y != np.round(self.y)).any():
            value = self.y[self.y != np.round(self.y)][0]
            raise DataError(f"{self.name}: the labels are values such as {value:g}, no classes")
        labels = np.unique(self.y)
        if len(labels) < 2:
            raise DataError(f"{self.name}: all {len(self)} images are of one class ({labels[0]!s}); 2 are needed")
        return labels

    def strings(self) -> Strings:
        """Returns each image's string of labels.

        Raises:
            DataError: there are none, or the images have one class each.
        """
        if self.y is None:
            raise DataError(f"{self.name}: there are no labels")
        if not isinstance(self.y, tuple):
            raise DataError(f"{self.name}: each image has one class; a string of labels each is needed")
        return self.y

    def labels(self) -> np.ndarray:
        """Returns the labels that occur in the images' strings, sorted.

        Raises:
            DataError: there are none, or the images have one class each.
        """
        found = sorted({label for string in self.strings() for label in string})
        if not found:
            raise DataError(f"{self.name}: there are no labels")
        return np.array(found)

    def __str__(self) -> str:
        sizes = self.sizes
        low, high = (" x ".join(map(str, each)) for each in (sizes.min(0).tolist(), sizes.max(0).tolist()))
        size = low if low == high else f"{low} to {high}"
        text = f"{len(self)} images of {size}, {len(self.channels)} channel{'s' * (len(self.channels) != 1)}"
        if self.y is None:
            return text
        if isinstance(self.y, tuple):
            lengths = [len(string) for string in self.y]
            low, high = str(min(lengths)), str(max(lengths))
            between = low if low == high else f"{low} to {high}"
            different = len({label for string in self.y for label in string})
            return f"{text}, strings of {between} labels, {different} different ones"
        return f"{text}, {len(np.unique(self.y))} classes"


def make_images(
    X: Sequence[Any],
    y: Any,
    *,
    name: str,
    split: str = "all",
    ids: Any = None,
    channels: Any = None,
    rows: Sequence[str] | None = None,
    how: Sequence[str] = (),
    groups: Any = None,
    made: Mapping[str, str | None] | None = None,
) -> Images:
    """Returns Images of arrays ``[H_i, W_i, C]``, or ``[H_i, W_i]`` of one channel, after checking them.

    Args:
        X: the arrays; bytes (``uint8``) become 0 to 1.
        y: class labels ``[N]``; or N lists or tuples of words, a string of labels for each image; or None.
        name: where the data came from, for messages.
        split: the part of the data set.
        ids: names of the images; by default 0 to N - 1.
        channels: C names; by default ``"grey"`` for one, ``"red"``, ``"green"``, ``"blue"`` for three, and numbers.
        rows: what messages call each image, such as ``"a/17.png"``; by default its id.
        how: how the data were written, for people.
        groups: N names, whose each image is.
        made: the options by which pictures and texts became channels and labels; one that is None was not given.

    Raises:
        DataError: they cannot be images; the message names the image, and the pixel of a value.
    """
    if len(X) == 0:
        raise DataError(f"{name}: there are no images")
    ids = np.arange(len(X)) if ids is None else plain_names(ids, f"{name}: ids")
    words = rows or [f"image {i!s}" for i in ids]
    if len(ids) != len(X):
        raise DataError(f"{name}: {len(X)} images but {len(ids)} ids")
    arrays = [_image(x, word, name) for x, word in zip(X, words, strict=True)]
    width = arrays[0].shape[2]
    for word, array in zip(words, arrays, strict=True):
        if array.shape[2] != width:
            raise DataError(f"{name}: {word} has {array.shape[2]} channels, the images before it have {width}")
    named = _named(width) if channels is None else [str(c) for c in plain_names(channels, f"{name}: channels")]
    if len(named) != width:
        raise DataError(f"{name}: {width} channels but {len(named)} channel names")
    refuse_twice(named, "channels", name)
    groups = group_names(groups, len(X), "images", name)
    given = {key: value for key, value in (made or {}).items() if value is not None}
    return Images(arrays, _labels(y, words, name), ids, tuple(named), name, split, tuple(how), groups, given)


def _named(width: int) -> list[str]:
    return {1: ["grey"], 3: ["red", "green", "blue"]}.get(width, [f"channel {k}" for k in range(width)])


def _image(raw: Any, word: str, name: str) -> np.ndarray:
    """Returns an image as float32 ``[H, W, C]``."""
    x = np.asarray(raw)
    if x.dtype.kind not in "fiub":
        raise DataError(f"{name}: {word} holds {x.dtype} values; numbers are needed")
    if x.ndim not in (2, 3):
        raise DataError(f"{name}: {word} has {x.ndim} dimensions; [height, width] or [height, width, channels]")
    x = x[:, :, None] if x.ndim == 2 else x
    if 0 in x.shape:
        raise DataError(f"{name}: {word} is empty: it has the shape {' x '.join(map(str, x.shape))}")
    with np.errstate(over="ignore"):
        small = x.astype(np.float32)
    bad = np.argwhere(~np.isfinite(small))
    if len(bad):
        row, column, channel = (int(k) for k in bad[0])
        value = x[row, column, channel]
        fault = "is NaN" if np.isnan(value) else "is infinite" if np.isinf(value) else "is too large for float32"
        raise DataError(f"{name}: {word}, row {row}, column {column}, channel {channel}: the value {fault}")
    return small / 255 if x.dtype == np.uint8 else small


def _labels(y: Any, words: Sequence[str], name: str) -> np.ndarray | Strings | None:
    if y is None:
        return None
    if len(y) != len(words):
        raise DataError(f"{name}: {len(words)} images but {len(y)} labels")
    if any(isinstance(label, (list, tuple)) for label in y):
        return tuple(_string(label, word, name) for label, word in zip(y, words, strict=True))
    labels = plain_labels(y, words, name)
    if labels.ndim != 1:
        raise DataError(f"{name}: there are {labels.shape[1]} labels for each image; one class each, or a string each")
    return labels


def _string(labels: Any, word: str, name: str) -> tuple[str, ...]:
    """Returns an image's string of labels."""
    if not isinstance(labels, (list, tuple)):
        raise DataError(f"{name}: {word} has the label {labels!r}, and others have strings of several")
    if not labels:
        return ()
    return tuple(str(label) for label in plain_names(list(labels), f"{name}: the labels of {word}"))
