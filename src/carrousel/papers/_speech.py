"""Speech for papers that recognise it: made phones, spoken digits, and small drawn data with the shape of speech."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from carrousel.data import load_sequences, load_tagged, load_transcribed
from carrousel.data._parts import PARTS, drawn, joined
from carrousel.data._sound import slopes
from carrousel.papers._networks import standardised
from carrousel.training._batches import LabelledDataset, SequenceDataset

__all__ = ["Recordings", "Speech", "recordings_of", "speech_of"]

VALID_VOICES = ("f4", "m6")
"""The voices of made speech whose utterances are set aside, of the twelve of the training part."""
SILENCE = "sil"
VALID_DIGITS = 40
"""Recordings of each digit that are set aside, of the 240 of the training part."""
NAMES = ("train", "valid", "test")
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


@dataclass(frozen=True)
class Recordings:
    """Single words in three parts: ``X`` and ``y`` by the part's name, arrays ``[T_i, C]`` and classes ``[N]``."""

    X: dict[str, list[np.ndarray]]
    y: dict[str, np.ndarray]
    classes: int

    @property
    def channels(self) -> int:
        """Features of a frame."""
        return self.X["train"][0].shape[1]

    def items(self, part: str) -> SequenceDataset:
        """Returns the items of a part, each with its class."""
        X = self.X[part]
        return SequenceDataset(np.concatenate(X), np.array([len(x) for x in X], dtype=np.int64), self.y[part])


def _items(arrays: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> LabelledDataset:
    lengths, counts = (np.array([len(each) for each in part], dtype=np.int64) for part in (arrays, labels))
    return LabelledDataset(np.concatenate(arrays), lengths, np.concatenate(labels).astype(np.int64), counts)


@lru_cache(maxsize=8)
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
    spoken = {part: load_transcribed("phones", split=part) for part in PARTS}  # of equal phones in a row both
    names = [*(name for name in tagged["train"].labels().tolist() if name != SILENCE), SILENCE]
    codes = {name: code for code, name in enumerate(names)}
    aside = np.isin(np.asarray(tagged["train"].groups), VALID_VOICES)
    rows = {
        "train": ("train", np.flatnonzero(~aside)[:items]),
        "valid": ("train", np.flatnonzero(aside)[: max(items // 4, 1)]),
        "test": ("test", np.arange(len(tagged["test"]))),
    }
    frames, strings, X = {}, {}, []
    for part, (source, chosen) in rows.items():
        X.append(tagged[source].take(chosen).X)
        frames[part] = _coded(tagged[source].take(chosen).y, codes)
        strings[part] = _coded(spoken[source].take(chosen).y, codes)
    return Speech(dict(zip(rows, standardised(*X), strict=True)), frames, strings, tuple(names), len(names) - 1)


def _coded(labels: Iterable[Iterable[str]] | None, codes: Mapping[str, int]) -> list[np.ndarray]:
    return [np.array([codes[name] for name in each]) for each in labels or ()]


@lru_cache(maxsize=8)
def recordings_of(data: str, channels: int) -> Recordings:
    """Returns the recordings of a data set: ``"spoken-digits"``, or ``"drawn"``, which needs no package.

    Of spoken digits a frame has 13 MFCC, or with 26 channels their slopes too, or with 39 the slopes of these as well.

    Raises:
        DataError: the package that carries the recordings is not installed; the message has the command.
    """
    if data == "drawn":
        single = _drawn(180, shortest=1, longest=1)
        return Recordings(single.X, {part: np.concatenate(each) for part, each in single.strings.items()}, 6)
    whole, test = (load_sequences("spoken-digits", split=part) for part in PARTS)
    digits, true = (np.asarray(part.y).astype(np.int64) for part in (whole, test))
    rows = drawn(digits, VALID_DIGITS)  # whose test part is our validation part
    parts = (whole.take(rows["train"]), whole.take(rows["test"]), test)
    X = standardised(*([_sloped(x)[:, :channels] for x in part.X] for part in parts))
    y = digits[rows["train"]], digits[rows["test"]], true
    return Recordings(dict(zip(NAMES, X, strict=True)), dict(zip(NAMES, y, strict=True)), 10)


def _sloped(x: np.ndarray) -> np.ndarray:
    first = slopes(x)
    return np.concatenate([x, first, slopes(first)], axis=1).astype(np.float32)


def _digit_strings(items: int) -> Speech:
    """Joins recordings of one part each; those of the test part as the reader of ``digit-strings`` does."""
    X, frames, strings = {}, {}, {}
    single = recordings_of("spoken-digits", 39)
    for part in NAMES:
        recordings, digits = single.X[part], single.y[part]
        count = {"train": items, "valid": max(items // 4, 1), "test": len(digits)}[part]
        rows = joined(np.arange(len(digits)), count, *LENGTHS, seed=PARTS.index("test") if part == "test" else 0)
        X[part] = [np.concatenate([recordings[k] for k in each]) for each in rows]
        frames[part] = [np.concatenate([np.full(len(recordings[k]), digits[k]) for k in each]) for each in rows]
        strings[part] = [digits[each] for each in rows]
    return Speech(X, frames, strings, tuple("0123456789"))


def _drawn(items: int, shortest: int = 4, longest: int = 7) -> Speech:
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
            steps = rng.integers(0, len(labels) - 1, int(rng.integers(shortest, longest + 1)))
            string = np.cumsum(steps + 1) % len(labels)  # none follows itself, each is as frequent
            halves = rng.integers(2, 5, (len(string), 2))
            means = [each for label in string for each in (begins[labels[label][0]], ends[labels[label][1]])]
            clean = np.repeat(means, halves.ravel(), axis=0)
            X[part].append((clean + 0.7 * rng.normal(size=clean.shape)).astype(np.float32))
            frames[part].append(np.repeat(string, halves.sum(axis=1)))
            strings[part].append(string)
    return Speech(dict(zip(X, standardised(*X.values()), strict=True)), frames, strings, tuple("abcdef"))
