"""Options of ``carrousel train`` that say what to train on and what to report on, for each kind of data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import told
from carrousel.cli._options import DATA, ColoursOf, Columns, Grouped, LabelsFile, PathColumn, Recorded

__all__ = [
    "HOLDOUT",
    "ClassOptions",
    "Parts",
    "PartsOptions",
    "SequenceOptions",
    "StringOptions",
    "TagOptions",
    "ValueOptions",
    "refuse_no_share",
    "refuse_two_parts",
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

    def opened(self, source: Any, seed: int) -> Any:
        """Reads what can be read before estimators are imported, which takes seconds: most mistakes are found here."""
        ...

    def parts(self, opened: Any, model: Any) -> Parts:
        """Returns the data for an estimator that is to be trained, of what ``opened`` returned."""
        ...


@dataclass(frozen=True, kw_only=True)
class SequenceOptions(Columns):
    """Options of sequences, each with a target."""

    source: ClassVar[str] = DATA
    kind: ClassVar[Any] = "sequences"  # of data, as the readers call it

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

    def kind_of(self, source: str) -> Any:
        """Returns what a source holds, as the readers call it."""
        return self.kind

    def load(self, source: str, split: str) -> Any:
        """Returns a part of a source."""
        from carrousel.data.load import LOADERS

        return LOADERS[self.kind_of(source)](source, split=split, **self.to_learn_from())

    def load_other(self, source: str, split: str) -> Any:
        """Returns a part of a source that is only reported on."""
        return self.load(source, split)

    def check(self, train: Any, test: Any) -> None:
        """Refuses targets that are none for the estimator, as far as that is known without it."""

    def parts(self, opened: Parts, model: Any) -> Parts:
        """Returns them, and refuses targets that the estimator cannot learn or compare with."""
        model.targets_of(opened.train, training=True)
        if opened.test is not None:
            model.targets_of(opened.test)
        return opened

    def _read(self, source: str, seed: int) -> tuple[Any, Any, str]:
        from carrousel.data import hold_out, splits

        kind = self.kind_of(source)
        refuse_two_parts(self.test, self.holdout)
        of_source = splits(source, kind)
        if "test" in of_source and self.holdout is None:
            train = self.load(source, "train")
            if self.test is None:
                test = self.load_other(source, "test")
                return train, test, f"its test part has {len(test)}"
        elif of_source and self.holdout is not None:
            raise UsageError(f"--holdout: {source} has a test part of its own")
        else:
            train = self.load(source, "all")
        if self.test is not None:
            beside = self.kind_of(self.test)
            if beside != kind:
                raise UsageError(f"--test {self.test} holds {beside}, and {source} holds {kind}")
            split = "test" if "test" in splits(self.test, kind) else "all"
            test = self.load_other(self.test, split)
            return train, test, f"reporting on {len(test)} of {self.test}"
        share = HOLDOUT if self.holdout is None else self.holdout
        if share == 0:
            return train, None, "nothing is held out"
        train, test = hold_out(train, share, seed=seed)
        return train, test, f"{len(test)} more are held out for the report"


@dataclass(frozen=True, kw_only=True)
class WeighedOptions(SequenceOptions):
    """Options of sequences, each with one target, which may have something in common and count differently."""

    groups: Annotated[
        str | None,
        typer.Option(
            "--groups",
            "--group",
            metavar="COLUMN",
            help="column of the person, or what else sequences have in common: kept together (tables)",
        ),
    ] = None
    sample_weight: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="column of how much a sequence counts in training (tables)")
    ] = None

    def load(self, source: str, split: str) -> Any:
        """Returns a part of a source."""
        from carrousel.data import load_sequences

        beside = {"group": self.groups, "sample_weight": self.sample_weight}
        return load_sequences(source, split=split, **self.to_learn_from(), **beside)

    def load_other(self, source: str, split: str) -> Any:
        """Returns what is only reported on, and needs neither groups nor weights."""
        return super().load(source, split)


@dataclass(frozen=True, kw_only=True)
class ClassOptions(WeighedOptions):
    """Options of sequences, or images, each of a class."""

    source: ClassVar[str] = (
        f"{DATA}; or images: mnist-5k, a folder with a folder for each class, a table of their paths, MNIST's .idx"
    )

    path: PathColumn = None
    colours: ColoursOf = None
    labels: LabelsFile = None

    def kind_of(self, source: str) -> Any:
        """Returns ``"images"`` for what holds images and no sequences."""
        return "images" if _holds_images(source, self.kind, self.options()) else self.kind

    def options(self) -> dict[str, Any]:
        """Returns them as the readers take them."""
        return {**super().options(), "path": self.path, "colours": self.colours, "labels": self.labels}

    def load(self, source: str, split: str) -> Any:
        """Returns a part of a source."""
        if self.kind_of(source) != "images":
            return super().load(source, split)
        for option, column in (("--groups", self.groups), ("--sample-weight", self.sample_weight)):
            if column is not None:
                raise UsageError(f"{option}: {source} holds images, and no table with a column {column}")
        return self.load_other(source, split)

    def check(self, train: Any, test: Any) -> None:
        """Refuses sequences and images of one class, or of values."""
        train.classes()


@dataclass(frozen=True, kw_only=True)
class ValueOptions(WeighedOptions):
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
    kind: ClassVar[Any] = "tags"

    def check(self, train: Any, test: Any) -> None:
        """Refuses one label for all steps, beside what is refused of all labels."""
        from carrousel.data import DataError

        super().check(train, test)
        if len(train.labels()) < 2:
            raise DataError(f"{train.name}: all steps have one label ({train.labels()[0]}); 2 are needed")


@dataclass(frozen=True, kw_only=True)
class StringOptions(LabelOptions, Recorded):
    """Options of sequences, or images of lines, with a string of labels each."""

    source: ClassVar[str] = (
        "a data set's name, or a file: a table of recordings, or pictures, and their texts (.csv, .tsv, .jsonl, .xlsx, "
        ".parquet; .gz, .zst, .zip), strokes of a pen (.inkml, .json), or .npz"
    )
    kind: ClassVar[Any] = "strings"

    def kind_of(self, source: str) -> Any:
        """Returns ``"images"`` for what holds images of lines, and no sequences."""
        return "images" if _holds_images(source, self.kind, self.options()) else self.kind


def _holds_images(source: str, kind: Any, options: dict[str, Any]) -> bool:
    """Tells whether a source holds images and nothing of a kind: such a table is one of pictures."""
    from carrousel.data import DataError, File, find
    from carrousel.data.readers.images import names_pictures

    try:
        found = find(source, kind)
    except DataError:
        try:
            find(source, "images")
        except DataError:
            return False
        return True
    known = {"path", "where", "sep", "encoding", "max_size"}
    given = {name: value for name, value in options.items() if name in known and value is not None}
    return isinstance(found, File) and names_pictures(found, **given)


def refuse_no_share(holdout: float) -> None:
    """Refuses what is no share to hold out."""
    if not 0 <= holdout < 1:
        raise UsageError(f"--holdout {holdout}: a share between 0 and 1")


def refuse_two_parts(test: str | None, holdout: float | None) -> None:
    """Refuses what is no share to hold out, and two ways of saying what is reported on."""
    if holdout is not None:
        refuse_no_share(holdout)
    if test is not None and holdout:
        raise UsageError("--test gives data to report on, --holdout keeps some out of DATA: give one of them")
