"""Sequences of numbers or symbols, and the labels of each, as an estimator takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from carrousel.data import DataError, File, Labelled
from carrousel.data._errors import nearest
from carrousel.estimators._sequence_gaps import without_gaps
from carrousel.estimators._sequence_training import TrainsOnSequences
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._symbols import SYMBOL, Vocabulary, are_symbols, symbols_of
from carrousel.estimators._windowed import WindowBaseline
from carrousel.nets._losses import NO_LABEL

__all__ = ["Labels", "ReadsLabels"]


@dataclass(frozen=True)
class Labels:
    """The numbers of the labels of N sequences.

    Attributes:
        numbers: laid end to end, int64; -1 for a step without a label.
        counts: how many each sequence has, [N].
    """

    numbers: np.ndarray
    counts: np.ndarray

    def take(self, chosen: np.ndarray) -> Labels:
        """Returns those of the sequences numbered in ``chosen``, in that order."""
        ends = np.cumsum(self.counts)
        parts = [self.numbers[ends[i] - self.counts[i] : ends[i]] for i in chosen]
        return Labels(np.concatenate(parts) if parts else self.numbers[:0], self.counts[chosen])

    def each(self) -> list[np.ndarray]:
        """Returns those of each sequence."""
        return np.split(self.numbers, np.cumsum(self.counts)[:-1])


class Known:
    """What an estimator of labels knows of them once it is fitted.

    Attributes:
        classes_: the labels, sorted [K].
        vocabulary_: the symbols of the training part; None where sequences are of numbers.
        rival_: the linear method beside which it is set.
    """

    classes_: np.ndarray
    vocabulary_: Vocabulary | None
    rival_: WindowBaseline
    _rare: torch.Tensor | None


@dataclass(eq=False, repr=False, kw_only=True)
class ReadsLabels(Known, TrainsOnSequences):
    """Takes sequences of numbers or symbols with labels, and those it was not fitted on as it knows them.

    Attributes:
        embedding: numbers in the vector of a symbol, where sequences are of symbols or words.

    All others are as in ``TrainsOnSequences``.
    """

    embedding: int = 32

    @property
    def _item(self) -> str:
        """What messages call one of X."""
        return "sequence"

    def _plain_labels(self, y: Any, count: int, what: str) -> list[list[Any]]:
        """Returns the labels of each sequence, all text, all whole numbers, or all booleans.

        Raises:
            ValueError: they are not as many as sequences, or something else.
        """
        name = type(self).__name__
        if y is None:
            raise ValueError(f"{name} requires y to be passed, but the target y is None")
        try:
            each = [labels.tolist() if isinstance(labels, np.ndarray) else list(labels) for labels in y]
        except TypeError:
            raise ValueError(f"{what} must hold a list of labels for each sequence: [['a', 'b'], ...]") from None
        if len(each) != count:
            raise ValueError(f"Found input variables with inconsistent numbers of samples: [{count}, {len(each)}]")
        each = [[label.item() if isinstance(label, np.generic) else label for label in labels] for labels in each]
        kinds = {type(label) for labels in each for label in labels}
        other = kinds - {str, int, bool}
        if other or len(kinds) > 1:
            words = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise ValueError(f"{what} holds {words}; labels are all text, all whole numbers or all booleans")
        return each

    def _numbered(self, each: list[list[Any]], what: str) -> Labels:
        """Returns the numbers of labels; ValueError for one that the training data did not have."""
        known: dict[Any, int] = {label: k for k, label in enumerate(self.classes_.tolist())}
        known[""] = NO_LABEL
        numbers = np.empty(sum(map(len, each)), dtype=np.int64)
        place = 0
        for i, labels in enumerate(each):
            for label in labels:
                if label not in known:
                    raise ValueError(
                        f"{self._item} {i} of {what} has the label {label!r}, which the training data does not have"
                    )
                numbers[place] = known[label]
                place += 1
        return Labels(numbers, np.array([len(labels) for labels in each], dtype=np.int64))

    def _first_read(self, X: Any, names: Any) -> tuple[Ragged | None, list[str], np.ndarray]:
        """Returns X as an estimator takes it that knows nothing yet: sequences of numbers, or symbols; and lengths."""
        if not are_symbols(X):
            sequences = self._read(X)
            self._check_channels(X, sequences, names)
            return sequences, [], sequences.lengths
        if self.fill is not None:
            raise ValueError(f"fill={self.fill!r}: symbols have no missing values")
        symbols, lengths = symbols_of(X)
        self.n_channels_ = self.n_features_in_ = 1
        self._flat = None
        self.channel_names_ = [SYMBOL] if names is None else [str(name) for name in names]
        self.__dict__.pop("feature_names_in_", None)  # of a fit before on frames
        return None, symbols, lengths

    def _data(
        self, read: tuple[Ragged | None, list[str], np.ndarray], labels: Labels, groups: np.ndarray | None,
        validation: tuple[Any, Labels] | None,
    ) -> list[Any]:  # fmt: skip
        """Returns all that a run is trained on, by which its checkpoint knows it."""
        sequences, symbols, lengths = read
        data: list[Any] = ["\0".join(symbols), lengths]
        if sequences is not None:
            data = [sequences.values, sequences.extents]
        data += [labels.numbers, labels.counts, "\0".join(map(repr, self.classes_.tolist()))]
        data += [] if groups is None else [groups]
        if validation is not None:
            X, of_it = validation
            given = (
                "\0".join(symbols_of(X)[0]) if sequences is None else super()._accepted(X, "validation_data's X").values
            )
            data += [given, of_it.numbers, of_it.counts]
        return data

    def _accepted(self, X: Any, what: str = "X") -> Ragged:
        if self.vocabulary_ is None:
            if are_symbols(X):
                raise TypeError(f"{what} holds symbols, and {type(self).__name__} was fitted on numbers")
            return super()._accepted(X, what)
        return self.vocabulary_.ragged(*symbols_of(X, what))

    def _inputs(self, sequences: Ragged) -> np.ndarray:
        """Returns what the network is given of sequences, one after the other."""
        if self.vocabulary_ is not None:
            return sequences.values.astype(np.int64)
        return self._scaled(sequences)

    def _plain(self, sequences: Ragged) -> Ragged:
        """Returns sequences as a linear method sees them: standardised, without gaps; symbols as their numbers."""
        if self.vocabulary_ is not None:
            return sequences
        plain = without_gaps(sequences, self.scaler_.mean)
        return replace(plain, values=self.scaler_(plain.values).astype(np.float64))

    def _unknown(self, sequences: Ragged) -> tuple[str, ...]:
        """Returns how many symbols are unknown, in words; nothing if none is."""
        if self.vocabulary_ is None:
            return ()
        count, steps = int((sequences.values == 0).sum()), len(sequences.values)
        if not count:
            return ()
        return (f"{count:,} of {steps:,} symbols ({100 * count / steps:.2g} %) do not occur in the training data.",)

    def read(
        self,
        source: str | Path | File,
        *,
        split: str | None = None,
        channels: list[str] | None = None,
        **options: Any,
    ) -> Any:
        """Reads sequences as the fitted model takes them; the arguments are as in the other estimators.

        Raises:
            DataError: the data cannot be read, have another number of channels, or are symbols where numbers are
                wanted.
        """
        data = super().read(source, split=split, channels=channels, **options)
        if isinstance(data, Labelled) and data.symbolic != (self.vocabulary_ is not None):
            has, wants = ("symbols", "numbers") if data.symbolic else ("numbers", "symbols")
            raise DataError(f"{data.name}: its steps are {has}, the model was trained on {wants}")
        return data

    def targets_of(self, data: Any, *, training: bool = False) -> list[Any]:
        """Returns the labels of sequences as ``carrousel.data`` reads them.

        Args:
            data: the sequences.
            training: whether they are to be learned.

        Raises:
            DataError: there are none, or they are none for this estimator.
        """
        if data.y is None:
            raise DataError(
                f"{data.name}: there are no labels to {'learn' if training else 'compare with'}; "
                "label= in Python, --label on the command line, names their column"
            )
        if not training and hasattr(self, "classes_"):
            known = set(map(str, self.classes_.tolist())) | {""}
            for name, labels in zip(data.ids, data.y, strict=True):
                for label in labels:
                    if str(label) not in known:
                        raise DataError(
                            f"{data.name}: {self._item} {name!s} has the label {str(label)!r}, which the model does "
                            f"not know{nearest(label, known)}"
                        )
        return list(data.y)

    def _given(self, X: list[np.ndarray]) -> list[np.ndarray]:
        return X if are_symbols(X) else super()._given(X)
