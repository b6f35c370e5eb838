"""Options of ``carrousel train`` that say what to train on and what to report on, for each kind of data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import tell_fill, told
from carrousel.cli._options import DATA, Columns

if TYPE_CHECKING:
    from carrousel.data import Sequences

__all__ = ["HOLDOUT", "ClassOptions", "Parts", "PartsOptions", "SequenceOptions", "ValueOptions", "refuse_no_share"]

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

    def estimator(self) -> type:
        """Returns the class that learns from such data; importing it takes seconds."""
        ...

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

    groups: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="column of what sequences belong to, such as a person: kept together (tables)"
        ),
    ] = None
    sample_weight: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="column of how much a sequence counts in training (tables)")
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
        self.check(train)
        return Parts(train, test, f"{train}; {rest}", tuple(notes))

    def check(self, train: Sequences) -> None:
        """Refuses targets that are none for the estimator, as far as that is known without it."""

    def parts(self, opened: Parts, model: Any) -> Parts:
        """Returns them, and refuses targets that the estimator cannot learn or compare with."""
        tell_fill(model, self.fill)
        model.targets_of(opened.train, training=True)
        if opened.test is not None:
            model.targets_of(opened.test)
        return opened

    def _read(self, source: str, seed: int) -> tuple[Sequences, Sequences | None, str]:
        from carrousel.data import hold_out, load_sequences, splits

        options = self.to_learn_from()
        learned = options | {"groups": self.groups, "sample_weight": self.sample_weight}
        if self.holdout is not None:
            refuse_no_share(self.holdout)
        if self.test is not None and self.holdout:
            raise UsageError("--test gives data to report on, --holdout keeps some out of DATA: give one of them")
        of_source = splits(source)
        if "test" in of_source and self.holdout is None:
            train = load_sequences(source, split="train", **learned)
            if self.test is None:
                test = load_sequences(source, split="test", **options)
                return train, test, f"its test part has {len(test)}"
        elif of_source and self.holdout is not None:
            raise UsageError(f"--holdout: {source} has a test part of its own")
        else:
            train = load_sequences(source, **learned)
        if self.test is not None:
            split = "test" if "test" in splits(self.test) else "all"
            test = load_sequences(self.test, split=split, **options)
            return train, test, f"reporting on {len(test)} of {self.test}"
        share = HOLDOUT if self.holdout is None else self.holdout
        if share == 0:
            return train, None, "nothing is held out"
        train, test = hold_out(train, share, seed=seed)
        return train, test, f"{len(test)} more are held out for the report"


@dataclass(frozen=True, kw_only=True)
class ClassOptions(SequenceOptions):
    """Options of sequences, each of a class."""

    def estimator(self) -> type:
        """Returns the classifier."""
        from carrousel.estimators import LSTMClassifier

        return LSTMClassifier

    def check(self, train: Sequences) -> None:
        """Refuses sequences of one class, or of values."""
        train.classes()


@dataclass(frozen=True, kw_only=True)
class ValueOptions(SequenceOptions):
    """Options of sequences, each with one or several values."""

    def estimator(self) -> type:
        """Returns the regressor."""
        from carrousel.estimators import LSTMRegressor

        return LSTMRegressor

    def check(self, train: Sequences) -> None:
        """Refuses targets that are no numbers."""
        train.values()


def refuse_no_share(holdout: float) -> None:
    """Refuses what is no share to hold out."""
    if not 0 <= holdout < 1:
        raise UsageError(f"--holdout {holdout}: a share between 0 and 1")
