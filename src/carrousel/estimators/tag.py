"""Sequences to a class for every step."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import f1_score

from carrousel import pictures
from carrousel._format import fitted, whole
from carrousel.data import DataError, Tagged
from carrousel.data._registry import Kind
from carrousel.estimators._calibration import shares
from carrousel.estimators._label_estimator import LabelEstimator, ratio_error
from carrousel.estimators._label_reading import Labels
from carrousel.estimators._params import integer, lstm_options
from carrousel.estimators._report import Report, Score, figure
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._weights import class_weights
from carrousel.nets._losses import NO_LABEL
from carrousel.nets.tagger import Tagger
from carrousel.training._progress import ProgressCallback

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LSTMTagger"]

MOST_NAMED = 20  # classes whose F1 a report names


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMTagger(LabelEstimator):
    """Names the class of every step with an LSTM, or any other cell of the family: tags of words, phones, activities.

    Both directions see the whole sequence; a single one sees what came before, and ``delay`` steps of what follows. A
    part of the training data is set aside to end training early and to choose the weights.

    Args:
        hidden_size: cells in each layer and direction.
        delay: steps between a step and the answer for it, for one direction (Graves & Schmidhuber 2005).
        class_weight: None, ``"balanced"`` or ``{class: weight}``.

    Of symbols, missing values and validation see ``LabelEstimator``. All other parameters are those of the room's
    recipe: the options of ``carrousel.LSTM``, under their names there, and of the training (learning_rate, batch_size,
    ...); see ``carrousel.estimators.Recipe``.

    Attributes:
        classes_: the labels, sorted [K].
        vocabulary_: the symbols of the training part; None where steps are numbers. Others are read as one unknown
            symbol, whose vector is learned from rare ones.
        n_channels_, channel_names_, n_features_in_, feature_names_in_: as in LSTMClassifier; of symbols one.
        history_: one dict per epoch: epoch, learning_rate, train_loss, valid_loss, accuracy (of the validation part).
        best_epoch_, network_, fit_seconds_: as in LSTMClassifier.

    Raises:
        ValueError: as LSTMClassifier, and where a sequence has another number of labels than steps.

    Which steps follow a pulse, up to the next one?

    >>> import numpy as np
    >>> from carrousel.estimators import LSTMTagger
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.choice([0.0, 0.0, 0.0, 1.0, -1.0], size=(n, 1)) for n in rng.integers(6, 15, size=60)]
    >>> y = []
    >>> for x in X:
    ...     now, tags = "off", []
    ...     for value in x[:, 0]:
    ...         now = {1.0: "on", -1.0: "off"}.get(value, now)
    ...         tags.append(now)
    ...     y.append(tags)
    >>> model = LSTMTagger(hidden_size=16, max_epochs=40, random_state=0).fit(X[:40], y[:40])
    >>> bool(model.score(X[40:], y[40:]) > 0.95)
    True
    >>> model.predict([[[0.0], [1.0], [0.0], [-1.0]]])[0].tolist()
    ['off', 'on', 'on', 'off']
    """

    hidden_size: int = field(default=64, kw_only=False)
    dropout: float = 0.3
    delay: int = 0
    class_weight: Any = None

    _kind: ClassVar[Kind] = "tags"
    _figure: ClassVar[str] = "accuracy"

    def _check_options(self) -> None:
        integer(self, "delay", least=0)
        if self.delay and self.bidirectional:
            raise ValueError(
                f"delay={self.delay} is for one direction (bidirectional=False); both see what follows without it"
            )
        super()._check_options()

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        groups: Any = None,
        validation_data: tuple[Any, Any] | None = None,
        channel_names: list[str] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> LSTMTagger:
        """Trains on the sequences X and the labels y of their steps.

        Args:
            X: list of ``[T_i, C]`` arrays or DataFrames, or one ``[N, T, C]`` array; or symbols: a list of ``[T_i]``
                lists of str, or of texts, whose letters are the symbols.
            y: a list of ``[T_i]`` labels for each sequence: text, ``""`` for a step that has none; or whole numbers, or
                booleans.
            groups: as in LSTMClassifier.fit, as are validation_data (``(X, y)``), channel_names, checkpoint, resume and
                progress.
            validation_data: as there.
            channel_names: as there.
            checkpoint: as there.
            resume: as there.
            progress: as there.
        """
        self._check_options()
        read = self._first_read(X, channel_names)
        lengths = read[2]
        each = self._labels_of(y, lengths, "y")
        persons = self._groups(groups, len(lengths), validation_data)
        self.classes_ = np.unique([label for labels in each for label in labels if label != ""])
        if len(self.classes_) < 2:
            only = f", but y holds one class only: {self.classes_[0]!s}" if len(self.classes_) else ""
            raise ValueError(f"LSTMTagger needs at least 2 classes{only}")
        labels = self._numbered(each, "y")
        seed = self._draw_seed(checkpoint, resume)
        parts, validation = self._divided(lengths, persons, validation_data, seed)
        identity = self._identity(seed, self._data(read, labels, persons, validation))
        known = labels.numbers[labels.numbers != NO_LABEL]
        learned = labels.take(parts[0]).numbers
        weight = class_weights(self.class_weight, self.classes_[known], self.classes_, None)
        self._weight = weight / weight[learned[learned != NO_LABEL]].mean()
        run = {"checkpoint": checkpoint, "resume": resume, "progress": progress}
        sequences = self._learn(read, labels, parts, validation, seed, identity, run)

        self.frequent_ = int(np.bincount(known).argmax())
        self.by_symbol_ = (
            None if self.vocabulary_ is None else _by_symbol(sequences, labels, self.frequent_, len(self.vocabulary_))
        )
        weights = None if self.class_weight is None else dict(enumerate(weight))
        right = None if self.bidirectional else int(self.delay)
        self.rival_ = self._fit_rival(sequences, labels.numbers, right, weights)
        return self

    def _labels_of(self, y: Any, lengths: np.ndarray, what: str) -> list[list[Any]]:
        """Returns the labels of each sequence, as many as it has steps."""
        each = self._plain_labels(y, len(lengths), what)
        for i, (labels, length) in enumerate(zip(each, lengths.tolist(), strict=True)):
            if len(labels) != length:
                raise ValueError(
                    f"sequence {i} has {length} steps, but {what} has {len(labels)} labels for it; each step has one"
                )
        return each

    def _counts(self, output: np.ndarray, target: np.ndarray) -> tuple[float, float]:
        there = target != NO_LABEL
        return int((output.argmax(axis=2) == target)[there].sum()), int(there.sum())

    def _build_to_learn(self) -> torch.nn.Module:
        return self._network(torch.tensor(self._weight, dtype=torch.float32))

    def _build(self) -> torch.nn.Module:
        return self._network(None)

    def _network(self, weights: torch.Tensor | None) -> torch.nn.Module:
        return Tagger(
            self._width,
            len(self.classes_),
            delay=int(self.delay),
            weights=weights,
            dropout=float(self.dropout),
            noise=float(self.input_noise),
            lstm=lstm_options(self),
            symbols=self._symbol_count,
            unknown=self._rare,
        )

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Returns the probability of each class at each step, in the order of ``classes_``: a list of [T_i, K]."""
        return [shares(logits) for logits in self._outputs(self._sequences(X))]

    def predict(self, X: Any) -> list[np.ndarray]:
        """Returns the most probable class of each step, a list of [T_i]."""
        return [self.classes_[logits.argmax(axis=1)] for logits in self._outputs(self._sequences(X))]

    def score(self, X: Any, y: Any) -> float:
        """Returns the share of the steps of all sequences whose class is right."""
        sequences = self._sequences(X)
        labels = self._numbered(self._labels_of(y, sequences.lengths, "y"), "y").numbers
        said = np.concatenate(self._outputs(sequences)).argmax(axis=1)
        return float((said == labels)[labels != NO_LABEL].mean())

    def report(self, X: Any, y: Any) -> Report:
        """Compares the model with simple methods; the share of steps whose class is right decides.

        These are the most frequent class, of symbols the most frequent class of each symbol, and a logistic regression
        on a window of steps: of numbers five before and after, of symbols two, but none that the model does not see.
        The F1 is the mean over the classes that occur; the model's own are named below the verdict.
        """
        sequences = self._sequences(X)
        labels = self._numbered(self._labels_of(y, sequences.lengths, "y"), "y").numbers
        there = labels != NO_LABEL
        if not there.any():
            raise ValueError("y has no label: there is nothing to compare with")
        said = {
            self._method: np.concatenate(self._outputs(sequences)).argmax(axis=1),
            "logistic regression on a window": self.rival_(self._plain(sequences)).argmax(axis=1),
            "most frequent class": np.full(len(labels), self.frequent_),
        }
        if self.by_symbol_ is not None:
            said["most frequent class of the symbol"] = self.by_symbol_[sequences.values[:, 0].astype(np.int64)]
        actual, present = labels[there], np.unique(labels[there])
        scores = tuple(
            Score(
                method,
                method != self._method,
                {
                    "accuracy": float((guess[there] == actual).mean()),
                    "F1": float(f1_score(actual, guess[there], labels=present, average="macro", zero_division=0.0)),
                },
            )
            for method, guess in said.items()
        )
        best = max(scores[1:], key=lambda score: score.metrics["accuracy"])
        better = (said[self._method] == labels).astype(float) - (said[best.method] == labels)
        ends = np.cumsum(sequences.lengths)[:-1]
        summed, counts = (
            np.array([part.sum() for part in np.split(v * there, ends)]) for v in (better, np.ones(len(labels)))
        )
        error = ratio_error(summed, counts)
        notes = (*self._by_class(actual, said[self._method][there]), *self._unknown(sequences))
        return Report("tagging", "accuracy", True, scores, len(sequences), error, notes)

    def _by_class(self, actual: np.ndarray, said: np.ndarray) -> tuple[str, ...]:
        """Returns the F1 of each class that occurs, in words; nothing if they are many."""
        present = np.unique(actual)
        if len(present) > MOST_NAMED:
            return ()
        values = np.asarray(f1_score(actual, said, labels=present, average=None, zero_division=0.0))
        each = (f"{self.classes_[k]!s} {figure(float(value))}" for k, value in zip(present, values, strict=True))
        return (f"F1 of {self._method} by class: {', '.join(each)}.",)

    def targets_of(self, data: Tagged, *, training: bool = False) -> list[np.ndarray]:
        """Returns the labels of sequences as ``carrousel.data`` reads them; to learn, two are needed."""
        found = super().targets_of(data, training=training)
        if training and len(data.labels()) < 2:
            raise DataError(f"{data.name}: all steps have one label ({data.labels()[0]}); 2 are needed")
        return found

    def table(self, data: Tagged) -> pd.DataFrame:
        """Returns the class of each step under ``prediction``, and the probability of every class."""
        found = np.concatenate(self.predict_proba(self._given(data.X)))
        steps = np.concatenate([np.arange(len(x)) for x in data.X])
        columns: dict[str, Any] = {"id": np.repeat(data.ids, data.lengths), "step": steps}
        if data.symbolic:
            columns[data.channels[0]] = np.concatenate(data.X)
        columns["prediction"] = self.classes_[found.argmax(axis=1)]
        return pd.DataFrame(
            columns | {f"probability {name}": found[:, k].round(6) for k, name in enumerate(self.classes_)}
        )

    def _drawn(self, one: Tagged, title: str) -> dict[str, Figure]:
        said = self.predict_proba(self._given(one.X))[0]
        tags = self.classes_[said.argmax(axis=1)]
        actual = None if one.y is None else one.y[0]
        if actual is not None:
            right, count = int((tags.astype(str) == actual)[actual != ""].sum()), int((actual != "").sum())
            title = f"{title}: {right} of {count} steps right"
        drawn = pictures.draw_tags(
            said, self.classes_, one.X[0], tags=tags, actual=actual, channels=one.channels, title=title
        )
        return {"tags": drawn}

    def _confusion(self, actual: list[Any], said: list[Any], name: str) -> Figure:
        true, found = np.concatenate(actual), np.concatenate(said).astype(str)
        there = true != ""
        true, found = true[there], found[there]
        title = f"{name}: {int((true == found).sum()):,} of {len(true):,} steps right"
        return pictures.draw_confusion(true, found, title=title)

    def _facts(self) -> dict[str, Any]:
        return {**super()._facts(), "frequent": self.frequent_}

    def _arrays(self) -> dict[str, np.ndarray]:
        by_symbol = {} if self.by_symbol_ is None else {"by_symbol": self.by_symbol_}
        return {**super()._arrays(), **by_symbol}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super()._restore(facts, arrays)
        classes = len(self.classes_)
        self.frequent_ = whole(facts["frequent"], "its most frequent class", 0, classes - 1)
        self.by_symbol_ = None
        if self.vocabulary_ is not None:
            found = {name: value for name, value in arrays.items() if name == "by_symbol"}
            self.by_symbol_ = fitted(found, {"by_symbol": ((len(self.vocabulary_),), np.int64)})["by_symbol"]
            if not ((self.by_symbol_ >= 0) & (self.by_symbol_ < classes)).all():
                raise ValueError("its most frequent classes of symbols are damaged")


def _by_symbol(sequences: Ragged, labels: Labels, frequent: int, symbols: int) -> np.ndarray:
    """Returns the most frequent class of each symbol, [V]; ``frequent`` of one that never had a label."""
    there = labels.numbers != NO_LABEL
    counts = np.zeros((symbols, int(labels.numbers.max()) + 1))
    np.add.at(counts, (sequences.values[there, 0].astype(np.int64), labels.numbers[there]), 1)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), frequent)
