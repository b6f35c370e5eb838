"""What the classifier and the regressor of sequences share: checking, splitting, training, predicting."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from carrousel import pictures
from carrousel._format import whole
from carrousel.data import DataError, Sequences
from carrousel.data._errors import place_of
from carrousel.estimators import _saved
from carrousel.estimators._base import PREDICT_BATCH, activations_of
from carrousel.estimators._features import restore_features, stored_features
from carrousel.estimators._params import choice, integer, lstm_options
from carrousel.estimators._patches import folded, patches, usual_patch
from carrousel.estimators._report import Report
from carrousel.estimators._rivals import CONVOLUTIONS, KINDS, NEAREST, Rivals
from carrousel.estimators._sequence_gaps import without_gaps
from carrousel.estimators._sequence_training import TrainsOnSequences
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._summaries import resampled
from carrousel.estimators._weights import mean_one, part, parts_of
from carrousel.nets._losses import ItemLoss
from carrousel.nets.pooled import SequenceNet
from carrousel.training._batches import Batches, SequenceDataset
from carrousel.training._callbacks import Metric
from carrousel.training._loop import Job, train
from carrousel.training._threads import threads_worth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Part", "SequenceEstimator", "arrays_of", "paired_error"]

# Parameters that came after the first saved models and checkpoints, and what they were when there were none.
SINCE = {"fill": None, "channels_first": False, "validation_scheme": "random", "patch": 1}
AFTERWARDS = ("rivals", "calibrate")  # parameters that change nothing in the training of the network

Part = tuple[Ragged, np.ndarray, "np.ndarray | None"]
"""Sequences, their targets, and their weights where they do not all count alike."""


@dataclass(eq=False, repr=False, kw_only=True)
class SequenceEstimator(TrainsOnSequences):
    """A classifier or regressor of whole sequences.

    Attributes:
        pooling: one vector from all steps: ``"mean"``, ``"max"``, ``"mean-max"`` (both, side by side), ``"last"`` (each
            direction where it has read the whole sequence) or ``"attention"`` (a mean whose weights are learned).
        patch: steps that the LSTM is given at once, side by side; ``"auto"`` is 1, or as many as make the longest
            training sequence at most 64 patches long.
        rivals: beside what ``report`` sets the model: ``"linear"`` methods, the ``"nearest"`` neighbour too, or
            ``"all"``, with random convolutions (MiniRocket, by sktime), whose first use on a machine takes a minute.
            But for ``"linear"`` the model keeps training sequences, resampled to a million numbers at most, which
            whoever has the model can read.

    All others are as in ``TrainsOnSequences``.

    >>> from carrousel.data import load_sequences
    >>> from carrousel.estimators import LSTMClassifier
    >>> model = LSTMClassifier(4, max_epochs=1, random_state=0).fit_on(load_sequences("basic-motions", split="train"))
    >>> test = model.read("basic-motions")
    >>> model.report_on(test).count, len(model.table(test)), sorted(model.drawings(test))
    (40, 40, ['confusion', 'gates', 'learning-curve'])
    """

    pooling: str = "mean-max"
    patch: int | str = "auto"
    rivals: str = "nearest"

    def _check_options(self) -> None:
        """Refuses parameters out of their range, before anything is computed."""
        if self.patch != "auto":
            integer(self, "patch")
        choice(self, "rivals", KINDS)
        super()._check_options()

    def _check_channels(self, X: Any, sequences: Ragged, names: Any) -> None:
        super()._check_channels(X, sequences, names)
        self.patch_: int = usual_patch(sequences.lengths) if self.patch == "auto" else int(self.patch)

    def _set_aside(
        self, sequences: Ragged, targets: np.ndarray, weights: np.ndarray | None, groups: np.ndarray | None, seed: int,
        classes: np.ndarray | None,
    ) -> tuple[np.ndarray, Part | None]:  # fmt: skip
        """Returns the numbers of the sequences to train on, and the validation part."""
        kept, aside = self._parted(len(sequences), groups, seed, classes)
        valid = (sequences.take(aside), targets[aside], part(weights, aside)) if len(aside) else None
        return kept, valid

    def _identity(self, seed: int, data: list[Any]) -> dict[str, Any]:
        identity = super()._identity(seed, data)
        params = {name: value for name, value in identity["params"].items() if name not in AFTERWARDS}
        params["patch"] = self.patch_
        identity["params"] = {n: v for n, v in params.items() if n not in SINCE or v != SINCE[n]}
        return identity

    def _train(
        self,
        sequences: Ragged,
        targets: np.ndarray,
        weights: np.ndarray | None,
        valid: Part | None,
        criterion: ItemLoss,
        metric_name: str,
        metric: Metric,
        seed: int,
        identity: dict[str, Any],
        run: dict[str, Any],
    ) -> None:
        """Standardises by the training part, and trains."""
        self.scaler_ = self._standardised_by(sequences, weights)
        job = Job(
            build=lambda: self._build(criterion),
            train=self._dataset(sequences, targets, weights),
            valid=None if valid is None else self._dataset(*valid),
            metric_name=metric_name,
            metric=metric,
        )
        self._keep(train(job, self._settled(len(sequences)), seed, identity=identity, **run), seed)

    def _inputs(self, sequences: Ragged) -> np.ndarray:
        """Returns what the network is given of sequences, float32, one patch after the other."""
        return folded(self._scaled(sequences), sequences.lengths, self.patch_)

    def _dataset(self, sequences: Ragged, targets: np.ndarray, weights: np.ndarray | None = None) -> SequenceDataset:
        return SequenceDataset(
            self._inputs(sequences), patches(sequences.lengths, self.patch_), targets, mean_one(weights)
        )

    def _unlabelled(self, sequences: Ragged) -> SequenceDataset:
        return self._dataset(sequences, np.zeros(len(sequences), dtype=np.float32))

    def _build(self, loss: ItemLoss | None = None) -> nn.Module:
        return SequenceNet(
            self.n_channels_ * (2 if self.fill == "mask" else 1) * self.patch_,
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

    _of_classes: ClassVar[bool]  # whether targets are classes

    @property
    def _n_outputs(self) -> int:
        raise NotImplementedError

    def _outputs(self, sequences: Ragged) -> np.ndarray:
        """Returns the network's output for every sequence, float64 [N, K]."""
        order = np.argsort(sequences.lengths, kind="stable")
        dataset = self._unlabelled(sequences.take(order))
        device = next(self.network_.parameters()).device
        self.network_.eval()
        outputs = np.empty((len(sequences), self._n_outputs))
        done = 0
        with torch.no_grad(), threads_worth(self.network_, PREDICT_BATCH * float(dataset.lengths.mean())):
            for inputs, _ in Batches(dataset, PREDICT_BATCH):
                output = self.network_(inputs["input"].to(device), inputs["lengths"].to(device))
                outputs[order[done : done + len(output)]] = output.cpu().double().numpy()
                done += len(output)
        return outputs

    def _plain(self, sequences: Ragged) -> Ragged:
        """Returns sequences without gaps, as methods see them that know of none."""
        return without_gaps(sequences, self.scaler_.mean)

    def _learned_again(
        self, sequences: Ragged, classes: bool, right: Any
    ) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
        """Returns what methods say for plain sequences that learn from the examples which the model keeps.

        Beside their targets [N, D], by the name of the method, there are sentences on what could not be compared.
        """
        examples = self.rivals_.examples
        if examples is None:
            return {}, ()
        steps = examples.values.shape[1]
        scaled = replace(sequences, values=self.scaler_(sequences.values).astype(np.float64))
        values = resampled(scaled, steps).astype(np.float32)
        found = {NEAREST: examples.nearest(values, right)}
        notes = []
        if self.rivals == "all":
            try:
                found[CONVOLUTIONS] = examples.convolved(values, self.seed_, classes)
            except ImportError as error:
                notes.append(f"Not compared: {CONVOLUTIONS}, for {error}.")
        if len(examples.values) < examples.whole:
            known = f"{len(examples.values):,} of {examples.whole:,} training sequences"
            notes.append(f"Of {' and '.join(found)}: learned from {known}.")
        return found, tuple(notes)

    def fit_on(self, data: Sequences, **run: Any) -> Any:
        """Trains on sequences as ``carrousel.data`` reads them, by their weights; ``run`` as in ``fit``.

        Where the data have groups, those of a group stay together when some are set aside for validation.
        """
        run.setdefault("sample_weight", data.weights)
        return self._fit_on(data, run)

    def _fit_on(self, data: Any, run: dict[str, Any]) -> Any:
        targets = self.targets_of(data, training=True)
        if data.groups is not None and self.validation is not None and len(np.unique(data.groups)) > 1:
            run.setdefault("groups", data.groups)
        return self.fit(self._given(data.X), targets, channel_names=list(data.channels), **run)

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

    def items_on(self, data: Sequences) -> SequenceDataset:
        """Returns what the network is shown of sequences that were read; DataError if they have no targets."""
        if not isinstance(data, Sequences):
            raise DataError(f"{data.name}: error is followed through sequences, and these are images")
        if data.y is None:
            raise DataError(f"{data.name}: without labels there is no error; label=, or --label, names their column")
        sequences = self._sequences(self._given(data.X))
        return self._dataset(sequences, self._learned(self.targets_of(data)))

    def _learned(self, targets: np.ndarray) -> np.ndarray:
        """Returns targets as the network learns them."""
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
        return self.report(self._given(data.X), self.targets_of(data))

    def drawings(self, data: Sequences, *, layer: int = 0, sequence: str | None = None) -> dict[str, Figure]:
        """Draws the model at work: ``gates``, ``learning-curve``, and its predictions where the data have targets.

        Args:
            data: sequences as ``carrousel.data`` reads them.
            layer: the layer whose gates are drawn, from 0.
            sequence: the id of the sequence over which they are drawn; by default the first.

        Raises:
            DataError: there is no sequence of that id.
        """
        row = place_of(sequence, data.ids, "sequence", data.name)
        x, fact = data.X[row], "" if data.y is None else f", {data.y[row]!s} in fact"
        gates = pictures.draw_activations(
            self.activations(*self._given([x])),
            x,
            cell=self.cell,
            channels=data.channels,
            layer=layer,
            title=f"{data.name}, sequence {data.ids[row]!s}: taken for {self.predict(self._given([x]))[0]!s}{fact}",
        )
        judged = (
            {} if data.y is None else self._judged(self.targets_of(data), self.predict(self._given(data.X)), data.name)
        )
        return {"gates": gates, **judged, **super().drawings(data, layer=layer)}

    def _judged(self, actual: np.ndarray, predicted: np.ndarray, name: str) -> dict[str, Figure]:
        """Draws predictions beside what came, under the picture's name."""
        raise NotImplementedError

    def activations(self, sequence: Any) -> dict[str, np.ndarray]:
        """Returns every state, gate and candidate at every step of one sequence ``[T, C]``.

        Returns ``{"h_l0": [T, H], "c_l0": [T, H], "i_l0": ..., "h_l0_reverse": ...}``: the names of the cell's states,
        gates and candidates with the layer, and the direction where it runs backward. Steps of one patch have the same.
        """
        sequences = self._sequences([sequence], "sequence")
        found = activations_of(self.network_, self._inputs(sequences))
        return {name: np.repeat(v, self.patch_, axis=0)[: len(sequences.values)] for name, v in found.items()}

    def _facts(self) -> dict[str, Any]:
        return {
            "channels": self.channel_names_,
            "features": stored_features(self),
            "flat": self._flat,
            "patch": self.patch_,
            "rivals": self.rivals_.facts(),
            "scaler": {"mean": self.scaler_.mean.tolist(), "scale": self.scaler_.scale.tolist()},
        }

    def _arrays(self) -> dict[str, np.ndarray]:
        return self.rivals_.arrays()

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.channel_names_ = _saved.words(facts["channels"], "its channels")
        self.n_channels_ = len(self.channel_names_)
        self._flat = None if facts["flat"] is None else whole(facts["flat"], "its number of features", 1)
        self.n_features_in_ = self.n_channels_ if self._flat is None else self._flat
        restore_features(self, facts.get("features"))
        self.scaler_ = _saved.scaler(facts["scaler"], self.n_channels_)
        self.patch_ = whole(facts.get("patch", 1), "its patch", 1, 2**24)
        if "rivals" in facts:
            about = (self.n_channels_, self._n_outputs, self._of_classes)
            self.rivals_ = Rivals.restore(facts["rivals"], arrays, *about)
        else:
            self.rivals_ = Rivals.of_older(arrays, self.n_channels_, self._n_outputs)


def arrays_of(part: Part) -> list[np.ndarray]:
    """Returns a part as what a run was trained on."""
    return [part[0].values, part[0].extents, part[1], *parts_of(part[2])]


def paired_error(better: np.ndarray, worse: np.ndarray) -> float | None:
    """Returns the standard error of the mean difference of two methods' scores on the same items; None for one item."""
    difference = np.asarray(better, dtype=float) - np.asarray(worse, dtype=float)
    return float(difference.std(ddof=1) / math.sqrt(len(difference))) if len(difference) > 1 else None
