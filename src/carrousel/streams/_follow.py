"""Learning from lines, one after the other: CSV or JSON, from a file or a pipe, of any length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from carrousel._alone import alone
from carrousel._atomic import refuse_unusual
from carrousel.streams._classifier import StreamClassifier
from carrousel.streams._clock import Clock
from carrousel.streams._notes import check_early, check_notes
from carrousel.streams._records import LineFormat, is_missing, is_number
from carrousel.streams._regressor import StreamRegressor
from carrousel.streams._rivals import Rivals
from carrousel.streams._stream import FORMAT, DivergedError
from carrousel.streams._tally import Errors, Tally

__all__ = ["Follower", "PredictedLine"]

EARLY = 10
"""Lines from whose times the step is told."""


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
        features: the fields to use; all others than the target if empty. Of all others those that hold no number in the
            first line are left out.
        ignore: fields not to use.
        anomaly: whether to say how unusual each line is.
        state: a file that keeps everything, written every ``save_every`` lines and at the end; after a crash what was
            learned since is learned again, with the same result. While lines are followed no other process can go on
            from it.
        save_every: see ``state``.
        mark: called before each writing of the state, to bring on its way what was done with the lines so far. What
            it returns, as JSON can hold it, is saved with the state and is the attribute ``marked`` after a resume. If
            it returns anything but None the state is written before the first line too.
        clock: tells from the times of a model of numbers which seasons there are, where the model was given none, and
            which lines were lost.
        sep: what separates fields of CSV; None tells it from the first line.
        decimal: the mark of the decimals in text.
        encoding: of the text.
        say: called with what was found out of the lines, a sentence each time.

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
        clock: Clock | None = None,
        sep: str | None = None,
        decimal: str = ".",
        encoding: str = "utf-8",
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.model, self.target, self.form, self.anomaly = model, target, form, anomaly
        self.features, self.ignore = list(features), list(ignore)
        self.state, self.save_every, self.mark, self.say = state, save_every, mark, say
        self.classes = isinstance(model, StreamClassifier)
        self.clock = None if self.classes else clock
        self.written = LineFormat(form, sep, decimal, encoding)
        self.words: list[str] = []  # fields that are left out
        self.early: list[tuple[dict[str, float], float | None]] = []  # records before the step is told
        self.beside = Rivals(model)
        self.tally, self.line, self.offset = Tally(), 0, 0
        self.marked: Any = None
        self.waiting = self.unfinished = False
        self._held: ExitStack | None = None
        self._own = self._settings()

    @property
    def rivals(self) -> list[str]:
        """The names of the forecasts that predictions are compared with, in the order in which they are told."""
        return self.beside.names

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
        theirs = notes["settings"]
        for name, value in self._own.items():
            if theirs[name] != value:
                raise ValueError(
                    f"{self.state} was made with {name} {theirs[name]!r}, not {value!r}: use another file for the "
                    "state, or the same settings"
                )
        with FORMAT.blaming(self.state):
            if notes["clock"] is None:
                self.clock = None  # the first record had no times
            elif self.clock is None:
                raise ValueError("it has times, and none are looked for")
            else:
                self.clock.restore(notes["clock"])
            self.early = check_early(notes["early"], EARLY if self._telling else 0)
            if self.clock is not None and len(self.clock.facts["early"]) != len(self.early):
                raise ValueError("it has not as many first times as first records")
            self.model = loaded
            self.beside = self.beside.restored(loaded, notes["linear"], loaded.beside, self.say)
        self.words = list(notes["words"])
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
        own = {**{name: getattr(self, name) for name in names}, **self.model.parameters}
        own |= {"decimal": self.written.decimal, "encoding": self.written.encoding}
        return own | {
            "times": {} if self.clock is None else {k: v for k, v in self.clock.given.items() if v is not None}
        }

    def save(self) -> None:
        """Writes the state's file."""
        if self.state is not None:
            self.model.save(self.state, self.beside.arrays, **self._notes(self.mark()))

    def _notes(self, marked: Any) -> dict[str, Any]:
        """Returns what is saved beside the model."""
        return {
            "settings": self._own,
            "tally": asdict(self.tally),
            "line": self.line,
            "offset": self.offset,
            "marked": marked,
            "words": self.words,
            "clock": None if self.clock is None or self.line == 0 else self.clock.facts,
            "early": [list(each) for each in self.early],
            "linear": self.beside.facts,
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
        if self.form == "csv":
            first = self._readline(file)
            while first.lstrip(b"\xef\xbb\xbf").startswith(b"#"):  # comments before the names of the fields
                first = self._readline(file)
            if self.unfinished:
                return
            wanted = [*self.features, *self.ignore, *self._of_clock]
            self.written.read_header(first, [self.target, *wanted], [*self.ignore, *self.words])
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
                    predicted = self._predicted(raw)
                except DivergedError as error:
                    raise _at(self.line + 1, error) from None  # what was saved before stays
                except ValueError as error:
                    self.save()
                    raise _at(self.line + 1, error) from None
                self.line += 1
                self.offset += len(raw)
                yield predicted
                if self.line % self.save_every == 0:
                    self.save()
            else:
                self.offset += len(raw)
        self.save()

    @property
    def _of_clock(self) -> list[str]:
        return [] if self.clock is None or self.clock.column is None else [self.clock.column]

    def _readline(self, file: BinaryIO) -> bytes:
        self.waiting = True
        raw = file.readline()
        self.waiting = False
        self.unfinished = self.state is not None and raw != b"" and not raw.endswith(b"\n")
        return b"" if self.unfinished else raw

    def _predicted(self, raw: bytes) -> PredictedLine:
        record = self.written.record(raw)
        words = self.model.missing != "mean"
        news = self._look(record) if self.line == 0 else []
        if self._telling and len(self.early) == EARLY:
            self._tell()
            news = [self.clock.told]  # type: ignore[union-attr]
        target = record.pop(self.target, None)
        target = None if is_missing(target, words) else target
        if target is not None and not self.classes:
            target = self.written.number(target, self.target, target=True)
        if self.classes and isinstance(target, float) and not math.isfinite(target):
            raise ValueError(f"{self.target!r} is {target}: a class is wanted")
        time = None
        if self.clock is not None:
            assert self.clock.column is not None
            time = record.pop(self.clock.column, None)
            time = None if is_missing(time, words=True) else time
            if time is not None:
                self.clock.read(time)
        left_out = {*self.ignore, *self.words}
        chosen = [name for name in self.features or record if name in record and name not in left_out]
        x = {name: self.written.number(record[name], name) for name in chosen if not is_missing(record[name], words)}
        news += self._pass_lost(time)
        predicted = self._learned(x, target)
        if self._telling:
            self.early.append((x, target))
        for text in news:
            self.say(text)
        return predicted

    def _look(self, record: Mapping[str, Any]) -> list[str]:
        """Finds the times in the first record, and what holds no numbers; returns what is to be said of it."""
        news = []
        if self.clock is not None:
            self.clock.find(record, [self.target, *self.features, *self.ignore])
            if self.clock.column is None:
                self.clock = None
            elif self.clock.settled:  # by what was given
                self._take_seasons([], [])
                news.append(self.clock.told)
        if not self.features:
            used = {*self.ignore, self.target, *self._of_clock}
            self.words = [name for name, value in record.items() if name not in used and not is_number(value)]
            if self.words:
                what = "they hold" if len(self.words) > 1 else "it holds"
                news.append(f"left out, for {what} no numbers in the first line: {', '.join(self.words)}")
        return news

    @property
    def _telling(self) -> bool:
        """Whether lines are gathered from whose times the step is told."""
        return self.clock is not None and not self.clock.settled

    def _pass_lost(self, time: Any) -> list[str]:
        """Goes on past the lines that were lost before this one; returns what is to be said of its time."""
        if self.clock is None:
            return []
        if time is None:
            self.clock.skip()
        else:
            before = self.clock.back
            self._pass(self.clock.lost(time))
            if self.clock.back and not before:
                return [f"line {self.line + 1}: its time is not after that of the line before; it is the next step"]
        return []

    def _pass(self, lost: int) -> None:
        seasons = self.beside.seasons
        count = min(lost, max(seasons) + 1) if seasons else 0
        if count:
            assert isinstance(self.model, StreamRegressor)
            self.model.observe_many(np.zeros((count, 0)))
            for _ in range(count):
                self.beside.learn({}, None)

    def _tell(self) -> None:
        """Tells the step and seasons from the times of the first lines, and learns these again, with what was lost."""
        assert self.clock is not None
        lost, early = self.clock.settle(), self.early
        self.early = []
        self._take_seasons(lost, early)

    def _take_seasons(self, lost: Sequence[int], early: Sequence[tuple[dict[str, float], float | None]]) -> None:
        """Begins a model with the seasons that were told, and learns the first records again with what was lost."""
        assert self.clock is not None
        assert isinstance(self.model, StreamRegressor)
        parameters = self.model.parameters
        if parameters["season"] is None:
            parameters["season"] = list(self.clock.seasons or ()) or None
        if parameters != self.model.parameters or (any(lost) and self.beside.seasons):
            self.model = type(self.model)(**parameters)
            self.beside = Rivals(self.model, linear=self.beside.has_linear)
            for count, (x, target) in zip(lost, early, strict=True):
                self._pass(count)
                self._learn(x, target)

    def _learned(self, x: dict[str, float], target: Any) -> PredictedLine:
        """Predicts a record, counts the errors, and learns from it."""
        prediction, anomaly = self.model.predict_one(x), None
        if target is not None:
            if self.anomaly:
                anomaly = self.model.score_one(x, target)
            self.tally.add(prediction, target, self.classes, self.beside.forecasts(x))
        self._learn(x, target)
        return PredictedLine(self.line + 1, prediction, target, anomaly)

    def _learn(self, x: dict[str, float], target: Any) -> None:
        if target is None:
            self.model.observe_one(x)
        else:
            self.model.learn_one(x, target)
        self.beside.learn(x, target)


def _at(line: int, error: ValueError) -> ValueError:
    """Returns an error that says in which line it is."""
    kind = DivergedError if isinstance(error, DivergedError) else ValueError
    found = kind(f"line {line}: {error}")
    if hasattr(error, "in_shell"):  # as the command line writes options
        found.in_shell = f"line {line}: {error.in_shell}"  # type: ignore[attr-defined]
    return found
