"""Sequences, or images, to classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length

from carrousel import pictures
from carrousel._format import number
from carrousel.data import Images, Sequences
from carrousel.estimators import _saved
from carrousel.estimators._baselines import LinearBaseline, fit_logistic
from carrousel.estimators._calibration import best_temperature, shares
from carrousel.estimators._report import Report, Score
from carrousel.estimators._rivals import fit_rivals
from carrousel.estimators._sequence_estimator import Part, arrays_of, paired_error
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._takes_images import TakesImages
from carrousel.estimators._weights import class_weights, item_weights, part, parts_of, without_zeros
from carrousel.nets._losses import WeightedCrossEntropy
from carrousel.training._progress import ProgressCallback

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LSTMClassifier"]


def accuracy(logits: np.ndarray, classes: np.ndarray, weights: np.ndarray | None) -> float:
    """Returns the share of items whose class has the greatest logit."""
    return float(np.average(logits.argmax(axis=1) == classes, weights=weights))


def log_loss(probable: np.ndarray, classes: np.ndarray) -> float:
    """Returns the mean of -log of the probability [N, K] of the class that it was [N], at most that of 1e-15."""
    return float(-np.log(np.maximum(probable[np.arange(len(classes)), classes], 1e-15)).mean())


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMClassifier(ClassifierMixin, TakesImages):
    """Classifies sequences with an LSTM, or any other cell of the family: LSTM, pooling over time, linear layer.

    Follows scikit-learn's conventions, so that pipelines, cross-validation and grid search work on it. Channels are
    standardised by the training data; a part of the training data is set aside to end training early and to
    choose the weights.

    Images, one array ``[N, H, W, C]`` or a list of ``[H_i, W_i, C]`` arrays, are read by multidimensional LSTM in all
    four directions (Graves, Fernández & Schmidhuber 2007): ``num_layers`` of them above each other, each over blocks of
    ``patch`` x ``patch`` places of what is below it (2 x 2 by default), the highest with ``hidden_size`` cells, each
    one below with a quarter as many. The cell ``"lstm"`` is then ``"multidimensional"``. Parameters that are for
    sequences are refused if they are given.

    Args:
        hidden_size: cells in each layer and direction.
        class_weight: None, ``"balanced"`` or ``{class: weight}``.
        calibrate: make probabilities mean what they say, by a temperature that is chosen on the validation part.

    Of pooling, patches, missing values, validation and rivals see ``SequenceEstimator``. All other parameters are those
    of the room's recipe: the options of ``carrousel.LSTM``, under their names there, and of the training
    (learning_rate, batch_size, ...); see ``carrousel.estimators.Recipe``.

    Attributes:
        classes_: class labels, sorted [K].
        n_channels_, channel_names_: channels, and their names (list of str).
        n_features_in_: channels; but T if X was a 2-D array [N, T], N sequences of one channel and T steps: then 2-D
            arrays of another width are refused, as scikit-learn wants it.
        feature_names_in_: the columns' names, if X was made of DataFrames with columns of text: then DataFrames with
            other columns, or these in another order, are refused, as scikit-learn wants it. Where the names came by
            ``channel_names``, columns in another order are put in order.
        patch_: steps in a patch.
        temperature_: by which logits are divided; 1 without ``calibrate``.
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
    >>> report = model.report(X[40:], y[40:])
    >>> report.metric, report.count
    ('accuracy', 20)
    """

    hidden_size: int = field(default=64, kw_only=False)
    dropout: float = 0.3
    class_weight: Any = None
    calibrate: bool = False

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        validation_data: tuple[Any, ...] | None = None,
        channel_names: list[str] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> LSTMClassifier:
        """Trains on the sequences X and their classes y.

        Args:
            X: list of ``[T_i, C]`` arrays or DataFrames (ragged is the normal case), one ``[N, T, C]`` array, or a 2-D
                ``[N, T]`` array of N one-channel sequences; or images, one ``[N, H, W, C]`` array or a list of
                ``[H_i, W_i, C]`` arrays.
            y: N class labels: strings, integers or booleans.
            sample_weight: N numbers, how much each sequence counts, in the loss and in everything else that is learned
                from it: 2 as if it stood there twice, 0 as if it did not. None: all alike.
            groups: N names, such as the person whose recording a sequence is: sequences of a group stay together, all
                in the validation part or none. By scikit-learn's metadata routing too.
            validation_data: ``(X, y)`` or ``(X, y, sample_weight)`` to validate on instead of a share of X.
            channel_names: C names; by default the columns' of DataFrames, or "0", "1", ...
            checkpoint: a file, rewritten in one step after every epoch, that holds all that the next epoch depends on;
                no other training can have it meanwhile.
            resume: go on from ``checkpoint`` if it is there, to the same bits as an unbroken run; a checkpoint of
                another configuration or of other data is refused (ModelError).
            progress: called with a ``Progress`` after each batch and epoch.
        """
        self._check_options()
        if self.calibrate and self.validation is None and validation_data is None:
            raise ValueError("calibrate=True needs a validation part: validation=, or validation_data")
        if y is None:
            raise ValueError("LSTMClassifier requires y to be passed, but the target y is None")
        sequences = self._read(X)
        labels = self._labels(y, len(sequences))
        weights = item_weights(sample_weight, len(sequences))
        persons = self._groups(groups, len(sequences), validation_data)
        self._check_channels(X, sequences, channel_names)
        if weights is not None:
            persons = part(persons, np.flatnonzero(weights))
            sequences, labels, weights = without_zeros(sequences, labels, weights)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"LSTMClassifier needs at least 2 classes, but y holds one class only: {labels.tolist()[0]!r}"
            )
        seed = self._draw_seed(checkpoint, resume)
        data: list[Any] = [sequences.values, sequences.extents, labels, *parts_of(weights), *parts_of(persons)]
        self.prior_ = np.bincount(numbers, weights) / (len(numbers) if weights is None else weights.sum())

        valid: Part | None
        if validation_data is not None:
            train_part, valid = np.arange(len(sequences)), self._validation(*validation_data)
            data += arrays_of(valid)
        else:
            train_part, valid = self._set_aside(sequences, numbers, weights, persons, seed, numbers)
        if self.calibrate and valid is None:
            raise ValueError(
                f"calibrate=True needs a validation part, and {len(sequences)} sequences are too few for one"
            )
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
        self.temperature_ = 1.0
        if self.calibrate and valid is not None:
            self.temperature_ = best_temperature(self._outputs(valid[0]), valid[1], valid[2])

        def linear(some: Ragged, features: str, steps: int, targets: np.ndarray, weights: Any) -> LinearBaseline:
            weighed = self._numbered_weights()
            return fit_logistic(some, features, steps, targets, len(self.classes_), weighed, weights)

        self.rivals_ = fit_rivals(self.rivals, self._plain(sequences), self.scaler_, numbers, weights, linear)
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

    def _validation(self, X: Any, y: Any, sample_weight: Any = None) -> Part:
        sequences = self._accepted(X, "validation_data's X")
        numbers = self._numbers(y, len(sequences), "validation_data's y")
        weights = item_weights(sample_weight, len(sequences))
        return (sequences, numbers, None) if weights is None else without_zeros(sequences, numbers, weights)

    def _numbers(self, y: Any, count: int, what: str) -> np.ndarray:
        """Returns the class numbers of the labels; ValueError for a label that the training data did not have."""
        labels = self._labels(y, count)
        unknown = sorted(set(labels.tolist()) - set(self.classes_.tolist()), key=str)
        if unknown:
            raise ValueError(f"{what} holds the class {unknown[0]!r}, which the training data does not have")
        return np.searchsorted(self.classes_, labels.astype(self.classes_.dtype))

    _of_classes: ClassVar[bool] = True

    @property
    def _n_outputs(self) -> int:
        return len(self.classes_)

    def _loss(self) -> WeightedCrossEntropy:
        return WeightedCrossEntropy(torch.ones(len(self.classes_)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Returns the probability of each class, in the order of ``classes_``, [N, K]."""
        return shares(self._outputs(self._sequences(X)), self.temperature_)

    def predict(self, X: Any) -> np.ndarray:
        """Returns the most probable class of each sequence, [N]."""
        chosen = self._outputs(self._sequences(X)).argmax(axis=1)
        return self.classes_[chosen]

    def table(self, data: Sequences | Images) -> pd.DataFrame:
        """Returns the class of each sequence under ``prediction``, and the probability of every class."""
        found = self.predict_proba(self._given(data.X))
        columns = {"id": data.ids, "prediction": self.classes_[found.argmax(axis=1)]}
        return pd.DataFrame(
            columns | {f"probability {name}": found[:, k].round(6) for k, name in enumerate(self.classes_)}
        )

    def targets_of(self, data: Sequences | Images, *, training: bool = False) -> np.ndarray:
        """Returns the labels of sequences as ``carrousel.data`` reads them; to learn, two classes are needed."""
        if training or not isinstance(data.y, np.ndarray):
            data.classes()
        assert isinstance(data.y, np.ndarray)
        return data.y

    def _learned(self, targets: np.ndarray) -> np.ndarray:
        return self._numbers(targets, len(targets), "y")

    def _judged(self, actual: np.ndarray, predicted: np.ndarray, name: str) -> dict[str, Figure]:
        actual = actual.astype(predicted.dtype)
        title = f"{name}: {int((predicted == actual).sum())} of {len(actual)} right"
        return {"confusion": pictures.draw_confusion(actual, predicted, title=title)}

    def report(self, X: Any, y: Any) -> Report:
        """Compares the model with simple methods; accuracy decides.

        These are a logistic regression on the steps (resampled to one length), one on summary features of each channel
        (mean, deviation, least, greatest, first, last, mean change), the nearest neighbour, the most frequent class,
        and with ``rivals="all"`` random convolutions. They learned from the same training data; a saved model has what
        they need. The log loss (lower is better) stands beside the methods that give probabilities.
        """
        sequences = self._sequences(X)
        classes = self._numbers(y, len(sequences), "y")
        plain, logits = self._plain(sequences), self._outputs(sequences)
        said = {self._method: shares(logits, self.temperature_)}
        said |= {f"logistic regression on {rival.features}": shares(rival(plain)) for rival in self.rivals_.linear}
        others, notes = self._learned_again(plain, True, lambda found, actual: float((found == actual).mean()))
        guesses = {method: probable.argmax(axis=1) for method, probable in said.items()}
        guesses |= {method: found[:, 0].astype(int) for method, found in others.items()}
        guesses["most frequent class"] = np.full(len(classes), self.prior_.argmax())
        said["most frequent class"] = np.tile(self.prior_, (len(classes), 1))
        right = {method: guess == classes for method, guess in guesses.items()}
        present = np.unique(classes)
        scores = tuple(
            Score(
                method,
                method != self._method,
                {
                    "accuracy": float(hit.mean()),
                    "balanced accuracy": float(np.mean([hit[classes == k].mean() for k in present])),
                    "log loss": log_loss(said[method], classes) if method in said else math.nan,
                },
            )
            for method, hit in right.items()
        )
        best = max(scores[1:], key=lambda score: score.metrics["accuracy"])
        error = paired_error(right[self._method], right[best.method])
        return Report("classification", "accuracy", True, scores, len(classes), error, notes)

    def _facts(self) -> dict[str, Any]:
        classes = _saved.labels_to_json(self.classes_)
        mine = {"classes": classes, "prior": self.prior_.tolist(), "temperature": self.temperature_}
        return {**super()._facts(), **mine}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.classes_ = _saved.labels_from_json(facts["classes"])
        self.prior_ = _saved.numbers(facts["prior"], len(self.classes_), "prior")
        self.temperature_ = float(number(facts.get("temperature", 1.0), "its temperature"))
        if self.temperature_ <= 0:
            raise ValueError(f"its temperature is {self.temperature_}")
        super()._restore(facts, arrays)
