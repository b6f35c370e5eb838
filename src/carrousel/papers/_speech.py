"""Speech for the papers that recognise it: made phones, joined digits, and small drawn data with the shape of speech."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from carrousel.data import load_sequences, load_tagged, load_transcribed
from carrousel.data._parts import PARTS, drawn, joined
from carrousel.data._sound import slopes
from carrousel.papers._networks import standardised
from carrousel.training._batches import LabelledDataset

__all__ = ["Speech", "isolated_digits", "speech_of"]

VALID_VOICES = ("f4", "m6")
"""The voices of made speech whose utterances are set aside, of the twelve of the training part."""
SILENCE = "sil"
VALID_DIGITS = 40
"""Recordings of each digit that are set aside, of the 240 of the training part."""
LENGTHS = 3, 7
"""Digits of a string."""


@dataclass(frozen=True)
class Speech:
    """Utterances in three parts, each with a label for every frame and with a string of labels.

    Attributes:
        X: of ``"train"``, ``"valid"`` and ``"test"`` the frames of each utterance ``[T_i, C]``, standardised.
        frames: of the same parts the code of every frame, ``[T_i]``.
        strings: the codes of each utterance in their order, ``[U_i]``; a pause is none of them.
        names: the labels by their codes.
        pause: the code of the frames in which nothing is said, the last one; None if there is none.
    """

    X: dict[str, list[np.ndarray]]
    frames: dict[str, list[np.ndarray]]
    strings: dict[str, list[np.ndarray]]
    names: tuple[str, ...]
    pause: int | None = None

    @property
    def channels(self) -> int:
        """Features of a frame."""
        return self.X["train"][0].shape[1]

    @property
    def said(self) -> int:
        """How many labels strings have; their codes are the first ones."""
        return len(self.names) - (self.pause is not None)

    def with_frames(self, *parts: str, backwards: bool = False) -> LabelledDataset:
        """Returns the items of parts whose every frame has a label, the last frame first where they are backwards."""
        step = -1 if backwards else 1
        arrays = [x[::step] for part in parts for x in self.X[part]]
        return _items(arrays, [codes[::step] for part in parts for codes in self.frames[part]])

    def with_strings(self, *parts: str, keep: Callable[[np.ndarray], np.ndarray] | None = None) -> LabelledDataset:
        """Returns the items of parts that have strings, or of these what ``keep`` leaves."""
        strings = [codes if keep is None else keep(codes) for part in parts for codes in self.strings[part]]
        return _items([x for part in parts for x in self.X[part]], strings)


def _items(arrays: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> LabelledDataset:
    lengths, counts = (np.array([len(each) for each in part], dtype=np.int64) for part in (arrays, labels))
    return LabelledDataset(np.concatenate(arrays), lengths, np.concatenate(labels).astype(np.int64), counts)


@cache
def speech_of(data: str, items: int) -> Speech:
    """Returns the utterances of a data set, of its training part the first ``items``.

    Args:
        data: ``"phones"``, made by espeak-ng, ``"digit-strings"``, or ``"drawn"``, which needs no package.
        items: utterances to learn from; the validation part of made data h

    Raises:
        DataError: the package that carries the data is not installed; the message has the command.
    """
    return {"phones": _phones, "digit-strings": _digit_strings, "drawn": _drawn}[data](items)


def _phones(items: int) -> Speech:
    tagged = {part: load_tagged("phones", split=part) for part in PARTS}
    spoken = {part: load_transcribed("phones", split=part).y or [] for part in PARTS}  # of equal phones in a row both
    names = [*(name for name in tagged["train"].labels().tolist() if name != SILENCE), SILENCE]
    codes = {name: code for code, name in enumerate(names)}
    aside = np.isin(np.asarray(tagged["train"].groups), VALID_VOICES)
    rows = {
        "train": ("train", np.flatnonzero(~aside)[:items]),
        "valid": ("train", np.flatnonzero(aside)[: max(items // 4, 1)]),
        "test": ("test", np.arange(len(tagged["test"]))),
    }
    frames, strings = (
        {part: [np.array([codes[name] for name in labels[row]]) for row in chosen] for part, labels, chosen in each}
        for each in (
            [(part, tagged[source].y or [], chosen) for part, (source, chosen) in rows.items()],
            [(part, spoken[source], chosen) for part, (source, chosen) in rows.items()],
        )
    )
    X = [[tagged[source].X[row] for row in chosen] for source, chosen in rows.values()]
    return Speech(dict(zip(rows, standardised(*X), strict=True)), frames, strings, tuple(names), len(names) - 1)


@cache
def isolated_digits() -> dict[str, tuple[list[np.ndarray], np.ndarray]]:
    """Returns single spoken digits: of each part 39 standardised features of every frame, and the digits ``[N]``.

    13 MFCC, their slopes, and the slopes of these.
    """
    whole, test = (load_sequences("spoken-digits", split=part) for part in PARTS)
    assert whole.y is not None
    assert test.y is not None
    digits = whole.y.astype(np.int64)
    rows = drawn(digits, VALID_DIGITS)  # whose "test" is our validation part
    X = standardised(
        *([_sloped(x) for x in part] for part in (whole.take(rows["train"]).X, whole.take(rows["test"]).X, test.X))
    )
    y = digits[rows["train"]], digits[rows["test"]], test.y.astype(np.int64)
    return dict(zip(("train", "valid", "test"), zip(X, y, strict=True), strict=True))


def _sloped(x: np.ndarray) -> np.ndarray:
    first = slopes(x)
    return np.concatenate([x, first, slopes(first)], axis=1).astype(np.float32)


def _digit_strings(items: int) -> Speech:
    """Joins recordings of one part each; those of the test part as the reader of ``digit-strings`` does."""
    X, frames, strings = {}, {}, {}
    for part, (recordings, digits) in isolated_digits().items():
        count = {"train": items, "valid": max(items // 4, 1), "test": len(digits)}[part]
        rows = joined(np.arange(len(digits)), count, *LENGTHS, seed=PARTS.index("test") if part == "test" else 0)
        X[part] = [np.concatenate([recordings[k] for k in each]) for each in rows]
        frames[part] = [np.concatenate([np.full(len(recordings[k]), digits[k]) for k in each]) for each in rows]
        strings[part] = [digits[each] for each in rows]
    return Speech(X, frames, strings, tuple("0123456789"))


def _drawn(items: int) -> Speech:
    """Draws utterances of six labels whose beginnings and ends are shared: so one frame does not tell them apart.

    The beginning of a label is that of one other, its end that of another one.
    """
    rng = np.random.default_rng(0)
    begins, ends = rng.normal(size=(2, 3, 26))
    labels = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 0)]
    X: dict[str, list[np.ndarray]] = {}
    frames: dict[str, list[np.ndarray]] = {}
    strings: dict[str, list[np.ndarray]] = {}
    for part, count in (("train", items), ("valid", max(items // 3, 1)), ("test", max(items // 3, 1))):
        X[part], frames[part], strings[part] = [], [], []
        for _ in range(count):
            steps = rng.integers(0, len(labels) - 1, int(rng.integers(4, 8)))
            string = np.cumsum(steps + 1) % len(labels)  # no label follows itself
            halves = rng.integers(2, 5, (len(string), 2))
            means = [each for label in string for each in (begins[labels[label][0]], ends[labels[label][1]])]
            clean = np.repeat(means, halves.ravel(), axis=0)
            X[part].append((clean + 0.7 * rng.normal(size=clean.shape)).astype(np.float32))
            frames[part].append(np.repeat(string, halves.sum(axis=1)))
            strings[part].append(string)
    return Speech(dict(zip(X, standardised(*X.values()), strict=True)), frames, strings, tuple("abcdef"))
