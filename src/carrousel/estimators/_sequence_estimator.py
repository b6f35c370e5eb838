"""What the classifier and the regressor of sequences share: checking, splitting, training, predicting."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from carrousel import pictures
from carrousel._format import whole
from carrousel.data import DataError, File, Sequences, find, load_sequences, splits
from carrousel.data._errors import nearest
from carrousel.estimators import _saved
from carrousel.estimators._base import PREDICT_BATCH, Trainable, activations_of
from carrousel.estimators._baselines import LinearBaseline
from carrousel.estimators._features import check_features, restore_features, stored_features
from carrousel.estimators._params import lstm_options, training_options
from carrousel.estimators._report import Report
from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequences import Ragged, as_sequences
from carrousel.estimators._weights import mean_one
from carrousel.nets._losses import ItemLoss
from carrousel.nets.pooled import SequenceNet
from carrousel.training._batches import Batches, SequenceDataset
from carrousel.training._callbacks import Metric
from carrousel.training._loop import Job, train
from carrousel.training._threads import threads_worth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SequenceEstimator", "paired_error"]


@dataclass(eq=False, repr=False, kw_only=True)
class SequenceEstimator(Trainable):
    """A classifier or regressor of whole sequences.

    >>> from carrousel.data import load_sequences
    >>> from carrousel.estimators import LSTMClassifier
    >>> model = LSTMClassifier(4, max_epochs=1, random_state=0).fit_on(load_sequences("basic-motions", split="train"))
    >>> test = model.read("basic-motions")
    >>> model.report_on(test).count, len(model.table(test)), sorted(model.drawings(test))
    (40, 40, ['confusion', 'gates', 'learning-curve'])
    """

    bidirectional: bool = True
    pooling: str = "mean"
    standardise: bool = True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _sequences(self, X: Any, what: str = "X") -> Ragged:
        """Returns X as a fitted estimator accepts it."""
        self._check_fitted()
        name = type(self).__name__
        check_features(self, X, reset=False)
        sequences = as_sequences(X, channels=self.n_channels_, estimator=name, what=what)
        if None not in (sequences.flat, self._flat) and sequences.flat != self._flat:
            raise ValueError(
                f"{what} has {sequences.flat} features, but {name} is expecting {self._flat} features as input: it was "
                "fitted on a 2-D array. Sequences of another length are given as a list or as [N, T, 1]"
            )
        return sequences

    def _check_channels(self, X: Any, sequences: Ragged, names: Any) -> None:
        check_features(self, X, reset=True)
        self.n_channels_, self._flat = sequences.channels, sequences.flat
        self.n_features_in_ = sequences.channels if sequences.flat is None else sequences.flat
        if names is None:
            names = sequences.names or [str(k) for k in range(sequences.channels)]
        if len(names) != sequences.channels:
            raise ValueError(f"channel_names has {len(names)} names for {sequences.channels} channels")
        self.channel_names_ = [str(name) for name in names]

    def _train(
        self,
        sequences: Ragged,
        targets: np.ndarray,
        weights: np.ndarray | None,
        valid: tuple[Ragged, np.ndarray, np.ndarray | None] | None,
        criterion: ItemLoss,
        metric_name: str,
        metric: Metric,
        seed: int,
        identity: dict[str, Any],
        run: dict[str, Any],
    ) -> None:
        """Standardises by the training part, and trains."""
        options = training_options(self)
        of_steps = None if weights is None else np.repeat(weights, sequences.lengths)
        self.scaler_ = (
            Scaler.fit(sequences.values, of_steps) if self.standardise else Scaler.identity(sequences.channels)
        )
        job = Job(
            build=lambda: self._build(criterion),
            train=self._dataset(sequences, targets, weights),
            valid=None if valid is None else self._dataset(*valid),
            metric_name=metric_name,
            metric=metric,
        )
        self._keep(train(job, options, seed, identity=identity, **run), seed)

    def _dataset(self, sequences: Ragged, targets: np.ndarray, weights: np.ndarray | None = None) -> SequenceDataset:
        values = self.scaler_(sequences.values)
        if not np.isfinite(values).all():
            raise ValueError("X has values too large for float32; rescale it, or leave standardise=True")
        return SequenceDataset(values, sequences.lengths, targets, mean_one(weights))

    def _build(self, loss: ItemLoss | None = None) -> nn.Module:
        return SequenceNet(
            self.n_channels_,
            self._n_outputs,
            pooling=self.pooling,
            dropout=float(self.dropout),
            noise=float(self.input_noise),
            lstm=lstm_options(self),
            loss=self._loss() if loss is None else loss,
        )

    def _loss(self) -> ItemLoss:
        """Returns the loss of a network whose training is over: it says what an output means."""
        raise NotImplementedError

    @property
    def _n_outputs(self) -> int:
        raise NotImplementedError

    def _outputs(self, sequences: Ragged) -> np.ndarray:
        """Returns the network's output for every sequence, float64 [N, K]."""
        order = np.argsort(sequences.lengths, kind="stable")
        dataset = self._dataset(sequences.take(order), np.zeros(len(sequences), dtype=np.float32))
        device = next(self.network_.parameters()).device
        self.network_.eval()
        outputs = np.empty((len(sequences), self._n_outputs))
        done = 0
        with torch.no_grad(), threads_worth(self.network_, PREDICT_BATCH * float(sequences.lengths.mean())):
            for inputs, _ in Batches(dataset, PREDICT_BATCH):
                output = self.network_(inputs["input"].to(device), inputs["lengths"].to(device))
                outputs[order[done : done + len(output)]] = output.cpu().double().numpy()
                done += len(output)
        return outputs

    def read(
        self,
        source: str | Path | File,
        *,
        split: str | None = None,
        channels: list[str] | None = None,
        **options: Any,
    ) -> Sequences:
        """Reads sequences with the channels that the fitted model knows, in its order.

        Args:
            source: a name or a file, as ``carrousel.data.load_sequences`` takes it.
            split: the part of a data set; by default its test part where it has one, else all.
            channels: the columns of the input; by default the model's channels.
            **options: as ``load_sequences`` takes them: the columns ``id``, ``time``, ``label`` of a table, how it is
                written, ``max_size``.

        Raises:
            DataError: the data cannot be read, or have another number of channels.
        """
        self._check_fitted()
        known = tuple(self.channel_names_)
        if split is None:
            split = "test" if "test" in splits(source) else "all"
        found = find(source)
        if channels is None and isinstance(found, File) and found.named_columns:
            channels = list(known)
        if channels is not None:
            options["channels"] = channels
        data = load_sequences(found, split=split, **options)
        if len(data.channels) != len(known):
            raise DataError(f"{data.name}: it has {len(data.channels)} channels, the model was trained on {len(known)}")
        if data.channels != known and set(data.channels) == set(known):
            order = [data.channels.index(name) for name in known]
            data = replace(data, X=[x[:, order] for x in data.X], channels=known)
        return data

    def fit_on(self, data: Sequences, **run: Any) -> Any:
        """Trains on sequences as ``carrousel.data`` reads them; ``run`` as in ``fit``."""
        return self.fit(data.X, self.targets_of(data, training=True), channel_names=list(data.channels), **run)

    def predict(self, X: Any) -> np.ndarray:
        """Returns what is predicted for the sequences X."""
        raise NotImplementedError

    def targets_of(self, data: Sequences, *, training: bool = False) -> np.ndarray:
        """Returns the targets of sequences as ``carrousel.data`` reads them.

        Args:
            data: the sequences.
            training: whether they are to be learned.

        Raises:
            DataError: there are none, or they are none for this estimator.
        """
        raise NotImplementedError

    def report_on(self, data: Sequences) -> Report:
        """Returns ``report`` on sequences as ``carrousel.data`` reads them.

        Raises:
            DataError: they have no targets.
        """
        if data.y is None:
            raise DataError(
                f"{data.name}: there are no labels to compare with; "
                "label= in Python, --label on the command line, names their column"
            )
        return self.report(data.X, self.targets_of(data))

    def drawings(self, data: Sequences, *, layer: int = 0, sequence: str | None = None) -> dict[str, Figure]:
        """Draws the model at work: ``gates``, ``learning-curve``, and its predictions where the data have targets.

        Args:
            data: sequences as ``carrousel.data`` reads them.
            layer: the layer whose gates are drawn, from 0.
            sequence: the id of the sequence over which they are drawn; by default the first.

        Raises:
            DataError: there is no sequence of that id.
        """
        ids = [str(name) for name in data.ids]
        if sequence is not None and sequence not in ids:
            raise DataError(f"{data.name}: there is no sequence {sequence!r}{nearest(sequence, ids)}")
        row = 0 if sequence is None else ids.index(sequence)
        x, fact = data.X[row], "" if data.y is None else f", {data.y[row]!s} in fact"
        gates = pictures.draw_activations(
            self.activations(x),
            x,
            cell=self.cell,
            channels=data.channels,
            layer=layer,
            title=f"{data.name}, sequence {ids[row]}: taken for {self.predict([x])[0]!s}{fact}",
        )
        judged = {} if data.y is None else self._judged(self.targets_of(data), self.predict(data.X), data.name)
        return {"gates": gates, **judged, **super().drawings(data, layer=layer)}

    def _judged(self, actual: np.ndarray, predicted: np.ndarray, name: str) -> dict[str, Figure]:
        """Draws predictions beside what came, under the picture's name."""
        raise NotImplementedError

    def activations(self, sequence: Any) -> dict[str, np.ndarray]:
        """Returns every state, gate and candidate at every step of one sequence ``[T, C]``.

        Returns ``{"h_l0": [T, H], "c_l0": [T, H], "i_l0": ..., "h_l0_reverse": ...}``: the names of the cell's states,
        gates and candidates with the layer, and the direction where it runs backward.
        """
        sequences = self._sequences([sequence], "sequence")
        return activations_of(self.network_, self.scaler_(sequences.values))

    def _facts(self) -> dict[str, Any]:
        return {
            "channels": self.channel_names_,
            "features": stored_features(self),
            "flat": self._flat,
            "scaler": {"mean": self.scaler_.mean.tolist(), "scale": self.scaler_.scale.tolist()},
        }

    def _arrays(self) -> dict[str, np.ndarray]:
        return {f"baseline.{name}": value for name, value in self.baseline_.tensors().items()}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.channel_names_ = _saved.words(facts["channels"], "its channels")
        self.n_channels_ = len(self.channel_names_)
        self._flat = None if facts["flat"] is None else whole(facts["flat"], "its number of features", 1)
        self.n_features_in_ = self.n_channels_ if self._flat is None else self._flat
        restore_features(self, facts.get("features"))
        self.scaler_ = _saved.scaler(facts["scaler"], self.n_channels_)
        names, wide = ("mean", "scale", "weight", "bias"), (2 * self.n_channels_,)
        outputs = (self._n_outputs,)
        shapes = dict(zip(names, (wide, wide, outputs + wide, outputs), strict=True))
        self.baseline_ = LinearBaseline.from_tensors(
            {name: _saved.array(arrays, f"baseline.{name}", shape) for name, shape in shapes.items()}
        )


def paired_error(better: np.ndarray, worse: np.ndarray) -> float | None:
    """Returns the standard error of the mean difference of two methods' scores on the same items; None for one item."""
    difference = np.asarray(better, dtype=float) - np.asarray(worse, dtype=float)
    return float(difference.std(ddof=1) / math.sqrt(len(difference))) if len(difference) > 1 else None
