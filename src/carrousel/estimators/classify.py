"""Sequences to classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length

from carrousel import pictures
from carrousel.data import Sequences
from carrousel.estimators import _saved
from carrousel.estimators._baselines import fit_logistic
from carrousel.estimators._params import check_memory, training_options
from carrousel.estimators._report import Report, Score
from carrousel.estimators._sequence_estimator import SequenceEstimator, paired_error
from carrousel.estimators._sequences import Ragged, as_sequences
from carrousel.estimators._split import split
from carrousel.estimators._weights import class_weights, item_weights, part, parts_of, without_zeros
from carrousel.nets._losses import WeightedCrossEntropy
from carrousel.training._progress import ProgressCallback

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LSTMClassifier"]


def accuracy(logits: np.ndarray, classes: np.ndarray, weights: np.ndarray | None) -> float:
    """Returns the share of items whose class has the greatest logit."""
    return float(np.average(logits.argmax(axis=1) == classes, weights=weights))


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMClassifier(ClassifierMixin, SequenceEstimator):
    """Classifies sequences with an LSTM, or any other cell of the family: LSTM, pooling over time, linear layer.

    Follows scikit-learn's conventions, so that pipelines, cross-validation and grid search work on it. Channels are
    standardised by the training data; a part of the training data is set aside to end training early and to
    choose the weights.

    Args:
        hidden_size: cells in each layer and direction.
        pooling: one vector from all steps: ``"mean"``, ``"max"``, ``"mean-max"`` (both, side by side) or ``"last"``
            (each direction where it has read the whole sequence).
        standardise: shift and scale each channel to mean 0 and deviation 1 over the steps of the training part.
        validation: share of the sequences set aside, stratified by class; with None the last weights are used.
        class_weight: None, ``"balanced"`` or ``{class: weight}``.

    All other parameters are those of the room's recipe: the options of ``carrousel.LSTM``, under their names there, and
    of the training (learning_rate, batch_size, max_epochs, patience, ...); see ``carrousel.estimators.Recipe``.

    Attributes:
        classes_: class labels, sorted [K].
        n_channels_, channel_names_: channels, and their names (list of str).
        n_features_in_: channels; but T if X was a 2-D array [N, T], N sequences of one channel and T steps: then 2-D
            arrays of another width are refused, as scikit-learn wants it.
        feature_names_in_: the columns' names, if X was made of DataFrames with columns of text: then DataFrames with
            other columns, or these in another order, are refused.
        history_: one dict per epoch: epoch, learning_rate, train_loss, valid_loss, accuracy (of the validation part).
        best_epoch_: the epoch of the network's weights: the last whose validation loss is within a standard
            error of the least, for a small validation part cannot tell such epochs apart (without validation the last
            of all).
        network_: the torch module; ``network_.lstm`` is its ``carrousel.LSTM``.
        fit_seconds_: how long ``fit`` trained.

    Raises:
        ValueError: X with NaN or infinity, empty sequences or mixed channel counts (the message names sequence, step
            and channel), fewer than two classes, unknown cell, a parameter out of its range.

    Which half of a sequence holds the pulse?

    >>> import numpy as np
    >>> from carrousel.estimators import LSTMClassifier
    >>> rng = np.random.default_rng(0)
    >>> lengths = rng.integers(6, 15, size=60)
    >>> y = np.array(["early", "late"])[rng.integers(0, 2, size=60)]
    >>> X = [0.1 * rng.normal(size=(n, 1)) for n in lengths]
    >>> for x, label in zip(X, y):
    ...     x[1 if label == "early" else -2] += 1.0
    >>> model = LSTMClassifier(hidden_size=16, max_epochs=25, random_state=0).fit(X[:40], y[:40])
    >>> float(model.score(X[40:], y[40:]))
    1.0
    >>> model.report(X[40:], y[40:]).simpler_wins
    False
    """

    hidden_size: int = field(default=64, kw_only=False)
    dropout: float = 0.3
    input_noise: float = 0.4
    class_weight: Any = None

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        validation_data: tuple[Any, ...] | None = None,
        channel_names: list[str] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> LSTMClassifier:
        """Trains on the sequences X and their classes y.

        Args:
            X: list of ``[T_i, C]`` arrays or DataFrames (ragged is the normal case), one ``[N, T, C]`` array, or a 2-D
                ``[N, T]`` array of N one-channel sequences.
            y: N class labels: strings, integers or booleans.
            sample_weight: N numbers, how much each sequence counts, in the loss and in everything else that is learned
                from it: 2 as if it stood there twice, 0 as if it did not. None: all alike.
            validation_data: ``(X, y)`` or ``(X, y, sample_weight)`` to validate on instead of a share of X.
            channel_names: C names; by default the columns' of DataFrames, or "0", "1", ...
            checkpoint: a file, rewritten in one step after every epoch, that holds all that the next epoch depends on;
                no other training can have it meanwhile.
            resume: go on from ``checkpoint`` if it is there, to the same bits as an unbroken run; a checkpoint of
                another configuration or of other data is refused (ModelError).
            progress: called with a ``Progress`` after each batch and epoch.
        """
        training_options(self)
        check_memory(self)
        if y is None:
            raise ValueError("LSTMClassifier requires y to be passed, but the target y is None")
        sequences = as_sequences(X)
        labels = self._labels(y, len(sequences))
        weights = item_weights(sample_weight, len(sequences))
        self._check_channels(X, sequences, channel_names)
        if weights is not None:
            sequences, labels, weights = without_zeros(sequences, labels, weights)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"LSTMClassifier needs at least 2 classes, but y holds one class only: {labels.tolist()[0]!r}"
            )
        seed = self._draw_seed(checkpoint, resume)
        data: list[Any] = [sequences.values, sequences.lengths, labels, *parts_of(weights)]
        self.baseline_ = fit_logistic(sequences, numbers, len(self.classes_), self._numbered_weights(), weights)
        self.prior_ = np.bincount(numbers, weights) / (len(numbers) if weights is None else weights.sum())

        valid = None
        train_part = np.arange(len(sequences))
        if validation_data is not None:
            valid = self._validation(*validation_data)
            data += [valid[0].values, valid[0].lengths, valid[1], *parts_of(valid[2])]
        elif self.validation is not None:
            train_part, valid_part = split(len(sequences), self.validation, seed, numbers)
            if len(valid_part):
                valid = sequences.take(valid_part), numbers[valid_part], part(weights, valid_part)
        weight = class_weights(self.class_weight, labels, self.classes_, weights)
        weight = weight / np.average(weight[numbers[train_part]], weights=part(weights, train_part))
        self._train(
            sequences.take(train_part),
            numbers[train_part],
            part(weights, train_part),
            valid,
            WeightedCrossEntropy(torch.tensor(weight, dtype=torch.float32)),
            "accuracy",
            accuracy,
            seed,
            self._identity(seed, data),
            {"checkpoint": checkpoint, "resume": resume, "progress": progress},
        )
        return self

    def _labels(self, y: Any, count: int) -> np.ndarray:
        labels = np.asarray(column_or_1d(y, warn=True))
        check_classification_targets(labels)
        check_consistent_length(np.empty(count), labels)
        return labels

    def _numbered_weights(self) -> Any:
        """Returns class_weight with class numbers in place of labels."""
        if not isinstance(self.class_weight, dict):
            return self.class_weight
        return {k: self.class_weight[c] for k, c in enumerate(self.classes_.tolist()) if c in self.class_weight}

    def _validation(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[Ragged, np.ndarray, np.ndarray | None]:
        sequences = as_sequences(X, channels=self.n_channels_, estimator="LSTMClassifier", what="validation_data's X")
        numbers, weights = (
            self._numbers(y, len(sequences), "validation_data's y"),
            item_weights(sample_weight, len(sequences)),
        )
        return (sequences, numbers, None) if weights is None else without_zeros(sequences, numbers, weights)

    def _numbers(self, y: Any, count: int, what: str) -> np.ndarray:
        """Returns the class numbers of the labels; ValueError for a label that the training data did not have."""
        labels = self._labels(y, count)
        unknown = sorted(set(labels.tolist()) - set(self.classes_.tolist()), key=str)
        if unknown:
            raise ValueError(f"{what} holds the class {unknown[0]!r}, which the training data does not have")
        return np.searchsorted(self.classes_, labels.astype(self.classes_.dtype))

    @property
    def _n_outputs(self) -> int:
        return len(self.classes_)

    def _loss(self) -> WeightedCrossEntropy:
        return WeightedCrossEntropy(torch.ones(len(self.classes_)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Returns the probability of each class, in the order of ``classes_``, [N, K]."""
        logits = self._outputs(self._sequences(X))
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """Returns the most probable class of each sequence, [N]."""
        chosen = self._outputs(self._sequences(X)).argmax(axis=1)
        return self.classes_[chosen]

    def table(self, data: Sequences) -> pd.DataFrame:
        """Returns the class of each sequence under ``prediction``, and the probability of every class."""
        shares = self.predict_proba(data.X)
        columns = {"id": data.ids, "prediction": self.classes_[shares.argmax(axis=1)]}
        return pd.DataFrame(
            columns | {f"probability {name}": shares[:, k].round(6) for k, name in enumerate(self.classes_)}
        )

    def targets_of(self, data: Sequences, *, training: bool = False) -> np.ndarray:
        """Returns the labels of sequences as ``carrousel.data`` reads them; to learn, two classes are needed."""
        if data.y is None or training:
            data.classes()
        assert data.y is not None
        return data.y

    def _judged(self, actual: np.ndarray, predicted: np.ndarray, name: str) -> dict[str, Figure]:
        actual = actual.astype(predicted.dtype)
        title = f"{name}: {int((predicted == actual).sum())} of {len(actual)} right"
        return {"confusion": pictures.draw_confusion(actual, predicted, title=title)}

    def report(self, X: Any, y: Any) -> Report:
        """Compares the model with a logistic regression on mean and deviation, and with the most frequent class.

        The regression has each channel's mean and deviation over the steps. The simple methods learned from the same
        training data, in ``fit``; a saved model has them. Accuracy decides.
        """
        sequences = self._sequences(X)
        classes = self._numbers(y, len(sequences), "y")
        guesses = {
            self._method: self._outputs(sequences).argmax(axis=1),
            "logistic regression on mean and deviation": self.baseline_(sequences).argmax(axis=1),
            "most frequent class": np.full(len(classes), self.prior_.argmax()),
        }
        right = {method: guess == classes for method, guess in guesses.items()}
        present = np.unique(classes)
        scores = tuple(
            Score(
                method,
                method != self._method,
                {
                    "accuracy": float(hit.mean()),
                    "balanced accuracy": float(np.mean([hit[classes == k].mean() for k in present])),
                },
            )
            for method, hit in right.items()
        )
        best = max(scores[1:], key=lambda score: score.metrics["accuracy"])
        error = paired_error(right[self._method], right[best.method])
        return Report("classification", "accuracy", True, scores, len(classes), error)

    def _facts(self) -> dict[str, Any]:
        classes = _saved.labels_to_json(self.classes_)
        return {**super()._facts(), "classes": classes, "prior": self.prior_.tolist()}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.classes_ = _saved.labels_from_json(facts["classes"])
        self.prior_ = _saved.numbers(facts["prior"], len(self.classes_), "prior")
        super()._restore(facts, arrays)
