"""Options of ``carrousel train`` that say what to train on and what to report on, for each kind of data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import tell_fill, told
from carrousel.cli._options import DATA, Columns, Grouped, Recorded, Written, names

if TYPE_CHECKING:
    from carrousel.data import Series

__all__ = [
    "ClassOptions",
    "Parts",
    "PartsOptions",
    "SequenceOptions",
    "SeriesOptions",
    "StringOptions",
    "TagOptions",
    "ValueOptions",
]

HOLDOUT = 0.2


@dataclass(frozen=True)
class Parts:
    """What to train on, what to report on, and both in words.

    Attributes:
        train: data of the estimator's kind.
        test: other data of that kind, or None.
        about: how many there are of each.
        notes: how they were read.
    """

    train: Any
    test: Any
    about: str
    notes: tuple[str, ...] = ()


class PartsOptions(Protocol):
    """Options of one kind of data: a dataclass whose fields are options of the command.

    Attributes:
        source: what the help says of DATA.
    """

    source: ClassVar[str]

    def parameters(self) -> dict[str, Any]:
        """Returns those that are parameters of the estimator, but no None."""
        ...

    def opened(self, source: str, seed: int) -> Any:
        """Reads what can be read before estimators are imported, which takes seconds: most mistakes are found here."""
        ...

    def parts(self, opened: Any, model: Any) -> Parts:
        """Returns the data for an estimator that is to be trained, of what ``opened`` returned."""
        ...


@dataclass(frozen=True, kw_only=True)
class SequenceOptions(Columns):
    """Options of sequences, each with a target."""

    source: ClassVar[str] = DATA
    kind: ClassVar[str] = "sequences"  # of data, as the readers call it

    holdout: Annotated[
        float | None,
        typer.Option(
            help="share kept out of training and used for the report; 0 trains on everything  "
            f"[default: {HOLDOUT} of a file; a data set's own test part]",
        ),
    ] = None
    test: Annotated[
        str | None, typer.Option("--test", metavar="DATA", help="other data to report on; nothing is held out")
    ] = None

    def parameters(self) -> dict[str, Any]:
        """Returns none: all are about the data."""
        return {}

    def opened(self, source: str, seed: int) -> Parts:
        """Reads sequences."""
        notes: list[str] = []
        with told(notes) as tell:
            train, test, rest = self._read(source, seed)
            tell(train)
        if test is not None and test.channels != train.channels:
            raise UsageError(f"{test.name}: its channels are not those of {train.name}")
        self.check(train, test)
        return Parts(train, test, f"{train}; {rest}", tuple(notes))

    def load(self, source: str, split: str) -> Any:
        """Returns a part of a source."""
        from carrousel.data import load_sequences

        return load_sequences(source, split=split, **self.to_learn_from())

    def check(self, train: Any, test: Any) -> None:
        """Refuses targets that are none for the estimator, as far as that is known without it."""

    def parts(self, opened: Parts, model: Any) -> Parts:
        """Returns them, and refuses targets that the estimator cannot learn or compare with."""
        tell_fill(model, self.fill)
        model.targets_of(opened.train, training=True)
        if opened.test is not None:
            model.targets_of(opened.test)
        return opened

    def _read(self, source: str, seed: int) -> tuple[Any, Any, str]:
        from carrousel.data import hold_out, splits

        kind: Any = self.kind
        if self.holdout is not None:
            _refuse_no_share(self.holdout)
        if self.test is not None and self.holdout:
            raise UsageError("--test gives data to report on, --holdout keeps some out of DATA: give one of them")
        of_source = splits(source, kind)
        if "test" in of_source and self.holdout is None:
            train = self.load(source, "train")
            if self.test is None:
                test = self.load(source, "test")
                return train, test, f"its test part has {len(test)}"
        elif of_source and self.holdout is not None:
            raise UsageError(f"--holdout: {source} has a test part of its own")
        else:
            train = self.load(source, "all")
        if self.test is not None:
            split = "test" if "test" in splits(self.test, kind) else "all"
            test = self.load(self.test, split)
            return train, test, f"reporting on {len(test)} of {self.test}"
        share = HOLDOUT if self.holdout is None else self.holdout
        if share == 0:
            return train, None, "nothing is held out"
        train, test = hold_out(train, share, seed=seed)
        return train, test, f"{len(test)} more are held out for the report"


@dataclass(frozen=True, kw_only=True)
class ClassOptions(SequenceOptions):
    """Options of sequences, each of a class."""

    def check(self, train: Any, test: Any) -> None:
        """Refuses sequences of one class, or of values."""
        train.classes()


@dataclass(frozen=True, kw_only=True)
class ValueOptions(SequenceOptions):
    """Options of sequences, each with one or several values."""

    def check(self, train: Any, test: Any) -> None:
        """Refuses targets that are no numbers."""
        train.values()


@dataclass(frozen=True, kw_only=True)
class LabelOptions(SequenceOptions):
    """Options of sequences with several labels each."""

    def check(self, train: Any, test: Any) -> None:
        """Refuses sequences without labels, and labels to report on that nothing is learned of."""
        from carrousel.data import DataError
        from carrousel.data._errors import nearest

        known = set(train.labels().tolist())
        if test is None or test.y is None:
            return
        for name, labels in zip(test.ids, test.y, strict=True):
            for label in labels:
                if label and label not in known:
                    raise DataError(
                        f"{test.name}: sequence {name!s} has the label {str(label)!r}, and no sequence to learn from "
                        f"has it{nearest(label, known)}"
                    )


@dataclass(frozen=True, kw_only=True)
class TagOptions(LabelOptions, Grouped):
    """Options of sequences with a label for every step."""

    source: ClassVar[str] = (
        "a data set's name, or a file: words and labels in columns (.conll, .conllu, .iob, .bio), or a table, a row "
        "for each step (.csv, .tsv, .jsonl, .xlsx, .parquet; .gz, .zst, .zip)"
    )
    kind: ClassVar[str] = "tags"

    def load(self, source: str, split: str) -> Any:
        """Returns a part of a source."""
        from carrousel.data import load_tagged

        return load_tagged(source, split=split, **self.to_learn_from())

    def check(self, train: Any, test: Any) -> None:
        """Refuses one label for all steps, beside what is refused of all labels."""
        from carrousel.data import DataError

        super().check(train, test)
        if len(train.labels()) < 2:
            raise DataError(f"{train.name}: all steps have one label ({train.labels()[0]}); 2 are needed")


@dataclass(frozen=True, kw_only=True)
class StringOptions(LabelOptions, Recorded):
    """Options of sequences with a string of labels each."""

    source: ClassVar[str] = (
        "a data set's name, or a file: a table of recordings and their texts (.csv, .tsv, .jsonl, .xlsx, .parquet; "
        ".gz, .zst, .zip), strokes of a pen (.inkml, .json), or .npz"
    )
    kind: ClassVar[str] = "strings"

    def load(self, source: str, split: str) -> Any:
        """Returns a part of a source."""
        from carrousel.data import load_transcribed

        return load_transcribed(source, split=split, **self.to_learn_from())


@dataclass(frozen=True, kw_only=True)
class SeriesOptions(Written):
    """Options of one series, whose next steps are to be forecast."""

    source: ClassVar[str] = "airline, lynx, shampoo-sales, or a file"

    target: Annotated[str | None, typer.Option(help="column to forecast  [default: the only column]")] = None
    horizon: Annotated[int, typer.Option(min=1, show_default=False, help="steps to forecast")]
    season: Annotated[int | None, typer.Option(min=1, help="steps in a season  [default: told by the times]")] = None
    context: Annotated[
        int | None,
        typer.Option(min=1, help="steps that a forecast looks back  [default: chosen from horizon and season]"),
    ] = None
    known: Annotated[str | None, typer.Option(help="columns known in advance: a,b")] = None
    time: Annotated[
        str | None,
        typer.Option(help="column of times, several such as year,month, or none (tables)  [default: found]"),
    ] = None
    channels: Annotated[str | None, typer.Option(help="columns to use: a,b,c (tables)  [default: all numbers]")] = None
    freq: Annotated[str | None, typer.Option(help="step of time: h, D, MS, 15min, …  [default: told]")] = None
    holdout: Annotated[
        float, typer.Option(help="share at the end kept out of training and used for the report; 0 trains on all")
    ] = HOLDOUT

    def parameters(self) -> dict[str, Any]:
        """Returns the estimator's parameters among them."""
        known = tuple(names(self.known) or ())
        values = {"target": self.target, "season": self.season, "context": self.context, "known": known or None}
        return {"horizon": self.horizon, **{name: value for name, value in values.items() if value is not None}}

    def options(self) -> dict[str, Any]:
        """Returns those of the reader."""
        return {
            **super().options(), "time": names(self.time), "channels": self._channels(), "freq": self.freq
        }  # fmt: skip

    def _channels(self) -> list[str] | None:
        """Returns the columns to use: with those that are asked for, the target and what is known."""
        if self.channels is None:
            return None
        wanted = [*(names(self.channels) or []), *([self.target] if self.target else []), *(names(self.known) or [])]
        return list(dict.fromkeys(wanted))

    def opened(self, source: str, seed: int) -> Parts:
        """Reads the series, and holds its end out."""
        from carrousel.data import load_series

        notes: list[str] = []
        with told(notes) as tell:
            series = load_series(source, **self.to_learn_from())
            tell(series)
        self._refuse_columns(source, series)
        _refuse_no_share(self.holdout)
        steps = len(series)
        if self.horizon >= steps:
            raise UsageError(f"{source}: --horizon {self.horizon} is longer than the series allows ({steps} steps)")
        last = 0 if self.holdout == 0 else max(round(self.holdout * steps), self.horizon)
        first = steps - last
        if last and first <= self.horizon:
            raise UsageError(
                f"{source}: with --horizon {self.horizon}, {last} of {steps} steps are held out and too few are left; "
                "give a shorter --horizon, or --holdout 0"
            )
        train, test = (replace(series, frame=frame) for frame in (series.frame.iloc[:first], series.frame.iloc[first:]))
        if not last:
            return Parts(train, None, f"{series}; nothing is held out", tuple(notes))
        about = f"{series}; training on the first {first}, reporting on the last {last}"
        return Parts(train, test, about, tuple(notes))

    def parts(self, opened: Parts, model: Any) -> Parts:
        """Returns the series."""
        tell_fill(model, self.fill)
        return opened

    def _refuse_columns(self, source: str, series: Series) -> None:
        """Refuses columns that the series does not have, and several without a target."""
        from carrousel.data._errors import nearest

        there = ", ".join(series.columns)
        if self.target is None and len(series.columns) > 1:
            raise UsageError(f"{source}: say with --target which column to forecast ({there})")
        targets = [] if self.target is None else [("--target", self.target)]
        for option, column in [*targets, *(("--known", name) for name in names(self.known) or [])]:
            if column not in series.columns:
                raise UsageError(
                    f"{source}: no column {column!r} ({option}){nearest(column, series.columns)} (it has {there})"
                )


def _refuse_no_share(holdout: float) -> None:
    if not 0 <= holdout < 1:
        raise UsageError(f"--holdout {holdout}: a share between 0 and 1")
