"""Learning from lines, one after the other: CSV or JSON, from a file or a pipe, of any length."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from carrousel._alone import alone
from carrousel._atomic import refuse_unusual
from carrousel.streams._classifier import StreamClassifier
from carrousel.streams._notes import check_notes
from carrousel.streams._regressor import StreamRegressor
from carrousel.streams._stream import DivergedError
from carrousel.streams._tally import Errors, Tally

__all__ = ["Follower", "PredictedLine"]

ABSENT = {"", "nan", "na", "n/a", "null", "none", "?", "-"}
"""What stands in a field whose value is missing, if the model takes missing values; else only nothing does."""


@dataclass(frozen=True)
class PredictedLine:
    """A line of a stream.

    Attributes:
        line: its number, from 1.
        prediction: made before the line was learned.
        target: None if it has none.
        anomaly: the rank of the prediction's error, see ``score_one``; None if it was not asked for, or has no target.
    """

    line: int
    prediction: Any
    target: Any
    anomaly: float | None = None


class Follower:
    """Reads lines, predicts each, then learns from it.

    Args:
        model: the learner; :meth:`resume` replaces it by that of the state.
        target: the field to predict. A line without it is observed and not learned from.
        form: ``"csv"``, whose first line names the fields, or ``"jsonl"``, an object on every line.
        features: the fields to use; all others than the target if empty.
        ignore: fields not to use.
        anomaly: whether to say how unusual each line is.
        state: a file that keeps everything, written every ``save_every`` lines and at the end; after a crash what was
            learned since is learned again, with the same result. While lines are followed no other process can go on
            from it.
        save_every: see ``state``.
        mark: called before each writing of the state, to bring on its way what was done with the lines so far. What
            it returns, as JSON can hold it, is saved with the state and is the attribute ``marked`` after a resume. If
            it returns anything but None the state is written before the first line too.

    Attributes:
        line: how many lines were learned.
        unfinished: whether a last line without its end was left for the next call, as it is if there is a ``state``.
        waiting: whether the next line is waited for, and all before it are learned wholly.
    """

    def __init__(
        self,
        model: StreamRegressor | StreamClassifier,
        target: str,
        *,
        form: str = "csv",
        features: Sequence[str] = (),
        ignore: Sequence[str] = (),
        anomaly: bool = False,
        state: Path | None = None,
        save_every: int = 1000,
        mark: Callable[[], Any] = lambda: None,
    ) -> None:
        self.model, self.target, self.form, self.anomaly = model, target, form, anomaly
        self.features, self.ignore = list(features), list(ignore)
        self.state, self.save_every, self.mark = state, save_every, mark
        self.classes = isinstance(model, StreamClassifier)
        self.tally, self.line, self.offset = Tally(), 0, 0
        self.marked: Any = None
        self.waiting = self.unfinished = False
        self._held: ExitStack | None = None

    def resume(self) -> bool:
        """Goes on from the state's file, and returns whether something was learned there.

        Raises:
            ValueError: the state is of another model, target, or choice of features.
            BlockingIOError: another process follows a stream with it.
        """
        self._hold()
        if self.state is None or not self.state.exists():
            return False
        loaded = type(self.model).load(self.state)
        notes = loaded.notes
        check_notes(self.state, notes, self._notes(None), self.classes)
        self.marked = notes["marked"]
        if notes["line"] == 0:
            return False
        mine, theirs = self._settings(), notes["settings"]
        for name, value in mine.items():
            if theirs[name] != value:
                raise ValueError(
                    f"{self.state} was made with {name} {theirs[name]!r}, not {value!r}: use another file for the "
                    "state, or the same settings"
                )
        self.model = loaded
        self.tally = Tally(**{**notes["tally"], "recent": Errors(**notes["tally"]["recent"])})
        self.line, self.offset = notes["line"], notes["offset"]
        return True

    def _hold(self) -> None:
        """Keeps other processes from the state until the lines are at their end, or this object is."""
        if self.state is not None and self._held is None:
            refuse_unusual(self.state)
            held = ExitStack()
            held.enter_context(alone(self.state, "is following a stream with this state"))
            self._held = held

    def _settings(self) -> dict[str, Any]:
        names = ("target", "form", "features", "ignore", "anomaly")
        return {**{name: getattr(self, name) for name in names}, **self.model.parameters}

    def save(self) -> None:
        """Writes the state's file."""
        if self.state is not None:
            self.model.save(self.state, **self._notes(self.mark()))

    def _notes(self, marked: Any) -> dict[str, Any]:
        """Returns what is saved beside the model."""
        return {
            "settings": self._settings(),
            "tally": asdict(self.tally),
            "line": self.line,
            "offset": self.offset,
            "marked": marked,
        }

    def follow(self, file: BinaryIO) -> Iterator[PredictedLine]:
        """Yields every line with its prediction, and learns from it.

        A file that can be read from anywhere goes on after the last line that was learned; of a pipe all lines are
        taken to be new. A last line that does not end may be half a line that somebody is writing: if there is a state
        it is left for the next call. After an interrupt while a line is waited for the state has all lines before it;
        while a line is learned, those of the last saving.

        Raises:
            ValueError: a line cannot be read; the message gives its number. The state has all lines before it.
            BlockingIOError: another process follows a stream with this state.
        """
        self._hold()
        try:
            yield from self._follow(file)
        except (KeyboardInterrupt, SystemExit):
            if self.waiting and self.line:
                self.save()
            raise
        finally:
            self.waiting = False
            if self._held is not None:
                self._held.close()
                self._held = None

    def _follow(self, file: BinaryIO) -> Iterator[PredictedLine]:
        header: list[str] = []
        if self.form == "csv":
            first = self._readline(file)
            if self.unfinished:
                return
            header = next(csv.reader([first.decode("utf-8-sig")]), [])
            if self.target not in header:
                raise ValueError(f"there is no field {self.target!r} in the first line; it names {', '.join(header)}")
            for name in (*self.features, *self.ignore):
                if name not in header:
                    raise ValueError(f"there is no field {name!r} in the first line; it names {', '.join(header)}")
        if self.offset and file.seekable():
            if file.seek(0, 2) < self.offset:
                raise ValueError(f"the state is {self.offset} bytes into its file, but this one is shorter")
            file.seek(self.offset)
        elif file.seekable():
            self.offset = file.tell()
        if self.line == 0 and self.mark() is not None:
            self.save()  # so that a crash before the next saving, too, leaves what was done with lines after a mark
        for raw in iter(lambda: self._readline(file), b""):
            if raw.strip():
                try:
                    predicted = self._predicted(raw.decode("utf-8"), header)
                except DivergedError as error:
                    raise ValueError(f"line {self.line + 1}: {error}") from None  # what was saved before stays
                except ValueError as error:
                    self.save()
                    raise ValueError(f"line {self.line + 1}: {error}") from None
                self.line += 1
                self.offset += len(raw)
                yield predicted
                if self.line % self.save_every == 0:
                    self.save()
            else:
                self.offset += len(raw)
        self.save()

    def _readline(self, file: BinaryIO) -> bytes:
        self.waiting = True
        raw = file.readline()
        self.waiting = False
        self.unfinished = self.state is not None and raw != b"" and not raw.endswith(b"\n")
        return b"" if self.unfinished else raw

    def _predicted(self, text: str, header: list[str]) -> PredictedLine:
        record = self._csv(text, header) if self.form == "csv" else _object(text)
        target = self._present(record.pop(self.target, None))
        if target is not None and not self.classes:
            target = _number(target, self.target)
        x = {name: self._present(record[name]) for name in self.features or record if name in record}
        x = {name: _number(value, name) for name, value in x.items() if value is not None and name not in self.ignore}
        prediction, anomaly = self.model.predict_one(x), None
        if target is None:
            self.model.observe_one(x)
        else:
            if self.classes and isinstance(target, float) and not math.isfinite(target):
                raise ValueError(f"{self.target!r} is {target}: a class is wanted")
            if self.anomaly:
                anomaly = self.model.score_one(x, target)
            rivals = {} if isinstance(self.model, StreamClassifier) else self.model.simple
            self.model.learn_one(x, target)
            self.tally.add(prediction, target, self.classes, rivals.get("season"))
        return PredictedLine(self.line + 1, prediction, target, anomaly)

    def _present(self, value: Any) -> Any:
        """Returns a field's value, None if it is missing."""
        if self.model.missing == "mean":
            return None if value == "" else value
        gone = value.strip().lower() in ABSENT if isinstance(value, str) else value != value
        return None if gone else value

    def _csv(self, text: str, header: list[str]) -> dict[str, Any]:
        fields = next(csv.reader([text]), [])
        if len(fields) != len(header):
            raise ValueError(f"it has {len(fields)} fields, the first line names {len(header)}")
        return dict(zip(header, fields, strict=True))


def _object(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if not isinstance(record, dict):
        raise ValueError(f"a JSON object is wanted, got {type(record).__name__}")
    return record


def _number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name!r} is {value!r}: a number is wanted; leave the field out with --ignore") from None
    if not math.isfinite(number):
        raise ValueError(f"{name!r} is {value!r}: a finite number is wanted; leave it empty where it is missing")
    return number
