"""``.ts``: the format of the UEA/UCR archive."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from carrousel.data._check import make_sequences
from carrousel.data._errors import DataError, listed, nearest
from carrousel.data._file import File
from carrousel.data._limit import MAX_SIZE
from carrousel.data._registry import reads_file
from carrousel.data._types import Sequences
from carrousel.data._words import first_no_number

__all__ = ["look", "read", "read_part"]

PAIR = re.compile(r"\(([^()]*),([^(),]*)\)")


def look(file: File, *, encoding: str | None = None, max_size: float = MAX_SIZE) -> None:
    """Decodes the text."""
    file.text(encoding, max_size)


@reads_file("sequences", ".ts", look=look)
def read(file: File, *, encoding: str | None = None, fill: str | None = None, max_size: float = MAX_SIZE) -> Sequences:
    """Reads sequences with the labels of ``@classLabel`` or the values of ``@targetLabel``.

    Args:
        file: the file, which may be packed.
        encoding: as in tables.
        fill: what stands for ``?``, as in tables.
        max_size: bytes that a packed file may unpack to.
    """
    name = file.name
    text = file.text(encoding, max_size)
    head, cases = _divided(text.content.decode("utf-8", "surrogatepass"), name)
    X: list[np.ndarray] = []
    targets: list[str] = []
    for number, line in cases:
        parts = [part.strip() for part in _channels(line)]
        if head.kind != "none":
            targets.append(parts.pop())
        where = f"{name}: line {number}"
        if X and len(parts) != X[0].shape[1]:
            raise DataError(f"{where} has {len(parts)} channels, the lines before it have {X[0].shape[1]}")
        if head.width and len(parts) != head.width:
            raise DataError(f"{where} has {len(parts)} channels; @dimension says {head.width}")
        X.append(_case(parts, head.timestamps, where))
    rows = [f"line {number}" for number, _ in cases]
    return make_sequences(X, head.targets(targets, rows, name), name=name, rows=rows, fill=fill, how=text.how)


def read_part(path: Path, *, name: str, split: str) -> Sequences:
    """Reads a file as a part of the data set of that name."""
    return replace(read(File.of(path)), name=name, split=split)


@dataclass
class _Head:
    """What stands before ``@data``."""

    kind: str = "none"  # "class", "value" or "none"
    classes: dict[str, str] = field(default_factory=dict)  # lower case -> as written
    timestamps: bool = False
    width: int = 0  # channels, if the file says how many

    def name_classes(self, words: list[str], where: str) -> None:
        """Sets the classes that ``@classLabel`` names."""
        self.classes = {}
        for word in words:
            before = self.classes.setdefault(word.lower(), word)
            if before != word:  # the format does not tell case
                raise DataError(f"{where}: the classes {before} and {word} differ in case only")

    def targets(self, words: list[str], rows: list[str], name: str) -> np.ndarray | None:
        """Returns class names as the header writes them, or values."""
        if self.kind == "none":
            return None
        if self.kind == "value":
            bad = first_no_number(np.array(words))
            if bad is not None:
                raise DataError(f"{name}: {rows[bad]}: the target {words[bad]} is no number")
            return np.array(words).astype(np.float64)
        known = self.classes.values()
        for row, word in zip(rows, words, strict=True):
            if word.lower() not in self.classes:
                raise DataError(
                    f"{name}: {row}: class {word} is not in @classLabel{nearest(word, known)}\n"
                    f"@classLabel names {listed(known)}"
                )
        return np.array([self.classes[word.lower()] for word in words])


def _divided(text: str, name: str) -> tuple[_Head, list[tuple[int, str]]]:
    """Returns what the head of a file says, and the lines of its cases by their numbers."""
    head, cases, started = _Head(), [], False
    lines = text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or (words[0].startswith("#") and not started):
            continue
        tag, told = words[0].lower(), len(words) > 1 and words[1].lower() == "true"
        where = f"{name}: line {number}"
        if started:
            cases.append((number, line.strip()))
        elif tag == "@data":
            started = True
        elif tag in ("@classlabel", "@targetlabel"):
            if told:
                head.kind = "class" if tag == "@classlabel" else "value"
                head.name_classes(words[2:], where)
        elif tag == "@timestamps":
            head.timestamps = told
        elif tag in ("@dimension", "@dimensions") and len(words) > 1:
            head.width = int(words[1]) if words[1].isdecimal() and len(words[1]) < 9 else 0
    if not started:
        raise DataError(f"{name}: no @data line; this is no .ts file")
    if not cases:
        raise DataError(f"{name}: there is no case after @data (line {len(lines)})")
    return head, cases


def _channels(line: str) -> list[str]:
    """Returns the parts of a case: colons divide them, but not within the brackets of a time such as 12:30."""
    if "(" not in line:
        return line.split(":")
    parts, depth, start = [], 0, 0
    for k, sign in enumerate(line):
        depth += (sign == "(") - (sign == ")")
        if sign == ":" and depth == 0:
            parts.append(line[start:k])
            start = k + 1
    return [*parts, line[start:]]


def _case(parts: list[str], timestamps: bool, where: str) -> np.ndarray:
    """Returns a case as float64 ``[T, C]``, NaN where a value is missing."""
    found: list[np.ndarray] = []
    first: list[str] = []
    for k, part in enumerate(parts):
        times: list[str] = []
        if timestamps:
            pairs = PAIR.findall(part)
            if PAIR.sub("", part).strip(" ,"):
                raise DataError(f"{where}, channel {k}: pairs (time, value) are needed: @timestamps says true")
            times, words = [t.strip() for t, _ in pairs], [v.strip() for _, v in pairs]
        else:
            words = part.split(",") if part else []
        values = _values(words, f"{where}, channel {k}")
        if found and len(values) != len(found[0]):
            raise DataError(
                f"{where}: channel {k} has {len(values)} steps, channel 0 has {len(found[0])}; "
                "the channels of a sequence have equal length"
            )
        if found and times != first:
            step = next(t for t, (a, b) in enumerate(zip(times, first, strict=True)) if a != b)
            raise DataError(
                f"{where}: step {step} of channel {k} is at {times[step]}, of channel 0 at {first[step]}; the channels "
                "of a sequence have the same times"
            )
        _refuse_disorder(times, f"{where}, channel {k}")
        first = times
        found.append(values)
    if not found:
        raise DataError(f"{where}: there are no channels")
    return np.stack(found, axis=1)


def _values(words: list[str], where: str) -> np.ndarray:
    """Returns numbers as float64, NaN for ``?`` and for an empty field."""
    try:
        return np.array([np.nan if w.strip() in ("?", "") else float(w) for w in words], dtype=np.float64)
    except ValueError:
        bad = next(w for w in words if w.strip() not in ("?", "") and first_no_number(np.array([w])) is not None)
        raise DataError(f"{where}: {bad.strip()!r} is not a number") from None


def _refuse_disorder(times: list[str], where: str) -> None:
    """Refuses times that do not ascend: numbers, or dates that sort as text."""
    try:
        ticks: list[float] | list[str] = [float(t) for t in times]
    except ValueError:
        ticks = times
        if len({len(t) for t in times}) > 1:
            return  # dates in some other form
    for step, (before, after) in enumerate(itertools.pairwise(ticks), start=1):
        if after <= before:  # type: ignore[operator]
            raise DataError(f"{where}: step {step} is at {times[step]}, after {times[step - 1]}; times ascend")
