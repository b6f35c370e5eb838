"""``.ts``: the format of the UEA/UCR archive, read by sktime."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.data._check import make_sequences
from carrousel.data._errors import DataError, listed, nearest, reading, words_of
from carrousel.data._registry import reads_file
from carrousel.data._text import check_text
from carrousel.data._types import Sequences
from carrousel.data._words import first_no_number

__all__ = ["read_part"]


@reads_file("sequences", ".ts")
def read(path: Path) -> Sequences:
    """Reads sequences with the labels of ``@classLabel`` or the values of ``@targetLabel``."""
    from sktime.datasets import load_from_tsfile_to_dataframe

    name = str(path)
    outline = _Outline.of(path)
    try:
        loaded: Any = load_from_tsfile_to_dataframe(
            str(path), return_separate_X_and_y=True, replace_missing_vals_with="nan"
        )
    except Exception as error:  # sktime raises OSError, ValueError, IndexError and others for a faulty file
        raise DataError(f"{name}: {outline.fault() or words_of(error)}") from error
    table, labels = loaded if isinstance(loaded, tuple) else (loaded, None)
    for what, count in (("cases", len(table)), ("labels", len(table) if labels is None else len(labels))):
        if count != len(outline.cases):
            raise DataError(f"{name}: {count} {what} were read from {len(outline.cases)} lines of data")

    rows = [f"line {number}" for number, _ in outline.cases]
    X = []
    for word, (_, case) in zip(rows, table.iterrows(), strict=True):
        steps = [len(channel) for channel in case]
        if len(set(steps)) > 1:
            odd = next(k for k, n in enumerate(steps) if n != steps[0])
            raise DataError(
                f"{name}: {word}: channel {odd} has {steps[odd]} steps, channel 0 has {steps[0]}; "
                "the channels of a sequence have equal length"
            )
        with reading(f"{name}: {word}"):
            X.append(np.stack([np.asarray(channel, dtype=np.float64) for channel in case], axis=1))  # [T, C]
    return make_sequences(X, outline.targets(labels, rows), name=name, rows=rows)


def read_part(path: Path, *, name: str, split: str) -> Sequences:
    """Reads a file as a part of the data set of that name."""
    return replace(read(path), name=name, split=split)


@dataclass
class _Outline:
    """What sktime's reader loses: the case of class names, and the line on which each case stands."""

    name: str
    kind: str = "none"  # "class", "value" or "none"
    classes: dict[str, str] = field(default_factory=dict)  # lower case -> as written
    timestamps: bool = False
    cases: list[tuple[int, str]] = field(default_factory=list)  # line number, text

    @classmethod
    def of(cls, path: Path) -> _Outline:
        """Reads the outline of a file."""
        self = cls(name := str(path))
        check_text(path)
        with reading(path):
            lines = path.read_text(encoding="utf-8").split("\n")  # where sktime ends lines, and nowhere else
        if lines[0].startswith("\ufeff"):
            raise DataError(f"{name}: line 1 begins with a byte order mark; save the file as UTF-8 without one")
        started = False
        for number, line in enumerate(lines, start=1):
            words = line.split()
            tag = words[0].lower() if words else ""
            if started and words:
                self.cases.append((number, line))
            elif tag == "@data":
                started = True
            elif tag in ("@classlabel", "@targetlabel") and words[1:2] and words[1].lower() == "true":
                self.kind = "class" if tag == "@classlabel" else "value"
                self._name_classes(words[2:], number)
            elif tag == "@timestamps":
                self.timestamps = words[1:2] == ["true"]
        if not started:
            raise DataError(f"{name}: no @data line; this is no .ts file")
        if not self.cases:
            raise DataError(f"{name}: there is no case after @data (line {len(lines)})")
        return self

    def _name_classes(self, words: list[str], line: int) -> None:
        self.classes = {}
        for word in words:
            before = self.classes.setdefault(word.lower(), word)
            if before != word:  # sktime takes them for one
                raise DataError(f"{self.name}: line {line}: the classes {before} and {word} differ in case only")

    def targets(self, labels: np.ndarray | None, rows: list[str]) -> np.ndarray | None:
        """Returns class names as the header writes them, or values."""
        if labels is None:
            return None
        if self.kind == "value":
            bad = first_no_number(labels)
            if bad is not None:
                raise DataError(f"{self.name}: {rows[bad]}: the target {labels[bad]!s} is no number")
            return labels.astype(np.float64)
        for row, label in zip(rows, labels, strict=True):
            if label not in self.classes:
                known = self.classes.values()
                raise DataError(
                    f"{self.name}: {row}: class {label!s} is not in @classLabel{nearest(label, known)}\n"
                    f"@classLabel names {listed(known)}"
                )
        return np.array([self.classes[label] for label in labels])

    def fault(self) -> str | None:
        """Returns the first line at fault, after sktime refused the file without saying which line it was."""
        if self.timestamps:
            return None  # sktime names the line itself
        width = None
        for number, line in self.cases:
            parts = line.split(":")
            channels = parts[:-1] if self.kind != "none" else parts
            width = len(channels) if width is None else width
            if len(channels) != width:
                return f"line {number} has {len(channels)} channels, the lines before it have {width}"
            for k, channel in enumerate(channels):
                for word in channel.strip().split(",") if channel.strip() else []:
                    if word.strip() != "?" and first_no_number(np.array([word])) is not None:
                        return f"line {number}, channel {k}: {word.strip()!r} is not a number"
        return None
